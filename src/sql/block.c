/*
 * block.c - BEGIN, COMMIT, ROLLBACK and their synonyms, word by word.
 */
#include "sql/block.h"

#include <stdbool.h>

#include "base/bug.h"
#include "sql/lexer.h"

#define BLOCK_WORDS 4
#define BLOCK_MAX_BYTES 256
#define BLOCK_IS_START (1u << 8) /* it was written START TRANSACTION */

/* `mask`: it and those that exclude it. */
static const struct {
	uint16_t bit, mask;
	const char *words[BLOCK_WORDS]; /* NULL behind the last */
} block_modes[] = {
	{ 1 << 0, 0x0f, { "isolation", "level", "serializable" } },
	{ 1 << 1, 0x0f, { "isolation", "level", "repeatable", "read" } },
	{ 1 << 2, 0x0f, { "isolation", "level", "read", "committed" } },
	{ 1 << 3, 0x0f, { "isolation", "level", "read", "uncommitted" } },
	{ 1 << 4, 0x30, { "read", "only" } },
	{ 1 << 5, 0x30, { "read", "write" } },
	{ 1 << 6, 0xc0, { "deferrable" } },
	{ 1 << 7, 0xc0, { "not", "deferrable" } },
};

_Static_assert(BLOCK_IS_START < 1u << BLOCK_MODES_BITS, "the bits are those that were promised");

static const struct {
	const char *word;
	enum block_kind kind;
} block_verbs[] = {
	{ "begin", BLOCK_OPEN }, { "start", BLOCK_OPEN },        { "commit", BLOCK_COMMIT },
	{ "end", BLOCK_COMMIT }, { "rollback", BLOCK_ROLLBACK }, { "abort", BLOCK_ROLLBACK },
};

/* Takes these words off the front, or nothing. */
static bool block_takes(struct lexer *lex, const char *const words[BLOCK_WORDS])
{
	struct lexer ahead = *lex;
	for (unsigned i = 0; i < BLOCK_WORDS && words[i]; i++) {
		struct lexer_token t = lexer_next(&ahead, NULL);
		if (!lexer_is_word(&t, words[i]))
			return false;
	}
	*lex = ahead;
	return true;
}

static bool block_takes_word(struct lexer *lex, const char *word)
{
	const char *const words[BLOCK_WORDS] = { word };
	return block_takes(lex, words);
}

static bool block_takes_comma(struct lexer *lex)
{
	struct lexer ahead = *lex;
	struct lexer_token t = lexer_next(&ahead, NULL);
	if (!lexer_is_punct(&t, ','))
		return false;
	*lex = ahead;
	return true;
}

/* One mode; false: there is none, or one of its kind was there before. */
static bool block_takes_mode(struct lexer *lex, uint16_t *modes)
{
	for (size_t i = 0; i < COUNT_OF(block_modes); i++) {
		if (*modes & block_modes[i].mask || !block_takes(lex, block_modes[i].words))
			continue;
		*modes |= block_modes[i].bit;
		return true;
	}
	return false;
}

/* With commas between them or without; false: a comma is followed by none. */
static bool block_takes_modes(struct lexer *lex, uint16_t *modes)
{
	if (!block_takes_mode(lex, modes))
		return true;
	for (;;) {
		bool has_comma = block_takes_comma(lex);
		if (!block_takes_mode(lex, modes))
			return !has_comma;
	}
}

/* A comment that does not end is a fault, and so are letters that are none. */
static bool block_is_sound(struct slice sql)
{
	struct lexer lex;
	struct lexer_mode mode = { 0 };
	lexer_init(&lex, sql, mode);
	struct lexer_token t = lexer_any(&lex);
	while (t.kind != LEXER_END && t.kind != LEXER_JUNK && !t.open)
		t = lexer_any(&lex);
	return t.kind == LEXER_END && !t.open;
}

/* All that is left: semicolons. */
static bool block_ends(struct lexer *lex)
{
	struct lexer_token t = lexer_next(lex, NULL);
	while (lexer_is_punct(&t, ';'))
		t = lexer_next(lex, NULL);
	return t.kind == LEXER_END;
}

static enum block_kind block_verb(struct slice word, uint16_t *modes)
{
	for (size_t i = 0; i < COUNT_OF(block_verbs); i++) {
		if (!slice_ieq_str(word, block_verbs[i].word))
			continue;
		*modes = slice_ieq_str(word, "start") ? BLOCK_IS_START : 0;
		return block_verbs[i].kind;
	}
	return BLOCK_OTHER;
}

enum block_kind block_read(struct slice sql, uint16_t *modes)
{
	static const char *const no_chain[BLOCK_WORDS] = { "and", "no", "chain" };
	struct lexer lex;
	struct lexer_mode mode = { 0 };
	lexer_init(&lex, sql, mode);
	struct lexer_token first = lexer_next(&lex, NULL);
	enum block_kind kind =
		first.kind == LEXER_WORD ? block_verb(first.text, modes) : BLOCK_OTHER;
	if (kind == BLOCK_OTHER || sql.len > BLOCK_MAX_BYTES || !block_is_sound(sql))
		return BLOCK_OTHER;
	bool has_noun = block_takes_word(&lex, "transaction");
	if (*modes & BLOCK_IS_START && !has_noun)
		return BLOCK_OTHER;
	if (!has_noun)
		block_takes_word(&lex, "work");
	if (kind != BLOCK_OPEN)
		block_takes(&lex, no_chain);
	else if (!block_takes_modes(&lex, modes))
		return BLOCK_OTHER;
	return block_ends(&lex) ? kind : BLOCK_OTHER;
}

void block_write(uint16_t modes, struct buf *sql)
{
	const char *comma = " ";
	buf_add_str(sql, block_tag(modes));
	for (size_t i = 0; i < COUNT_OF(block_modes); i++) {
		if (!(modes & block_modes[i].bit))
			continue;
		for (unsigned n = 0; n < BLOCK_WORDS && block_modes[i].words[n]; n++)
			buf_addf(sql, "%s%s", n ? " " : comma, block_modes[i].words[n]);
		comma = ", ";
	}
}

const char *block_tag(uint16_t modes)
{
	return modes & BLOCK_IS_START ? "START TRANSACTION" : "BEGIN";
}
