/*
 * fuzz_sql_norm.c - the normal form of any bytes.
 *
 * The first byte chooses how strings read, the second the bound. There may be no literal in a
 * normal form, it must be its own normal form, and it must keep its bound; of a text that is cut
 * anywhere the same holds.
 */
#include <stdint.h>

#include "base/buf.h"
#include "base/bug.h"
#include "sql/fingerprint.h"
#include "sql/norm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_no_literal(struct slice text, struct lexer_mode mode)
{
	struct lexer lex;
	lexer_init(&lex, text, mode);
	for (;;) {
		struct lexer_token t = lexer_next(&lex, NULL);
		if (t.kind == LEXER_END)
			return;
		BUG_ON(lexer_is_literal(&t));
	}
}

static void check_own(struct slice normal, struct lexer_mode mode)
{
	struct norm_options options = { .mode = mode };
	struct buf again = { 0 };
	bool cut = norm_write(normal, &options, &again);
	BUG_ON(cut || !slice_eq(normal, buf_slice(&again)));
	buf_fini(&again);
}

static void check_bound(struct slice sql, struct lexer_mode mode, size_t max)
{
	struct norm_options options = { .mode = mode, .max_bytes = max, .cut = max % 2 };
	struct buf out = { 0 };
	norm_write(sql, &options, &out);
	BUG_ON(buf_len(&out) > (max < 16 ? 16 : max));
	/* what is doubtful when it is cut is so when it is whole */
	struct norm_options whole = { .mode = mode }, cut = { .mode = mode, .cut = true };
	BUG_ON(norm_is_doubtful(sql, &cut) && !norm_is_doubtful(sql, &whole));
	buf_clear(&out);
	norm_head(sql, &options, &out);
	BUG_ON(buf_len(&out) > (max < 16 ? 16 : max));
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	struct lexer_mode mode = { .backslashes = data[0] & 1,
				   .encoding = (enum lexer_encoding)((data[0] >> 1) % 3) };
	struct slice sql = slice_make(data + 2, size - 2);
	struct norm_options options = { .mode = mode };
	struct buf out = { 0 };
	norm_write(sql, &options, &out);
	check_no_literal(buf_slice(&out), mode);
	check_own(buf_slice(&out), mode);
	check_bound(sql, mode, (size_t)data[1] + 1);
	uint64_t a = fingerprint_of(sql, mode, &out);
	BUG_ON(a != fingerprint_of(sql, mode, &out));
	buf_fini(&out);
	return 0;
}
