/*
 * effect_query.c - queries: what they call, and whether they create a table.
 */
#include <string.h>

#include "sql/calls.h"
#include "sql/effect_parts.h"
#include "sql/skim.h"

/* A word and the one before it, which make of a name and a parenthesis something else than a call.
 */
struct pair {
	struct slice before, word;
};

#define PAIR(before_, word_)                                                                       \
	{                                                                                          \
		.before = EFFECT_WORD(before_), .word = EFFECT_WORD(word_)                         \
	}

static const struct pair pairs[] = {
	PAIR(")", "filter"),      PAIR(")", "over"),       PAIR("on", "conflict"),
	PAIR("grouping", "sets"), PAIR("then", "insert"),  PAIR("group", "by"),
	PAIR("order", "by"),      PAIR("partition", "by"), PAIR("by", "rollup"),
	PAIR("by", "cube"),       PAIR("time", "zone"),    PAIR("character", "varying"),
	PAIR("char", "varying"),  PAIR("bit", "varying"),  PAIR("primary", "key"),
	PAIR("foreign", "key"),   PAIR("fetch", "first"),  PAIR("fetch", "next"),
};

/* Words behind which a name is not called: it is what something shall be named, or a table. */
static const struct slice namers[] = {
	EFFECT_WORD("as"),    EFFECT_WORD("into"),      EFFECT_WORD("copy"),
	EFFECT_WORD("table"), EFFECT_WORD("exists"),    EFFECT_WORD("references"),
	EFFECT_WORD("with"),  EFFECT_WORD("recursive"),
};

static const struct slice begins[] = {
	EFFECT_WORD("select"), EFFECT_WORD("insert"), EFFECT_WORD("update"), EFFECT_WORD("delete"),
	EFFECT_WORD("with"),   EFFECT_WORD("values"), EFFECT_WORD("table"),  EFFECT_WORD("merge"),
};

bool effect_query_begins(struct slice word)
{
	for (size_t i = 0; i < COUNT_OF(begins); i++)
		if (effect_parts_is(word, begins[i]))
			return true;
	return false;
}

static bool is_named(struct slice before)
{
	for (size_t i = 0; i < COUNT_OF(namers); i++)
		if (effect_parts_is(before, namers[i]))
			return true;
	return false;
}

static bool is_pair(const struct skim *s)
{
	for (size_t i = 0; i < COUNT_OF(pairs); i++)
		if (effect_parts_is(s->name, pairs[i].word) &&
		    effect_parts_is(s->before, pairs[i].before))
			return true;
	/* WITH x AS NOT MATERIALIZED (...) */
	return slice_ieq_str(s->name, "materialized") && slice_ieq_str(s->before, "not") &&
	       slice_ieq_str(s->before2, "as");
}

/* Reads a word or quoted identifier of the skim; 0: cannot be read. */
static size_t read_name(struct slice text, char out[LITERAL_NAME_BYTES])
{
	bool word = text.ptr[0] != '"' && !(text.len > 2 && text.ptr[1] == '&');
	struct lexer_token t = { .kind = word ? LEXER_WORD : LEXER_QUOTED, .text = text };
	return literal_name(&t, out);
}

/* JOIN (, LIKE ( and their kind are keywords where something stands before them that cannot stand
 * before an expression. */
static bool is_operator_word(struct slice before)
{
	static const char *const leads[] = { "by", "rows", "range", "groups", "escape", "zone" };
	char name[LITERAL_NAME_BYTES];
	if (before.len == 0)
		return false;
	if (before.ptr[0] == ')' || before.ptr[0] == '"')
		return true;
	for (size_t i = 0; i < COUNT_OF(leads); i++)
		if (slice_ieq_str(before, leads[i]))
			return false;
	size_t n = read_name(before, name);
	return n > 0 && calls_find(slice_make(name, n)) != CALLS_WORD;
}

static void note_known(const struct skim *s, enum calls_kind kind, struct effect *out)
{
	switch (kind) {
	case CALLS_PURE:
	case CALLS_WORD:
	case CALLS_BOTH:
		break;
	case CALLS_NONE:
		if (!is_pair(s))
			out->set |= EFFECT(CALLS);
		break;
	case CALLS_TYPE:
		if (!is_operator_word(s->before))
			out->set |= EFFECT(CALLS);
		break;
	case CALLS_LOCK:
		out->set |= EFFECT(LOCK);
		break;
	case CALLS_FREE:
		out->set |= EFFECT(UNLOCK);
		break;
	case CALLS_READ:
		out->set |= EFFECT(SEQUENCE_READ);
		break;
	case CALLS_NEXT:
		out->set |= EFFECT(SEQUENCE_MOVE);
		break;
	case CALLS_TELL:
		out->set |= EFFECT(NOTIFY);
		break;
	case CALLS_HEAR:
		out->set |= EFFECT(LISTENING);
		break;
	case CALLS_LINK: /* or somebody's own */
		out->set |= EFFECT(LINK) | EFFECT(CALLS);
		break;
	case CALLS_SEED:
		out->set |= EFFECT(SEED);
		break;
	case CALLS_BIND:
		out->set |= EFFECT(BIND);
		break;
	case CALLS_CONF:
		effect_call_read(s->lex, out);
		break;
	}
}

