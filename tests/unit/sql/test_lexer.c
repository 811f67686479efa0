/*
 * test_lexer.c - a table of texts and their tokens, and what holds for any text.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cases.h"
#include "sql/lexer.h"
#include "suites.h"

static void describe(struct slice text, struct lexer_mode mode, struct buf *out)
{
	struct lexer lex;
	lexer_init(&lex, text, mode);
	for (;;) {
		struct lexer_token t = lexer_next(&lex, NULL);
		if (t.kind == LEXER_END)
			return;
		if (buf_len(out) > 0)
			buf_add_str(out, " ¦ ");
		buf_addf(out, "%s%s ", lexer_kind_name(t.kind), t.open ? "!" : "");
		for (size_t i = 0; i < t.text.len; i++) /* a zero byte ends an expected text */
			if (t.text.ptr[i])
				buf_add(out, t.text.ptr + i, 1);
	}
}

static void check_cases(const struct one_case *c)
{
	struct buf out = { 0 };
	describe(case_input(c), case_mode(c), &out);
	ck_assert_msg(strcmp(buf_cstr(&out), c->expected) == 0, "line %d: %s\n  is  %s\n  not %s",
		      c->line, c->input, buf_cstr(&out), c->expected);
	buf_fini(&out);
}

START_TEST(test_cases)
{
	cases_each("lexer.cases", check_cases);
}
END_TEST

/* Laid end to end the tokens are the text, whatever its bytes. One assertion for all of them:
 * each costs a write. */
static bool tiles(struct slice text, struct lexer_mode mode)
{
	struct lexer lex;
	const char *at = text.ptr;
	lexer_init(&lex, text, mode);
	for (;;) {
		struct lexer_token t = lexer_any(&lex);
		if (t.text.ptr != at || lex.rest.ptr != at + t.text.len)
			return false;
		at = lex.rest.ptr;
		if (t.kind == LEXER_END)
			return at == text.ptr + text.len;
		if (t.text.len == 0 || (t.open && lex.rest.len > 0))
			return false;
	}
}

static void check_every_prefix_tiles(const struct one_case *c)
{
	struct slice text = case_input(c);
	for (size_t n = 0; n <= text.len; n++) {
		char *copy = malloc(n ? n : 1); /* so that a sanitizer sees a read past its end */
		ck_assert_ptr_nonnull(copy);
		memcpy(copy, text.ptr, n);
		ck_assert(tiles(slice_make(copy, n), case_mode(c)));
		free(copy);
	}
}

START_TEST(test_every_prefix_tiles)
{
	cases_each("lexer.cases", check_every_prefix_tiles);
}
END_TEST

START_TEST(test_random_bytes_tile)
{
	static const char alphabet[] = "aeEnNuUbBxX&'\"$1.5+-*/<>=~@;:,()[]\\ \n\t\x95\xb1\x00{";
	uint64_t seed = 88172645463325252ULL;
	char text[64];
	for (int round = 0; round < 5000; round++) {
		size_t len = 0;
		do {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			text[len++] = alphabet[seed % (sizeof(alphabet) - 1)];
		} while (len < sizeof(text) && seed % 50 != 0);
		struct lexer_mode mode = { .backslashes = round % 2,
					   .encoding = (enum lexer_encoding)(round / 2 % 3) };
		ck_assert(tiles(slice_make(text, len), mode));
	}
}
END_TEST

START_TEST(test_gap_says_whether_something_was_passed_over)
{
	struct lexer lex;
	bool gap = true;
	lexer_init(&lex, SLICE("a b/**/c(d"), (struct lexer_mode){ 0 });
	lexer_next(&lex, &gap);
	ck_assert(!gap);
	lexer_next(&lex, &gap);
	ck_assert(gap);
	lexer_next(&lex, &gap);
	ck_assert(gap);
	lexer_next(&lex, &gap);
	ck_assert(!gap);
}
END_TEST

START_TEST(test_parameter_numbers)
{
	static const struct {
		const char *text;
		uint32_t number;
	} rows[] = { { "$0", 0 },
		     { "$1", 1 },
		     { "$65535", 65535 },
		     { "$4294967294", 4294967294 },
		     { "$4294967295", UINT32_MAX },
		     { "$99999999999999999999999", UINT32_MAX },
		     { "$12ab", 12 } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct lexer lex;
		lexer_init(&lex, slice_of(rows[i].text), (struct lexer_mode){ 0 });
		struct lexer_token t = lexer_next(&lex, NULL);
		ck_assert_int_eq(t.kind, LEXER_PARAM);
		ck_assert_uint_eq(t.param, rows[i].number);
	}
}
END_TEST

START_TEST(test_long_runs_stay_linear)
{
	static const char *const runs[] = { "+",  "-+", "=-", "(",  "'a'\n",
					    "$a", "$",  "/*", "1.", "\"" };
	size_t size = (size_t)1 << 20;
	char *text = malloc(size);
	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < COUNT_OF(runs); i++) {
		for (size_t k = 0; k < size; k++)
			text[k] = runs[i][k % strlen(runs[i])];
		ck_assert(tiles(slice_make(text, size), (struct lexer_mode){ 0 }));
	}
	free(text);
}
END_TEST

START_TEST(test_encodings)
{
	ck_assert_int_eq(lexer_encoding_of(SLICE("UTF8")), LEXER_ENCODING_PLAIN);
	ck_assert_int_eq(lexer_encoding_of(SLICE("")), LEXER_ENCODING_PLAIN);
	ck_assert_int_eq(lexer_encoding_of(SLICE("EUC_JP")), LEXER_ENCODING_PLAIN);
	ck_assert_int_eq(lexer_encoding_of(SLICE("SJIS")), LEXER_ENCODING_SJIS);
	ck_assert_int_eq(lexer_encoding_of(SLICE("shift_jis_2004")), LEXER_ENCODING_SJIS);
	ck_assert_int_eq(lexer_encoding_of(SLICE("GB18030")), LEXER_ENCODING_PAIRED);
	ck_assert_int_eq(lexer_encoding_of(SLICE("big5")), LEXER_ENCODING_PAIRED);
}
END_TEST

Suite *lexer_suite(void)
{
	Suite *suite = suite_create("lexer");
	TCase *tc = tcase_create("lexer");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_cases);
	tcase_add_test(tc, test_every_prefix_tiles);
	tcase_add_test(tc, test_random_bytes_tile);
	tcase_add_test(tc, test_gap_says_whether_something_was_passed_over);
	tcase_add_test(tc, test_parameter_numbers);
	tcase_add_test(tc, test_long_runs_stay_linear);
	tcase_add_test(tc, test_encodings);
	suite_add_tcase(suite, tc);
	return suite;
}
