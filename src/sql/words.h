/*
 * words.h - what the proxy asks of a text without wanting to know SQL.
 *
 * Thread: any.
 */
#ifndef SQL_WORDS_H
#define SQL_WORDS_H

#include <stdbool.h>

#include "base/slice.h"
#include "sql/lexer.h"

/* The first keyword, behind space, comments, semicolons and opening parentheses; empty where there
 * is none. */
struct slice words_first(struct slice sql, struct lexer_mode mode);

/* Does any statement of the text begin a transaction block: BEGIN, START TRANSACTION? */
bool words_has_begin(struct slice sql, struct lexer_mode mode);

/* Is it one whose expressions PostgreSQL reads when it is prepared? All of any other (SET, LOCK,
 * COPY) it reads when it is run. */
bool words_are_analyzed(struct slice sql, struct lexer_mode mode);

/* Is there no statement at all, so that the server answers EmptyQueryResponse? */
bool words_is_empty(struct slice sql, struct lexer_mode mode);

#endif
