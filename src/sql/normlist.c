/*
 * normlist.c - looks ahead over a list of values with a copy of the lexer.
 */
#include "sql/normlist.h"

#include "base/bug.h"

#define TUPLES_MAX 2 /* parentheses within parentheses */

static size_t list(struct lexer *lex, char close, int depth, struct lexer *first_end);

/* Takes the next token off where it is this one. */
static bool take_punct(struct lexer *lex, char c)
{
	struct lexer ahead = *lex;
	struct lexer_token t = lexer_next(&ahead, NULL);
	if (!lexer_is_punct(&t, c))
		return false;
	*lex = ahead;
	return true;
}

/* Semicolons at the end of the text are not there: the normal form drops them. */
static bool at_end(struct lexer lex)
{
	struct lexer_token t = lexer_next(&lex, NULL);
	while (lexer_is_punct(&t, ';'))
		t = lexer_next(&lex, NULL);
	return t.kind == LEXER_END;
}

static bool is_plain_word(const struct lexer_token *t)
{
	return lexer_is_word(t, "null") || lexer_is_word(t, "true") || lexer_is_word(t, "false") ||
	       lexer_is_word(t, "default");
}

static bool take_tuple(struct lexer *lex, int depth)
{
	if (depth >= TUPLES_MAX || list(lex, ')', depth + 1, NULL) == 0)
		return false;
	return take_punct(lex, ')') || at_end(*lex);
}

static bool take_bare_value(struct lexer *lex, int depth)
{
	struct lexer_token t = lexer_next(lex, NULL);
	if (t.kind == LEXER_OPERATOR && t.text.len == 1 &&
	    (t.text.ptr[0] == '-' || t.text.ptr[0] == '+')) {
		t = lexer_next(lex, NULL);
		return t.kind == LEXER_NUMBER;
	}
	if (lexer_is_literal(&t) || t.kind == LEXER_PARAM || is_plain_word(&t))
		return true;
	if (t.kind == LEXER_WORD)
		return take_punct(lex, '(') && take_punct(lex, ')');
	return lexer_is_punct(&t, '(') && take_tuple(lex, depth);
}

static bool take_value(struct lexer *lex, int depth)
{
	if (!take_bare_value(lex, depth))
		return false;
	struct lexer ahead = *lex;
	struct lexer_token t = lexer_next(&ahead, NULL);
	if (t.kind == LEXER_PUNCT && slice_eq_str(t.text, "::")) {
		t = lexer_next(&ahead, NULL);
		if (t.kind == LEXER_WORD)
			*lex = ahead;
	}
	return true;
}

/* Is one token left, or none: the half of a value that the text was cut in? */
static bool take_rest(struct lexer *lex)
{
	lexer_next(lex, NULL);
	return at_end(*lex);
}

/* Takes values up to `close`, which is left, or to the end of the text. How many; 0: no list. */
static size_t list(struct lexer *lex, char close, int depth, struct lexer *first_end)
{
	for (size_t count = 1;; count++) {
		struct lexer before = *lex;
		if (!take_value(lex, depth)) {
			*lex = before;
			return count > 1 && take_rest(lex) ? count : 0;
		}
		if (count == 1 && first_end)
			*first_end = *lex;
		struct lexer ahead = *lex;
		if (take_punct(&ahead, close) || at_end(*lex))
			return count;
		if (!take_punct(lex, ','))
			return 0;
	}
}

bool normlist_values(const struct lexer *at, char close, struct normlist *out)
{
	out->end = *at;
	out->count = list(&out->end, close, 0, &out->first_end);
	return out->count > 0;
}

static bool take_row(struct lexer *lex)
{
	return list(lex, ')', 0, NULL) > 0 && (take_punct(lex, ')') || at_end(*lex));
}

bool normlist_rows(const struct lexer *at, struct normlist *out)
{
	out->end = *at;
	out->count = 1;
	if (!take_row(&out->end))
		return false;
	out->first_end = out->end;
	for (struct lexer ahead = out->end; take_punct(&ahead, ','); out->count++) {
		if (!at_end(ahead) &&
		    !(take_punct(&ahead, '(') && (at_end(ahead) || take_row(&ahead))))
			break;
		out->end = ahead;
	}
	return true;
}
