/*
 * test_doorkeeper.c - who has to wait, for how long, and which failures are logged.
 */
#include "proxy/doorkeeper.h"

#include <pthread.h>
#include <string.h>

#include "base/buf.h"
#include "check_proxy.h"
#include "net/netblock.h"

#define MSEC USEC_PER_MSEC
#define SEC USEC_PER_SEC

static const struct doorkeeper_policy policy = { .max_delay_us = 2 * SEC, .memory_us = 60 * SEC };
static struct doorkeeper *keeper;

static void init(void)
{
	keeper = doorkeeper_new();
}

static void fini(void)
{
	doorkeeper_free(keeper);
}

static struct addr at(const char *text)
{
	struct netblock n;
	ck_assert(netblock_parse(slice_of(text), &n));
	return n.kind == ADDR_V4 ? addr_of_v4(n.ip, 7) : addr_of_v6(n.ip, 7);
}

/* So many failures; how many of them are to be logged each. */
static unsigned fails(const char *from, unsigned times, usec_t now)
{
	struct addr a = at(from);
	unsigned told = 0;
	for (unsigned i = 0; i < times; i++)
		told += doorkeeper_failed(keeper, &a, &policy, now);
	return told;
}

static usec_t delay(const char *from, usec_t now)
{
	struct addr a = at(from);
	return doorkeeper_delay(keeper, &a, &policy, now);
}

static void pass(const char *from)
{
	struct addr a = at(from);
	doorkeeper_passed(keeper, &a);
}

START_TEST(delays_grow_to_their_bound)
{
	static const usec_t delays[] = { 0,           0,          0,          0,
					 100 * MSEC,  200 * MSEC, 400 * MSEC, 800 * MSEC,
					 1600 * MSEC, 2 * SEC,    2 * SEC };
	ck_assert_int_eq(delay("10.0.0.1", 1), 0);
	for (unsigned i = 0; i < sizeof(delays) / sizeof(*delays); i++) {
		fails("10.0.0.1", 1, SEC);
		ck_assert_int_eq(delay("10.0.0.1", SEC + 1), delays[i]);
	}
	fails("10.0.0.1", 100000, SEC);
	ck_assert_int_eq(delay("10.0.0.1", SEC + 1), 2 * SEC);
	ck_assert_int_eq(delay("10.0.0.2", SEC + 1), 0);
}
END_TEST

START_TEST(nobody_waits_where_that_is_off)
{
	struct doorkeeper_policy off = { .max_delay_us = 0, .memory_us = 60 * SEC };
	struct addr a = at("10.0.0.1");
	fails("10.0.0.1", 100, SEC);
	ck_assert_int_eq(doorkeeper_delay(keeper, &a, &off, SEC), 0);
}
END_TEST

START_TEST(success_and_time_forgive)
{
	fails("10.0.0.1", 5, SEC);
	pass("10.0.0.1");
	ck_assert_int_eq(delay("10.0.0.1", SEC), 0);
	ck_assert_uint_eq(doorkeeper_count(keeper), 0);
	fails("10.0.0.1", 20, SEC);
	ck_assert_int_eq(delay("10.0.0.1", 61 * SEC - 1), 2 * SEC);
	ck_assert_int_eq(delay("10.0.0.1", 61 * SEC), 0);
	ck_assert_uint_eq(fails("10.0.0.1", 1, 61 * SEC), 1); /* it begins anew */
	ck_assert_int_eq(delay("10.0.0.1", 61 * SEC), 0);
	fails("10.0.0.1", 20, 61 * SEC);
	pass("10.0.0.1");
	ck_assert_int_eq(delay("10.0.0.1", 61 * SEC), 0);
}
END_TEST

