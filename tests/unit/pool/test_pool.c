/*
 * test_pool.c - QueuePool's rules, one by one: get, return, limits, waiting, failing logins.
 */
#include "check_pool.h"
#include "rig.h"

/* ---- get: an idle one, else a new one, else wait --------------------------------------------- */

START_TEST(request_opens_until_the_limit_then_waits)
{
	struct rig *r = rig_new(1, rig_limits());
	for (unsigned i = 0; i < 4; i++)
		rig_request(r, i);
	RIG_EXPECT(r, "OPEN s0; OPEN s1; OPEN s2"); /* logins count: the fourth waits */
	ck_assert_int_eq(rig_used(r), 3);
	rig_opened(r, 1);
	rig_opened(r, 0);
	rig_opened(r, 2);
	RIG_EXPECT(r, "GRANT c0 s1; GRANT c1 s0; GRANT c2 s2"); /* in the order of asking */
	ck_assert_int_eq(r->slices[0][0].n_queue, 1);
}
END_TEST

START_TEST(request_takes_an_idle_server_at_once_without_orders)
{
	struct rig *r = rig_new(1, rig_limits());
	rig_serve(r, 1);
	rig_return(r, 0);
	rig_request(r, 1);
	RIG_EXPECT(r, "SERVED c1 s0");
	ck_assert_int_eq(rig_used(r), 1);
}
END_TEST

START_TEST(waiter_served_by_a_return_before_its_login_ends)
{
	struct rig *r = rig_new(1, rig_limits());
	rig_serve(r, 1);
	rig_request(r, 1);
	RIG_EXPECT(r, "OPEN s1");
	rig_return(r, 0);
	RIG_EXPECT(r, "GRANT c1 s0");
	rig_request(r, 2); /* the login under way will do */
	RIG_EXPECT(r, "");
	rig_opened(r, 1);
	RIG_EXPECT(r, "GRANT c2 s1");
}
END_TEST

START_TEST(login_that_nobody_needs_any_more_becomes_idle)
{
	struct rig *r = rig_new(1, rig_limits());
	rig_request(r, 0);
	rig_leave(r, 0);
	rig_opened(r, 0);
	RIG_EXPECT(r, "OPEN s0");
	ck_assert_int_eq(r->slices[0][0].n_idle, 1);
	ck_assert_int_eq(r->slices[0][0].n_queue, 0);
}
END_TEST

/* ---- return: a waiter, else idle, else the oldest is closed -------------------------------------
 */

START_TEST(return_serves_the_longest_waiter)
{
	struct rig *r = rig_new(1, rig_limits());
	rig_serve(r, 3);
	rig_request(r, 3);
	rig_request(r, 4);
	rig_return(r, 2);
	rig_return(r, 0);
	RIG_EXPECT(r, "GRANT c3 s2; GRANT c4 s0");
}
END_TEST

START_TEST(return_above_pool_size_closes_the_oldest)
{
	struct rig *r = rig_new(1, rig_limits());
	rig_serve(r, 1);
	rig_at(r, r->now + 1);
	rig_request(r, 1);
	rig_opened(r, 1);
	rig_at(r, r->now + 1);
	rig_request(r, 2);
	rig_opened(r, 2);
	rig_log(r);
	rig_return(r, 2);
	rig_return(r, 0);
	RIG_EXPECT(r, "");
	rig_return(r, 1);
	RIG_EXPECT(r, "CLOSE s0 OVERFLOW");
	ck_assert_int_eq(rig_used(r), 3); /* until it is gone */
	rig_lost(r, 0);
	ck_assert_int_eq(rig_used(r), 2);
	ck_assert_int_eq(r->slices[0][0].n_idle, 2);
}
END_TEST

