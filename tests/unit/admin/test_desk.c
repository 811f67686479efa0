/*
 * test_desk.c - the commands that change something: what the proxy and the owner are asked, and
 * when the operator hears of it.
 */
#include "check_admin.h"
#include "net/loop.h"
#include "proxyfake.h"
#include "rig.h"

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
	rig_come(&o, true, NULL);
	ck_assert_str_eq(rig_ask(&o, sent[_i].sql), "");
	ck_assert_int_eq(proxyfake.command, sent[_i].command);
	ck_assert_str_eq(proxyfake.database, sent[_i].database);
	if (sent[_i].command == PROXY_COMMAND_KILL_CLIENT)
		ck_assert_uint_eq(proxyfake.id, 77);
	proxyfake_done(1, loop_now(rig.loop));
	rig_listen(&o);
	ck_assert_str_eq(said_kinds(&o.said), "CZ");
	rig_go(&o);
}
END_TEST

START_TEST(whoever_may_only_look)
{
	struct op o;
	rig_come(&o, false, NULL);
	ck_assert_str_eq(rig_ask(&o, sent[_i].sql), "EZ");
	ck_assert_str_eq(said_field(&o.said, 'E', 'C'), "42501");
	ck_assert_uint_eq(proxyfake.commands, 0);
	rig_go(&o);
}
END_TEST

START_TEST(databases_that_are_not_there)
{
	struct op o;
	struct report report;
	rig_come(&o, true, NULL);
	ck_assert_str_eq(rig_ask(&o, "pause pgweir"), "EZ");
	ck_assert_str_eq(said_field(&o.said, 'E', 'C'), "55000");
	for (int there = 0; there < 2; there++) { /* "*" would offer it: has anybody used it? */
		ck_assert_str_eq(rig_ask(&o, "disable auto"), "");
		report_init(&report, 0);
		struct report_pool *pool = report_add_pool(&report);
		report_copy(pool->database, sizeof(pool->database), there ? "auto" : "x");
		proxyfake_reports(&report, 1, loop_now(rig.loop));
		report_fini(&report);
		rig_listen(&o);
		ck_assert_str_eq(said_kinds(&o.said), there ? "CZ" : "EZ");
		if (!there)
			ck_assert_str_eq(said_field(&o.said, 'E', 'C'), "3D000");
	}
	ck_assert_str_eq(proxyfake.disabled, "auto");
	ck_assert_str_eq(rig_ask(&o, "enable shop"), "CZ");
	ck_assert_str_eq(proxyfake.disabled, "");
	rig_go(&o);
}
END_TEST

START_TEST(pausing_twice_and_resuming_what_goes_on)
{
	struct op o;
	rig_come(&o, true, NULL);
	ck_assert_str_eq(rig_ask(&o, "resume shop"), "EZ");
	ck_assert_str_eq(said_field(&o.said, 'E', 'C'), "55000");
	proxyfake.paused = true;
	ck_assert_str_eq(rig_ask(&o, "pause"), "EZ");
	ck_assert_str_eq(said_field(&o.said, 'E', 'C'), "55000");
	rig_go(&o);
}
END_TEST

START_TEST(resume_ends_the_wait_of_a_pause)
{
	struct op o;
	rig_come(&o, true, NULL);
	rig_say(&o, "pause");
	proxyfake.paused = false; /* somebody else has said RESUME */
	proxyfake_done(0, loop_now(rig.loop));
	rig_listen(&o);
	ck_assert_str_eq(said_kinds(&o.said), "EZ");
	ck_assert_str_eq(said_field(&o.said, 'E', 'C'), "55000");
	rig_go(&o);
}
END_TEST

START_TEST(no_such_client)
{
	struct op o;
	rig_come(&o, true, NULL);
	rig_say(&o, "kill_client 5");
	proxyfake_done(0, loop_now(rig.loop));
	rig_listen(&o);
	ck_assert_str_eq(said_field(&o.said, 'E', 'C'), "42704");
	rig_go(&o);
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
	proxyfake_reports(&report, 1, loop_now(rig.loop));
	report_fini(&report);
}

