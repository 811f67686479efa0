/*
 * test_lineout.c - values that would like to break out of their line.
 */
#include <stdint.h>
#include <string.h>

#include "advisor/lineout.h"
#include "suites.h"

static const struct {
	const char *text;
	const char *plain, *quoted, *json;
} rows[] = {
	{ "", "", "\"\"", "\"\"" },
	{ "app", "app", "app", "\"app\"" },
	{ "my app", "my app", "\"my app\"", "\"my app\"" },
	{ "a=b", "a=b", "\"a=b\"", "\"a=b\"" },
	{ "a\"b", "a\"b", "\"a\\\"b\"", "\"a\\\"b\"" },
	{ "a\\b", "a\\b", "\"a\\\\b\"", "\"a\\\\b\"" },
	{ "a\nb\r\tc", "a\\nb\\r\\tc", "\"a\\nb\\r\\tc\"", "\"a\\nb\\r\\tc\"" },
	{ "a\x01\x1f\x7f", "a\\x01\\x1f\\x7f", "\"a\\x01\\x1f\\x7f\"",
	  "\"a\\u0001\\u001f\\u007f\"" },
	{ "größe", "größe", "größe", "\"größe\"" },
	{ "日本語", "日本語", "日本語", "\"日本語\"" },
	{ "🐘", "🐘", "🐘", "\"🐘\"" },
	{ "\xed\x9f\xbf", "\xed\x9f\xbf", "\xed\x9f\xbf", "\"\xed\x9f\xbf\"" },
	{ "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf", "\"\xf4\x8f\xbf\xbf\"" },
	/* not UTF-8: Latin-1, a lone continuation, cut short, overlong, surrogate, too high */
	{ "gr\xf6\xdf", "gr\\xf6\\xdf", "\"gr\\xf6\\xdf\"", "\"gr\\\\xf6\\\\xdf\"" },
	{ "\x80", "\\x80", "\"\\x80\"", "\"\\\\x80\"" },
	{ "\xe6\x97", "\\xe6\\x97", "\"\\xe6\\x97\"", "\"\\\\xe6\\\\x97\"" },
	{ "\xe6\x97x", "\\xe6\\x97x", "\"\\xe6\\x97x\"", "\"\\\\xe6\\\\x97x\"" },
	{ "\xc0\x80", "\\xc0\\x80", "\"\\xc0\\x80\"", "\"\\\\xc0\\\\x80\"" },
	{ "\xe0\x80\x80", "\\xe0\\x80\\x80", "\"\\xe0\\x80\\x80\"", "\"\\\\xe0\\\\x80\\\\x80\"" },
	{ "\xf0\x80\x80\x80", "\\xf0\\x80\\x80\\x80", "\"\\xf0\\x80\\x80\\x80\"",
	  "\"\\\\xf0\\\\x80\\\\x80\\\\x80\"" },
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80", "\"\\xed\\xa0\\x80\"", "\"\\\\xed\\\\xa0\\\\x80\"" },
	{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\"\\xf4\\x90\\x80\\x80\"",
	  "\"\\\\xf4\\\\x90\\\\x80\\\\x80\"" },
	{ "\xff", "\\xff", "\"\\xff\"", "\"\\\\xff\"" },
	/* a control character of two bytes, which terminals obey */
	{ "\xc2\x9b", "\\xc2\\x9b", "\"\\xc2\\x9b\"", "\"\\\\xc2\\\\x9b\"" },
};

static void assert_text(enum lineout_style style, const char *text, const char *want)
{
	struct buf out = { 0 };
	lineout_text(&out, style, slice_of(text));
	ck_assert_str_eq(buf_cstr(&out), want);
	buf_fini(&out);
}

START_TEST(test_texts)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_text(LINEOUT_PLAIN, rows[i].text, rows[i].plain);
		assert_text(LINEOUT_QUOTED, rows[i].text, rows[i].quoted);
		assert_text(LINEOUT_JSON, rows[i].text, rows[i].json);
	}
}
END_TEST

START_TEST(test_zero_byte)
{
	struct buf out = { 0 };
	lineout_text(&out, LINEOUT_JSON, SLICE("a\0b"));
	ck_assert_str_eq(buf_cstr(&out), "\"a\\u0000b\"");
	buf_fini(&out);
}
END_TEST

/* Any two bytes: one line, nothing but characters that can be shown. */
START_TEST(test_every_pair_of_bytes_stays_on_its_line)
{
	size_t wrong = 0;
	struct buf out = { 0 };
	for (unsigned pair = 0; pair < 65536; pair++) {
		char text[2] = { (char)(pair >> 8), (char)pair };
		for (enum lineout_style style = LINEOUT_PLAIN; style <= LINEOUT_JSON; style++) {
			buf_clear(&out);
			lineout_text(&out, style, slice_make(text, 2));
			struct slice s = buf_slice(&out);
			for (size_t i = 0; i < s.len; i++)
				wrong += (unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f;
		}
	}
	ck_assert_uint_eq(wrong, 0);
	buf_fini(&out);
}
END_TEST

static void write_fields(struct buf *out, enum lineout_style style)
{
	struct lineout line;
	lineout_begin(&line, out, style);
	lineout_string(&line, "db", SLICE("my shop"));
	lineout_count(&line, "rows", UINT64_MAX);
	lineout_bool(&line, "cut", true);
	lineout_ms(&line, "total_ms", 1532401);
	lineout_end(&line);
}

START_TEST(test_fields)
{
	struct buf out = { 0 };
	write_fields(&out, LINEOUT_QUOTED);
	ck_assert_str_eq(buf_cstr(&out),
			 "db=\"my shop\" rows=18446744073709551615 cut=true total_ms=1532.401");
	buf_clear(&out);
	write_fields(&out, LINEOUT_JSON);
	ck_assert_str_eq(buf_cstr(&out), "{\"db\":\"my shop\",\"rows\":18446744073709551615,"
					 "\"cut\":true,\"total_ms\":1532.401}");
	buf_fini(&out);
}
END_TEST

static void assert_time(usec_t value, usec_t unit, int decimals, const char *want)
{
	struct buf out = { 0 };
	lineout_time(&out, value, unit, decimals);
	ck_assert_str_eq(buf_cstr(&out), want);
	buf_fini(&out);
}

START_TEST(test_times)
{
	assert_time(0, USEC_PER_MSEC, 1, "0.0");
	assert_time(99, USEC_PER_MSEC, 1, "0.0");
	assert_time(100, USEC_PER_MSEC, 1, "0.1");
	assert_time(1999, USEC_PER_MSEC, 1, "1.9");
	assert_time(7, USEC_PER_MSEC, 3, "0.007");
	assert_time(1532401, USEC_PER_MSEC, 3, "1532.401");
	assert_time(1600000, USEC_PER_SEC, 3, "1.600");
	assert_time(-5, USEC_PER_SEC, 1, "0.0");
	assert_time(INT64_MAX, USEC_PER_SEC, 3, "9223372036854.775");
}
END_TEST

Suite *lineout_suite(void)
{
	Suite *suite = suite_create("lineout");
	TCase *tc = tcase_create("lineout");
	tcase_add_test(tc, test_texts);
	tcase_add_test(tc, test_zero_byte);
	tcase_add_test(tc, test_every_pair_of_bytes_stays_on_its_line);
	tcase_add_test(tc, test_fields);
	tcase_add_test(tc, test_times);
	suite_add_tcase(suite, tc);
	return suite;
}
