/*
 * test_pool_workers.c - several workers, one pool: hand-over, wake-ups, bounds over all of them.
 */
#include "check_pool.h"
#include "rig.h"

START_TEST(idle_server_elsewhere_is_asked_for_and_handed_over)
{
	struct rig *r = rig_new(2, rig_limits());
	rig_serve(r, 1);
	rig_return(r, 0);
	rig_request_in(r, 0, 1, 8);
	RIG_EXPECT(r, "WAKE w0"); /* and no login, though a permit is free */
	rig_mail(r);
	RIG_EXPECT(r, "HAND s0 w1; GRANT c8 s0");
	ck_assert_int_eq(r->slices[0][0].n_idle + r->slices[0][0].n_active, 0);
	ck_assert_int_eq(r->slices[0][1].n_active, 1);
	ck_assert_ptr_null(r->clients[0].last); /* c0 knows it no more */
	ck_assert_int_eq(rig_used(r), 1);
}
END_TEST

START_TEST(returned_server_goes_to_who_waits_elsewhere)
{
	struct rig *r = rig_new(2, rig_limits());
	rig_serve(r, 3);
	rig_request_in(r, 0, 1, 8);
	rig_return(r, 1);
	RIG_EXPECT(r, "HAND s1 w1");
	rig_return(r, 2); /* one for one who waits */
	RIG_EXPECT(r, "");
	rig_mail(r);
	RIG_EXPECT(r, "GRANT c8 s1");
	ck_assert_int_eq(r->slices[0][0].n_idle, 1);
}
END_TEST

START_TEST(own_waiter_goes_first_unless_another_waits_longer_by_the_margin)
{
	struct rig *r = rig_new(2, rig_limits());
	rig_serve(r, 3);
	rig_request_in(r, 0, 1, 8);
	r->now += POOL_HAND_MARGIN_US;
	rig_request(r, 3);
	rig_return(r, 0);
	RIG_EXPECT(r, "GRANT c3 s0");
	r->now += 1;
	rig_request(r, 4);
	rig_return(r, 1);
	RIG_EXPECT(r, "HAND s1 w1");
	rig_return(r, 2);
	RIG_EXPECT(r, "GRANT c4 s2");
	rig_mail(r);
	RIG_EXPECT(r, "GRANT c8 s1");
}
END_TEST

START_TEST(newcomer_does_not_take_what_idles_from_who_waits_elsewhere)
{
	struct rig *r = rig_new(2, rig_limits());
	rig_serve(r, 3);
	rig_return(r, 0);
	rig_request_in(r, 0, 1, 8); /* its WAKE is on its way */
	r->now += POOL_HAND_MARGIN_US + 1;
	rig_request(r, 0);
	RIG_EXPECT(r, "WAKE w0; HAND s0 w1");
	rig_mail(r);
	RIG_EXPECT(r, "GRANT c8 s0");
}
END_TEST

START_TEST(who_counted_on_an_idle_server_in_vain_is_told)
{
	struct rig *r = rig_new(3, rig_limits());
	rig_serve(r, 1);
	rig_return(r, 0);
	rig_request_in(r, 0, 1, 8);
	rig_request_in(r, 0, 2, 9); /* both count on s0 */
	RIG_EXPECT(r, "WAKE w0");
	rig_mail(r);
	/* one gets it, the other is woken and opens */
	RIG_EXPECT(r, "HAND s0 w1; WAKE w2; GRANT c8 s0; OPEN s1");
	rig_opened(r, 1);
	RIG_EXPECT(r, "GRANT c9 s1");
}
END_TEST

START_TEST(stale_idle_server_is_not_handed_over)
{
	struct rig *r = rig_new(2, rig_limits());
	rig_serve(r, 1);
	rig_return(r, 0);
	pool_shared_reconnect(&r->pools[0]);
	rig_request_in(r, 0, 1, 8);
	rig_mail(r);
	RIG_EXPECT(r, "WAKE w0; CLOSE s0 STALE; WAKE w1; OPEN s1");
}
END_TEST

START_TEST(freed_permit_wakes_who_waits_longest_and_is_passed_on)
{
	struct rig *r = rig_new(3, rig_limits());
	rig_serve(r, 3);
	rig_request_in(r, 0, 2, 8);
	r->now++;
	rig_request_in(r, 0, 1, 9);
	rig_lost(r, 0);
	RIG_EXPECT(r, "WAKE w2");
	rig_leave(r, 8); /* it needs it no more */
	rig_mail(r);
	RIG_EXPECT(r, "WAKE w1; OPEN s3");
}
END_TEST

