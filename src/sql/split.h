/*
 * split.h - the statements of a text, between its top-level semicolons.
 *
 * A semicolon in parentheses (CREATE RULE) or in the BEGIN ATOMIC ... END body of a function
 * ends nothing. Statements of nothing but space and comments are passed over.
 *
 * Thread: any.
 */
#ifndef SQL_SPLIT_H
#define SQL_SPLIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "sql/lexer.h"

struct split {
	struct lexer lex;
};

struct split_statement {
	struct slice text;   /* from its first token to its last, without the semicolon */
	struct slice first;  /* its first word, empty where it does not begin with one */
	struct slice second; /* the word right after that, empty where there is none */
	bool open;           /* the text ends inside a literal, parentheses or a body */
};

void split_init(struct split *split, struct slice sql, struct lexer_mode mode);
bool split_next(struct split *split, struct split_statement *out);

size_t split_count(struct slice sql, struct lexer_mode mode);

#endif
