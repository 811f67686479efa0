/*
 * normlist.h - lists of plain values, which the normal form folds.
 *
 * A value is a literal, a parameter, NULL, TRUE, FALSE, DEFAULT, a call without arguments, or a
 * tuple of these, with a cast or without. A list that the text ends in counts as if it were closed.
 *
 * Thread: any.
 */
#ifndef SQL_NORMLIST_H
#define SQL_NORMLIST_H

#include <stdbool.h>
#include <stddef.h>

#include "sql/lexer.h"

struct normlist {
	size_t count;           /* of values, or rows */
	struct lexer first_end; /* behind the first one */
	struct lexer end;       /* behind the last one, before what closes the list */
};

/* `at` is behind the opening bracket. False: this is no list of values. */
bool normlist_values(const struct lexer *at, char close, struct normlist *out);

/* `at` is behind the opening parenthesis of the first row after VALUES. Rows after the
 * last plain one are not part of it. */
bool normlist_rows(const struct lexer *at, struct normlist *out);

#endif
