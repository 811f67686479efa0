/*
 * fuzz_sql_lex.c - any bytes as SQL text, cut into tokens and statements.
 *
 * The first byte chooses how strings read. The tokens laid end to end must be the text, only the
 * last one may be open, and what the statements are made of must lie in the text, in order.
 */
#include <stdint.h>

#include "base/bug.h"
#include "sql/lexer.h"
#include "sql/split.h"
#include "sql/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct lexer_mode mode_of(uint8_t byte)
{
	return (struct lexer_mode){ .backslashes = byte & 1,
				    .encoding = (enum lexer_encoding)((byte >> 1) % 3) };
}

static void check_tokens(struct slice sql, struct lexer_mode mode)
{
	struct lexer lex;
	const char *at = sql.ptr;
	lexer_init(&lex, sql, mode);
	for (;;) {
		struct lexer_token t = lexer_any(&lex);
		BUG_ON(t.text.ptr != at);
		at += t.text.len;
		BUG_ON(lex.rest.ptr != at);
		if (t.kind == LEXER_END)
			break;
		BUG_ON(t.text.len == 0);
		BUG_ON(t.open && lex.rest.len > 0);
		BUG_ON(lexer_is_literal(&t) && t.kind == LEXER_WORD);
	}
	BUG_ON(at != sql.ptr + sql.len);
}

static bool is_within(struct slice inner, struct slice outer)
{
	return inner.len == 0 ||
	       (inner.ptr >= outer.ptr && inner.ptr + inner.len <= outer.ptr + outer.len);
}

static void check_statements(struct slice sql, struct lexer_mode mode)
{
	struct split split;
	struct split_statement s;
	struct slice rest = sql;
	size_t count = 0;
	split_init(&split, sql, mode);
	for (; split_next(&split, &s); count++) {
		BUG_ON(s.text.len == 0 || !is_within(s.text, rest));
		BUG_ON(!is_within(s.first, s.text) || !is_within(s.second, s.text));
		rest = slice_skip(sql, (size_t)(s.text.ptr + s.text.len - sql.ptr));
	}
	BUG_ON(count != split_count(sql, mode));
	BUG_ON(words_is_empty(sql, mode) != (count == 0));
	BUG_ON(count == 0 && words_has_begin(sql, mode));
	BUG_ON(!is_within(words_first(sql, mode), sql));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct slice sql = slice_make(data + 1, size - 1);
	check_tokens(sql, mode_of(data[0]));
	check_statements(sql, mode_of(data[0]));
	return 0;
}
