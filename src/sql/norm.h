/*
 * norm.h - the normal form of SQL text: its shape, without its values.
 *
 * - Every literal becomes $n, numbered after the highest parameter that the text has itself.
 *   That includes passwords, dollar-quoted bodies, and a literal in whose middle the text was cut.
 * - A list of values after IN, or in ARRAY[...], becomes `($1, ...)`, and the rows of VALUES
 *   after the first become `...`.
 * - In SET, and in ALTER ... SET, a value without quotes is a value too.
 * - Comments are dropped, a run of space becomes one, semicolons at the end go.
 * - What is longer than max_bytes is cut after a token and ends in "...".
 * A text in normal form is its own normal form.
 *
 * It works on tokens and does not parse: identifiers stay, also one in double quotes that
 * was meant as a string. Where the server refused the text itself (42601) nobody can say what in
 * it is a literal, and where the server never saw it norm_is_doubtful() tells whether its quotes
 * look like a mistake ('it's a secret'): show norm_head() of it then.
 *
 * Thread: any.
 */
#ifndef SQL_NORM_H
#define SQL_NORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"
#include "sql/lexer.h"

struct norm_options {
	struct lexer_mode mode;
	size_t max_bytes; /* of what is added to the buffer; 0: no bound */
	bool cut;         /* the text is but the head of a longer one */
};

/* Adds the normal form to `out`. Says whether it was cut (then it ends in "..."). */
bool norm_write(struct slice sql, const struct norm_options *options, struct buf *out);

/* Adds what two texts of the same shape have in common: as above, but each literal and parameter is
 * `?`, a list of one is as good as a list of many, letters are small, and tokens have one space
 * between them. */
void norm_write_key(struct slice sql, const struct norm_options *options, struct buf *out);

/* Are there quotes that do not look as if they were meant so? A string that touches a word or a
 * number, one that the text ends in although it is not cut, a byte that begins nothing. */
bool norm_is_doubtful(struct slice sql, const struct norm_options *options);

/* Adds the first keyword and "...". */
void norm_head(struct slice sql, const struct norm_options *options, struct buf *out);

#endif
