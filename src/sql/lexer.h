/*
 * lexer.h - SQL text cut into tokens as PostgreSQL's own scanner would cut it.
 *
 * The text is a slice, nothing is allocated, and every byte belongs to exactly one token: the
 * tokens laid end to end are the text. It never fails. What PostgreSQL would refuse is a token all
 * the same: a literal or comment that the text ends in is `open`, a number with letters on its end
 * is one number, a byte that begins nothing is LEXER_JUNK.
 *
 * How a string reads depends on the session: struct lexer_mode. All zeros is the usual case
 * (standard_conforming_strings on, an encoding in which ASCII bytes are always ASCII).
 *
 * Thread: any; a lexer is a value, and a copy of it is a bookmark.
 */
#ifndef SQL_LEXER_H
#define SQL_LEXER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

#define LEXER_KINDS(X)                                                                             \
	X(END, "end")           /* no more text */                                                 \
	X(SPACE, "space")       /* a run of it */                                                  \
	X(COMMENT, "comment")   /* to the end of the line, or nested between slashes and stars */  \
	X(WORD, "word")         /* an identifier or keyword without quotes */                      \
	X(QUOTED, "quoted")     /* "identifier", also U&"..." */                                   \
	X(NUMBER, "number")     /* without its sign */                                             \
	X(STRING, "string")     /* '...', E'...', N'...', U&'...', and what continues it */        \
	X(BITS, "bits")         /* B'...' and X'...' */                                            \
	X(DOLLAR, "dollar")     /* $tag$...$tag$ */                                                \
	X(PARAM, "param")       /* $1 */                                                           \
	X(OPERATOR, "operator") /* one or several of + - * / < > = ~ ! @ # % ^ & | ` ? */          \
	X(PUNCT, "punct")       /* ( ) [ ] , ; . : and .. :: := => */                              \
	X(JUNK, "junk")         /* begins nothing */

#define LEXER_KIND_ENUM_(kind, name) LEXER_##kind,
enum lexer_kind { LEXER_KINDS(LEXER_KIND_ENUM_) LEXER_KIND_COUNT };
#undef LEXER_KIND_ENUM_

/* Client encodings in which a byte that looks like a backslash may be half of a character. */
enum lexer_encoding {
	LEXER_ENCODING_PLAIN,  /* UTF8, LATINn, WINnnnn, EUC_xx, ...: no such thing */
	LEXER_ENCODING_PAIRED, /* BIG5, GBK, GB18030, UHC, JOHAB: a high byte and whatever follows
				*/
	LEXER_ENCODING_SJIS,   /* the same, but for its one-byte katakana */
};

struct lexer_mode {
	bool backslashes; /* standard_conforming_strings is off */
	enum lexer_encoding encoding;
};

struct lexer_token {
	enum lexer_kind kind;
	bool open;      /* the text ends before the token does */
	uint32_t param; /* LEXER_PARAM: its number, at most UINT32_MAX */
	struct slice text;
};

struct lexer {
	struct slice rest;
	struct lexer_mode mode;
};

const char *lexer_kind_name(enum lexer_kind kind);
enum lexer_encoding lexer_encoding_of(struct slice client_encoding);

void lexer_init(struct lexer *lex, struct slice text, struct lexer_mode mode);

/* The next token of any kind. */
struct lexer_token lexer_any(struct lexer *lex);

/* The next one that is neither space nor comment; *gap (may be NULL) says whether some was skipped.
 */
struct lexer_token lexer_next(struct lexer *lex, bool *gap);

static inline bool lexer_is_word(const struct lexer_token *t, const char *word)
{
	return t->kind == LEXER_WORD && slice_ieq_str(t->text, word);
}

static inline bool lexer_is_punct(const struct lexer_token *t, char c)
{
	return t->kind == LEXER_PUNCT && t->text.len == 1 && t->text.ptr[0] == c;
}

/* A literal: a number or any kind of string. */
bool lexer_is_literal(const struct lexer_token *t);

#endif
