/*
 * test_authtries.c - how many databases may be tried that only clients have named.
 */
#include "auth/authtries.h"

#include <stdio.h>

#include "check_auth.h"

#define NOW ((usec_t)5000000)

static unsigned tries(struct authtries *t, unsigned n, usec_t now)
{
	unsigned got = 0;
	char name[32];
	for (unsigned i = 0; i < n; i++)
		got += authtries_take(
			t, slice_make(name, (size_t)snprintf(name, sizeof(name), "db%u", i)), now);
	return got;
}

START_TEST(a_burst_and_then_one_by_one)
{
	struct authtries t;
	authtries_init(&t);
	ck_assert_uint_eq(tries(&t, 1000, NOW), AUTHTRIES_BURST);
	ck_assert_uint_eq(tries(&t, 10, NOW + AUTHTRIES_INTERVAL_US - 1), 0);
	ck_assert_uint_eq(tries(&t, 10, NOW + AUTHTRIES_INTERVAL_US), 1);
	ck_assert_uint_eq(tries(&t, 10, NOW + 4 * AUTHTRIES_INTERVAL_US), 3);
	usec_t later = NOW + 1000 * AUTHTRIES_INTERVAL_US;
	ck_assert_uint_eq(tries(&t, 1000, later), AUTHTRIES_BURST);
	authtries_fini(&t);
}
END_TEST

START_TEST(what_was_seen_costs_nothing)
{
	struct authtries t;
	authtries_init(&t);
	authtries_seen(&t, SLICE("here"), NOW);
	ck_assert_uint_eq(tries(&t, 1000, NOW), AUTHTRIES_BURST);
	for (int i = 0; i < 1000; i++)
		ck_assert(authtries_take(&t, SLICE("here"), NOW));
	ck_assert(!authtries_take(&t, SLICE("elsewhere"), NOW));
	authtries_forget(&t);
	ck_assert(!authtries_take(&t, SLICE("here"), NOW));
	authtries_fini(&t);
}
END_TEST

Suite *suite_authtries(void)
{
	Suite *s = suite_create("authtries");
	TCase *tc = tcase_create("authtries");
	tcase_add_test(tc, a_burst_and_then_one_by_one);
	tcase_add_test(tc, what_was_seen_costs_nothing);
	suite_add_tcase(s, tc);
	return s;
}