START_TEST(steady_load_between_size_and_limit_does_not_reconnect)
{
	struct rig *r = rig_new(1, rig_limits());
	rig_serve(r, 3);
	for (unsigned i = 0; i < 30; i++) { /* one idles at most, of a pool_size of 2 */
		rig_return(r, i % 3);
		rig_request(r, i % 3);
	}
	rig_log(r);
	ck_assert_uint_eq(r->n_servers, 3);
	ck_assert_uint_eq(r->slices[0][0].counters.closed, 0);
}
END_TEST

START_TEST(no_overflow_is_a_hard_cap)
{
	struct pool_limits limits = rig_limits();
	limits.max_overflow = 0;
	struct rig *r = rig_new(1, limits);
	rig_request(r, 0);
	rig_request(r, 1);
	rig_request(r, 2);
	RIG_EXPECT(r, "OPEN s0; OPEN s1");
}
END_TEST

START_TEST(overflow_without_cap_still_keeps_pool_size_idle)
{
	struct pool_limits limits = rig_limits();
	limits.max_overflow = -1;
	struct rig *r = rig_new(1, limits);
	rig_serve(r, 10);
	for (unsigned i = 0; i < 10; i++)
		rig_return(r, i);
	ck_assert_int_eq(r->slices[0][0].n_idle, 2);
	ck_assert_uint_eq(r->slices[0][0].counters.closed, 8);
}
END_TEST

START_TEST(pool_size_zero_has_no_limit_and_keeps_all)
{
	struct pool_limits limits = rig_limits();
	limits.pool_size = 0;
	limits.max_overflow = 0;
	struct rig *r = rig_new(1, limits);
	rig_serve(r, 10);
	for (unsigned i = 0; i < 10; i++)
		rig_return(r, i);
	ck_assert_int_eq(r->slices[0][0].n_idle, 10);
	RIG_EXPECT(r, "");
}
END_TEST

/* ---- waiting
 * ---------------------------------------------------------------------------------------- */

START_TEST(waiter_is_refused_at_its_deadline_and_not_before)
{
	struct rig *r = rig_new(1, rig_limits());
	rig_serve(r, 3);
	usec_t asked = r->now;
	rig_request(r, 3);
	ck_assert_int_eq(pool_next(&r->slices[0][0]), asked + 30 * USEC_PER_SEC);
	rig_at(r, asked + 10 * USEC_PER_SEC);
	rig_request(r, 4);
	rig_at(r, asked + 30 * USEC_PER_SEC - 1);
	RIG_EXPECT(r, "");
	rig_at(r, asked + 30 * USEC_PER_SEC);
	RIG_EXPECT(r, "REFUSE c3 TIMEOUT");
	rig_at(r, asked + 40 * USEC_PER_SEC);
	RIG_EXPECT(r, "REFUSE c4 TIMEOUT");
	ck_assert_int_eq(atomic_load(&r->pools[0].short_of), 0);
}
END_TEST

START_TEST(deadline_is_fixed_when_queued)
{
	struct rig *r = rig_new(1, rig_limits());
	rig_serve(r, 3);
	usec_t asked = r->now;
	rig_request(r, 3);
	struct pool_limits limits = rig_limits();
	limits.pool_timeout_us = USEC_PER_SEC;
	rig_configure(r, limits);
	rig_request(r, 4); /* later in line, and its time is up earlier */
	rig_at(r, asked + USEC_PER_SEC);
	RIG_EXPECT(r, "REFUSE c4 TIMEOUT");
	rig_at(r, asked + 30 * USEC_PER_SEC);
	RIG_EXPECT(r, "REFUSE c3 TIMEOUT");
}
END_TEST

START_TEST(nobody_barges_in)
{
	struct rig *r = rig_new(1, rig_limits());
	rig_serve(r, 3);
	rig_request(r, 3);
	rig_return(r, 1);
	rig_request(r, 1); /* had it just now, and is behind c3 all the same */
	RIG_EXPECT(r, "GRANT c3 s1");
	ck_assert_int_eq(r->slices[0][0].n_queue, 1);
}
END_TEST

