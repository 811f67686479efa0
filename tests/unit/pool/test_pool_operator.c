/*
 * test_pool_operator.c - reload, PAUSE, RESUME, RECONNECT, KILL, the numbers; the state tables.
 */
#include <signal.h>

#include "check_pool.h"
#include "rig.h"

START_TEST(lowered_limit_drains_as_servers_come_back)
{
	struct rig *r = rig_new(1, rig_limits());
	rig_serve(r, 3);
	rig_request(r, 3);
	struct pool_limits limits = rig_limits();
	limits.pool_size = 1;
	limits.max_overflow = 0;
	rig_configure(r, limits);
	RIG_EXPECT(r, "");
	rig_return(r, 0);
	rig_return(r, 1);
	RIG_EXPECT(r, "CLOSE s0 SURPLUS; CLOSE s1 SURPLUS"); /* two too many, and not a third */
	rig_return(r, 2);
	RIG_EXPECT(r, "GRANT c3 s2");
	rig_lost(r, 0);
	rig_lost(r, 1);
	ck_assert_int_eq(rig_used(r), 1);
	rig_return(r, 2);
	RIG_EXPECT(r, "");
}
END_TEST

START_TEST(lowered_pool_size_closes_what_idles)
{
	struct rig *r = rig_new(1, rig_limits());
	rig_serve(r, 2);
	rig_return(r, 0);
	rig_return(r, 1);
	struct pool_limits limits = rig_limits();
	limits.pool_size = 1;
	rig_configure(r, limits);
	RIG_EXPECT(r, "CLOSE s0 OVERFLOW");
}
END_TEST

START_TEST(raised_limit_opens_for_those_who_wait)
{
	struct rig *r = rig_new(1, rig_limits());
	rig_serve(r, 3);
	rig_request(r, 3);
	rig_request(r, 4);
	struct pool_limits limits = rig_limits();
	limits.max_overflow = 10;
	rig_configure(r, limits);
	RIG_EXPECT(r, "OPEN s3; OPEN s4");
}
END_TEST

START_TEST(changed_recycle_holds_for_servers_that_are_open)
{
	struct rig *r = rig_new(1, rig_limits());
	rig_serve(r, 2);
	rig_return(r, 0);
	struct pool_limits limits = rig_limits();
	limits.recycle_us = 1000;
	rig_configure(r, limits);
	rig_at(r, r->now + 1000);
	RIG_EXPECT(r, "CLOSE s0 RECYCLED");
	rig_return(r, 1);
	RIG_EXPECT(r, "CLOSE s1 RECYCLED");
}
END_TEST

START_TEST(pause_closes_and_says_when_all_are_gone)
{
	struct rig *r = rig_new(1, rig_limits());
	struct pool_slice *s = &r->slices[0][0];
	rig_serve(r, 2);
	rig_return(r, 0);
	ck_assert(!pool_pause(s, r->now));
	rig_run(r);
	RIG_EXPECT(r, "CLOSE s0 PAUSED");
	rig_request(r, 0);
	rig_lost(r, 0);
	RIG_EXPECT(r, "");
	rig_return(r, 1);
	RIG_EXPECT(r, "CLOSE s1 PAUSED");
	rig_lost(r, 1);
	RIG_EXPECT(r, "DRAINED");
	ck_assert(pool_is_drained(s));
	ck_assert(pool_pause(s, r->now)); /* again: nothing to wait for */
	pool_resume(s, r->now);
	rig_run(r);
	RIG_EXPECT(r, "OPEN s2");
	rig_opened(r, 2);
	RIG_EXPECT(r, "GRANT c0 s2");
}
END_TEST

START_TEST(pause_ends_a_login_under_way_and_a_ping)
{
	struct pool_limits limits = rig_limits();
	limits.pre_ping = true;
	struct rig *r = rig_new(1, limits);
	rig_serve(r, 1);
	rig_return(r, 0);
	rig_at(r, r->now + 1);
	rig_request(r, 0);
	rig_request(r, 1);
	RIG_EXPECT(r, "PING s0; OPEN s1");
	pool_pause(&r->slices[0][0], r->now);
	rig_opened(r, 1);
	rig_ping_ok(r, 0);
	RIG_EXPECT(r, "CLOSE s1 PAUSED; CLOSE s0 PAUSED");
	ck_assert_int_eq(r->slices[0][0].n_queue, 2); /* both still wait */
	rig_at(r, r->now + 30 * USEC_PER_SEC);
	RIG_EXPECT(r, "REFUSE c0 TIMEOUT; REFUSE c1 TIMEOUT");
}
END_TEST

START_TEST(reconnect_closes_idle_ones_now_and_others_when_they_come_back)
{
	struct rig *r = rig_new(1, rig_limits());
	rig_serve(r, 2);
	rig_return(r, 0);
	rig_request(r, 2); /* takes s0 back */
	rig_request(r, 3);
	RIG_EXPECT(r, "SERVED c2 s0; OPEN s2");
	rig_return(r, 0);
	RIG_EXPECT(r, "GRANT c3 s0");
	rig_return(r, 0);
	pool_shared_reconnect(&r->pools[0]);
	pool_sweep(&r->slices[0][0], r->now);
	rig_run(r);
	RIG_EXPECT(r, "CLOSE s0 STALE");
	rig_return(r, 1);
	RIG_EXPECT(r, "CLOSE s1 STALE");
	rig_opened(r, 2); /* begun before */
	RIG_EXPECT(r, "CLOSE s2 STALE");
	rig_lost(r, 2);
	rig_request(r, 4);
	RIG_EXPECT(r, "OPEN s3");
	rig_opened(r, 3);
	RIG_EXPECT(r, "GRANT c4 s3");
}
END_TEST

