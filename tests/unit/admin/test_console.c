/*
 * test_console.c - sessions over real sockets, with a proxy that answers when it is told to.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admin/console.h"
#include "base/log.h"
#include "base/mem.h"
#include "check_admin.h"
#include "net/loop.h"
#include "proxyfake.h"
#include "wire/build.h"
#include "wire/frame.h"

/* ---- a console and its owner ---------------------------------------------------------------- */

static struct setup setup;
static struct loop *loop;
static struct admin *admin;
static bool reload_fails;
static int reloads, shutdowns;
static enum admin_shutdown how;
static char set_key[64], set_value[64];

static struct setup *on_setup(void *owner)
{
	(void)owner;
	return &setup;
}

static bool on_reload(void *owner, struct err *err)
{
	(void)owner;
	reloads++;
	return !reload_fails || err_set(err, "a.ini:3: one\na.ini:4: two");
}

static bool on_set(void *owner, struct slice key, struct slice value, struct err *err)
{
	(void)owner;
	snprintf(set_key, sizeof(set_key), "%.*s", SLICE_ARGS(key));
	snprintf(set_value, sizeof(set_value), "%.*s", SLICE_ARGS(value));
	return strcmp(set_value, "often") != 0 || err_set(err, "not a number");
}

static void on_shutdown(void *owner, enum admin_shutdown mode)
{
	(void)owner;
	shutdowns++;
	how = mode;
}

static void make(void)
{
	struct err err;
	const struct log_config quiet = { .level = LOG_LEVEL_INFO };
	ck_assert(log_open(&quiet, &err));
	setup_make(&setup,
		   "[databases]\nshop =\nother =\n* = host=db9\n"
		   "[pgweir]\nauth_type = trust\nstats_period = 3600\n",
		   "");
	loop = loop_new("test", &err);
	ck_assert_ptr_nonnull(loop);
	struct admin_options options = { .loop = loop,
					 .setup = on_setup,
					 .reload = on_reload,
					 .set = on_set,
					 .shutdown = on_shutdown };
	admin = admin_new(&options, &err);
	ck_assert_ptr_nonnull(admin);
	proxyfake_reset();
	reload_fails = false;
	reloads = shutdowns = 0;
}

static void drop(void)
{
	if (admin)
		admin_free(admin);
	loop_free(loop);
	setup_drop(&setup);
}

/* ---- an operator ---------------------------------------------------------------------------- */

struct op {
	int fd;         /* -1: gone */
	bool is_closed; /* by the console */
	struct buf said;
};

static void turn(void)
{
	for (int i = 0; i < 5; i++)
		loop_turn(loop, 0);
}

