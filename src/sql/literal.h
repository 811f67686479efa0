/*
 * literal.h - what a token of SQL text stands for.
 *
 * Thread: any.
 */
#ifndef SQL_LITERAL_H
#define SQL_LITERAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"
#include "sql/lexer.h"

#define LITERAL_NAME_BYTES 64 /* an identifier is cut to 63; a zero goes behind it */

/* An identifier as PostgreSQL keeps it: small letters unless it is in double quotes, cut to 63
 * bytes where a character of UTF-8 ends. Gives its length, or 0 where it cannot be read: no
 * identifier, one without end, an empty one, U&"...". */
size_t literal_name(const struct lexer_token *token, char out[LITERAL_NAME_BYTES]);

/* May a byte of it that looks like a letter or a backslash be half of a character? Then it cannot
 * be read, and neither can a name be folded. */
bool literal_is_obscure(struct slice text, struct lexer_mode mode);

/* Adds the text of a string constant ('...', E'...', N'...', $tag$...$tag$) to `out`, which may be
 * NULL. False, with nothing added: it cannot be read (no such token, no end, U&'...', what needs
 * to know an encoding, a zero byte). */
bool literal_string(const struct lexer_token *token, struct lexer_mode mode, struct buf *out);

#endif
