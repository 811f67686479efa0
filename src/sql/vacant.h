/*
 * vacant.h - commands for which nobody may be connected to a database: DROP DATABASE, CREATE
 * DATABASE (to its template), ALTER DATABASE ... RENAME TO and SET TABLESPACE.
 *
 * Thread: any.
 */
#ifndef SQL_VACANT_H
#define SQL_VACANT_H

#include <stdbool.h>

#include "base/slice.h"
#include "sql/lexer.h"
#include "sql/literal.h"

/* Is the text such a command, and nothing else (PostgreSQL takes them alone)? Then `name` is that
 * database, as PostgreSQL keeps it. False also where it cannot be read. */
bool vacant_database(struct slice sql, struct lexer_mode mode, char name[LITERAL_NAME_BYTES]);

#endif
