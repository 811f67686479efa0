/*
 * test_hist.c - the histogram against sorted values.
 */
#include "base/hist.h"

#include <stdlib.h>

#include "check_base.h"

#define VALUES 20000

static int by_size(const void *a, const void *b)
{
	usec_t x = *(const usec_t *)a, y = *(const usec_t *)b;
	return x < y ? -1 : x > y;
}

START_TEST(empty_and_ends)
{
	struct hist h = { .count = 0 };
	ck_assert_int_eq(hist_percentile(&h, 50), 0);
	ck_assert_int_eq(hist_mean(&h), 0);
	hist_add(&h, -5);
	ck_assert_int_eq(hist_percentile(&h, 100), 0);
	hist_add(&h, USEC_NEVER);
	ck_assert_int_eq(hist_percentile(&h, 100), HIST_MAX_US);
	ck_assert_int_eq(hist_percentile(&h, 50), 0);
	ck_assert_uint_eq(h.count, 2);
	hist_reset(&h);
	ck_assert_uint_eq(h.count, 0);
	ck_assert_int_eq(hist_percentile(&h, 100), 0);
}
END_TEST

START_TEST(close_to_the_sorted_values)
{
	static usec_t v[VALUES];
	struct hist a = { .count = 0 }, b = { .count = 0 };
	uint64_t sum = 0;
	srand(5);
	for (int i = 0; i < VALUES; i++) {
		v[i] = (usec_t)(((uint64_t)rand() << 20 | (uint64_t)rand()) >> (rand() % 40));
		v[i] &= HIST_MAX_US;
		sum += (uint64_t)v[i];
		hist_add(i % 2 ? &a : &b, v[i]);
	}
	hist_merge(&a, &b);
	ck_assert_uint_eq(a.count, VALUES);
	ck_assert_int_eq(hist_mean(&a), (usec_t)(sum / VALUES));
	qsort(v, VALUES, sizeof(v[0]), by_size);
	for (int p = 1; p <= 100; p++) {
		usec_t exact = v[(int)((long)VALUES * p / 100) - 1];
		usec_t got = hist_percentile(&a, p);
		ck_assert_int_ge(got, exact);
		ck_assert_int_le(got, exact + exact / 16);
	}
	ck_assert_int_eq(hist_percentile(&a, 100), v[VALUES - 1]);
	ck_assert_int_le(hist_percentile(&a, 0), v[0] + v[0] / 16);
}
END_TEST

Suite *suite_hist(void)
{
	Suite *s = suite_create("hist");
	TCase *tc = tcase_create("hist");
	tcase_add_test(tc, empty_and_ends);
	tcase_add_test(tc, close_to_the_sorted_values);
	suite_add_tcase(s, tc);
	return s;
}
