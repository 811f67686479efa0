/*
 * defaults.h - commands that change which settings sessions begin with: ALTER ROLE and ALTER
 * DATABASE, with SET or RESET.
 *
 * Thread: any.
 */
#ifndef SQL_DEFAULTS_H
#define SQL_DEFAULTS_H

#include <stdbool.h>

#include "base/slice.h"
#include "sql/lexer.h"
#include "sql/literal.h"

/* Is the statement such a command? Then `role` is whose sessions it is about, as PostgreSQL keeps
 * the name; empty: those of anybody, or it cannot be read. */
bool defaults_altered(struct slice statement, struct lexer_mode mode,
		      char role[LITERAL_NAME_BYTES]);

/* May code in a string have one run? It names them in plain letters. */
bool defaults_are_in(struct slice code);

#endif
