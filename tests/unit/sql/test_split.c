/*
 * test_split.c - a table of texts and their statements.
 */
#include <string.h>

#include "base/buf.h"
#include "cases.h"
#include "sql/split.h"
#include "suites.h"

static void check_cases(const struct one_case *c)
{
	struct split split;
	struct split_statement s;
	struct buf out = { 0 };
	size_t count = 0;
	split_init(&split, case_input(c), case_mode(c));
	for (; split_next(&split, &s); count++) {
		if (buf_len(&out) > 0)
			buf_add_str(&out, " ¦ ");
		if (s.open)
			buf_add_str(&out, "!");
		buf_add_slice(&out, s.text);
	}
	ck_assert_msg(strcmp(buf_cstr(&out), c->expected) == 0, "line %d: %s\n  is  %s\n  not %s",
		      c->line, c->input, buf_cstr(&out), c->expected);
	ck_assert_uint_eq(split_count(case_input(c), case_mode(c)), count);
	ck_assert(!split_next(&split, &s));
	buf_fini(&out);
}

START_TEST(test_cases)
{
	cases_each("split.cases", check_cases);
}
END_TEST

static void assert_words(struct split *split, const char *first, const char *second)
{
	struct split_statement s;
	ck_assert(split_next(split, &s));
	ck_assert(slice_eq_str(s.first, first));
	ck_assert(slice_eq_str(s.second, second));
}

START_TEST(test_first_and_second_word)
{
	struct split split;
	split_init(&split,
		   SLICE("START /**/ TRANSACTION; begin; (select 1); set \"a\"; vacuum (x) y"),
		   (struct lexer_mode){ 0 });
	assert_words(&split, "START", "TRANSACTION");
	assert_words(&split, "begin", "");
	assert_words(&split, "", "");
	assert_words(&split, "set", "");
	assert_words(&split, "vacuum", "");
}
END_TEST

START_TEST(test_mode_decides_where_a_string_ends)
{
	struct lexer_mode off = { .backslashes = true };
	struct lexer_mode on = { 0 };
	ck_assert_uint_eq(split_count(SLICE("select '\\'; select '"), on), 2);
	ck_assert_uint_eq(split_count(SLICE("select '\\'; select '"), off), 1);
}
END_TEST

Suite *split_suite(void)
{
	Suite *suite = suite_create("split");
	TCase *tc = tcase_create("split");
	tcase_add_test(tc, test_cases);
	tcase_add_test(tc, test_first_and_second_word);
	tcase_add_test(tc, test_mode_decides_where_a_string_ends);
	suite_add_tcase(suite, tc);
	return suite;
}
