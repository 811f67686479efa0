/*
 * test_console.c - sessions over real sockets, with a proxy that answers when it is told to.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "check_admin.h"
#include "net/loop.h"
#include "proxyfake.h"
#include "rig.h"
#include "wire/build.h"

/* ---- sessions ------------------------------------------------------------------------------- */

START_TEST(a_session_comes_asks_and_goes)
{
	struct op o;
	rig_come(&o, true, "show version");
	const char *kinds = said_kinds(&o.said);
	ck_assert_str_eq(kinds + strspn(kinds, "S"), "KZTDCZ");
	ck_assert_uint_eq(admin_count(rig.admin), 1);
	ck_assert_str_eq(rig_ask(&o, "show state"), "TDDDCZ");
	ck_assert_str_eq(rig_ask(&o, "show help"), "NCZ");
	rig_go(&o);
	ck_assert_uint_eq(admin_count(rig.admin), 0);
	for (int i = 0; i < 3; i++) {
		rig_come(&o, true, NULL);
		rig_go(&o);
	}
	ck_assert_uint_eq(admin_count(rig.admin), 0);
}
END_TEST

START_TEST(terminate_and_nonsense_end_it)
{
	static const char *const last[] = { "X\0\0\0\4", "?\0\0\0\4" };
	struct op o;
	rig_come(&o, true, NULL);
	buf_clear(&o.said);
	ck_assert_int_eq(send(o.fd, last[_i], 5, 0), 5);
	rig_listen(&o);
	ck_assert_str_eq(said_kinds(&o.said), _i ? "E" : "");
	ck_assert(o.is_closed);
	rig_go(&o);
	ck_assert_uint_eq(admin_count(rig.admin), 0);
}
END_TEST

START_TEST(show_waits_for_the_workers)
{
	struct op o;
	struct report report;
	rig_come(&o, false, NULL);
	ck_assert_str_eq(rig_ask(&o, "show pools"), "");
	ck_assert_uint_eq(proxyfake.what, REPORT_POOLS);
	rig_say(&o, "show version"); /* has to wait */
	ck_assert_uint_eq(buf_len(&o.said), 0);
	report_init(&report, 0);
	struct report_pool *pool = report_add_pool(&report);
	report_copy(pool->database, sizeof(pool->database), "shop");
	proxyfake_reports(&report, 1, loop_now(rig.loop));
	report_fini(&report);
	rig_listen(&o);
	ck_assert_str_eq(said_kinds(&o.said), "TDDCZTDCZ");
	ck_assert_str_eq(said_value(&o.said, 0, 0), "shop");
	ck_assert_str_eq(said_value(&o.said, 1, 2), "1"); /* cl_active of the console */
	rig_go(&o);
}
END_TEST

START_TEST(who_leaves_meanwhile_is_not_answered)
{
	static const char *const asked[] = { "show pools", "pause", "wait_close", "pause auto" };
	struct op o;
	rig_come(&o, true, NULL);
	rig_say(&o, asked[_i]);
	rig_go(&o);
	ck_assert_uint_eq(admin_count(rig.admin), 0);
	if (proxyfake.done)
		proxyfake_done(1, loop_now(rig.loop));
	else
		proxyfake_reports(NULL, 0, loop_now(rig.loop));
}
END_TEST

START_TEST(the_console_ends_before_the_answer)
{
	static const char *const asked[] = { "show pools", "pause", "wait_close", "pause auto" };
	struct op o;
	rig_come(&o, true, NULL);
	rig_say(&o, asked[_i]);
	admin_free(rig.admin);
	rig.admin = NULL;
	if (proxyfake.done)
		proxyfake_done(1, loop_now(rig.loop));
	else
		proxyfake_reports(NULL, 0, loop_now(rig.loop));
	rig_listen(&o);
	ck_assert(o.is_closed);
	rig_go(&o);
}
END_TEST

