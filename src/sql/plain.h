/*
 * plain.h - is it one SELECT that calls nothing and leaves nothing? Told by the bytes that it has
 * not got, some three instructions for each, since most small queries are.
 *
 * What it is not sure of it denies: dots, comments, parentheses, most operators, INTO wherever it
 * stands. Who is denied is read word by word (sql/effect.h), and says the same of what is taken
 * here.
 *
 * Pure.
 */
#ifndef SQL_PLAIN_H
#define SQL_PLAIN_H

#include <stdbool.h>

#include "base/slice.h"
#include "sql/lexer.h"

bool plain_is_select(struct slice sql, struct lexer_mode mode);

#endif
