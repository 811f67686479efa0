/*
 * test_localpool.c - pools of a worker that runs no thread: how they come to be, and go.
 */
#include "check_proxy.h"

#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "proxy/hub_table.h"
#include "proxy/localpool.h"
#include "proxy/paramset.h"
#include "proxy/registry.h"
#include "proxy/route.h"
#include "proxy/setup.h"
#include "proxy/spare.h"
#include "proxy/worker.h"

#define WORKERS 2

static const char lines[] = "app = host=h\nsmall = host=h user=joe\n* = host=h dbname=d";

/* ---- a few workers -----------------------------------------------------------------------------
 */

static struct worker_shared shared;
static struct worker *workers[WORKERS];

static struct setup *setup_of(const char *databases, const char *settings)
{
	char text[512];
	struct conf_faults faults = { 0 };
	snprintf(text, sizeof(text), "[databases]\n%s\n[pgweir]\nauth_type = any\n%s\n", databases,
		 settings);
	struct conf *conf = conf_parse(slice_of(text), "test.ini", &faults);
	ck_assert_msg(conf != NULL, "%s", faults.count ? faults.items[0].text : "");
	struct setup *setup = setup_new(conf, NULL, &faults);
	ck_assert(setup != NULL);
	conf_faults_fini(&faults);
	return setup;
}

static void workers_start(const char *settings)
{
	struct err err;
	struct setup *setup = setup_of(lines, settings);
	shared = (struct worker_shared){ .workers = workers, .worker_count = WORKERS };
	shared.registry = registry_new(WORKERS);
	shared.params = paramset_table_new();
	for (unsigned i = 0; i < WORKERS; i++) {
		workers[i] = worker_new(&shared, i, setup, NULL, &err);
		ck_assert_msg(workers[i] != NULL, "%s", err.text);
	}
	setup_unref(setup);
}

static void workers_end(void)
{
	for (unsigned i = 0; i < WORKERS; i++)
		worker_free(workers[i]);
	paramset_table_free(shared.params);
	registry_free(shared.registry);
}

/* Like a login whose client has not yet come: it is nobody's when the turn ends. */
static struct localpool *get(struct worker *w, const char *database, const char *user,
			     const char *startup)
{
	enum error_id refusal;
	struct localpool *lp = localpool_get(w, slice_of(database), slice_of(user),
					     slice_of(startup), &refusal, usec_now());
	ck_assert_ptr_nonnull(lp);
	return lp;
}

static void settle(struct worker *w)
{
	worker_settle(w, usec_now());
}

static size_t count(const struct worker *w)
{
	return map_count(&w->pools);
}

static void reload(struct worker *w, const char *databases, const char *settings)
{
	struct setup *setup = setup_of(databases, settings);
	worker_mail_setup(w, setup);
	setup_unref(setup);
	mailbox_deliver(w->box, usec_now());
}

/* ---- coming
 * -------------------------------------------------------------------------------------- */

START_TEST(test_one_pool_for_all_that_are_alike)
{
	workers_start("");
	struct worker *w = workers[0];
	struct localpool *lp = get(w, "app", "ann", "");
	ck_assert_ptr_eq(get(w, "app", "ann", ""), lp);
	ck_assert_ptr_ne(get(w, "app", "bob", ""), lp);
	ck_assert_ptr_ne(get(w, "other", "ann", ""), lp);
	ck_assert_ptr_ne(get(w, "app", "ann", "replication"), lp);
	ck_assert_uint_eq(count(w), 4);
	struct localpool *there = get(workers[1], "app", "ann", "");
	ck_assert_ptr_ne(there, lp);
	ck_assert_ptr_eq(there->route, lp->route);
	ck_assert(!localpool_is_casual(lp));
	ck_assert(localpool_is_casual(get(w, "other", "ann", "")));
	ck_assert(localpool_is_casual(get(w, "app", "ann", "replication")));
	workers_end();
}
END_TEST

START_TEST(test_no_pool_without_a_database)
{
	enum error_id refusal;
	workers_start("");
	reload(workers[0], "app = host=h", "");
	ck_assert_ptr_null(localpool_get(workers[0], SLICE("other"), SLICE("ann"), SLICE(""),
					 &refusal, usec_now()));
	ck_assert_int_eq(refusal, ERROR_NO_DATABASE);
	workers_end();
}
END_TEST

/* ---- going
 * --------------------------------------------------------------------------------------- */

START_TEST(test_casual_pools_go_after_a_while)
{
	workers_start("autodb_idle_timeout = 0.01\npool_idle_timeout = 0");
	struct worker *w = workers[0];
	get(w, "app", "ann", "");
	get(w, "one", "ann", "")->stats.xacts = 3;
	get(w, "two", "ann", "");
	get(w, "app", "ann", "replication");
	settle(w);
	ck_assert_uint_eq(count(w), 4);
	TURN_UNTIL(w->loop, count(w) == 1);
	struct report report;
	report_init(&report, 0);
	worker_report(w, REPORT_POOLS, &report, usec_now());
	ck_assert_uint_eq(report.pool_count, 1);
	ck_assert_str_eq(report.pools[0].database, "app");
	uint64_t others = 0;
	for (size_t i = 0; i < report.retired_count; i++)
		if (strcmp(report.retired[i].database, "*") == 0)
			others += report.retired[i].stats.xacts;
	ck_assert_uint_eq(others, 3);
	report_fini(&report);
	workers_end();
}
END_TEST

