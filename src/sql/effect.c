/*
 * effect.c - the statements of a text, and who reads them: queries in one pass to their semicolon,
 * others cut out first.
 */
#include "sql/effect.h"

#include "sql/effect_parts.h"
#include "sql/split.h"

_Static_assert(EFFECT_KIND_COUNT <= 64, "a set is 64 bits");

#define EFFECT_NAME_(kind, name) [EFFECT_AT_##kind] = name,
static const char *const names[] = { EFFECT_KINDS(EFFECT_NAME_) };

const char *effect_kind_name(enum effect_kind kind)
{
	BUG_ON(kind >= EFFECT_KIND_COUNT);
	return names[kind];
}

void effect_init(struct effect_iter *iter, struct slice sql, struct lexer_mode mode)
{
	lexer_init(&iter->lex, sql, mode);
}

/* The first word of a query may be behind parentheses. */
static bool is_query(struct lexer lex, struct lexer_token t)
{
	while (lexer_is_punct(&t, '('))
		t = lexer_next(&lex, NULL);
	return t.kind == LEXER_WORD && effect_query_begins(t.text);
}

static void read_query(struct effect_iter *iter, struct lexer start, struct effect *out)
{
	const char *from = start.rest.ptr;
	effect_query_read(&start, out);
	iter->lex = start;
	out->text = slice_make(from, (size_t)(start.rest.ptr - from));
}

/* BEGIN, COMMIT: a word and no more needs nobody to look for its end. iter->lex is behind it. */
static bool read_word(struct effect_iter *iter, const struct lexer_token *t, struct effect *out)
{
	struct lexer after = iter->lex;
	struct lexer_token next = lexer_next(&after, NULL);
	if (next.kind != LEXER_END && !lexer_is_punct(&next, ';'))
		return false;
	out->text = t->text;
	effect_word_read(iter->lex.mode, out);
	return true;
}

static void read_statement(struct effect_iter *iter, struct lexer start, struct effect *out)
{
	struct split split = { .lex = start };
	struct split_statement statement;
	if (!split_next(&split, &statement))
		return;
	iter->lex = split.lex;
	out->text = statement.text;
	if (statement.open)
		out->set |= EFFECT(UNREAD);
	effect_word_read(start.mode, out);
}

/* Letters, and then a blank, a semicolon or the end: a word that needs no lexer. */
static struct slice plain_word(struct slice text)
{
	size_t n = 0;
	while (n < text.len && (text.ptr[n] | 0x20) >= 'a' && (text.ptr[n] | 0x20) <= 'z')
		n++;
	bool ends = n == text.len || text.ptr[n] == ' ' || text.ptr[n] == ';';
	return slice_head(text, ends ? n : 0);
}

/* Statements of one word, which are about half of those that some applications send. */
static const struct {
	struct slice word;
	uint64_t effect;
} lone[] = {
	{ EFFECT_WORD("begin"), EFFECT(BEGIN) },       { EFFECT_WORD("commit"), EFFECT(COMMIT) },
	{ EFFECT_WORD("rollback"), EFFECT(ROLLBACK) }, { EFFECT_WORD("end"), EFFECT(COMMIT) },
	{ EFFECT_WORD("abort"), EFFECT(ROLLBACK) },
};

static bool read_lone(struct effect_iter *iter, struct slice word, struct effect *out)
{
	struct slice rest = slice_skip(iter->lex.rest, word.len);
	if (rest.len > 0 && rest.ptr[0] != ';')
		return false;
	for (size_t i = 0; i < COUNT_OF(lone); i++) {
		if (effect_parts_is(word, lone[i].word)) {
			out->text = word;
			out->set = lone[i].effect;
			iter->lex.rest = rest;
			return true;
		}
	}
	return false;
}

/* What is between statements, as far as it needs no lexer. */
static struct slice skip_between(struct slice text)
{
	size_t n = 0;
	while (n < text.len && (text.ptr[n] == ';' || text.ptr[n] == ' ' || text.ptr[n] == '\n'))
		n++;
	return n > 0 ? slice_skip(text, n) : text;
}

bool effect_next(struct effect_iter *iter, struct effect *out)
{
	struct lexer start;
	struct lexer_token t;
	out->set = out->inner = 0;
	out->token = SLICE_NONE;
	out->setting_count = 0;
	iter->lex.rest = skip_between(iter->lex.rest);
	if (iter->lex.rest.len == 0)
		return false;
	struct slice word = plain_word(iter->lex.rest);
	if (effect_query_begins(word)) {
		read_query(iter, iter->lex, out);
		return true;
	}
	if (word.len > 0 && read_lone(iter, word, out))
		return true;
	do {
		start = iter->lex;
		t = lexer_next(&iter->lex, NULL);
	} while (lexer_is_punct(&t, ';'));
	if (t.kind == LEXER_END)
		return false;
	/* from the token itself, without what was before it */
	start.rest = slice_make(t.text.ptr, t.text.len + iter->lex.rest.len);
	if (is_query(iter->lex, t))
		read_query(iter, start, out);
	else if (t.kind != LEXER_WORD || !read_word(iter, &t, out))
		read_statement(iter, start, out);
	return true;
}

uint64_t effect_read(struct slice sql, struct lexer_mode mode)
{
	struct effect_iter iter;
	struct effect effect;
	uint64_t set = 0;
	effect_init(&iter, sql, mode);
	while (effect_next(&iter, &effect))
		set |= effect.set;
	return set;
}

size_t effect_name(const struct effect *effect, char out[LITERAL_NAME_BYTES])
{
	struct lexer lex;
	lexer_init(&lex, effect->token, (struct lexer_mode){ 0 });
	struct lexer_token t = lexer_next(&lex, NULL);
	return literal_name(&t, out);
}

void effect_value(const struct effect_setting *setting, struct buf *out)
{
	effect_set_write(setting, out);
}

/* map_old_guc_names in PostgreSQL's guc.c. */
struct slice effect_newest_name(struct slice name)
{
	if (slice_ieq_str(name, "sort_mem"))
		return SLICE("work_mem");
	return slice_ieq_str(name, "vacuum_mem") ? SLICE("maintenance_work_mem") : name;
}

bool effect_path_is_temp(struct slice search_path)
{
	struct lexer lex;
	lexer_init(&lex, search_path, (struct lexer_mode){ 0 });
	for (;;) {
		struct lexer_token t = lexer_next(&lex, NULL);
		if (t.kind == LEXER_END)
			return false;
		if (effect_word_is_temp_schema(&t) || t.kind == LEXER_STRING)
			return true;
	}
}