START_TEST(handed_over_for_who_left_serves_the_next_or_goes_on)
{
	struct rig *r = rig_new(3, rig_limits());
	rig_serve(r, 3);
	rig_request_in(r, 0, 1, 8);
	rig_return(r, 0);
	rig_leave(r, 8);
	rig_request_in(r, 0, 2, 9);
	rig_mail(r);
	RIG_EXPECT(r, "HAND s0 w1; HAND s0 w2; GRANT c9 s0");
}
END_TEST

START_TEST(idle_bound_holds_over_all_workers)
{
	struct rig *r = rig_new(2, rig_limits());
	rig_request_in(r, 0, 1, 8);
	rig_opened(r, 0);
	rig_request_in(r, 0, 1, 9);
	rig_opened(r, 1);
	rig_request(r, 0);
	rig_opened(r, 2);
	rig_log(r);
	rig_return(r, 0);
	rig_return(r, 1);
	RIG_EXPECT(r, "");
	rig_return(r, 2); /* two idle in the other worker already */
	RIG_EXPECT(r, "CLOSE s2 OVERFLOW");
}
END_TEST

START_TEST(failing_logins_refuse_in_every_worker)
{
	struct rig *r = rig_new(2, rig_limits());
	rig_request(r, 0);
	rig_request_in(r, 0, 1, 8);
	RIG_EXPECT(r, "OPEN s0; OPEN s1");
	rig_open_failed(r, 0);
	rig_open_failed(r, 1);
	rig_mail(r);
	RIG_EXPECT(r, "WAKE w0; REFUSE c8 LOGIN_FAILED; REFUSE c0 LOGIN_FAILED");
}
END_TEST

START_TEST(after_the_back_off_one_worker_tries_and_its_success_wakes_the_others)
{
	struct rig *r = rig_new(2, rig_limits());
	rig_request(r, 0);
	rig_open_failed(r, 0);
	rig_log(r);
	r->now += USEC_PER_SEC;
	rig_request(r, 0);
	rig_request_in(r, 0, 1, 8);
	RIG_EXPECT(r, "OPEN s1");
	rig_opened(r, 1);
	rig_mail(r);
	RIG_EXPECT(r, "WAKE w1; GRANT c0 s1; OPEN s2");
}
END_TEST

START_TEST(ping_is_due_after_a_hand_over_of_what_idled_and_not_of_what_was_used)
{
	struct pool_limits limits = rig_limits();
	limits.pre_ping = true;
	struct rig *r = rig_new(2, limits);
	rig_serve(r, 3);
	rig_request_in(r, 0, 1, 8);
	rig_return(r, 0);
	r->now += 100; /* the mail takes its time */
	rig_mail(r);
	RIG_EXPECT(r, "HAND s0 w1; GRANT c8 s0");
	rig_return(r, 1);
	r->now += 100;
	rig_request_in(r, 0, 1, 9);
	rig_mail(r);
	RIG_EXPECT(r, "WAKE w0; HAND s1 w1; PING s1");
}
END_TEST

START_TEST(paused_worker_is_not_short_and_closes_what_it_is_handed)
{
	struct rig *r = rig_new(2, rig_limits());
	rig_serve(r, 3);
	rig_request_in(r, 0, 1, 8);
	rig_return(r, 0);
	pool_pause(&r->slices[0][1], r->now);
	rig_return(r, 1);
	RIG_EXPECT(r, "HAND s0 w1");
	rig_mail(r);
	RIG_EXPECT(r, "CLOSE s0 PAUSED");
	rig_lost(r, 0); /* the permit is offered to who wanted one before the pause */
	RIG_EXPECT(r, "WAKE w1; DRAINED");
	rig_mail(r);
	RIG_EXPECT(r, "");
	pool_resume(&r->slices[0][1], r->now);
	rig_run(r);
	rig_mail(r);
	RIG_EXPECT(r, "WAKE w0; HAND s1 w1; GRANT c8 s1");
}
END_TEST

START_TEST(server_being_cleaned_is_waited_for_a_while)
{
	struct rig *r = rig_new(1, rig_limits());
	rig_serve(r, 2);
	pool_returning(&r->servers[0]);
	pool_returning(&r->servers[0]);
	rig_request(r, 2);
	RIG_EXPECT(r, ""); /* and no login, though a permit is free */
	rig_request(r, 3);
	RIG_EXPECT(r, "OPEN s2"); /* one is returning, not two */
	rig_return(r, 0);
	RIG_EXPECT(r, "GRANT c2 s0");
	rig_opened(r, 2);
	RIG_EXPECT(r, "GRANT c3 s2");
	ck_assert_int_eq(pool_cap_returning(&r->pools[0].cap), 0);

	r = rig_new(1, rig_limits());
	rig_serve(r, 1);
	pool_returning(&r->servers[0]);
	rig_request(r, 2);
	rig_at(r, r->now + POOL_RETURN_US - 1);
	RIG_EXPECT(r, "");
	rig_at(r, r->now + 1);
	RIG_EXPECT(r, "OPEN s1");
}
END_TEST

