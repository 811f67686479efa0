/*
 * test_fingerprint.c - texts of the same shape and of different ones.
 */
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "sql/fingerprint.h"
#include "suites.h"

#define OTHER "not "

static void check_cases(const struct one_case *c)
{
	bool same = strncmp(c->expected, OTHER, strlen(OTHER)) != 0;
	const char *right = same ? c->expected : c->expected + strlen(OTHER);
	struct buf scratch = { 0 };
	uint64_t a = fingerprint_of(case_input(c), case_mode(c), &scratch);
	uint64_t b = fingerprint_of(slice_of(right), case_mode(c), &scratch);
	ck_assert_msg((a == b) == same, "line %d: %s and %s", c->line, c->input, right);
	buf_fini(&scratch);
}

START_TEST(test_cases)
{
	cases_each("fingerprint.cases", check_cases);
}
END_TEST

START_TEST(test_only_the_head_of_a_long_text_counts)
{
	size_t size = (size_t)FINGERPRINT_MAX_BYTES * 3;
	char *text = malloc(size);
	struct buf scratch = { 0 };
	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < size; i++)
		text[i] = "ab "[i % 3];
	struct lexer_mode mode = { 0 };
	uint64_t a = fingerprint_of(slice_make(text, size), mode, &scratch);
	ck_assert_uint_le(buf_len(&scratch), FINGERPRINT_MAX_BYTES);
	text[size - 2] = 'c';
	ck_assert_uint_eq(fingerprint_of(slice_make(text, size), mode, &scratch), a);
	text[0] = 'c';
	ck_assert_uint_ne(fingerprint_of(slice_make(text, size), mode, &scratch), a);
	buf_fini(&scratch);
	free(text);
}
END_TEST

START_TEST(test_empty_text)
{
	struct buf scratch = { 0 };
	struct lexer_mode mode = { 0 };
	uint64_t empty = fingerprint_of(SLICE_NONE, mode, &scratch);
	ck_assert_uint_eq(fingerprint_of(SLICE(" -- x"), mode, &scratch), empty);
	ck_assert_uint_ne(fingerprint_of(SLICE("x"), mode, &scratch), empty);
	buf_fini(&scratch);
}
END_TEST

Suite *fingerprint_suite(void)
{
	Suite *suite = suite_create("fingerprint");
	TCase *tc = tcase_create("fingerprint");
	tcase_add_test(tc, test_cases);
	tcase_add_test(tc, test_only_the_head_of_a_long_text_counts);
	tcase_add_test(tc, test_empty_text);
	suite_add_tcase(suite, tc);
	return suite;
}
