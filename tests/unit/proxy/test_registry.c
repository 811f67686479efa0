/*
 * test_registry.c - what is counted by name, and goes with the last who counts on it.
 */
#include "check_proxy.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "proxy/registry.h"
#include "proxy/route.h"

#define WORKERS 3

static const struct pool_limits limits = { .pool_size = 2, .max_overflow = 1 };

static struct route *route_get(struct registry *r, const char *database, const char *user)
{
	struct buf key = { 0 };
	route_build_key(&key, slice_of(database), slice_of(user), SLICE(""));
	struct route *route = registry_route(r, buf_slice(&key));
	if (!route)
		route = registry_add_route(r, route_new(buf_slice(&key), r, WORKERS, &limits));
	buf_fini(&key);
	return route;
}

static bool route_is_there(struct registry *r, const char *database, const char *user)
{
	struct buf key = { 0 };
	route_build_key(&key, slice_of(database), slice_of(user), SLICE(""));
	struct route *route = registry_route(r, buf_slice(&key));
	buf_fini(&key);
	if (route)
		registry_release_route(r, route);
	return route != NULL;
}

START_TEST(test_route_goes_with_the_last_reference)
{
	struct registry *r = registry_new(WORKERS);
	struct route *one = route_get(r, "shop", "ann");
	struct route *two = route_get(r, "shop", "ann");
	ck_assert_ptr_eq(one, two);
	registry_release_route(r, one);
	ck_assert(route_is_there(r, "shop", "ann"));
	ck_assert(!route_is_there(r, "shop", "bob"));
	struct route *other = route_get(r, "shop", "bob");
	ck_assert_ptr_eq(other->database_entry, two->database_entry);
	ck_assert_ptr_ne(other->user_entry, two->user_entry);
	registry_release_route(r, two);
	ck_assert(!route_is_there(r, "shop", "ann"));
	ck_assert(route_is_there(r, "shop", "bob"));
	registry_release_route(r, other);
	registry_free(r);
}
END_TEST

START_TEST(test_looking_makes_nothing)
{
	struct registry *r = registry_new(WORKERS);
	struct registry_entry *ann = registry_user(r, SLICE("ann"));
	ck_assert(registry_enter(ann, 1));
	ck_assert(!registry_enter(ann, 1));
	ck_assert_int_eq(registry_look_user(r, SLICE("ann")).clients, 1);
	ck_assert_int_eq(registry_look_user(r, SLICE("bob")).clients, 0);
	ck_assert_int_eq(registry_look_database(r, SLICE("ann")).clients, 0);
	registry_leave(ann);
	registry_release(r, ann);
	registry_free(r);
}
END_TEST

START_TEST(test_pause_outlives_the_pools)
{
	struct registry *r = registry_new(WORKERS);
	struct route *route = route_get(r, "shop", "ann");
	registry_pause_database(r, SLICE("shop"), true);
	registry_disable_database(r, SLICE("other"), true);
	registry_release_route(r, route);
	ck_assert(registry_look_database(r, SLICE("shop")).paused);
	route = route_get(r, "shop", "ann");
	ck_assert(atomic_load(&route->database_entry->paused));
	registry_resume_databases(r);
	ck_assert(!atomic_load(&route->database_entry->paused));
	ck_assert(registry_look_database(r, SLICE("other")).disabled);
	registry_disable_database(r, SLICE("other"), false);
	ck_assert(!registry_look_database(r, SLICE("other")).disabled);
	registry_release_route(r, route);
	registry_free(r);
}
END_TEST

/* ---- what was counted ------------------------------------------------------------------------ */

struct sums {
	uint64_t shop, others;
};

static void add_up(const char *database, const struct stats *stats, void *arg)
{
	struct sums *sums = arg;
	if (strcmp(database, "shop") == 0)
		sums->shop += stats->xacts;
	else if (strcmp(database, "*") == 0)
		sums->others += stats->xacts;
	else
		ck_abort_msg("%s", database);
}

static struct sums sums_of(struct registry *r, unsigned worker)
{
	struct sums sums = { 0 };
	registry_each_retired(r, worker, add_up, &sums);
	return sums;
}

static void retire(struct registry *r, const char *database, bool is_named, unsigned worker,
		   uint64_t xacts)
{
	struct route *route = route_get(r, database, "ann");
	registry_retire(r, route->database_entry, is_named, worker,
			&(struct stats){ .xacts = xacts });
	registry_release_route(r, route);
}

