/*
 * test_connector_text.c - what is read from texts: libpq's errors, versions, ErrorResponses.
 */
#include "check_proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/connector_fault.h"
#include "proxy/connector_hosts.h"
#include "proxy/connector_steps.h"

static const struct {
	const char *text;
	enum connector_fault_kind kind;
	const char *sqlstate, *message, *log;
} texts[] = {
	{ "connection to server at \"127.0.0.1\", port 1 failed: Connection refused\n\tIs the "
	  "server "
	  "running on that host and accepting TCP/IP connections?\n",
	  CONNECTOR_FAULT_UNREACHABLE, "08006",
	  "connection to the server failed: Connection refused",
	  "connection to server at \"127.0.0.1\", port 1 failed: Connection refused  Is the server "
	  "running on that host and accepting TCP/IP connections?" },
	{ "connection to server at \"a\" (::1), port 1 failed: Connection refused\n\tIs the server "
	  "there?\nconnection to server at \"a\" (127.0.0.1), port 1 failed: No route to host\n",
	  CONNECTOR_FAULT_UNREACHABLE, "08006", "connection to the server failed: No route to host",
	  NULL },
	{ "could not translate host name \"no.such\" to address: Name or service not known\n",
	  CONNECTOR_FAULT_UNREACHABLE, "08006",
	  "connection to the server failed: could not translate host name \"no.such\" to address: "
	  "Name or service not known",
	  NULL },
	{ "invalid sslmode value: \"maybe\"\n", CONNECTOR_FAULT_OPTIONS, "08001",
	  "invalid sslmode value: \"maybe\"", NULL },
	{ "", CONNECTOR_FAULT_UNREACHABLE, "08006", "connection to the server failed: ", "" },
};

START_TEST(test_an_error_of_libpqs)
{
	struct connector_fault f;
	memset(&f, 'x', sizeof(f));
	connector_fault_from_libpq(&f, texts[_i].text);
	ck_assert_int_eq(f.kind, texts[_i].kind);
	ck_assert_str_eq(f.sqlstate, texts[_i].sqlstate);
	ck_assert_str_eq(f.message, texts[_i].message);
	ck_assert_str_eq(f.detail, "");
	ck_assert_str_eq(f.hint, "");
	ck_assert(!f.is_quoted);
	ck_assert_ptr_null(strchr(f.log, '\n'));
	if (texts[_i].log)
		ck_assert_str_eq(f.log, texts[_i].log);
}
END_TEST

START_TEST(test_an_endless_error_is_cut)
{
	struct connector_fault f;
	char *text = malloc(100000);
	memset(text, 'a', 100000);
	text[99999] = '\0';
	connector_fault_from_libpq(&f, text);
	ck_assert_uint_eq(strlen(f.message), CONNECTOR_TEXT_BYTES - 1);
	free(text);
}
END_TEST

START_TEST(test_an_error_response)
{
	static const char body[] = "SFATAL\0VFATAL\0C57P03\0Mgoing down\0Dd\0Hh\0";
	struct connector_fault f;
	connector_fault_from_server(&f, slice_make(body, sizeof(body)));
	ck_assert_int_eq(f.kind, CONNECTOR_FAULT_SERVER);
	ck_assert(f.is_quoted);
	ck_assert_str_eq(f.sqlstate, "57P03");
	ck_assert_str_eq(f.message, "going down");
	ck_assert_str_eq(f.detail, "d");
	ck_assert_str_eq(f.hint, "h");
	connector_fault_from_server(&f, slice_make("M", 1));
	ck_assert_str_eq(f.sqlstate, "XX000");
	ck_assert_str_eq(f.message, "the server refused without a word");
}
END_TEST

START_TEST(test_the_log_says_which_host)
{
	struct connector_fault f;
	connector_fault_from_talk(&f, CONNECTOR_TALK_TIMEOUT);
	ck_assert_int_eq(f.kind, CONNECTOR_FAULT_TIMEOUT);
	connector_fault_about(&f, "host a port 1", NULL);
	ck_assert_str_eq(f.log, "host a port 1: the server did not answer in time");
	connector_fault_from_libpq(&f, texts[0].text);
	connector_fault_about(&f, "host a port 1", NULL); /* libpq says it itself */
	ck_assert_str_eq(f.log, texts[0].log);
	connector_fault_from_server(&f, SLICE("SFATAL\0C08P01\0Mconnection to server is odd\0"));
	connector_fault_about(&f, "host a port 1", NULL);
	ck_assert_str_eq(f.log, "host a port 1: connection to server is odd");

	char whom[CONNECTOR_TEXT_BYTES - 5]; /* what does not fit is cut off at the end */
	memset(whom, 'h', sizeof(whom));
	whom[sizeof(whom) - 1] = '\0';
	connector_fault_from_talk(&f, CONNECTOR_TALK_TIMEOUT);
	connector_fault_about(&f, whom, NULL);
	ck_assert_uint_eq(strlen(f.log), CONNECTOR_TEXT_BYTES - 1);
	ck_assert_str_eq(f.log + strlen(whom), ": the");
}
END_TEST

