/*
 * test_pool_order.c - the queue of orders, its words, and what is taken back from it.
 */
#include <string.h>

#include "check_pool.h"
#include "rig.h"

START_TEST(first_in_first_out_while_it_grows)
{
	struct pool_orders o;
	struct pool_order order;
	pool_order_init(&o);
	unsigned next = 0;
	for (unsigned i = 0; i < 100; i++) {
		pool_order_add(&o, (struct pool_order){ .kind = POOL_ORDER_WAKE, .worker = i });
		if (i % 3 == 0) {
			ck_assert(pool_order_take(&o, &order));
			ck_assert_uint_eq(order.worker, next++);
		}
	}
	while (pool_order_take(&o, &order))
		ck_assert_uint_eq(order.worker, next++);
	ck_assert_uint_eq(next, 100);
	ck_assert(!pool_order_take(&o, &order));
	pool_order_fini(&o);
}
END_TEST

START_TEST(every_kind_and_reason_has_words)
{
	for (int i = POOL_ORDER_GRANT; i <= POOL_ORDER_DRAINED; i++)
		ck_assert_uint_gt(strlen(pool_order_name((enum pool_order_kind)i)), 3);
	for (int i = POOL_REASON_NONE + 1; i <= POOL_REASON_LOGIN_FAILED; i++) {
		ck_assert_uint_gt(strlen(pool_order_reason((enum pool_reason)i)), 4);
		ck_assert_uint_gt(strlen(pool_order_why((enum pool_reason)i)), 8);
	}
	ck_assert_str_eq(pool_order_reason(POOL_REASON_TIMEOUT), "TIMEOUT");
	ck_assert_str_eq(pool_order_name(POOL_ORDER_HAND), "HAND");
}
END_TEST

START_TEST(one_wake_at_a_time)
{
	struct rig *r = rig_new(2, rig_limits());
	struct pool_orders *o = &r->workers[0].orders;
	struct pool_order order;
	pool_order_wake(o, &r->db, 1);
	pool_order_wake(o, &r->db, 1);
	ck_assert(pool_order_take(o, &order));
	ck_assert(order.kind == POOL_ORDER_WAKE && order.worker == 1 && order.cap == &r->db);
	ck_assert(!pool_order_take(o, &order));
	pool_wake(&r->workers[1], &r->db, r->now); /* it was read: the next may go out */
	pool_order_wake(o, &r->db, 1);
	ck_assert(pool_order_take(o, &order));
}
END_TEST

START_TEST(client_leaves_before_its_grant_is_carried_out)
{
	struct rig *r = rig_new(1, rig_limits());
	rig_serve(r, 3);
	rig_request(r, 3);
	rig_request(r, 4);
	r->is_held = true;
	rig_return(r, 0);
	rig_leave(r, 3); /* the server goes to the next in line */
	r->is_held = false;
	rig_run(r);
	RIG_EXPECT(r, "GRANT c4 s0");
}
END_TEST

START_TEST(client_leaves_before_its_refusal_is_carried_out)
{
	struct rig *r = rig_new(1, rig_limits());
	rig_serve(r, 3);
	rig_request(r, 3);
	r->is_held = true;
	rig_at(r, r->now + 30 * USEC_PER_SEC);
	pool_waiter_fini(&r->clients[3], r->now);
	r->is_held = false;
	rig_run(r);
	RIG_EXPECT(r, "");
}
END_TEST

START_TEST(server_dies_before_its_grant_is_carried_out)
{
	struct rig *r = rig_new(1, rig_limits());
	rig_serve(r, 3);
	rig_request(r, 3);
	rig_request(r, 4);
	r->is_held = true;
	rig_return(r, 0);
	rig_lost(r, 0);
	r->is_held = false;
	rig_run(r);
	RIG_EXPECT(r, "WAKE w0; OPEN s3"); /* c3 is the first in line again */
	rig_mail(r);
	rig_opened(r, 3);
	rig_return(r, 1);
	RIG_EXPECT(r, "GRANT c3 s3; GRANT c4 s1");
	struct pool_stats stats;
	pool_stats(&r->slices[0][0], &stats);
	ck_assert_uint_eq(stats.counters.grants, 5);
}
END_TEST

START_TEST(server_dies_before_it_is_mailed)
{
	struct rig *r = rig_new(2, rig_limits());
	rig_serve(r, 3);
	rig_request_in(r, 0, 1, 8);
	r->is_held = true;
	rig_return(r, 0);
	ck_assert_int_eq(r->servers[0].state, POOL_MEMBER_MOVING);
	rig_lost(r, 0);
	r->is_held = false;
	rig_run(r);
	RIG_EXPECT(r, "WAKE w1");
	rig_mail(r);
	RIG_EXPECT(r, "OPEN s3");
	rig_opened(r, 3);
	RIG_EXPECT(r, "GRANT c8 s3");
}
END_TEST

START_TEST(server_dies_before_it_is_closed_or_pinged)
{
	struct pool_limits limits = rig_limits();
	limits.pre_ping = true;
	struct rig *r = rig_new(1, limits);
	rig_serve(r, 2);
	rig_return(r, 0);
	rig_return(r, 1);
	rig_at(r, r->now + 1);
	r->is_held = true;
	rig_request(r, 0);
	ck_assert_int_eq(r->servers[0].state, POOL_MEMBER_PINGING);
	rig_lost(r, 0);
	ck_assert_int_eq(r->servers[1].state, POOL_MEMBER_CLOSING); /* of the same time */
	rig_lost(r, 1);
	r->is_held = false;
	rig_run(r);
	RIG_EXPECT(r, "OPEN s2");
	ck_assert_int_eq(rig_used(r), 1);
}
END_TEST

Suite *suite_pool_order(void)
{
	Suite *s = suite_create("pool_order");
	TCase *tc = tcase_create("all");
	tcase_add_test(tc, first_in_first_out_while_it_grows);
	tcase_add_test(tc, every_kind_and_reason_has_words);
	tcase_add_test(tc, one_wake_at_a_time);
	tcase_add_test(tc, client_leaves_before_its_grant_is_carried_out);
	tcase_add_test(tc, client_leaves_before_its_refusal_is_carried_out);
	tcase_add_test(tc, server_dies_before_its_grant_is_carried_out);
	tcase_add_test(tc, server_dies_before_it_is_mailed);
	tcase_add_test(tc, server_dies_before_it_is_closed_or_pinged);
	suite_add_tcase(s, tc);
	return s;
}
