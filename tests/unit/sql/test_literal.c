/*
 * test_literal.c - what tokens stand for.
 */
#include "base/buf.h"
#include "sql/literal.h"
#include "suites.h"

static struct lexer_token token_of(struct slice text, struct lexer_mode mode)
{
	struct lexer lex;
	lexer_init(&lex, text, mode);
	struct lexer_token t = lexer_next(&lex, NULL);
	ck_assert_uint_eq(lex.rest.len, 0);
	return t;
}

static void assert_name(const char *text, const char *expected)
{
	char name[LITERAL_NAME_BYTES];
	struct lexer_token t = token_of(slice_of(text), (struct lexer_mode){ 0 });
	size_t n = literal_name(&t, name);
	ck_assert_str_eq(name, expected);
	ck_assert_uint_eq(n, strlen(expected));
}

START_TEST(test_names)
{
	assert_name("abc", "abc");
	assert_name("aBc_1$", "abc_1$");
	assert_name("\"aBc\"", "aBc");
	assert_name("\"a\"\"b\"", "a\"b");
	assert_name("\"\"\"\"", "\"");
	assert_name("\"\"", "");
	assert_name("U&\"abc\"", "");
	assert_name("\"abc", "");
	assert_name("'abc'", "");
	assert_name("1", "");
	assert_name("\xc3\x84", "\xc3\x84");
}
END_TEST

#define TEN "1234567890"
#define SIXTY "a" TEN TEN TEN TEN TEN "123456789"

START_TEST(test_long_names_are_cut)
{
	assert_name(SIXTY "abc", SIXTY "abc");
	assert_name(SIXTY "abcd", SIXTY "abc");
	assert_name(SIXTY "ab\xc3\xa4", SIXTY "ab");
	assert_name(SIXTY "a\xc3\xa4", SIXTY "a\xc3\xa4");
	assert_name(SIXTY "a\xe2\x82\xac", SIXTY "a");
	assert_name("\"" SIXTY "abc\"", SIXTY "abc");
	assert_name("\"" SIXTY "abcd\"", SIXTY "abc");
	assert_name("\"" SIXTY "ab\"\"\"", SIXTY "ab\"");
	assert_name("\"" SIXTY "ab\"\"c\"", SIXTY "ab\"");
	assert_name("\"" SIXTY "ab\xc3\xa4" TEN "\"", SIXTY "ab");
}
END_TEST

/* expected NULL: it cannot be read. */
static void assert_string(struct slice text, struct lexer_mode mode, const char *expected)
{
	struct buf out = { 0 };
	buf_add_str(&out, "<");
	struct lexer_token t = token_of(text, mode);
	bool ok = literal_string(&t, mode, &out);
	ck_assert_int_eq(ok, literal_string(&t, mode, NULL));
	ck_assert_msg(ok == (expected != NULL), "%.*s", SLICE_ARGS(text));
	ck_assert_str_eq(buf_cstr(&out) + 1, expected ? expected : "");
	buf_fini(&out);
}

static void assert_plain(const char *text, const char *expected)
{
	assert_string(slice_of(text), (struct lexer_mode){ 0 }, expected);
}

START_TEST(test_strings)
{
	assert_plain("'abc'", "abc");
	assert_plain("''", "");
	assert_plain("'a''b'", "a'b");
	assert_plain("''''", "'");
	assert_plain("'a\\b'", "a\\b");
	assert_plain("N'a\\b'", "a\\b");
	assert_plain("'a'\n'b'", "ab");
	assert_plain("'a' -- 'x'\n\t'b''c'", "ab'c");
	assert_plain("''\n''\n''", "");
	assert_plain("$$a'b$$", "a'b");
	assert_plain("$x$a$$b$x$", "a$$b");
	assert_plain("$$$$", "");
	assert_plain("\"a\"", NULL);
	assert_plain("a", NULL);
	assert_plain("1", NULL);
	assert_plain("'a", NULL);
	assert_plain("$$a", NULL);
	assert_plain("b'1'", NULL);
	assert_plain("U&'a'", NULL);
	assert_plain("'\xc3\xa4'", "\xc3\xa4");
	assert_string(SLICE("'a\0b'"), (struct lexer_mode){ 0 }, NULL);
	assert_string(SLICE("$$a\0b$$"), (struct lexer_mode){ 0 }, NULL);
}
END_TEST

START_TEST(test_escapes)
{
	assert_plain("e'a\\'b'", "a'b");
	assert_plain("E'\\b\\f\\n\\r\\t\\\\\\q'", "\b\f\n\r\t\\q");
	assert_plain("e'\\101\\x41\\x4aB'", "AAJB");
	assert_plain("e'\\1013'", "A3");
	assert_plain("e'\\x413'", "A3");
	assert_plain("e'\\7z'", "\a"
				"z");
	assert_plain("e'a''b'", "a'b");
	assert_plain("e'a'\n'\\n'", "a\n");
	assert_plain("e'\\u0041'", NULL);
	assert_plain("e'\\U00000041'", NULL);
	assert_plain("e'\\xff'", NULL);
	assert_plain("e'\\377'", NULL);
	assert_plain("e'\\0'", NULL);
	assert_plain("e'\\x'", NULL);
	assert_plain("e'abc\\x00'", NULL);
}
END_TEST

START_TEST(test_modes)
{
	struct lexer_mode off = { .backslashes = true };
	assert_string(SLICE("'a\\'b'"), off, "a'b");
	assert_string(SLICE("N'a\\tb'"), off, "a\tb");
	assert_string(SLICE("$$a\\tb$$"), off, "a\\tb");
	struct lexer_mode paired = { .encoding = LEXER_ENCODING_PAIRED };
	assert_string(SLICE("'a\\b'"), paired, "a\\b");
	assert_string(SLICE("'\xb2\\'"), paired, NULL);
}
END_TEST

Suite *literal_suite(void)
{
	Suite *suite = suite_create("literal");
	TCase *tc = tcase_create("literal");
	tcase_add_test(tc, test_names);
	tcase_add_test(tc, test_long_names_are_cut);
	tcase_add_test(tc, test_strings);
	tcase_add_test(tc, test_escapes);
	tcase_add_test(tc, test_modes);
	suite_add_tcase(suite, tc);
	return suite;
}
