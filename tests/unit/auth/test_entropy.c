/*
 * test_entropy.c - as many bytes as are asked for, never the same ones twice.
 */
#include "check_auth.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/entropy.h"

#define DRAWS 500

static int entropy_compare(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

static void entropy_draw(uint8_t draws[][16], size_t n)
{
	for (size_t i = 0; i < n; i++)
		ck_assert(entropy_take(draws[i], 16));
}

static void *entropy_other_thread(void *draws)
{
	entropy_draw(draws, DRAWS);
	return NULL;
}

/* 16 bytes each, across many fillings of the stores of two threads. */
START_TEST(test_no_draw_is_like_another)
{
	static uint8_t draws[2 * DRAWS][16];
	pthread_t other;
	ck_assert_int_eq(pthread_create(&other, NULL, entropy_other_thread, draws + DRAWS), 0);
	entropy_draw(draws, DRAWS);
	pthread_join(other, NULL);
	qsort(draws, 2 * DRAWS, 16, entropy_compare);
	for (size_t i = 1; i < 2 * DRAWS; i++)
		ck_assert_int_ne(memcmp(draws[i - 1], draws[i], 16), 0);
}
END_TEST

START_TEST(test_all_sizes_are_filled_and_no_further)
{
	static const size_t sizes[] = { 1, 7, 1000, 1023, 1024, 1025, 5000 };
	uint8_t out[5008], seen[5000];
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memset(seen, 0, sizeof(seen));
		for (int round = 0; round < 40; round++) {
			memset(out, 0, sizeof(out));
			ck_assert(entropy_take(out, sizes[i]));
			for (size_t k = 0; k < sizes[i]; k++)
				seen[k] |= out[k];
			ck_assert_mem_eq(out + sizes[i], "\0\0\0\0\0\0\0\0", 8);
		}
		for (size_t k = 0; k < sizes[i]; k++)
			ck_assert_uint_ne(seen[k], 0);
	}
}
END_TEST

Suite *suite_entropy(void)
{
	Suite *s = suite_create("entropy");
	TCase *tc = tcase_create("entropy");
	tcase_add_test(tc, test_no_draw_is_like_another);
	tcase_add_test(tc, test_all_sizes_are_filled_and_no_further);
	suite_add_tcase(s, tc);
	return s;
}
