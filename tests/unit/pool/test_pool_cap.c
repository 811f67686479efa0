/*
 * test_pool_cap.c - two pools under the cap of one database.
 */
#include "check_pool.h"
#include "rig.h"

START_TEST(cap_counts_the_servers_of_all_pools_under_it)
{
	struct rig *r = rig_new(1, rig_limits());
	pool_cap_set_limit(&r->db, 2);
	rig_request_in(r, 0, 0, 0);
	rig_request_in(r, 1, 0, 1);
	rig_request_in(r, 1, 0, 2);
	RIG_EXPECT(r, "OPEN s0; OPEN s1");
	ck_assert_int_eq(permits_used(&r->db.permits), 2);
	ck_assert_int_eq(rig_used(r), 1);
	ck_assert_int_eq(permits_used(&r->pools[1].cap.permits), 1); /* none taken in vain */
}
END_TEST

START_TEST(idle_server_of_another_pool_is_closed_for_who_waits)
{
	struct rig *r = rig_new(1, rig_limits());
	pool_cap_set_limit(&r->db, 2);
	rig_serve(r, 2);
	rig_return(r, 0);
	r->now++;
	rig_return(r, 1);
	rig_request_in(r, 1, 0, 8);
	RIG_EXPECT(r, "CLOSE s0 EVICTED"); /* the one idle longest, and only one */
	rig_lost(r, 0);
	rig_mail(r);
	RIG_EXPECT(r, "WAKE w0; OPEN s2");
	rig_opened(r, 2);
	RIG_EXPECT(r, "GRANT c8 s2");
}
END_TEST

START_TEST(idle_server_in_another_worker_is_closed_for_who_waits)
{
	struct rig *r = rig_new(3, rig_limits());
	pool_cap_set_limit(&r->db, 2);
	rig_serve(r, 2);
	rig_return(r, 0);
	rig_return(r, 1);
	rig_request_in(r, 1, 2, 8);
	RIG_EXPECT(r, "EVICT w0"); /* not w1: nothing idles there */
	rig_mail(r);
	RIG_EXPECT(r, "CLOSE s0 EVICTED");
	rig_lost(r, 0);
	rig_mail(r);
	RIG_EXPECT(r, "WAKE w2; OPEN s2");
}
END_TEST

START_TEST(server_that_nobody_of_its_pool_wants_is_closed_at_return)
{
	struct rig *r = rig_new(2, rig_limits());
	pool_cap_set_limit(&r->db, 2);
	rig_serve(r, 2);
	rig_request_in(r, 1, 1, 8);
	RIG_EXPECT(r, "");
	rig_return(r, 0);
	RIG_EXPECT(r, "CLOSE s0 EVICTED");
	rig_return(r, 1);
	RIG_EXPECT(r, ""); /* one was enough */
}
END_TEST

START_TEST(server_in_demand_goes_to_another_pool_only_by_the_margin)
{
	struct rig *r = rig_new(1, rig_limits());
	pool_cap_set_limit(&r->db, 2);
	rig_serve(r, 2);
	rig_request_in(r, 1, 0, 8);
	r->now += USEC_PER_MSEC;
	rig_request(r, 2);
	rig_return(r, 0);
	RIG_EXPECT(r, "GRANT c2 s0"); /* younger, but no login is needed for it */
	r->now += POOL_EVICT_MARGIN_US;
	rig_request(r, 3);
	rig_return(r, 1);
	RIG_EXPECT(r, "CLOSE s1 EVICTED");
	rig_lost(r, 1);
	rig_mail(r);
	RIG_EXPECT(r, "WAKE w0; OPEN s2");
	rig_opened(r, 2);
	RIG_EXPECT(r, "GRANT c8 s2");
}
END_TEST

/* Its own limit is in its way, so that it is not among those who wait for the shared one. */
START_TEST(server_in_demand_goes_to_another_pool_from_one_that_is_full_itself)
{
	struct rig *r = rig_new(1, rig_limits());
	pool_cap_set_limit(&r->db, 3);
	rig_serve(r, 3);
	rig_request_in(r, 1, 0, 8);
	r->now += POOL_EVICT_MARGIN_US + 1;
	rig_request(r, 3);
	rig_return(r, 0);
	RIG_EXPECT(r, "CLOSE s0 EVICTED");
}
END_TEST

START_TEST(who_gives_up_is_no_longer_hungry)
{
	struct rig *r = rig_new(1, rig_limits());
	pool_cap_set_limit(&r->db, 1);
	rig_serve(r, 1);
	rig_request_in(r, 1, 0, 8);
	ck_assert_int_eq(atomic_load(&r->db.hungry), 1);
	rig_leave(r, 8);
	ck_assert_int_eq(atomic_load(&r->db.hungry), 0);
	ck_assert_int_eq(pool_cap_since(&r->db), USEC_NEVER);
	rig_return(r, 0);
	RIG_EXPECT(r, "");
}
END_TEST

START_TEST(raised_cap_opens_and_lowered_cap_drains)
{
	struct rig *r = rig_new(1, rig_limits());
	pool_cap_set_limit(&r->db, 1);
	rig_serve(r, 1);
	rig_request(r, 1);
	RIG_EXPECT(r, "");
	pool_cap_set_limit(&r->db, 2);
	rig_configure(r, rig_limits());
	RIG_EXPECT(r, "OPEN s1");
	rig_opened(r, 1);
	pool_cap_set_limit(&r->db, 1);
	rig_configure(r, rig_limits());
	RIG_EXPECT(r, "GRANT c1 s1");
	rig_return(r, 0);
	rig_return(r, 1);
	RIG_EXPECT(r, "CLOSE s0 SURPLUS");
}
END_TEST