START_TEST(whose_address_it_is)
{
	struct addr unix_peer = { .kind = ADDR_UNIX }, nobody = { .kind = ADDR_NONE };
	fails("2001:db8::1", 3, SEC);
	fails("2001:db8::ffff:1", 3, SEC);
	ck_assert_int_eq(delay("2001:db8::2", SEC), 200 * MSEC); /* one /64 */
	ck_assert_int_eq(delay("2001:db8:0:1::1", SEC), 0);
	for (unsigned i = 0; i < 100; i++)
		ck_assert(doorkeeper_failed(keeper, &unix_peer, &policy, SEC) &&
			  doorkeeper_failed(keeper, &nobody, &policy, SEC));
	ck_assert_int_eq(doorkeeper_delay(keeper, &unix_peer, &policy, SEC), 0);
	ck_assert_uint_eq(doorkeeper_count(keeper), 1);
	fails("10.0.0.1", 10, SEC);
	ck_assert_int_eq(delay("10.0.0.2", SEC), 0);
}
END_TEST

static void on_report(void *arg, const struct addr *a, unsigned count)
{
	char host[ADDR_HOST_BYTES];
	buf_addf(arg, "%s:%u ", addr_host(a, host), count);
}

static void assert_report(usec_t now, bool has_more, const char *lines)
{
	struct buf out = { 0 };
	bool more = doorkeeper_report(keeper, &policy, now, on_report, &out);
	ck_assert_str_eq(buf_cstr(&out), lines);
	ck_assert(more == has_more);
	buf_fini(&out);
}

START_TEST(lines_of_the_log)
{
	ck_assert_uint_eq(fails("10.0.0.1", 5, SEC), 5);
	assert_report(SEC, false, "");
	ck_assert_uint_eq(fails("10.0.0.1", 7, 2 * SEC), 0);
	fails("10.0.0.2", 6, 3 * SEC);
	assert_report(60 * SEC, true, "");
	assert_report(61 * SEC, true, "10.0.0.1:7 ");
	ck_assert_uint_eq(fails("10.0.0.1", 2, 61 * SEC), 0);
	assert_report(63 * SEC, true, "10.0.0.2:1 ");
	ck_assert_uint_eq(doorkeeper_count(keeper), 1); /* .2 is over */
	pass("10.0.0.1");                               /* what is owed is told all the same */
	assert_report(121 * SEC, false, "10.0.0.1:2 ");
	ck_assert_uint_eq(doorkeeper_count(keeper), 0);
}
END_TEST

START_TEST(the_quietest_is_forgotten)
{
	struct addr a = at("10.0.0.0");
	fails("192.0.2.1", 8, SEC);
	for (unsigned i = 0; i < DOORKEEPER_MAX_ADDRESSES; i++) {
		a.ip[2] = (uint8_t)(i >> 8);
		a.ip[3] = (uint8_t)i;
		(void)!doorkeeper_failed(keeper, &a, &policy, 2 * SEC);
	}
	ck_assert_uint_eq(doorkeeper_count(keeper), DOORKEEPER_MAX_ADDRESSES);
	ck_assert_int_eq(delay("192.0.2.1", 2 * SEC), 0);
	assert_report(3 * SEC, false, ":3 ");
}
END_TEST

static void *fail_and_pass(void *arg)
{
	for (unsigned i = 0; i < 2000; i++) {
		fails("10.0.0.1", 1, SEC + i);
		fails(arg, 1, SEC + i);
		if (i % 7 == 0)
			pass("10.0.0.1");
		delay("10.0.0.1", SEC + i);
	}
	return NULL;
}

START_TEST(several_threads)
{
	static char own[][9] = { "10.0.1.1", "10.0.1.2", "10.0.1.3" };
	pthread_t threads[3];
	for (unsigned i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, fail_and_pass, own[i]), 0);
	for (unsigned i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(delay("10.0.1.2", 2 * SEC), 2 * SEC);
	ck_assert_uint_le(doorkeeper_count(keeper), 4);
}
END_TEST

Suite *doorkeeper_suite(void)
{
	Suite *s = suite_create("doorkeeper");
	TCase *tc = tcase_create("failures");
	tcase_add_checked_fixture(tc, init, fini);
	tcase_add_test(tc, delays_grow_to_their_bound);
	tcase_add_test(tc, nobody_waits_where_that_is_off);
	tcase_add_test(tc, success_and_time_forgive);
	tcase_add_test(tc, whose_address_it_is);
	tcase_add_test(tc, lines_of_the_log);
	tcase_add_test(tc, the_quietest_is_forgotten);
	tcase_add_test(tc, several_threads);
	suite_add_tcase(s, tc);
	return s;
}