START_TEST(who_leaves_is_passed_over)
{
	struct rig *r = rig_new(1, rig_limits());
	rig_serve(r, 3);
	rig_request(r, 3);
	rig_request(r, 4);
	rig_leave(r, 3);
	rig_leave(r, 3); /* once more does no harm */
	rig_return(r, 0);
	RIG_EXPECT(r, "GRANT c4 s0");
	ck_assert_int_eq(atomic_load(&r->pools[0].waiting), 0);
}
END_TEST

START_TEST(queue_is_bounded_by_max_waiting)
{
	struct pool_limits limits = rig_limits();
	limits.max_waiting = 2;
	struct rig *r = rig_new(2, limits);
	rig_request(r, 0);
	rig_request(r, 1);
	rig_request(r, 2); /* a login is under way for each of these */
	RIG_EXPECT(r, "OPEN s0; OPEN s1; OPEN s2");
	rig_request(r, 3);
	rig_request_in(r, 0, 1, 4); /* counted over all workers */
	RIG_EXPECT(r, "");
	rig_request(r, 5);
	RIG_EXPECT(r, "REFUSE c5 QUEUE_FULL");
	rig_request_in(r, 0, 1, 6);
	RIG_EXPECT(r, "REFUSE c6 QUEUE_FULL");
	rig_leave(r, 4);
	rig_request_in(r, 0, 1, 6);
	RIG_EXPECT(r, "");
}
END_TEST

START_TEST(overflow_opens_after_its_delay_one_by_one)
{
	struct pool_limits limits = rig_limits();
	limits.max_overflow = 5;
	limits.overflow_delay_us = 1000;
	struct rig *r = rig_new(1, limits);
	rig_serve(r, 2);
	usec_t asked = r->now;
	rig_request(r, 2);
	rig_request(r, 3);
	RIG_EXPECT(r, "");
	ck_assert_int_eq(pool_next(&r->slices[0][0]), asked + 1000);
	rig_at(r, asked + 1000);
	RIG_EXPECT(r, "OPEN s2");
	rig_opened(r, 2);
	RIG_EXPECT(r, "GRANT c2 s2; OPEN s3");
}
END_TEST

START_TEST(delayed_overflow_does_not_delay_what_pool_size_allows)
{
	struct pool_limits limits = rig_limits();
	limits.overflow_delay_us = USEC_PER_SEC;
	struct rig *r = rig_new(1, limits);
	rig_serve(r, 2);
	rig_request(r, 2);
	RIG_EXPECT(r, "");
	rig_lost(r, 0); /* less than pool_size: somebody who waits may open now */
	rig_mail(r);
	RIG_EXPECT(r, "WAKE w0; OPEN s2");
}
END_TEST

/* ---- which one: the last used, by this client or by anybody
 * ---------------------------------------- */

START_TEST(lifo_takes_the_one_used_last)
{
	struct pool_limits limits = rig_limits();
	struct rig *r = rig_new(1, limits);
	rig_serve(r, 2);
	rig_return(r, 0);
	rig_return(r, 1);
	rig_request(r, 5);
	RIG_EXPECT(r, "SERVED c5 s1");
}
END_TEST

START_TEST(fifo_takes_the_one_idle_longest)
{
	struct pool_limits limits = rig_limits();
	limits.lifo = false;
	struct rig *r = rig_new(1, limits);
	rig_serve(r, 2);
	rig_return(r, 0);
	rig_return(r, 1);
	rig_request(r, 5);
	RIG_EXPECT(r, "SERVED c5 s0");
}
END_TEST

START_TEST(client_gets_the_server_that_it_used_last)
{
	struct rig *r = rig_new(1, rig_limits());
	rig_serve(r, 2);
	rig_return(r, 0);
	rig_return(r, 1);
	rig_request(r, 0);
	RIG_EXPECT(r, "SERVED c0 s0");
	rig_return(r, 0);
	rig_lost(r, 0); /* and when that is gone, another */
	rig_request(r, 0);
	RIG_EXPECT(r, "SERVED c0 s1");
	ck_assert_ptr_null(r->clients[1].last); /* s1 knows c0 now */
}
END_TEST

