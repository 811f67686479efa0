/*
 * test_permits.c - the limit is exact, alone and with all workers at it at once.
 */
#include <pthread.h>

#include "check_pool.h"
#include "pool/permits.h"

START_TEST(take_until_the_limit)
{
	struct permits p;
	permits_init(&p, 2);
	ck_assert(permits_take(&p, PERMITS_UNLIMITED));
	ck_assert(permits_is_free(&p, PERMITS_UNLIMITED));
	ck_assert(permits_take(&p, PERMITS_UNLIMITED));
	ck_assert(!permits_is_free(&p, PERMITS_UNLIMITED));
	ck_assert(!permits_take(&p, PERMITS_UNLIMITED));
	ck_assert_int_eq(permits_used(&p), 2);
	permits_give(&p);
	ck_assert(permits_take(&p, PERMITS_UNLIMITED));
}
END_TEST

START_TEST(bound_below_the_limit)
{
	struct permits p;
	permits_init(&p, 3);
	ck_assert(permits_take(&p, 1));
	ck_assert(!permits_take(&p, 1));
	ck_assert(!permits_is_free(&p, 1));
	ck_assert(permits_take(&p, 2));
	ck_assert(!permits_take(&p, 0));
}
END_TEST

START_TEST(lowered_limit_takes_nothing_away_and_gives_nothing_out)
{
	struct permits p;
	permits_init(&p, 3);
	for (int i = 0; i < 3; i++)
		ck_assert(permits_take(&p, PERMITS_UNLIMITED));
	permits_set_limit(&p, 1);
	ck_assert_int_eq(permits_used(&p), 3);
	ck_assert(!permits_take(&p, PERMITS_UNLIMITED));
	permits_give(&p);
	ck_assert(!permits_take(&p, PERMITS_UNLIMITED));
	permits_give(&p);
	permits_give(&p);
	ck_assert(permits_take(&p, PERMITS_UNLIMITED));
}
END_TEST

START_TEST(leaving_is_used_until_it_is_gone)
{
	struct permits p;
	permits_init(&p, 2);
	ck_assert(permits_take(&p, PERMITS_UNLIMITED));
	ck_assert(permits_take(&p, PERMITS_UNLIMITED));
	permits_leave(&p);
	ck_assert_int_eq(permits_used(&p), 2);
	ck_assert_int_eq(permits_staying(&p), 1);
	ck_assert(!permits_take(&p, PERMITS_UNLIMITED));
	permits_give_left(&p);
	ck_assert_int_eq(permits_used(&p), 1);
	ck_assert_int_eq(permits_staying(&p), 1);
}
END_TEST

START_TEST(leave_above_never_goes_below_the_floor)
{
	struct permits p;
	permits_init(&p, 5);
	for (int i = 0; i < 5; i++)
		ck_assert(permits_take(&p, PERMITS_UNLIMITED));
	ck_assert(permits_leave_above(&p, 3));
	ck_assert(permits_leave_above(&p, 3));
	ck_assert(!permits_leave_above(&p, 3));
	ck_assert_int_eq(permits_staying(&p), 3);
}
END_TEST

START_TEST(leave_for_those_who_want_and_no_more)
{
	struct permits p;
	permits_init(&p, 3);
	for (int i = 0; i < 3; i++)
		ck_assert(permits_take(&p, PERMITS_UNLIMITED));
	ck_assert(!permits_leave_for(&p, 0));
	ck_assert(permits_is_wanting(&p, 2));
	ck_assert(permits_leave_for(&p, 2));
	ck_assert(permits_leave_for(&p, 2));
	ck_assert(!permits_leave_for(&p, 2));
	permits_give_left(&p); /* one is free, one still leaving: that is two */
	ck_assert(!permits_is_wanting(&p, 2));
	ck_assert(permits_is_wanting(&p, 3));
}
END_TEST

START_TEST(leave_for_counts_no_room_above_a_lowered_limit)
{
	struct permits p;
	permits_init(&p, 2);
	ck_assert(permits_take(&p, PERMITS_UNLIMITED));
	ck_assert(permits_take(&p, PERMITS_UNLIMITED));
	permits_set_limit(&p, 1);
	permits_leave(&p); /* once that is gone, the other one still fills the limit */
	ck_assert(permits_leave_for(&p, 1));
	ck_assert(!permits_leave_for(&p, 1));
}
END_TEST

#define THREADS 4
#define ROUNDS 20000
#define LIMIT 3

struct crowd {
	struct permits permits;
	_Atomic int inside;
	_Atomic int too_many;
	_Atomic long taken;
};

static void *come_and_go(void *arg)
{
	struct crowd *c = arg;
	for (int i = 0; i < ROUNDS; i++) {
		if (!permits_take(&c->permits, PERMITS_UNLIMITED))
			continue;
		atomic_fetch_add(&c->taken, 1);
		if (atomic_fetch_add(&c->inside, 1) >= LIMIT)
			atomic_fetch_add(&c->too_many, 1);
		if (permits_staying(&c->permits) > LIMIT)
			atomic_fetch_add(&c->too_many, 1);
		atomic_fetch_sub(&c->inside, 1);
		if (i % 3 == 0) {
			permits_leave(&c->permits);
			permits_give_left(&c->permits);
		} else if (i % 3 == 1 && permits_leave_above(&c->permits, LIMIT - 1)) {
			permits_give_left(&c->permits);
		} else {
			permits_give(&c->permits);
		}
	}
	return NULL;
}

START_TEST(threads_never_pass_the_limit)
{
	struct crowd c = { .inside = 0 };
	pthread_t threads[THREADS];
	permits_init(&c.permits, LIMIT);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, come_and_go, &c), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(atomic_load(&c.too_many), 0);
	ck_assert_int_ge(atomic_load(&c.taken), ROUNDS);
	ck_assert_int_eq(permits_used(&c.permits), 0);
	ck_assert_int_eq(permits_staying(&c.permits), 0);
}
END_TEST

Suite *suite_permits(void)
{
	Suite *s = suite_create("permits");
	TCase *tc = tcase_create("all");
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, take_until_the_limit);
	tcase_add_test(tc, bound_below_the_limit);
	tcase_add_test(tc, lowered_limit_takes_nothing_away_and_gives_nothing_out);
	tcase_add_test(tc, leaving_is_used_until_it_is_gone);
	tcase_add_test(tc, leave_above_never_goes_below_the_floor);
	tcase_add_test(tc, leave_for_those_who_want_and_no_more);
	tcase_add_test(tc, leave_for_counts_no_room_above_a_lowered_limit);
	tcase_add_test(tc, threads_never_pass_the_limit);
	suite_add_tcase(s, tc);
	return s;
}