START_TEST(server_being_cleaned_elsewhere_is_waited_for_too)
{
	struct rig *r = rig_new(3, rig_limits());
	rig_serve(r, 1);
	pool_returning(&r->servers[0]);
	rig_request_in(r, 0, 1, 8);
	r->now++;
	rig_request_in(r, 0, 2, 9); /* both count on s0 */
	RIG_EXPECT(r, "");
	rig_return(r, 0);
	RIG_EXPECT(r, "HAND s0 w1; WAKE w2");
	rig_mail(r);
	RIG_EXPECT(r, "GRANT c8 s0; OPEN s1");
}
END_TEST

START_TEST(who_waits_for_a_server_that_is_lost_while_cleaned_is_told)
{
	struct rig *r = rig_new(2, rig_limits());
	rig_serve(r, 1);
	pool_returning(&r->servers[0]);
	rig_request_in(r, 0, 1, 8);
	rig_lost(r, 0);
	RIG_EXPECT(r, "WAKE w1");
	rig_mail(r);
	RIG_EXPECT(r, "OPEN s1");
	ck_assert_int_eq(pool_cap_returning(&r->pools[0].cap), 0);
}
END_TEST

START_TEST(wake_that_finds_no_slice_is_passed_on)
{
	struct rig *r = rig_new(2, rig_limits());
	rig_serve(r, 1);
	rig_return(r, 0);
	rig_request_in(r, 0, 1, 8); /* counts on s0 */
	RIG_EXPECT(r, "WAKE w0");
	ck_assert(!pool_is_unused(&r->slices[0][0]));
	rig_lost(r, 0);
	ck_assert(pool_is_unused(&r->slices[0][0]));
	pool_fini(&r->slices[0][0]);
	ck_assert_ptr_null(pool_slice_here(&r->workers[0], &r->pools[0]));
	rig_mail(r);
	RIG_EXPECT(r, "WAKE w1; OPEN s1");
}
END_TEST

START_TEST(slice_is_used_while_a_server_is_under_way_to_it)
{
	struct rig *r = rig_new(2, rig_limits());
	rig_serve(r, 3);
	rig_request_in(r, 0, 1, 8);
	rig_return(r, 1);
	RIG_EXPECT(r, "HAND s1 w1");
	rig_leave(r, 8);
	ck_assert(!pool_is_unused(&r->slices[0][1]));
	rig_mail(r);
	ck_assert(!pool_is_unused(&r->slices[0][1]));
	rig_lost(r, 1);
	ck_assert(pool_is_unused(&r->slices[0][1]));
}
END_TEST

Suite *suite_pool_workers(void)
{
	Suite *s = suite_create("pool_workers");
	TCase *tc = tcase_create("all");
	tcase_add_test(tc, idle_server_elsewhere_is_asked_for_and_handed_over);
	tcase_add_test(tc, returned_server_goes_to_who_waits_elsewhere);
	tcase_add_test(tc, own_waiter_goes_first_unless_another_waits_longer_by_the_margin);
	tcase_add_test(tc, newcomer_does_not_take_what_idles_from_who_waits_elsewhere);
	tcase_add_test(tc, who_counted_on_an_idle_server_in_vain_is_told);
	tcase_add_test(tc, stale_idle_server_is_not_handed_over);
	tcase_add_test(tc, freed_permit_wakes_who_waits_longest_and_is_passed_on);
	tcase_add_test(tc, handed_over_for_who_left_serves_the_next_or_goes_on);
	tcase_add_test(tc, idle_bound_holds_over_all_workers);
	tcase_add_test(tc, failing_logins_refuse_in_every_worker);
	tcase_add_test(tc, after_the_back_off_one_worker_tries_and_its_success_wakes_the_others);
	tcase_add_test(tc, ping_is_due_after_a_hand_over_of_what_idled_and_not_of_what_was_used);
	tcase_add_test(tc, paused_worker_is_not_short_and_closes_what_it_is_handed);
	tcase_add_test(tc, server_being_cleaned_is_waited_for_a_while);
	tcase_add_test(tc, server_being_cleaned_elsewhere_is_waited_for_too);
	tcase_add_test(tc, who_waits_for_a_server_that_is_lost_while_cleaned_is_told);
	tcase_add_test(tc, wake_that_finds_no_slice_is_passed_on);
	tcase_add_test(tc, slice_is_used_while_a_server_is_under_way_to_it);
	suite_add_tcase(s, tc);
	return s;
}