START_TEST(test_named_pools_go_after_their_own_while)
{
	workers_start("autodb_idle_timeout = 0\npool_idle_timeout = 0.01");
	struct worker *w = workers[0];
	get(w, "app", "ann", "");
	get(w, "one", "ann", "");
	settle(w);
	TURN_UNTIL(w->loop, count(w) == 1);
	ck_assert_str_eq(get(w, "one", "ann", "")->route->database, "one");
	ck_assert_uint_eq(count(w), 1);
	workers_end();
}
END_TEST

START_TEST(test_shorter_timeouts_come_into_force)
{
	workers_start("autodb_idle_timeout = 3600");
	struct worker *w = workers[0];
	get(w, "one", "ann", "");
	settle(w);
	reload(w, lines, "autodb_idle_timeout = 0.01");
	TURN_UNTIL(w->loop, count(w) == 0);
	workers_end();
}
END_TEST

START_TEST(test_the_one_unused_longest_makes_room)
{
	workers_start("autodb_idle_timeout = 0");
	struct worker *w = workers[0];
	struct localpool *one = get(w, "one", "ann", "");
	settle(w);
	struct localpool *two = get(w, "two", "ann", "");
	settle(w);
	struct localpool *three = get(w, "three", "ann", "");
	settle(w);
	ck_assert_ptr_eq(get(w, "one", "ann", ""), one); /* used again */
	settle(w);
	pool_pause(&two->slice, usec_now());
	localpool_touch(two);
	settle(w);
	ck_assert(!localpool_is_spare(two));
	ck_assert(localpool_is_spare(three));
	ck_assert(spare_make_room(w));
	ck_assert_uint_eq(count(w), 2);
	ck_assert_ptr_eq(get(w, "one", "ann", ""), one);
	ck_assert(!spare_make_room(w)); /* somebody is about to use the one, the other is paused */
	settle(w);
	ck_assert(spare_make_room(w));
	ck_assert_uint_eq(count(w), 1);
	ck_assert_ptr_eq(get(w, "two", "ann", ""), two);
	workers_end();
}
END_TEST

START_TEST(test_pools_of_a_dropped_database_go_at_once)
{
	workers_start("autodb_idle_timeout = 0\npool_idle_timeout = 0");
	struct worker *w = workers[0];
	get(w, "app", "ann", "");
	get(w, "one", "ann", "");
	settle(w);
	reload(w, "app = host=h", "autodb_idle_timeout = 0\npool_idle_timeout = 0");
	TURN_UNTIL(w->loop, count(w) == 1);
	ck_assert_str_eq(get(w, "app", "ann", "")->route->database, "app");
	workers_end();
}
END_TEST

/* ---- elsewhere
 * ----------------------------------------------------------------------------------- */

/* The pool's order to log in to a server, for somebody who waits, taken before it is carried out.
 */
static void begin_login(struct localpool *lp, struct pool_waiter *waiter,
			struct pool_member *member)
{
	struct pool_order order;
	pool_waiter_init(waiter);
	ck_assert_ptr_null(pool_request(&lp->slice, waiter, usec_now()));
	ck_assert(pool_order_take(&lp->worker->pool.orders, &order));
	ck_assert_int_eq(order.kind, POOL_ORDER_OPEN);
	pool_member_init(member, &lp->slice, usec_now());
}

static void end_login(struct pool_waiter *waiter, struct pool_member *member)
{
	pool_leave(waiter, usec_now());
	pool_open_failed(member, usec_now());
}

START_TEST(test_a_login_to_where_a_database_was_is_stale)
{
	static const char moved[] = "app = host=elsewhere";
	struct pool_waiter waiters[2];
	struct pool_member early, late;
	workers_start("");
	shared.hubs = hub_table_new();
	struct localpool *first = get(workers[0], "app", "ann", "");
	struct localpool *second = get(workers[1], "app", "ann", "");
	reload(workers[0], moved, "");
	begin_login(second, &waiters[0], &early); /* it has not heard yet that the database moves */
	reload(workers[1], moved, "");
	begin_login(first, &waiters[1], &late);
	ck_assert(pool_is_stale(&early));
	ck_assert(!pool_is_stale(&late));
	end_login(&waiters[0], &early);
	end_login(&waiters[1], &late);
	workers_end();
	hub_table_free(shared.hubs);
}
END_TEST

START_TEST(test_a_pool_that_comes_between_is_no_move_heard_of)
{
	static const char moved[] = "app = host=elsewhere";
	struct pool_waiter waiter;
	struct pool_member member;
	workers_start("");
	shared.hubs = hub_table_new();
	struct localpool *second = get(workers[1], "app", "ann", "");
	begin_login(second, &waiter, &member);
	reload(workers[0], moved, "");
	get(workers[0], "app", "ann", ""); /* where it is now; the other does not know yet */
	reload(workers[1], moved, "");
	ck_assert(pool_is_stale(&member));
	end_login(&waiter, &member);
	workers_end();
	hub_table_free(shared.hubs);
}
END_TEST

Suite *localpool_suite(void)
{
	Suite *s = suite_create("localpool");
	TCase *tc = tcase_create("localpool");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_one_pool_for_all_that_are_alike);
	tcase_add_test(tc, test_no_pool_without_a_database);
	tcase_add_test(tc, test_casual_pools_go_after_a_while);
	tcase_add_test(tc, test_named_pools_go_after_their_own_while);
	tcase_add_test(tc, test_shorter_timeouts_come_into_force);
	tcase_add_test(tc, test_the_one_unused_longest_makes_room);
	tcase_add_test(tc, test_pools_of_a_dropped_database_go_at_once);
	tcase_add_test(tc, test_a_login_to_where_a_database_was_is_stale);
	tcase_add_test(tc, test_a_pool_that_comes_between_is_no_move_heard_of);
	suite_add_tcase(s, tc);
	return s;
}
