/*
 * test_pool_age.c - what time does to servers: recycling, idle timeouts, pings, min_pool_size.
 */
#include "check_pool.h"
#include "rig.h"

START_TEST(recycle_closes_what_idles_within_a_tenth_of_its_age)
{
	struct pool_limits limits = rig_limits();
	limits.pool_size = 20;
	limits.recycle_us = 1000000;
	struct rig *r = rig_new(1, limits);
	rig_serve(r, 16);
	usec_t opened = r->now, first = USEC_NEVER, last = 0;
	for (unsigned i = 0; i < 16; i++) {
		usec_t at = r->servers[i].recycle_at - opened;
		ck_assert_int_ge(at, 900000);
		ck_assert_int_le(at, 1000000);
		first = at < first ? at : first;
		last = at > last ? at : last;
		rig_return(r, i);
	}
	ck_assert_int_gt(last - first, 20000); /* spread */
	ck_assert_int_eq(pool_next(&r->slices[0][0]), opened + first);
	rig_at(r, opened + 899999);
	RIG_EXPECT(r, "");
	rig_at(r, opened + 1000000);
	ck_assert_uint_eq(r->slices[0][0].counters.closed, 16);
	ck_assert_int_eq(r->slices[0][0].n_idle, 0);
}
END_TEST

START_TEST(recycle_is_never_in_use_and_at_checkout)
{
	struct pool_limits limits = rig_limits();
	limits.recycle_us = 1000;
	struct rig *r = rig_new(1, limits);
	rig_serve(r, 2);
	rig_return(r, 1);
	r->now += 2000; /* no tick came */
	rig_request(r, 1);
	RIG_EXPECT(r, "CLOSE s1 RECYCLED; OPEN s2");
	rig_at(r, r->now + 5000);
	RIG_EXPECT(r, ""); /* s0 is in use */
	rig_return(r, 0);
	RIG_EXPECT(r, "CLOSE s0 RECYCLED");
}
END_TEST

START_TEST(recycle_zero_uses_each_once)
{
	struct pool_limits limits = rig_limits();
	limits.recycle_us = 0;
	limits.min_pool_size = 1;
	struct rig *r = rig_new(1, limits);
	rig_at(r, r->now);
	rig_opened(r, 0);
	rig_opened(r, 1); /* pool 1 keeps one warm, too */
	rig_at(r, r->now + USEC_PER_SEC);
	RIG_EXPECT(r, "OPEN s0; OPEN s1"); /* idles for as long as nobody comes */
	rig_request(r, 0);
	rig_return(r, 0);
	RIG_EXPECT(r, "SERVED c0 s0; CLOSE s0 RECYCLED");
	rig_lost(r, 0);
	RIG_EXPECT(r, "OPEN s2");
}
END_TEST

START_TEST(what_comes_back_unfit_is_closed_though_somebody_waits)
{
	struct pool_limits limits = rig_limits();
	limits.pool_size = 1;
	limits.max_overflow = 0;
	limits.recycle_us = 1000;
	struct rig *r = rig_new(1, limits);
	rig_serve(r, 1);
	rig_request(r, 1);
	rig_request(r, 2);
	r->now += 2000;
	rig_return(r, 0);
	RIG_EXPECT(r, "CLOSE s0 RECYCLED");
	rig_lost(r, 0);
	rig_opened(r, 1);
	pool_shared_reconnect(&r->pools[0]);
	rig_return(r, 1);
	RIG_EXPECT(r, "WAKE w0; OPEN s1; GRANT c1 s1; CLOSE s1 STALE");
}
END_TEST

START_TEST(what_comes_back_above_a_lowered_limit_is_closed_though_somebody_waits)
{
	struct pool_limits limits = rig_limits();
	struct rig *r = rig_new(1, limits);
	rig_serve(r, 3);
	rig_request(r, 3);
	limits.max_overflow = 0;
	rig_configure(r, limits);
	rig_return(r, 0);
	RIG_EXPECT(r, "CLOSE s0 SURPLUS");
	rig_return(r, 1);
	RIG_EXPECT(r, "GRANT c3 s1");
}
END_TEST