/* Reads what is there. */
static void listen_to(struct op *o)
{
	char bytes[65536];
	ssize_t n;
	turn();
	while ((n = recv(o->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
		buf_add(&o->said, bytes, (size_t)n);
		turn();
	}
	o->is_closed = n == 0;
}

static void come(struct op *o, bool is_admin, const char *pending)
{
	int fds[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	struct proxy_console *console = mem_zalloc(sizeof(*console));
	console->fd = fds[1];
	console->user = mem_strdup("anna");
	console->is_admin = is_admin;
	if (pending)
		build_query(&console->pending, slice_of(pending));
	*o = (struct op){ .fd = fds[0] };
	admin_adopt(admin, console, loop_now(loop));
	listen_to(o);
}

static void say(struct op *o, const char *sql)
{
	struct buf b = { .data = NULL };
	buf_clear(&o->said);
	build_query(&b, slice_of(sql));
	ck_assert_int_eq(send(o->fd, b.data + b.start, buf_len(&b), MSG_NOSIGNAL),
			 (ssize_t)buf_len(&b));
	buf_fini(&b);
	listen_to(o);
}

static const char *ask(struct op *o, const char *sql)
{
	say(o, sql);
	return said_kinds(&o->said);
}

static void go(struct op *o)
{
	if (o->fd >= 0)
		close(o->fd);
	o->fd = -1;
	buf_fini(&o->said);
	turn();
}

/* ---- sessions ------------------------------------------------------------------------------- */

START_TEST(a_session_comes_asks_and_goes)
{
	struct op o;
	come(&o, true, "show version");
	const char *kinds = said_kinds(&o.said);
	ck_assert_str_eq(kinds + strspn(kinds, "S"), "KZTDCZ");
	ck_assert_uint_eq(admin_count(admin), 1);
	ck_assert_str_eq(ask(&o, "show state"), "TDDDCZ");
	ck_assert_str_eq(ask(&o, "show help"), "NCZ");
	go(&o);
	ck_assert_uint_eq(admin_count(admin), 0);
	for (int i = 0; i < 3; i++) {
		come(&o, true, NULL);
		go(&o);
	}
	ck_assert_uint_eq(admin_count(admin), 0);
}
END_TEST

START_TEST(terminate_and_nonsense_end_it)
{
	static const char *const last[] = { "X\0\0\0\4", "?\0\0\0\4" };
	struct op o;
	come(&o, true, NULL);
	buf_clear(&o.said);
	ck_assert_int_eq(send(o.fd, last[_i], 5, 0), 5);
	listen_to(&o);
	ck_assert_str_eq(said_kinds(&o.said), _i ? "E" : "");
	ck_assert(o.is_closed);
	go(&o);
	ck_assert_uint_eq(admin_count(admin), 0);
}
END_TEST

START_TEST(show_waits_for_the_workers)
{
	struct op o;
	struct report report;
	come(&o, false, NULL);
	ck_assert_str_eq(ask(&o, "show pools"), "");
	ck_assert_uint_eq(proxyfake.what, REPORT_POOLS);
	say(&o, "show version"); /* has to wait */
	ck_assert_uint_eq(buf_len(&o.said), 0);
	report_init(&report, 0);
	struct report_pool *pool = report_add_pool(&report);
	report_copy(pool->database, sizeof(pool->database), "shop");
	proxyfake_reports(&report, 1, loop_now(loop));
	report_fini(&report);
	listen_to(&o);
	ck_assert_str_eq(said_kinds(&o.said), "TDDCZTDCZ");
	ck_assert_str_eq(said_value(&o.said, 0, 0), "shop");
	ck_assert_str_eq(said_value(&o.said, 1, 2), "1"); /* cl_active of the console */
	go(&o);
}
END_TEST

START_TEST(who_leaves_meanwhile_is_not_answered)
{
	static const char *const asked[] = { "show pools", "pause", "wait_close", "pause auto" };
	struct op o;
	come(&o, true, NULL);
	say(&o, asked[_i]);
	go(&o);
	ck_assert_uint_eq(admin_count(admin), 0);
	if (proxyfake.done)
		proxyfake_done(1, loop_now(loop));
	else
		proxyfake_reports(NULL, 0, loop_now(loop));
}
END_TEST

START_TEST(the_console_ends_before_the_answer)
{
	static const char *const asked[] = { "show pools", "pause", "wait_close", "pause auto" };
	struct op o;
	come(&o, true, NULL);
	say(&o, asked[_i]);
	admin_free(admin);
	admin = NULL;
	if (proxyfake.done)
		proxyfake_done(1, loop_now(loop));
	else
		proxyfake_reports(NULL, 0, loop_now(loop));
	listen_to(&o);
	ck_assert(o.is_closed);
	go(&o);
}
END_TEST

START_TEST(a_slow_reader_is_not_served_further)
{
	struct op o;
	struct buf b = { .data = NULL };
	come(&o, true, NULL);
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
		turn();
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
		listen_to(&o);
		answered += buf_len(&o.said);
		idle = buf_len(&o.said) == 0 && n <= 0 ? idle + 1 : 0;
	}
	ck_assert_uint_eq(buf_len(&b), 0);
	buf_fini(&b);
	say(&o, "show config");
	ck_assert_uint_eq(answered, 300 * buf_len(&o.said));
	go(&o);
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
	admin_adopt(NULL, console, loop_now(loop));
	ck_assert_int_eq(recv(fds[0], &byte, 1, MSG_DONTWAIT), 0);
	close(fds[0]);
}
END_TEST

/* ---- periods -------------------------------------------------------------------------------- */

/* A console whose period is short, at the end of the first one. */
static void make_period(void)
{
	struct err err;
	admin_free(admin);
	setup_drop(&setup);
	setup_make(&setup, "[databases]\nshop =\n[pgweir]\nauth_type = trust\nstats_period = 1\n",
		   "");
	struct admin_options options = { .loop = loop, .setup = on_setup };
	admin = admin_new(&options, &err);
	ck_assert_ptr_nonnull(admin);
	while (!proxyfake.report)
		loop_turn(loop, usec_now() + USEC_PER_SEC);
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
	report_xacts(1000, loop_now(loop));
	come(&o, true, NULL);
	say(&o, "show stats_averages");
	report_xacts(5000, loop_now(loop)); /* in this period, which goes on */
	listen_to(&o);
	ck_assert_str_eq(said_column(&o.said, 6), "xact_time");
	ck_assert_str_eq(said_value(&o.said, 0, 6), "40");
	ck_assert_int_gt(atoi(said_value(&o.said, 0, 2)), 0);
	ck_assert_int_le(atoi(said_value(&o.said, 0, 2)), 1000);
	go(&o);
}
END_TEST

START_TEST(the_console_ends_at_the_end_of_a_period)
{
	make_period();
	admin_free(admin);
	admin = NULL;
	report_xacts(1000, loop_now(loop));
	ck_assert_ptr_null(proxyfake.report);
}
END_TEST

/* ---- commands ------------------------------------------------------------------------------- */

static const struct {
	const char *sql;
	enum proxy_command command;
	const char *database;
} sent[] = {
	{ "pause", PROXY_COMMAND_PAUSE, "*" },
	{ "pause shop", PROXY_COMMAND_PAUSE, "shop" },
	{ "kill", PROXY_COMMAND_KILL, "*" },
	{ "kill \"shop\"", PROXY_COMMAND_KILL, "shop" },
	{ "resume", PROXY_COMMAND_RESUME, "*" },
	{ "reconnect", PROXY_COMMAND_RECONNECT, "*" },
	{ "reconnect shop", PROXY_COMMAND_RECONNECT, "shop" },
	{ "kill_client 77", PROXY_COMMAND_KILL_CLIENT, "*" },
};

START_TEST(commands_are_answered_when_the_workers_have)
{
	struct op o;
	come(&o, true, NULL);
	ck_assert_str_eq(ask(&o, sent[_i].sql), "");
	ck_assert_int_eq(proxyfake.command, sent[_i].command);
	ck_assert_str_eq(proxyfake.database, sent[_i].database);
	if (sent[_i].command == PROXY_COMMAND_KILL_CLIENT)
		ck_assert_uint_eq(proxyfake.id, 77);
	proxyfake_done(1, loop_now(loop));
	listen_to(&o);
	ck_assert_str_eq(said_kinds(&o.said), "CZ");
	go(&o);
}
END_TEST

START_TEST(whoever_may_only_look)
{
	struct op o;
	come(&o, false, NULL);
	ck_assert_str_eq(ask(&o, sent[_i].sql), "EZ");
	ck_assert_str_eq(said_field(&o.said, 'E', 'C'), "42501");
	ck_assert_uint_eq(proxyfake.commands, 0);
	go(&o);
}
END_TEST

START_TEST(databases_that_are_not_there)
{
	struct op o;
	struct report report;
	come(&o, true, NULL);
	ck_assert_str_eq(ask(&o, "pause pgweir"), "EZ");
	ck_assert_str_eq(said_field(&o.said, 'E', 'C'), "55000");
	for (int there = 0; there < 2; there++) { /* "*" would offer it: has anybody used it? */
		ck_assert_str_eq(ask(&o, "disable auto"), "");
		report_init(&report, 0);
		struct report_pool *pool = report_add_pool(&report);
		report_copy(pool->database, sizeof(pool->database), there ? "auto" : "x");
		proxyfake_reports(&report, 1, loop_now(loop));
		report_fini(&report);
		listen_to(&o);
		ck_assert_str_eq(said_kinds(&o.said), there ? "CZ" : "EZ");
		if (!there)
			ck_assert_str_eq(said_field(&o.said, 'E', 'C'), "3D000");
	}
	ck_assert_str_eq(proxyfake.disabled, "auto");
	ck_assert_str_eq(ask(&o, "enable shop"), "CZ");
	ck_assert_str_eq(proxyfake.disabled, "");
	go(&o);
}
END_TEST

START_TEST(pausing_twice_and_resuming_what_goes_on)
{
	struct op o;
	come(&o, true, NULL);
	ck_assert_str_eq(ask(&o, "resume shop"), "EZ");
	ck_assert_str_eq(said_field(&o.said, 'E', 'C'), "55000");
	proxyfake.paused = true;
	ck_assert_str_eq(ask(&o, "pause"), "EZ");
	ck_assert_str_eq(said_field(&o.said, 'E', 'C'), "55000");
	go(&o);
}
END_TEST

START_TEST(resume_ends_the_wait_of_a_pause)
{
	struct op o;
	come(&o, true, NULL);
	say(&o, "pause");
	proxyfake.paused = false; /* somebody else has said RESUME */
	proxyfake_done(0, loop_now(loop));
	listen_to(&o);
	ck_assert_str_eq(said_kinds(&o.said), "EZ");
	ck_assert_str_eq(said_field(&o.said, 'E', 'C'), "55000");
	go(&o);
}
END_TEST

START_TEST(no_such_client)
{
	struct op o;
	come(&o, true, NULL);
	say(&o, "kill_client 5");
	proxyfake_done(0, loop_now(loop));
	listen_to(&o);
	ck_assert_str_eq(said_field(&o.said, 'E', 'C'), "42704");
	go(&o);
}
END_TEST

/* One server of "shop" that was opened then. */
static void report_server(usec_t connected_wall)
{
	struct report report;
	report_init(&report, 0);
	struct report_conn *c = report_add_conn(&report);
	c->is_server = true;
	c->connected_wall = connected_wall;
	report_copy(c->database, sizeof(c->database), "shop");
	proxyfake_reports(&report, 1, loop_now(loop));
	report_fini(&report);
}

START_TEST(wait_close_waits_for_those_of_before)
{
	struct op o;
	come(&o, true, NULL);
	say(&o, "reconnect shop");
	proxyfake_done(1, loop_now(loop));
	listen_to(&o);
	say(&o, "wait_close");
	report_server(usec_wall() - 60 * USEC_PER_SEC);
	listen_to(&o);
	ck_assert_uint_eq(buf_len(&o.said), 0);
	while (!proxyfake.report) /* it asks again */
		loop_turn(loop, usec_now() + USEC_PER_SEC);
	report_server(usec_wall() + 60 * USEC_PER_SEC);
	listen_to(&o);
	ck_assert_str_eq(said_kinds(&o.said), "CZ");
	say(&o, "wait_close other"); /* that one's servers do not matter */
	report_server(1);
	listen_to(&o);
	ck_assert_str_eq(said_kinds(&o.said), "CZ");
	go(&o);
}
END_TEST

START_TEST(the_console_ends_between_two_looks)
{
	struct op o;
	come(&o, true, NULL);
	say(&o, "reconnect");
	proxyfake_done(1, loop_now(loop));
	say(&o, "wait_close");
	report_server(1);
	admin_free(admin);
	admin = NULL;
	ck_assert_ptr_null(proxyfake.report);
	go(&o);
}
END_TEST

START_TEST(reload_and_its_faults)
{
	struct op o;
	come(&o, true, NULL);
	ck_assert_str_eq(ask(&o, "reload"), "CZ");
	reload_fails = true;
	ck_assert_str_eq(ask(&o, "reload"), "EZ");
	ck_assert_str_eq(said_field(&o.said, 'E', 'M'), "a.ini:3: one\na.ini:4: two");
	ck_assert_int_eq(reloads, 2);
	go(&o);
}
END_TEST

START_TEST(set_and_what_cannot_be)
{
	struct op o;
	come(&o, true, NULL);
	ck_assert_str_eq(ask(&o, "set pool_size = 7"), "CZ");
	ck_assert_str_eq(set_key, "pool_size");
	ck_assert_str_eq(set_value, "7");
	ck_assert_str_eq(ask(&o, "set pool_size to 'often'"), "EZ");
	ck_assert_str_eq(said_field(&o.said, 'E', 'C'), "22023");
	ck_assert_str_eq(ask(&o, "set listen_port = often"), "EZ");
	ck_assert_str_eq(said_field(&o.said, 'E', 'C'), "55000");
	ck_assert_str_eq(ask(&o, "set nothing = 1"), "EZ");
	ck_assert_str_eq(said_field(&o.said, 'E', 'C'), "42704");
	ck_assert_str_eq(ask(&o, "set extra_float_digits = 3"), "CZ");
	ck_assert_str_eq(set_key, "listen_port");
	go(&o);
	come(&o, false, NULL);
	ck_assert_str_eq(ask(&o, "set pool_size = 8"), "EZ");
	ck_assert_str_eq(said_field(&o.said, 'E', 'C'), "42501");
	ck_assert_str_eq(ask(&o, "set application_name = 'x'"), "CZ");
	go(&o);
}
END_TEST

START_TEST(shutdown_in_three_ways)
{
	static const char *const ways[] = { "shutdown", "shutdown wait_for_servers",
					    "shutdown wait_for_clients" };
	struct op o;
	come(&o, true, NULL);
	ck_assert_str_eq(ask(&o, ways[_i]), "CZ");
	ck_assert_int_eq(shutdowns, 1);
	ck_assert_int_eq((int)how, _i);
	go(&o);
}
END_TEST

START_TEST(what_is_refused_for_good)
{
	struct op o;
	come(&o, true, NULL);
	ck_assert_str_eq(ask(&o, _i ? "suspend" : "show fds"), "EZ");
	ck_assert_str_eq(said_field(&o.said, 'E', 'C'), "0A000");
	go(&o);
}
END_TEST

Suite *suite_console(void)
{
	Suite *s = suite_create("console");
	TCase *t = tcase_create("console");
	tcase_add_checked_fixture(t, make, drop);
	tcase_add_test(t, a_session_comes_asks_and_goes);
	tcase_add_loop_test(t, terminate_and_nonsense_end_it, 0, 2);
	tcase_add_test(t, show_waits_for_the_workers);
	tcase_add_loop_test(t, who_leaves_meanwhile_is_not_answered, 0, 4);
	tcase_add_loop_test(t, the_console_ends_before_the_answer, 0, 4);
	tcase_add_test(t, a_slow_reader_is_not_served_further);
	tcase_add_test(t, nobody_comes_in_once_it_has_ended);
	tcase_add_test(t, averages_are_taken_at_the_end_of_a_period);
	tcase_add_test(t, the_console_ends_at_the_end_of_a_period);
	tcase_add_loop_test(t, commands_are_answered_when_the_workers_have, 0, COUNT_OF(sent));
	tcase_add_loop_test(t, whoever_may_only_look, 0, COUNT_OF(sent));
	tcase_add_test(t, databases_that_are_not_there);
	tcase_add_test(t, pausing_twice_and_resuming_what_goes_on);
	tcase_add_test(t, resume_ends_the_wait_of_a_pause);
	tcase_add_test(t, no_such_client);
	tcase_add_test(t, wait_close_waits_for_those_of_before);
	tcase_add_test(t, the_console_ends_between_two_looks);
	tcase_add_test(t, reload_and_its_faults);
	tcase_add_test(t, set_and_what_cannot_be);
	tcase_add_loop_test(t, shutdown_in_three_ways, 0, 3);
	tcase_add_loop_test(t, what_is_refused_for_good, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