START_TEST(test_counts_stay_under_their_name)
{
	struct registry *r = registry_new(WORKERS);
	retire(r, "shop", true, 0, 10);
	retire(r, "shop", true, 2, 5);
	retire(r, "shop", true, 2, 1);
	ck_assert_uint_eq(sums_of(r, 0).shop, 10);
	ck_assert_uint_eq(sums_of(r, 1).shop, 0);
	ck_assert_uint_eq(sums_of(r, 2).shop, 6);
	ck_assert_uint_eq(sums_of(r, 2).others, 0);
	registry_free(r);
}
END_TEST

START_TEST(test_counts_of_the_nameless_are_the_others)
{
	struct registry *r = registry_new(WORKERS);
	struct route *held = route_get(r, "shop", "bob");
	retire(r, "shop", false, 1, 7);
	ck_assert_uint_eq(sums_of(r, 1).shop, 7); /* it has a pool still */
	registry_release_route(r, held);
	ck_assert_uint_eq(sums_of(r, 1).shop, 0);
	ck_assert_uint_eq(sums_of(r, 1).others, 7);
	retire(r, "shop", false, 1, 1);
	retire(r, "shed", false, 0, 2);
	ck_assert_uint_eq(sums_of(r, 1).others, 8);
	ck_assert_uint_eq(sums_of(r, 0).others, 2);
	registry_free(r);
}
END_TEST

static struct conf *conf_of(const char *databases)
{
	char text[256];
	struct conf_faults faults = { 0 };
	snprintf(text, sizeof(text), "[databases]\n%s\n[pgweir]\nauth_file = f\n", databases);
	struct conf *conf = conf_parse(slice_of(text), "test.ini", &faults);
	ck_assert(conf != NULL);
	conf_faults_fini(&faults);
	return conf;
}

START_TEST(test_a_reload_that_drops_the_database)
{
	struct registry *r = registry_new(WORKERS);
	struct conf *with = conf_of("shop = host=h\n* = host=h");
	struct conf *without = conf_of("* = host=h");
	retire(r, "shop", true, 0, 3);
	registry_configure(r, with);
	ck_assert_uint_eq(sums_of(r, 0).shop, 3);
	registry_configure(r, without);
	ck_assert_uint_eq(sums_of(r, 0).shop, 0);
	ck_assert_uint_eq(sums_of(r, 0).others, 3);
	conf_unref(with);
	conf_unref(without);
	registry_free(r);
}
END_TEST

/* ---- threads -----------------------------------------------------------------------------------
 */

struct churner {
	struct registry *registry;
	unsigned index;
	pthread_t thread;
};

static void *churn(void *arg)
{
	const struct churner *c = arg;
	for (unsigned i = 0; i < 3000; i++) {
		char name[8];
		snprintf(name, sizeof(name), "s%u", i % 3);
		struct route *route = route_get(c->registry, name, "ann");
		struct registry_entry *entry = registry_hold(c->registry, route->database_entry);
		registry_retire(c->registry, entry, false, c->index, &(struct stats){ .xacts = 1 });
		registry_release_route(c->registry, route);
		registry_look_database(c->registry, slice_of(name));
		registry_release(c->registry, entry);
	}
	return NULL;
}

START_TEST(test_threads_that_come_and_go)
{
	struct registry *r = registry_new(WORKERS);
	struct churner churners[WORKERS];
	for (unsigned i = 0; i < WORKERS; i++) {
		churners[i] = (struct churner){ .registry = r, .index = i };
		ck_assert_int_eq(pthread_create(&churners[i].thread, NULL, churn, &churners[i]), 0);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(churners[i].thread, NULL);
	for (unsigned i = 0; i < WORKERS; i++)
		ck_assert_uint_eq(sums_of(r, i).others, 3000);
	registry_free(r);
}
END_TEST

Suite *registry_suite(void)
{
	Suite *s = suite_create("registry");
	TCase *tc = tcase_create("registry");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_route_goes_with_the_last_reference);
	tcase_add_test(tc, test_looking_makes_nothing);
	tcase_add_test(tc, test_pause_outlives_the_pools);
	tcase_add_test(tc, test_counts_stay_under_their_name);
	tcase_add_test(tc, test_counts_of_the_nameless_are_the_others);
	tcase_add_test(tc, test_a_reload_that_drops_the_database);
	tcase_add_test(tc, test_threads_that_come_and_go);
	suite_add_tcase(s, tc);
	return s;
}