START_TEST(idle_timeout_closes_down_to_min_pool_size)
{
	struct pool_limits limits = rig_limits();
	limits.pool_size = 3;
	limits.min_pool_size = 1;
	limits.idle_timeout_us = 1000;
	struct rig *r = rig_new(1, limits);
	rig_serve(r, 3);
	usec_t from = r->now;
	for (unsigned i = 0; i < 3; i++)
		rig_return(r, i);
	rig_at(r, from + 999);
	rig_log(r);
	rig_at(r, from + 1000);
	RIG_EXPECT(r, "CLOSE s0 IDLE_TIMEOUT; CLOSE s1 IDLE_TIMEOUT");
	rig_lost(r, 0);
	rig_lost(r, 1);
	rig_at(r, from + 10 * USEC_PER_SEC);
	RIG_EXPECT(r, "");
	ck_assert_int_eq(r->slices[0][0].n_idle, 1);
}
END_TEST

START_TEST(min_pool_size_is_opened_without_clients_and_kept)
{
	struct pool_limits limits = rig_limits();
	struct rig *r = rig_new(2, limits);
	rig_at(r, r->now);
	RIG_EXPECT(r, "");
	limits.min_pool_size = 2;
	rig_configure(r, limits); /* whichever worker comes first opens, and no more than 2 */
	RIG_EXPECT(r, "OPEN s0; OPEN s1");
	rig_opened(r, 0);
	rig_opened(r, 1);
	rig_lost(r, 0);
	RIG_EXPECT(r, "OPEN s2");
}
END_TEST

START_TEST(min_pool_size_is_tried_again_after_the_back_off)
{
	struct pool_limits limits = rig_limits();
	limits.min_pool_size = 2;
	struct rig *r = rig_new(1, rig_limits());
	rig_configure(r, limits);
	rig_open_failed(r, 0);
	rig_open_failed(r, 1);
	RIG_EXPECT(r, "OPEN s0; OPEN s1");
	ck_assert_int_eq(pool_next(&r->slices[0][0]), r->now + USEC_PER_SEC);
	rig_at(r, r->now + USEC_PER_SEC);
	RIG_EXPECT(r, "OPEN s2"); /* one, to see */
	rig_opened(r, 2);
	rig_at(r, r->now + USEC_PER_SEC);
	RIG_EXPECT(r, "OPEN s3");
}
END_TEST

START_TEST(min_pool_size_above_pool_size_is_pool_size)
{
	struct pool_limits limits = rig_limits();
	limits.min_pool_size = 50;
	struct rig *r = rig_new(1, rig_limits());
	rig_configure(r, limits);
	RIG_EXPECT(r, "OPEN s0; OPEN s1");
	rig_opened(r, 0);
	rig_opened(r, 1);
	rig_at(r, r->now + 100 * USEC_PER_SEC);
	RIG_EXPECT(r, "");
}
END_TEST

START_TEST(ping_after_check_delay_and_the_waiter_keeps_its_place)
{
	struct pool_limits limits = rig_limits();
	limits.check_delay_us = 1000;
	struct rig *r = rig_new(1, limits);
	rig_serve(r, 1);
	rig_return(r, 0);
	rig_at(r, r->now + 1000);
	rig_request(r, 0);
	RIG_EXPECT(r, "SERVED c0 s0"); /* not longer than it */
	rig_return(r, 0);
	rig_at(r, r->now + 1001);
	rig_request(r, 0);
	RIG_EXPECT(r, "PING s0");
	ck_assert_int_eq(r->clients[0].state, POOL_WAITER_PINGING);
	rig_ping_ok(r, 0);
	RIG_EXPECT(r, "GRANT c0 s0");
}
END_TEST

START_TEST(pre_ping_pings_whatever_idled_but_not_what_comes_straight_from_use)
{
	struct pool_limits limits = rig_limits();
	limits.pre_ping = true;
	struct rig *r = rig_new(1, limits);
	rig_serve(r, 3); /* fresh from their logins: no ping */
	rig_request(r, 3);
	rig_return(r, 0);
	RIG_EXPECT(r, "GRANT c3 s0");
	rig_return(r, 1);
	rig_at(r, r->now + 1);
	rig_request(r, 4);
	RIG_EXPECT(r, "PING s1");
}
END_TEST

/* So many servers, of which the first ones have idled for a moment and are pinged before use. */
static struct rig *age_pinged(struct pool_limits limits, unsigned n_servers, unsigned n_idle)
{
	limits.pre_ping = true;
	struct rig *r = rig_new(1, limits);
	rig_serve(r, n_servers);
	for (unsigned i = 0; i < n_idle; i++)
		rig_return(r, i);
	rig_at(r, r->now + 1);
	return r;
}