START_TEST(freed_permit_goes_to_the_pool_that_waits_longest)
{
	struct rig *r = rig_new(1, rig_limits());
	pool_cap_set_limit(&r->db, 1);
	rig_serve(r, 1);
	rig_request_in(r, 1, 0, 8);
	r->now++;
	rig_request(r, 1);
	rig_lost(r, 0); /* the slice that lost it settles first, but c8 waits longer */
	rig_mail(r);
	struct pool_slice *of_c8 = &r->slices[1][0];
	ck_assert_int_eq(r->slices[0][0].n_logins + of_c8->n_logins, 1);
	ck_assert_int_eq(of_c8->n_logins, 1);
}
END_TEST

START_TEST(raised_cap_is_for_who_waits_longest_in_whichever_worker)
{
	struct rig *r = rig_new(2, rig_limits());
	pool_cap_set_limit(&r->db, 1);
	rig_serve(r, 1);
	rig_request_in(r, 1, 1, 8);
	r->now++;
	rig_request(r, 1);
	pool_cap_set_limit(&r->db, 2);
	pool_configure(&r->slices[0][0], &r->slices[0][0].limits, r->now);
	rig_run(r);
	RIG_EXPECT(r, "WAKE w1"); /* c1 has the permit in reach, and c8 waits longer */
	rig_mail(r);
	RIG_EXPECT(r, "OPEN s1");
	ck_assert_ptr_eq(r->servers[1].slice, &r->slices[1][1]);
}
END_TEST

START_TEST(nobody_waits_for_the_turn_of_one_who_left)
{
	struct rig *r = rig_new(1, rig_limits());
	pool_cap_set_limit(&r->db, 1);
	rig_serve(r, 1);
	rig_request_in(r, 1, 0, 8);
	r->now++;
	rig_request_in(r, 1, 0, 9);
	r->now++;
	rig_request(r, 1);
	rig_lost(r, 0);
	RIG_EXPECT(r, "WAKE w0");
	rig_leave(r, 8);
	RIG_EXPECT(r, "OPEN s1"); /* for c9, before the mail comes */
	rig_mail(r);
	RIG_EXPECT(r, "");
}
END_TEST

START_TEST(what_is_left_after_a_hand_over_is_closed_for_another_pool)
{
	struct rig *r = rig_new(3, rig_limits());
	pool_cap_set_limit(&r->db, 2);
	rig_serve(r, 2);
	rig_return(r, 0);
	rig_return(r, 1);
	rig_request_in(r, 1, 2, 8);
	rig_request_in(r, 0, 1, 9); /* its own pool comes first, for one of the two */
	RIG_EXPECT(r, "EVICT w0; WAKE w0");
	rig_mail(r);
	RIG_EXPECT(r, "HAND s1 w1; CLOSE s0 EVICTED; GRANT c9 s1");
}
END_TEST

START_TEST(min_pool_size_does_not_evict_nor_compete_with_who_waits)
{
	struct rig *r = rig_new(1, rig_limits());
	pool_cap_set_limit(&r->db, 1);
	rig_serve(r, 1);
	rig_request_in(r, 1, 0, 8);
	struct pool_limits limits = rig_limits();
	limits.min_pool_size = 1;
	rig_configure(r, limits);
	rig_return(r, 0);
	RIG_EXPECT(r, "CLOSE s0 EVICTED");
	rig_lost(r, 0);
	rig_mail(r);
	RIG_EXPECT(r, "WAKE w0; OPEN s1");
	ck_assert_ptr_eq(r->servers[1].slice, &r->slices[1][0]);
	ck_assert_int_eq(pool_next(&r->slices[0][0]), r->now + POOL_CAP_RETRY_US);
}
END_TEST

Suite *suite_pool_cap(void)
{
	Suite *s = suite_create("pool_cap");
	TCase *tc = tcase_create("all");
	tcase_add_test(tc, cap_counts_the_servers_of_all_pools_under_it);
	tcase_add_test(tc, idle_server_of_another_pool_is_closed_for_who_waits);
	tcase_add_test(tc, idle_server_in_another_worker_is_closed_for_who_waits);
	tcase_add_test(tc, server_that_nobody_of_its_pool_wants_is_closed_at_return);
	tcase_add_test(tc, server_in_demand_goes_to_another_pool_only_by_the_margin);
	tcase_add_test(tc, server_in_demand_goes_to_another_pool_from_one_that_is_full_itself);
	tcase_add_test(tc, who_gives_up_is_no_longer_hungry);
	tcase_add_test(tc, raised_cap_opens_and_lowered_cap_drains);
	tcase_add_test(tc, freed_permit_goes_to_the_pool_that_waits_longest);
	tcase_add_test(tc, raised_cap_is_for_who_waits_longest_in_whichever_worker);
	tcase_add_test(tc, nobody_waits_for_the_turn_of_one_who_left);
	tcase_add_test(tc, what_is_left_after_a_hand_over_is_closed_for_another_pool);
	tcase_add_test(tc, min_pool_size_does_not_evict_nor_compete_with_who_waits);
	suite_add_tcase(s, tc);
	return s;
}