START_TEST(test_versions)
{
	static const struct {
		const char *text;
		int number;
	} versions[] = {
		{ "15.18 (Debian 15.18-0+deb12u1)", 150018 },
		{ "9.6.24", 90624 },
		{ "9.6", 90600 },
		{ "18beta1", 180000 },
		{ "17", 170000 },
		{ "", 0 },
		{ "devel", 0 },
		{ "-1.2", 0 },
		{ "99999999.1", 0 },
		{ "10.", 0 },
	};
	for (size_t i = 0; i < COUNT_OF(versions); i++)
		ck_assert_int_eq(connector_steps_version(versions[i].text), versions[i].number);
}
END_TEST

START_TEST(test_parameters_are_replaced_and_bounded)
{
	struct connector_link link = { .fd = -1 };
	char name[16];
	connector_steps_param(&link, SLICE("TimeZone"), SLICE("UTC"));
	connector_steps_param(&link, SLICE("TimeZone"), SLICE("Europe/Berlin"));
	ck_assert_uint_eq(link.param_count, 1);
	ck_assert_str_eq(connector_param(&link, "TimeZone"), "Europe/Berlin");
	ck_assert_ptr_null(connector_param(&link, "timezone"));
	for (int i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		connector_steps_param(&link, slice_of(name), SLICE(""));
	}
	ck_assert_uint_lt(link.param_count, 1000);
	connector_drop_params(&link);
	ck_assert_uint_eq(link.param_count, 0);
}
END_TEST

START_TEST(test_lists_of_hosts)
{
	static const struct {
		const char *list;
		int i;
		const char *one;
	} picks[] = {
		{ "a", 0, "a" },   { "a", 2, "a" },  { "a,b,c", 0, "a" }, { "a,b,c", 2, "c" },
		{ "a,,c", 1, "" }, { "a,b", 5, "" }, { "", 0, "" },       { ",", 1, "" },
	};
	for (size_t i = 0; i < COUNT_OF(picks); i++) {
		char *one = connector_hosts_pick(picks[i].list, picks[i].i);
		ck_assert_str_eq(one, picks[i].one);
		free(one);
	}
	ck_assert_ptr_null(connector_hosts_pick(NULL, 0));
	ck_assert_int_eq(connector_hosts_count(NULL), 1);
	ck_assert_int_eq(connector_hosts_count("a,b,c"), 3);
}
END_TEST

/* What a session has to be, and what it is: primary, standby, primary that only reads. */
START_TEST(test_what_a_session_has_to_be)
{
	static const struct {
		const char *attrs;
		bool fits[3];
	} rows[] = {
		{ NULL, { true, true, true } },
		{ "", { true, true, true } },
		{ "any", { true, true, true } },
		{ "read-write", { true, false, false } },
		{ "read-only", { false, true, true } },
		{ "primary", { true, false, true } },
		{ "standby", { false, true, false } },
		{ "prefer-standby", { false, true, false } },
	};
	static const struct connector_role roles[3] = { { false, false },
							{ true, false },
							{ false, true } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		for (size_t role = 0; role < COUNT_OF(roles); role++)
			ck_assert_int_eq(connector_hosts_fits(&roles[role], rows[i].attrs),
					 rows[i].fits[role]);
	}
	ck_assert(!connector_hosts_choosy(NULL));
	ck_assert(!connector_hosts_choosy("any"));
	ck_assert(connector_hosts_choosy("prefer-standby"));
}
END_TEST

/* What libpq's require_auth allows, for each way of being asked. */
START_TEST(test_ways_to_be_asked_that_are_allowed)
{
	static const struct {
		const char *list;
		bool allowed[CONNECTOR_METHOD_COUNT]; /* none, password, md5, scram */
	} rows[] = {
		{ NULL, { true, true, true, true } },
		{ "", { true, true, true, true } },
		{ "none", { true, false, false, false } },
		{ "scram-sha-256", { false, false, false, true } },
		{ "md5,scram-sha-256", { false, false, true, true } },
		{ "password, md5", { false, true, true, false } },
		{ "!password", { true, false, true, true } },
		{ "!none,!password,!md5", { false, false, false, true } },
		{ "gss", { false, false, false, false } },
		{ "!gss", { true, true, true, true } },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct connector_terms t = { .methods = (char *)rows[i].list };
		for (int m = 0; m < CONNECTOR_METHOD_COUNT; m++)
			ck_assert_int_eq(connector_terms_allow(&t, (enum connector_method)m),
					 rows[i].allowed[m]);
	}
}
END_TEST

/* What the server said before it knew us is a reason to come in another way, and only these two
 * modes have one. */