START_TEST(a_server_that_is_dear_to_its_client_is_given_to_others_last)
{
	for (int lifo = 0; lifo < 2; lifo++) {
		struct pool_limits limits = rig_limits();
		limits.lifo = lifo;
		struct rig *r = rig_new(1, limits);
		rig_serve(r, 2);
		unsigned dear = lifo ? 1 : 0; /* whose turn it would be */
		r->servers[dear].is_dear = true;
		rig_return(r, 0);
		rig_return(r, 1);
		rig_request(r, 5);
		RIG_EXPECT(r, lifo ? "SERVED c5 s0" : "SERVED c5 s1");
		rig_request(r, 6); /* or he would have to wait */
		RIG_EXPECT(r, lifo ? "SERVED c6 s1" : "SERVED c6 s0");
	}
}
END_TEST

START_TEST(client_that_is_gone_is_forgotten_by_its_server)
{
	struct rig *r = rig_new(1, rig_limits());
	rig_serve(r, 1);
	rig_return(r, 0);
	pool_waiter_fini(&r->clients[0], r->now);
	ck_assert_ptr_null(r->servers[0].last);
	rig_request(r, 1);
	RIG_EXPECT(r, "SERVED c1 s0");
}
END_TEST

/* ---- logins that fail
 * ---------------------------------------------------------------------------------- */

START_TEST(failed_login_refuses_those_who_wait_and_backs_off)
{
	struct rig *r = rig_new(1, rig_limits());
	rig_request(r, 0);
	rig_request(r, 1);
	RIG_EXPECT(r, "OPEN s0; OPEN s1");
	rig_open_failed(r, 0);
	RIG_EXPECT(r, ""); /* another login may yet succeed */
	ck_assert_int_eq(rig_used(r), 1);
	rig_open_failed(r, 1);
	RIG_EXPECT(r, "REFUSE c0 LOGIN_FAILED; REFUSE c1 LOGIN_FAILED");
	rig_request(r, 2); /* while backing off: at once */
	RIG_EXPECT(r, "REFUSE c2 LOGIN_FAILED");
	ck_assert_int_eq(rig_used(r), 0);
}
END_TEST

START_TEST(after_the_back_off_one_login_tries_for_all)
{
	struct rig *r = rig_new(1, rig_limits());
	rig_request(r, 0);
	rig_open_failed(r, 0);
	rig_log(r);
	rig_at(r, r->now + USEC_PER_SEC);
	rig_request(r, 1);
	rig_request(r, 2);
	rig_request(r, 3);
	RIG_EXPECT(r, "OPEN s1"); /* not three */
	rig_opened(r, 1);
	RIG_EXPECT(r, "GRANT c1 s1; OPEN s2; OPEN s3"); /* all is well again */
}
END_TEST

START_TEST(failed_login_refuses_nobody_while_another_server_works)
{
	struct rig *r = rig_new(1, rig_limits());
	rig_serve(r, 1);
	rig_request(r, 1);
	rig_open_failed(r, 1);
	RIG_EXPECT(r, "OPEN s1");
	rig_return(r, 0);
	RIG_EXPECT(r, "GRANT c1 s0");
	rig_request(r, 2);
	RIG_EXPECT(r, ""); /* backing off, but it may wait for s0 */
	rig_at(r, r->now + USEC_PER_SEC);
	RIG_EXPECT(r, "OPEN s2");
}
END_TEST

START_TEST(last_server_lost_while_backing_off_refuses)
{
	struct rig *r = rig_new(1, rig_limits());
	rig_serve(r, 1);
	rig_request(r, 1);
	rig_open_failed(r, 1);
	rig_log(r);
	rig_lost(r, 0);
	RIG_EXPECT(r, "REFUSE c1 LOGIN_FAILED");
}
END_TEST

