/*
 * words.c - a few questions about a text, answered from its first words.
 */
#include "sql/words.h"

#include "base/bug.h"
#include "sql/split.h"

static struct lexer_token first_of(struct lexer *lex, struct slice sql, struct lexer_mode mode)
{
	lexer_init(lex, sql, mode);
	struct lexer_token t = lexer_next(lex, NULL);
	while (lexer_is_punct(&t, ';') || lexer_is_punct(&t, '('))
		t = lexer_next(lex, NULL);
	return t;
}

struct slice words_first(struct slice sql, struct lexer_mode mode)
{
	struct lexer lex;
	struct lexer_token t = first_of(&lex, sql, mode);
	return t.kind == LEXER_WORD ? t.text : SLICE_NONE;
}

static bool is_one_of(struct slice word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (slice_ieq_str(word, words[i]))
			return true;
	return false;
}

/* CREATE TABLE AS, perhaps, or of a materialized view. */
static bool creates_from_query(struct slice sql, struct lexer_mode mode)
{
	static const char *const kinds[] = { "global", "local", "temp", "temporary", "unlogged" };
	struct lexer lex;
	struct lexer_token t = first_of(&lex, sql, mode);
	while (t.kind == LEXER_WORD &&
	       (lexer_is_word(&t, "create") || is_one_of(t.text, kinds, COUNT_OF(kinds))))
		t = lexer_next(&lex, NULL);
	return lexer_is_word(&t, "table") || lexer_is_word(&t, "materialized");
}

/* As PostgreSQL's analyze_requires_snapshot() has it; where it is not known, too. */
bool words_are_analyzed(struct slice sql, struct lexer_mode mode)
{
	static const char *const begin[] = { "select",  "insert",  "update", "delete",
					     "merge",   "values",  "table",  "with",
					     "declare", "explain", "call" };
	struct slice first = words_first(sql, mode);
	if (slice_ieq_str(first, "create"))
		return creates_from_query(sql, mode);
	return first.len == 0 || is_one_of(first, begin, COUNT_OF(begin));
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