START_TEST(failed_ping_serves_the_waiter_elsewhere_and_invalidates_the_pool)
{
	struct rig *r = age_pinged(rig_limits(), 3, 2);
	rig_request(r, 3);
	RIG_EXPECT(r, "PING s1");
	rig_ping_failed(r, 1);
	/* s0 is of the same time: it is not tried, and s2 goes when it comes back */
	RIG_EXPECT(r, "CLOSE s1 PING_FAILED; CLOSE s0 STALE");
	rig_lost(r, 1);
	rig_mail(r);
	RIG_EXPECT(r, "WAKE w0; OPEN s3");
	rig_opened(r, 3);
	RIG_EXPECT(r, "GRANT c3 s3");
	rig_return(r, 2);
	RIG_EXPECT(r, "CLOSE s2 STALE");
	rig_return(r, 3);
	RIG_EXPECT(r, "");
	ck_assert_int_eq(r->slices[0][0].n_idle, 1);
}
END_TEST

START_TEST(pings_that_fail_together_invalidate_once)
{
	struct rig *r = age_pinged(rig_limits(), 2, 2);
	rig_request(r, 3);
	rig_request(r, 4);
	RIG_EXPECT(r, "PING s1; PING s0");
	uint32_t generation = atomic_load(&r->pools[0].generation);
	rig_ping_failed(r, 1);
	rig_lost(r, 0); /* the end of its connection is an answer, too */
	ck_assert_uint_eq(atomic_load(&r->pools[0].generation), generation + 1);
	rig_mail(r);
	ck_assert_uint_eq(r->n_servers, 4);
}
END_TEST

START_TEST(login_under_way_when_a_ping_fails_is_good)
{
	struct rig *r = age_pinged(rig_limits(), 1, 1);
	rig_request(r, 0);
	rig_request(r, 1);
	RIG_EXPECT(r, "PING s0; OPEN s1");
	rig_ping_failed(r, 0);
	rig_log(r);
	rig_opened(r, 1);
	RIG_EXPECT(r, "GRANT c0 s1"); /* who came first is first again */
	rig_return(r, 1);
	RIG_EXPECT(r, "GRANT c1 s1");
}
END_TEST

START_TEST(waiter_whose_server_is_pinged_times_out_or_leaves)
{
	struct pool_limits limits = rig_limits();
	limits.pool_timeout_us = 1000;
	struct rig *r = age_pinged(limits, 2, 2);
	rig_request(r, 3);
	rig_request(r, 4);
	RIG_EXPECT(r, "PING s1; PING s0");
	rig_leave(r, 4);
	rig_at(r, r->now + 1000);
	RIG_EXPECT(r, "REFUSE c3 TIMEOUT");
	rig_ping_ok(r, 0);
	rig_ping_ok(r, 1);
	RIG_EXPECT(r, "");
	ck_assert_int_eq(r->slices[0][0].n_idle, 2);
}
END_TEST

Suite *suite_pool_age(void)
{
	Suite *s = suite_create("pool_age");
	TCase *tc = tcase_create("all");
	tcase_add_test(tc, recycle_closes_what_idles_within_a_tenth_of_its_age);
	tcase_add_test(tc, recycle_is_never_in_use_and_at_checkout);
	tcase_add_test(tc, recycle_zero_uses_each_once);
	tcase_add_test(tc, what_comes_back_unfit_is_closed_though_somebody_waits);
	tcase_add_test(tc, what_comes_back_above_a_lowered_limit_is_closed_though_somebody_waits);
	tcase_add_test(tc, idle_timeout_closes_down_to_min_pool_size);
	tcase_add_test(tc, min_pool_size_is_opened_without_clients_and_kept);
	tcase_add_test(tc, min_pool_size_is_tried_again_after_the_back_off);
	tcase_add_test(tc, min_pool_size_above_pool_size_is_pool_size);
	tcase_add_test(tc, ping_after_check_delay_and_the_waiter_keeps_its_place);
	tcase_add_test(tc, pre_ping_pings_whatever_idled_but_not_what_comes_straight_from_use);
	tcase_add_test(tc, failed_ping_serves_the_waiter_elsewhere_and_invalidates_the_pool);
	tcase_add_test(tc, pings_that_fail_together_invalidate_once);
	tcase_add_test(tc, login_under_way_when_a_ping_fails_is_good);
	tcase_add_test(tc, waiter_whose_server_is_pinged_times_out_or_leaves);
	suite_add_tcase(s, tc);
	return s;
}