START_TEST(wait_close_waits_for_those_of_before)
{
	struct op o;
	rig_come(&o, true, NULL);
	rig_say(&o, "reconnect shop");
	proxyfake_done(1, loop_now(rig.loop));
	rig_listen(&o);
	rig_say(&o, "wait_close");
	report_server(usec_wall() - 60 * USEC_PER_SEC);
	rig_listen(&o);
	ck_assert_uint_eq(buf_len(&o.said), 0);
	while (!proxyfake.report) /* it asks again */
		loop_turn(rig.loop, usec_now() + USEC_PER_SEC);
	report_server(usec_wall() + 60 * USEC_PER_SEC);
	rig_listen(&o);
	ck_assert_str_eq(said_kinds(&o.said), "CZ");
	rig_say(&o, "wait_close other"); /* that one's servers do not matter */
	report_server(1);
	rig_listen(&o);
	ck_assert_str_eq(said_kinds(&o.said), "CZ");
	rig_go(&o);
}
END_TEST

START_TEST(the_console_ends_between_two_looks)
{
	struct op o;
	rig_come(&o, true, NULL);
	rig_say(&o, "reconnect");
	proxyfake_done(1, loop_now(rig.loop));
	rig_say(&o, "wait_close");
	report_server(1);
	admin_free(rig.admin);
	rig.admin = NULL;
	ck_assert_ptr_null(proxyfake.report);
	rig_go(&o);
}
END_TEST

START_TEST(reload_and_its_faults)
{
	struct op o;
	rig_come(&o, true, NULL);
	ck_assert_str_eq(rig_ask(&o, "reload"), "CZ");
	rig.reload_fails = true;
	ck_assert_str_eq(rig_ask(&o, "reload"), "EZ");
	ck_assert_str_eq(said_field(&o.said, 'E', 'M'), "a.ini:3: one\na.ini:4: two");
	ck_assert_int_eq(rig.reloads, 2);
	rig_go(&o);
}
END_TEST

START_TEST(set_and_what_cannot_be)
{
	struct op o;
	rig_come(&o, true, NULL);
	ck_assert_str_eq(rig_ask(&o, "set pool_size = 7"), "CZ");
	ck_assert_str_eq(rig.set_key, "pool_size");
	ck_assert_str_eq(rig.set_value, "7");
	ck_assert_str_eq(rig_ask(&o, "set pool_size to 'often'"), "EZ");
	ck_assert_str_eq(said_field(&o.said, 'E', 'C'), "22023");
	ck_assert_str_eq(rig_ask(&o, "set listen_port = often"), "EZ");
	ck_assert_str_eq(said_field(&o.said, 'E', 'C'), "55000");
	ck_assert_str_eq(rig_ask(&o, "set nothing = 1"), "EZ");
	ck_assert_str_eq(said_field(&o.said, 'E', 'C'), "42704");
	ck_assert_str_eq(rig_ask(&o, "set extra_float_digits = 3"), "CZ");
	ck_assert_str_eq(rig.set_key, "listen_port");
	rig_go(&o);
	rig_come(&o, false, NULL);
	ck_assert_str_eq(rig_ask(&o, "set pool_size = 8"), "EZ");
	ck_assert_str_eq(said_field(&o.said, 'E', 'C'), "42501");
	ck_assert_str_eq(rig_ask(&o, "set application_name = 'x'"), "CZ");
	rig_go(&o);
}
END_TEST

START_TEST(shutdown_in_three_ways)
{
	static const char *const ways[] = { "shutdown", "shutdown wait_for_servers",
					    "shutdown wait_for_clients" };
	struct op o;
	rig_come(&o, true, NULL);
	ck_assert_str_eq(rig_ask(&o, ways[_i]), "CZ");
	ck_assert_int_eq(rig.shutdowns, 1);
	ck_assert_int_eq((int)rig.how, _i);
	rig_go(&o);
}
END_TEST

START_TEST(what_is_refused_for_good)
{
	struct op o;
	rig_come(&o, true, NULL);
	ck_assert_str_eq(rig_ask(&o, _i ? "suspend" : "show fds"), "EZ");
	ck_assert_str_eq(said_field(&o.said, 'E', 'C'), "0A000");
	rig_go(&o);
}
END_TEST

Suite *suite_desk(void)
{
	Suite *s = suite_create("desk");
	TCase *t = tcase_create("desk");
	tcase_add_checked_fixture(t, rig_make, rig_drop);
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
