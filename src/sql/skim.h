/*
 * skim.h - one pass over SQL text that stops only where something may be called, created or set.
 *
 * It sees what lexer.h sees, but looks at the bytes themselves as long as nothing needs more, and
 * makes no tokens: that is what every statement of a client goes through.
 *
 * Thread: any; a skim is a value.
 */
#ifndef SQL_SKIM_H
#define SQL_SKIM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "sql/lexer.h"

enum skim_stop {
	SKIM_END,     /* of the text */
	SKIM_SEMI,    /* a semicolon outside of parentheses */
	SKIM_CALL,    /* an opening parenthesis behind a name */
	SKIM_INTO,    /* the word INTO */
	SKIM_DEFAULT, /* the word DEFAULT */
	SKIM_UPDATE,  /* the word UPDATE */
};

/* Words and names are slices of the text as they were written, with their quotes; a dotted name is
 * one, by its last two parts. */
struct skim {
	struct lexer lex; /* behind where it stopped */
	size_t depth;     /* parentheses that are open */
	bool odd;  /* there was something that the text ends in, junk, or UESCAPE of a name */
	bool call; /* stopped behind the parenthesis of a call */
	bool dot;  /* the last token was a dot behind a name */
	struct slice name; /* the last token, if it is a name or word; ")" for that; else empty */
	struct slice qualifier; /* what stood before its dot; empty: nothing */
	struct slice before;    /* the token before the name, in the same way */
	struct slice before2;   /* the one before that */
};

void skim_init(struct skim *skim, struct slice text, struct lexer_mode mode);
enum skim_stop skim_next(struct skim *skim);

#endif
