/*
 * naming.h - does a text have one of certain names in it?
 *
 * An identifier with or without quotes, as PostgreSQL would keep it, or an operator. Whatever it
 * stands for there: a table, a column, an alias.
 *
 * Thread: any.
 */
#ifndef SQL_NAMING_H
#define SQL_NAMING_H

#include <stdbool.h>

#include "base/map.h"
#include "base/slice.h"
#include "sql/lexer.h"

/* Is one of the `names` in it, or one that cannot be read? `any_letters`: there are names with
 * letters beyond ASCII, which may be in another encoding: every identifier with such counts. */
bool naming_has(struct slice sql, struct lexer_mode mode, const struct map *names,
		bool any_letters);

/* Is there a letter beyond ASCII? */
bool naming_is_foreign(struct slice name);

#endif