START_TEST(test_the_other_sslmode)
{
	static const struct {
		const char *sslmode, *sqlstate;
		bool is_refusal, had_tls, is_unix;
		const char *other;
	} rows[] = {
		{ "prefer", "28000", true, true, false, "disable" },
		{ "prefer", "08P01", true, true, false, "disable" },
		{ "allow", "28000", true, false, false, "require" },
		{ "allow", "08P01", true, false, false, "require" },
		{ "prefer", "28000", true, false, false, NULL },
		{ "allow", "28000", true, true, false, NULL },
		{ "allow", "28000", true, false, true, NULL },
		{ "require", "28000", true, true, false, NULL },
		{ "disable", "28000", true, false, false, NULL },
		{ "prefer", "28P01", true, true, false, NULL },
		{ "allow", "57P03", true, false, false, NULL },
		{ "allow", "53300", true, false, false, NULL },
		{ "prefer", "28000", false, true, false, NULL },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct connector_terms t = { .sslmode = (char *)rows[i].sslmode };
		struct connector_fault f = { .kind = CONNECTOR_FAULT_SERVER,
					     .is_quoted = rows[i].is_refusal,
					     .is_refusal = rows[i].is_refusal };
		memcpy(f.sqlstate, rows[i].sqlstate, sizeof(f.sqlstate));
		ck_assert_pstr_eq(
			connector_terms_other_sslmode(&t, rows[i].had_tls, rows[i].is_unix, &f),
			rows[i].other);
	}
}
END_TEST

START_TEST(test_one_fault_after_another)
{
	struct connector_fault refused, broken, none = { .kind = CONNECTOR_FAULT_NONE };
	connector_fault_set(&refused, CONNECTOR_FAULT_SERVER, "57P03", "starting up");
	connector_fault_set(&broken, CONNECTOR_FAULT_UNREACHABLE, "08006", "nobody there");
	struct connector_fault f = broken;
	connector_fault_after(&f, &none);
	ck_assert_str_eq(f.log, "nobody there");
	connector_fault_after(&f, &refused);
	ck_assert_str_eq(f.sqlstate, "57P03");
	ck_assert_str_eq(f.message, "starting up");
	ck_assert_str_eq(f.log, "starting up; nobody there");
	f = refused;
	connector_fault_after(&f, &broken);
	ck_assert_str_eq(f.sqlstate, "57P03");
	ck_assert_str_eq(f.log, "nobody there; starting up");
}
END_TEST

START_TEST(test_lists_that_go_in_step)
{
	static const struct {
		const char *host, *hostaddr, *port;
		bool match;
	} rows[] = {
		{ NULL, NULL, NULL, true },      { "a", NULL, "1", true },
		{ "a,b", NULL, "1", true },      { "a,b", NULL, "1,2", true },
		{ "a,b,c", NULL, "1,2", false }, { "a", NULL, "1,2", false },
		{ "a,b", "1", NULL, false },     { "a,b", "1,2", "3,4", true },
		{ "a,b", "", "3,4", true },      { "", "1,2", "3,4", true },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		ck_assert_int_eq(
			connector_hosts_match(rows[i].host, rows[i].hostaddr, rows[i].port),
			rows[i].match);
}
END_TEST

START_TEST(test_the_environment_is_cleared_of_libpqs_wishes)
{
	setenv("PGHOST", "elsewhere", 1);
	setenv("PGPASSWORD", "x", 1);
	setenv("PGSERVICE", "none", 1);
	setenv("PGOPTIONS", "-c x=y", 1);
	setenv("NOT_PGHOST", "stays", 1);
	connector_clear_environment();
	ck_assert_ptr_null(getenv("PGHOST"));
	ck_assert_ptr_null(getenv("PGPASSWORD"));
	ck_assert_ptr_null(getenv("PGSERVICE"));
	ck_assert_ptr_null(getenv("PGOPTIONS"));
	ck_assert_str_eq(getenv("NOT_PGHOST"), "stays");
}
END_TEST

Suite *connector_text_suite(void)
{
	Suite *s = suite_create("connector's texts");
	TCase *t = tcase_create("texts");
	tcase_add_loop_test(t, test_an_error_of_libpqs, 0, COUNT_OF(texts));
	tcase_add_test(t, test_an_endless_error_is_cut);
	tcase_add_test(t, test_an_error_response);
	tcase_add_test(t, test_the_log_says_which_host);
	tcase_add_test(t, test_versions);
	tcase_add_test(t, test_parameters_are_replaced_and_bounded);
	tcase_add_test(t, test_lists_of_hosts);
	tcase_add_test(t, test_what_a_session_has_to_be);
	tcase_add_test(t, test_ways_to_be_asked_that_are_allowed);
	tcase_add_test(t, test_the_other_sslmode);
	tcase_add_test(t, test_one_fault_after_another);
	tcase_add_test(t, test_lists_that_go_in_step);
	tcase_add_test(t, test_the_environment_is_cleared_of_libpqs_wishes);
	suite_add_tcase(s, t);
	return s;
}