START_TEST(login_given_up_is_no_failure)
{
	struct rig *r = rig_new(1, rig_limits());
	rig_request(r, 0);
	rig_leave(r, 0);
	rig_lost(r, 0);
	ck_assert_int_eq(rig_used(r), 0);
	ck_assert_int_eq(atomic_load(&r->pools[0].logins), 0);
	rig_request(r, 1);
	RIG_EXPECT(r, "OPEN s0; OPEN s1");
}
END_TEST

START_TEST(no_pause_between_failures_is_a_millisecond)
{
	struct pool_limits limits = rig_limits();
	limits.login_retry_us = 0;
	struct rig *r = rig_new(1, limits);
	rig_request(r, 0);
	rig_open_failed(r, 0);
	RIG_EXPECT(r, "OPEN s0; REFUSE c0 LOGIN_FAILED");
	rig_request(r, 0);
	RIG_EXPECT(r, "REFUSE c0 LOGIN_FAILED");
	rig_at(r, r->now + USEC_PER_MSEC);
	rig_request(r, 0);
	RIG_EXPECT(r, "OPEN s1");
}
END_TEST

static void add_get_and_return(TCase *tc)
{
	tcase_add_test(tc, request_opens_until_the_limit_then_waits);
	tcase_add_test(tc, request_takes_an_idle_server_at_once_without_orders);
	tcase_add_test(tc, waiter_served_by_a_return_before_its_login_ends);
	tcase_add_test(tc, login_that_nobody_needs_any_more_becomes_idle);
	tcase_add_test(tc, return_serves_the_longest_waiter);
	tcase_add_test(tc, return_above_pool_size_closes_the_oldest);
	tcase_add_test(tc, steady_load_between_size_and_limit_does_not_reconnect);
	tcase_add_test(tc, no_overflow_is_a_hard_cap);
	tcase_add_test(tc, overflow_without_cap_still_keeps_pool_size_idle);
	tcase_add_test(tc, pool_size_zero_has_no_limit_and_keeps_all);
	tcase_add_test(tc, lifo_takes_the_one_used_last);
	tcase_add_test(tc, fifo_takes_the_one_idle_longest);
	tcase_add_test(tc, client_gets_the_server_that_it_used_last);
	tcase_add_test(tc, a_server_that_is_dear_to_its_client_is_given_to_others_last);
	tcase_add_test(tc, client_that_is_gone_is_forgotten_by_its_server);
}

static void add_waiting(TCase *tc)
{
	tcase_add_test(tc, waiter_is_refused_at_its_deadline_and_not_before);
	tcase_add_test(tc, deadline_is_fixed_when_queued);
	tcase_add_test(tc, nobody_barges_in);
	tcase_add_test(tc, who_leaves_is_passed_over);
	tcase_add_test(tc, queue_is_bounded_by_max_waiting);
	tcase_add_test(tc, overflow_opens_after_its_delay_one_by_one);
	tcase_add_test(tc, delayed_overflow_does_not_delay_what_pool_size_allows);
}

static void add_failing(TCase *tc)
{
	tcase_add_test(tc, failed_login_refuses_those_who_wait_and_backs_off);
	tcase_add_test(tc, after_the_back_off_one_login_tries_for_all);
	tcase_add_test(tc, failed_login_refuses_nobody_while_another_server_works);
	tcase_add_test(tc, last_server_lost_while_backing_off_refuses);
	tcase_add_test(tc, login_given_up_is_no_failure);
	tcase_add_test(tc, no_pause_between_failures_is_a_millisecond);
}

Suite *suite_pool(void)
{
	Suite *s = suite_create("pool");
	TCase *tc = tcase_create("all");
	add_get_and_return(tc);
	add_waiting(tc);
	add_failing(tc);
	suite_add_tcase(s, tc);
	return s;
}