START_TEST(a_slow_reader_is_not_served_further)
{
	struct op o;
	struct buf b = { .data = NULL };
	rig_come(&o, true, NULL);
	buf_clear(&o.said);
	for (int i = 0; i < 300; i++)
		build_query(&b, SLICE("show config"));
	size_t taken = 0;
	while (buf_len(&b) > 0) { /* until the console takes no more, as nobody reads */
		ssize_t n = send(o.fd, b.data + b.start, buf_len(&b), MSG_DONTWAIT);
		size_t before = taken;
		if (n > 0) {
			buf_consume(&b, (size_t)n);
			taken += (size_t)n;
		}
		rig_turn();
		if (taken == before)
			break;
	}
	size_t answered = 0;
	for (int idle = 0; idle < 3;) {
		ssize_t n =
			buf_len(&b) ? send(o.fd, b.data + b.start, buf_len(&b), MSG_DONTWAIT) : 0;
		if (n > 0)
			buf_consume(&b, (size_t)n);
		buf_clear(&o.said);
		rig_listen(&o);
		answered += buf_len(&o.said);
		idle = buf_len(&o.said) == 0 && n <= 0 ? idle + 1 : 0;
	}
	ck_assert_uint_eq(buf_len(&b), 0);
	buf_fini(&b);
	rig_say(&o, "show config");
	ck_assert_uint_eq(answered, 300 * buf_len(&o.said));
	rig_go(&o);
}
END_TEST

START_TEST(nobody_comes_in_once_it_has_ended)
{
	int fds[2];
	char byte;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	struct proxy_console *console = mem_zalloc(sizeof(*console));
	console->fd = fds[1];
	console->user = mem_strdup("anna");
	build_query(&console->pending, SLICE("show version"));
	admin_adopt(NULL, console, loop_now(rig.loop));
	ck_assert_int_eq(recv(fds[0], &byte, 1, MSG_DONTWAIT), 0);
	close(fds[0]);
}
END_TEST

/* ---- periods -------------------------------------------------------------------------------- */

/* A console whose period is short, at the end of the first one. */
static void make_period(void)
{
	rig_start("[databases]\nshop =\n[pgweir]\nauth_type = trust\nstats_period = 1\n");
	while (!proxyfake.report)
		loop_turn(rig.loop, usec_now() + USEC_PER_SEC);
	ck_assert_uint_eq(proxyfake.what, REPORT_POOLS);
}

/* "shop" has had so many transactions. */
static void report_xacts(uint64_t xacts, usec_t now)
{
	struct report report;
	report_init(&report, 0);
	struct report_pool *pool = report_add_pool(&report);
	report_copy(pool->database, sizeof(pool->database), "shop");
	pool->stats.xacts = xacts;
	pool->stats.xact_us = 40 * xacts;
	proxyfake_reports(&report, 1, now);
	report_fini(&report);
}

START_TEST(averages_are_taken_at_the_end_of_a_period)
{
	struct op o;
	make_period();
	report_xacts(1000, loop_now(rig.loop));
	rig_come(&o, true, NULL);
	rig_say(&o, "show stats_averages");
	report_xacts(5000, loop_now(rig.loop)); /* in this period, which goes on */
	rig_listen(&o);
	ck_assert_str_eq(said_column(&o.said, 6), "xact_time");
	ck_assert_str_eq(said_value(&o.said, 0, 6), "40");
	ck_assert_int_gt(atoi(said_value(&o.said, 0, 2)), 0);
	ck_assert_int_le(atoi(said_value(&o.said, 0, 2)), 1000);
	rig_go(&o);
}
END_TEST

START_TEST(the_console_ends_at_the_end_of_a_period)
{
	make_period();
	admin_free(rig.admin);
	rig.admin = NULL;
	report_xacts(1000, loop_now(rig.loop));
	ck_assert_ptr_null(proxyfake.report);
}
END_TEST

Suite *suite_console(void)
{
	Suite *s = suite_create("console");
	TCase *t = tcase_create("console");
	tcase_add_checked_fixture(t, rig_make, rig_drop);
	tcase_add_test(t, a_session_comes_asks_and_goes);
	tcase_add_loop_test(t, terminate_and_nonsense_end_it, 0, 2);
	tcase_add_test(t, show_waits_for_the_workers);
	tcase_add_loop_test(t, who_leaves_meanwhile_is_not_answered, 0, 4);
	tcase_add_loop_test(t, the_console_ends_before_the_answer, 0, 4);
	tcase_add_test(t, a_slow_reader_is_not_served_further);
	tcase_add_test(t, nobody_comes_in_once_it_has_ended);
	tcase_add_test(t, averages_are_taken_at_the_end_of_a_period);
	tcase_add_test(t, the_console_ends_at_the_end_of_a_period);
	suite_add_tcase(s, t);
	return s;
}
