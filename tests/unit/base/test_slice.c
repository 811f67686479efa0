/*
 * test_slice.c - views of bytes, errors and saturating time.
 */
#include "base/slice.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/usec.h"
#include "check_base.h"

START_TEST(compares)
{
	ck_assert(slice_eq(SLICE("abc"), slice_of("abc")));
	ck_assert(!slice_eq(SLICE("abc"), SLICE("abd")));
	ck_assert(!slice_eq(SLICE("abc"), SLICE("ab")));
	ck_assert(slice_eq(SLICE_NONE, SLICE("")));
	ck_assert(slice_eq(SLICE("a\0b"), slice_make("a\0b", 3)));
	ck_assert(!slice_eq(SLICE("a\0b"), SLICE("a\0c")));
	ck_assert(slice_ieq(SLICE("TimeZone"), SLICE("timezone")));
	ck_assert(slice_ieq_str(SLICE("A"), "a"));
	ck_assert(!slice_ieq_str(SLICE("A"), "ab"));
	ck_assert(slice_starts(SLICE("abc"), "ab"));
	ck_assert(slice_starts(SLICE("abc"), ""));
	ck_assert(!slice_starts(SLICE("a"), "ab"));
}
END_TEST

START_TEST(cuts)
{
	ck_assert(slice_eq_str(slice_skip(SLICE("abc"), 1), "bc"));
	ck_assert(slice_eq_str(slice_head(SLICE("abc"), 2), "ab"));
	ck_assert(slice_eq_str(slice_head(SLICE("abc"), 9), "abc"));
	ck_assert(slice_eq_str(slice_trim(SLICE(" \t a b\r\n")), "a b"));
	ck_assert_uint_eq(slice_trim(SLICE(" \n ")).len, 0);
	char *copy = slice_dup(slice_head(SLICE("abcdef"), 3));
	ck_assert_str_eq(copy, "abc");
	free(copy);
}
END_TEST

START_TEST(error_texts)
{
	struct err err;
	ck_assert(!err_set(&err, "no %s", "file"));
	ck_assert_str_eq(err.text, "no file");
	ck_assert(!err_prefix(&err, "reading %s: ", "x"));
	ck_assert_str_eq(err.text, "reading x: no file");

	char big[2 * ERR_TEXT_BYTES];
	memset(big, 'b', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	ck_assert(!err_set(&err, "%s", big));
	ck_assert_uint_eq(strlen(err.text), ERR_TEXT_BYTES - 1);
	ck_assert(!err_prefix(&err, "a: "));
	ck_assert_uint_eq(strlen(err.text), ERR_TEXT_BYTES - 1);
	ck_assert_int_eq(memcmp(err.text, "a: b", 4), 0);
}
END_TEST

START_TEST(time_saturates)
{
	ck_assert_int_eq(usec_after(5, 7), 12);
	ck_assert_int_eq(usec_after(5, USEC_NEVER), USEC_NEVER);
	ck_assert_int_eq(usec_after(USEC_NEVER, 1), USEC_NEVER);
	ck_assert_int_eq(usec_after(USEC_NEVER, 0), USEC_NEVER);
	ck_assert(usec_now() <= usec_now());
}
END_TEST

Suite *suite_slice(void)
{
	Suite *s = suite_create("slice");
	TCase *tc = tcase_create("slice");
	tcase_add_test(tc, compares);
	tcase_add_test(tc, cuts);
	tcase_add_test(tc, error_texts);
	tcase_add_test(tc, time_saturates);
	suite_add_tcase(s, tc);
	return s;
}
