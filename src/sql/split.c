/*
 * split.c - where one statement ends and the next begins.
 */
#include "sql/split.h"

/* CREATE [OR REPLACE] FUNCTION | PROCEDURE, word by word: only there BEGIN ATOMIC opens a body. */
enum split_head {
	HEAD_START,
	HEAD_CREATE,
	HEAD_OR,
	HEAD_REPLACE,
	HEAD_ROUTINE, /* seen: stays */
	HEAD_OTHER,   /* not one: stays */
};

struct split_state {
	enum split_head head;
	size_t parens; /* open ones */
	size_t blocks; /* BEGIN ATOMIC and CASE not ended yet */
	bool begin;    /* the last word was BEGIN */
};

void split_init(struct split *split, struct slice sql, struct lexer_mode mode)
{
	lexer_init(&split->lex, sql, mode);
}

static enum split_head head_after(enum split_head head, const struct lexer_token *t)
{
	switch (head) {
	case HEAD_START:
		return lexer_is_word(t, "create") ? HEAD_CREATE : HEAD_OTHER;
	case HEAD_CREATE:
		if (lexer_is_word(t, "or"))
			return HEAD_OR;
		break;
	case HEAD_OR:
		return lexer_is_word(t, "replace") ? HEAD_REPLACE : HEAD_OTHER;
	case HEAD_REPLACE:
		break;
	case HEAD_ROUTINE:
	case HEAD_OTHER:
		return head;
	}
	bool routine = lexer_is_word(t, "function") || lexer_is_word(t, "procedure");
	return routine ? HEAD_ROUTINE : HEAD_OTHER;
}

static void state_word(struct split_state *st, const struct lexer_token *t)
{
	bool after_begin = st->begin;
	st->begin = lexer_is_word(t, "begin");
	if (st->head != HEAD_ROUTINE || st->parens > 0)
		return;
	if ((after_begin && lexer_is_word(t, "atomic")) ||
	    (st->blocks > 0 && lexer_is_word(t, "case")))
		st->blocks++;
	else if (st->blocks > 0 && lexer_is_word(t, "end"))
		st->blocks--;
}

static void state_token(struct split_state *st, const struct lexer_token *t)
{
	st->head = head_after(st->head, t);
	if (t->kind == LEXER_WORD)
		state_word(st, t);
	else if (lexer_is_punct(t, '('))
		st->parens++;
	else if (lexer_is_punct(t, ')') && st->parens > 0)
		st->parens--;
}

static bool ends_statement(const struct split_state *st, const struct lexer_token *t)
{
	return t->kind == LEXER_END ||
	       (lexer_is_punct(t, ';') && st->parens == 0 && st->blocks == 0);
}

bool split_next(struct split *split, struct split_statement *out)
{
	struct lexer_token t = lexer_next(&split->lex, NULL);
	while (lexer_is_punct(&t, ';'))
		t = lexer_next(&split->lex, NULL);
	if (t.kind == LEXER_END)
		return false;
	const char *start = t.text.ptr;
	const char *end = start;
	struct split_state st = { .head = HEAD_START };
	*out = (struct split_statement){ .first = SLICE_NONE };
	for (size_t n = 0; !ends_statement(&st, &t); n++) {
		if (n == 0 && t.kind == LEXER_WORD)
			out->first = t.text;
		if (n == 1 && t.kind == LEXER_WORD && out->first.len > 0)
			out->second = t.text;
		end = t.text.ptr + t.text.len;
		out->open |= t.open;
		state_token(&st, &t);
		t = lexer_next(&split->lex, NULL);
	}
	out->text = slice_make(start, (size_t)(end - start));
	out->open |= st.parens > 0 || st.blocks > 0;
	return true;
}

size_t split_count(struct slice sql, struct lexer_mode mode)
{
	struct split split;
	struct split_statement statement;
	size_t n = 0;
	split_init(&split, sql, mode);
	while (split_next(&split, &statement))
		n++;
	return n;
}
