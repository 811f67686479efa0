/*
 * words.c - a few questions about a text, answered from its first words.
 */
#include "sql/words.h"

#include "base/bug.h"
#include "sql/split.h"

struct slice words_first(struct slice sql, struct lexer_mode mode)
{
	struct lexer lex;
	lexer_init(&lex, sql, mode);
	struct lexer_token t = lexer_next(&lex, NULL);
	while (lexer_is_punct(&t, ';') || lexer_is_punct(&t, '('))
		t = lexer_next(&lex, NULL);
	return t.kind == LEXER_WORD ? t.text : SLICE_NONE;
}

/* What a statement begins with of which PostgreSQL's analyze_requires_snapshot() says so, and which
 * may be one. */
bool words_are_analyzed(struct slice sql, struct lexer_mode mode)
{
	static const char *const begin[] = { "select",  "insert",  "update", "delete",
					     "merge",   "values",  "table",  "with",
					     "declare", "explain", "create", "call" };
	struct slice first = words_first(sql, mode);
	for (size_t i = 0; i < COUNT_OF(begin); i++)
		if (slice_ieq_str(first, begin[i]))
			return true;
	return first.len == 0;
}

static bool is_begin(const struct split_statement *s)
{
	if (slice_ieq_str(s->first, "begin"))
		return true;
	return slice_ieq_str(s->first, "start") && slice_ieq_str(s->second, "transaction");
}

bool words_has_begin(struct slice sql, struct lexer_mode mode)
{
	struct split split;
	struct split_statement statement;
	split_init(&split, sql, mode);
	while (split_next(&split, &statement))
		if (is_begin(&statement))
			return true;
	return false;
}

bool words_is_empty(struct slice sql, struct lexer_mode mode)
{
	struct split split;
	struct split_statement statement;
	split_init(&split, sql, mode);
	return !split_next(&split, &statement);
}
