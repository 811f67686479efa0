/*
 * effect_parts.h - what the files that make up effect.h share.
 *
 * Thread: any.
 */
#ifndef SQL_EFFECT_PARTS_H
#define SQL_EFFECT_PARTS_H

#include "sql/effect.h"

/* A word that others are held against, in small letters; for tables. */
#define EFFECT_WORD(text)                                                                          \
	{                                                                                          \
		.ptr = (text), .len = sizeof(text) - 1                                             \
	}

/* Is it that word? Most are not, and differ in length or the first letter. */
static inline bool effect_parts_is(struct slice s, struct slice word)
{
	return s.len == word.len && (s.ptr[0] | 0x20) == (word.ptr[0] | 0x20) && slice_ieq(s, word);
}

/* ---- effect_set.c: settings ---- */

/* A statement SET or RESET; `lex` is behind that word, and ends where the statement does. */
void effect_set_read_set(struct lexer lex, struct effect *out);
void effect_set_read_reset(struct lexer lex, struct effect *out);

/* One more setting; `how` has its form and value. A name that is empty or too long cannot be read.
 */
void effect_set_add(struct effect *out, struct slice name, bool local,
		    const struct effect_setting *how);

/* effect_value() */
void effect_set_write(const struct effect_setting *setting, struct buf *out);

/* What is set is not known to happen: ask for it afterwards. */
void effect_set_doubt(struct effect *out);

/* ---- effect_call.c: set_config ---- */

/* A call of it somewhere in a statement; `lex` is behind the parenthesis. */
void effect_call_read(struct lexer lex, struct effect *out);

/* A statement that does nothing but SELECT set_config(...), ...; *lex is behind SELECT. Says
 * whether it is one; then it is read, and *lex is where it ends: at its semicolon or the end. */
bool effect_call_read_all(struct lexer *lex, struct effect *out);

/* ---- effect_word.c: statements by their first words ---- */

/* A statement that begins with a word other than of a query; out->text is the statement. */
void effect_word_read(struct lexer_mode mode, struct effect *out);

/* Is it pg_temp or one of its kind, or may it be? */
bool effect_word_is_temp_schema(const struct lexer_token *t);

/* ---- effect_query.c: what a query calls and creates ---- */

/* Is it a word that a query begins with? */
bool effect_query_begins(struct slice word);

/* A query from where *lex stands to its semicolon, at which *lex then is. */
void effect_query_read(struct lexer *lex, struct effect *out);

/* The calls in any other statement, from where `lex` stands to where it ends. */
void effect_query_scan(struct lexer lex, struct effect *out);

#endif