START_TEST(kill_closes_servers_in_use)
{
	struct pool_limits limits = rig_limits();
	limits.pre_ping = true;
	struct rig *r = rig_new(1, limits);
	struct pool_slice *s = &r->slices[0][0];
	rig_serve(r, 3);
	rig_return(r, 0);
	rig_return(r, 1);
	rig_at(r, r->now + 1);
	rig_request(r, 3);
	RIG_EXPECT(r, "PING s1");
	pool_shared_reconnect(&r->pools[0]);
	pool_pause(s, r->now);
	pool_kill(s, r->now);
	rig_run(r);
	RIG_EXPECT(r, "CLOSE s0 PAUSED; CLOSE s2 KILLED; CLOSE s1 KILLED");
	rig_return(r, 2);  /* from the client that had it: too late, and no harm */
	rig_ping_ok(r, 1); /* an answer that was on its way */
	rig_ping_failed(r, 1);
	for (unsigned i = 0; i < 3; i++)
		rig_lost(r, i);
	RIG_EXPECT(r, "DRAINED");
	ck_assert_int_eq(s->n_queue, 1);
}
END_TEST

START_TEST(stats_are_the_four_numbers_and_more)
{
	struct rig *r = rig_new(2, rig_limits());
	struct pool_stats stats;
	rig_serve(r, 3);
	rig_return(r, 0);
	rig_request_in(r, 0, 1, 8);
	RIG_EXPECT(r, "WAKE w0");
	rig_mail(r);
	RIG_EXPECT(r, "HAND s0 w1; GRANT c8 s0");
	r->now += 5;
	rig_request(r, 3);
	pool_stats(&r->slices[0][0], &stats);
	ck_assert_int_eq(stats.active, 2);
	ck_assert_int_eq(stats.idle, 0);
	ck_assert_int_eq(stats.waiting, 1);
	ck_assert_int_eq(stats.oldest_us, r->now);
	ck_assert_int_eq(stats.used, 3);
	ck_assert_int_eq(stats.limit, 3);
	ck_assert_uint_eq(stats.counters.handed, 1);
	ck_assert_uint_eq(stats.counters.requests, 4);
	ck_assert_uint_eq(stats.counters.opened, 3);
	pool_stats(&r->slices[0][1], &stats);
	ck_assert_uint_eq(stats.counters.adopted, 1);
	ck_assert_int_eq(stats.active, 1);
	ck_assert_int_eq(stats.oldest_us, USEC_NEVER);
}
END_TEST

START_TEST(slice_and_worker_end_when_nothing_is_left)
{
	struct rig *r = rig_new(1, rig_limits());
	rig_serve(r, 1);
	ck_assert_ptr_eq(pool_slice_here(&r->workers[0], &r->pools[0]), &r->slices[0][0]);
	pool_pause(&r->slices[0][0], r->now);
	rig_return(r, 0);
	rig_lost(r, 0);
	for (unsigned i = 0; i < RIG_POOLS; i++) {
		pool_fini(&r->slices[i][0]);
		ck_assert_ptr_null(pool_slice_here(&r->workers[0], &r->pools[i]));
		pool_shared_fini(&r->pools[i]);
	}
	pool_worker_fini(&r->workers[0]);
	pool_cap_fini(&r->db);
}
END_TEST

START_TEST(every_state_has_a_name_and_an_end)
{
	static const unsigned to[] = {
#define X(state, set) [POOL_MEMBER_##state] = (set),
		POOL_MEMBER_STATES(X)
#undef X
	};
	for (unsigned i = 0; i < COUNT_OF(to); i++) {
		ck_assert_ptr_nonnull(pool_member_state_name((enum pool_member_state)i));
		ck_assert((to[i] & (1u << i)) == 0);
		if (i != POOL_MEMBER_GONE)
			ck_assert(to[i] & POOL_TO(GONE));
	}
	ck_assert_uint_eq(to[POOL_MEMBER_GONE], 0);
	ck_assert_str_eq(pool_member_state_name(POOL_MEMBER_MOVING), "MOVING");
	ck_assert_str_eq(pool_waiter_state_name(POOL_WAITER_QUEUED), "QUEUED");
}
END_TEST

START_TEST(returning_what_idles_is_a_bug)
{
	struct rig *r = rig_new(1, rig_limits());
	rig_serve(r, 1);
	rig_return(r, 0);
	pool_return(&r->servers[0], r->now); /* ends the process */
}
END_TEST

Suite *suite_pool_operator(void)
{
	Suite *s = suite_create("pool_operator");
	TCase *tc = tcase_create("all");
	tcase_add_test(tc, lowered_limit_drains_as_servers_come_back);
	tcase_add_test(tc, lowered_pool_size_closes_what_idles);
	tcase_add_test(tc, raised_limit_opens_for_those_who_wait);
	tcase_add_test(tc, changed_recycle_holds_for_servers_that_are_open);
	tcase_add_test(tc, pause_closes_and_says_when_all_are_gone);
	tcase_add_test(tc, pause_ends_a_login_under_way_and_a_ping);
	tcase_add_test(tc, reconnect_closes_idle_ones_now_and_others_when_they_come_back);
	tcase_add_test(tc, kill_closes_servers_in_use);
	tcase_add_test(tc, stats_are_the_four_numbers_and_more);
	tcase_add_test(tc, slice_and_worker_end_when_nothing_is_left);
	tcase_add_test(tc, every_state_has_a_name_and_an_end);
	tcase_add_test_raise_signal(tc, returning_what_idles_is_a_bug, SIGABRT);
	suite_add_tcase(s, tc);
	return s;
}