/* What the name of a call is. With quotes or a schema it is never a keyword. */
static enum calls_kind kind_of(const struct skim *s)
{
	char name[LITERAL_NAME_BYTES];
	bool plain = s->name.ptr[0] != '"';
	bool foreign = false;
	if (s->qualifier.len > 0) {
		size_t n = read_name(s->qualifier, name);
		foreign = !slice_eq_str(slice_make(name, n), "pg_catalog");
		plain = false;
	}
	size_t n = read_name(s->name, name);
	enum calls_kind kind = calls_find(slice_make(name, n));
	if (foreign)
		return kind == CALLS_LINK ? kind : CALLS_NONE;
	if (!plain && (kind == CALLS_WORD || kind == CALLS_TYPE))
		return CALLS_NONE;
	return kind;
}

static void note_call(const struct skim *s, struct effect *out)
{
	if (!is_named(s->before))
		note_known(s, kind_of(s), out);
}

/* SELECT ... INTO [TEMP] [TABLE] name; INSERT INTO and MERGE INTO may take the next number. */
static void note_into(const struct skim *s, struct effect *out)
{
	if (slice_ieq_str(s->before, "insert") || slice_ieq_str(s->before, "merge")) {
		out->set |= EFFECT(SEQUENCE_MOVE);
		return;
	}
	struct lexer lex = s->lex;
	struct lexer_token t = lexer_next(&lex, NULL);
	if (lexer_is_word(&t, "local") || lexer_is_word(&t, "global"))
		t = lexer_next(&lex, NULL);
	if (lexer_is_word(&t, "unlogged"))
		t = lexer_next(&lex, NULL);
	if (lexer_is_word(&t, "table"))
		t = lexer_next(&lex, NULL);
	bool temp = lexer_is_word(&t, "temp") || lexer_is_word(&t, "temporary") ||
		    effect_word_is_temp_schema(&t);
	out->set |= temp ? EFFECT(TEMP) : EFFECT(CREATE);
}

/* UPDATE [ONLY] [schema.]pg_settings is a set_config() for each of its rows. */
static void note_update(const struct skim *s, struct effect *out)
{
	char name[LITERAL_NAME_BYTES];
	struct lexer lex = s->lex;
	struct lexer_token t = lexer_next(&lex, NULL);
	if (lexer_is_word(&t, "only"))
		t = lexer_next(&lex, NULL);
	if (lexer_is_punct(&t, '('))
		t = lexer_next(&lex, NULL);
	struct lexer_token dot = lexer_next(&lex, NULL);
	while (lexer_is_punct(&dot, '.')) {
		t = lexer_next(&lex, NULL);
		dot = lexer_next(&lex, NULL);
	}
	size_t n = literal_name(&t, name);
	if (n ? strcmp(name, "pg_settings") == 0 : t.kind == LEXER_QUOTED)
		out->set |= EFFECT(SETTING_UNREAD);
}

/* SELECT set_config(...): the first call of the query, and right behind its first word? */
static bool is_first_call(const struct skim *s, const struct lexer *start)
{
	struct lexer lex = *start;
	struct lexer_token first = lexer_next(&lex, NULL);
	return s->depth == 1 && lexer_is_word(&first, "select") &&
	       s->before.ptr == first.text.ptr && slice_ieq_str(s->name, "set_config");
}

void effect_query_read(struct lexer *lex, struct effect *out)
{
	struct skim skim;
	struct lexer start = *lex;
	skim_init(&skim, lex->rest, lex->mode);
	for (;;) {
		switch (skim_next(&skim)) {
		case SKIM_SEMI:
			lex->rest = slice_make(skim.lex.rest.ptr - 1, skim.lex.rest.len + 1);
			out->set |= skim.odd ? EFFECT(UNREAD) : 0;
			return;
		case SKIM_END:
			lex->rest = skim.lex.rest;
			out->set |= skim.odd || skim.depth > 0 ? EFFECT(UNREAD) : 0;
			return;
		case SKIM_INTO:
			note_into(&skim, out);
			break;
		case SKIM_DEFAULT: /* UPDATE ... SET a = DEFAULT */
			out->set |= EFFECT(SEQUENCE_MOVE);
			break;
		case SKIM_UPDATE:
			note_update(&skim, out);
			break;
		case SKIM_CALL:
			if (is_first_call(&skim, &start)) {
				lexer_next(&start, NULL);
				*lex = start;
				if (effect_call_read_all(lex, out))
					return;
			}
			note_call(&skim, out);
			break;
		}
	}
}

void effect_query_scan(struct lexer lex, struct effect *out)
{
	struct skim skim;
	skim_init(&skim, lex.rest, lex.mode);
	for (;;) {
		switch (skim_next(&skim)) {
		case SKIM_SEMI:
			break;
		case SKIM_END:
			out->set |= skim.odd ? EFFECT(UNREAD) : 0;
			return;
		case SKIM_INTO:
			note_into(&skim, out);
			break;
		case SKIM_DEFAULT: /* UPDATE ... SET a = DEFAULT */
			out->set |= EFFECT(SEQUENCE_MOVE);
			break;
		case SKIM_UPDATE:
			note_update(&skim, out);
			break;
		case SKIM_CALL:
			note_call(&skim, out);
			break;
		}
	}
}
