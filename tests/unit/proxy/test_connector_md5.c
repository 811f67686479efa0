/*
 * test_connector_md5.c - logins to a real PostgreSQL with an md5 secret in place of a password.
 */
#include "login_rig.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auth/md5.h"

static struct office office;

static void setup(void)
{
	connector_clear_environment();
	office_open(&office, 2, 100);
}

static void teardown(void)
{
	office_close(&office);
}

/* Of the user's right password, or of a wrong one. */
static void init_with_md5(struct visit *v, const char *user, const char *password)
{
	char hex[MD5_HEX_BYTES + 1];
	ck_assert(md5_of_password(slice_of(password), slice_of(user), hex));
	visit_init(v, &office, user, NULL);
	connector_set_md5(v->connector, hex);
}

static void add_keys_of(struct visit *v, const char *user)
{
	struct scram_keys keys;
	rig_keys(user, &keys);
	connector_set_keys(v->connector, keys.client_key, keys.server_key);
}

static void add_keys(struct visit *v)
{
	add_keys_of(v, "scram_user");
}

static void check_session(struct visit *v, const char *user)
{
	char text[64];
	ck_assert_int_ge(v->link.server_version, 90600);
	ck_assert_str_eq(connector_param(&v->link, "session_authorization"), user);
	ck_assert_ptr_nonnull(v->link.cancel);
	rig_query(&v->link, "SELECT session_user", text, sizeof(text));
	ck_assert_str_eq(text, user);
	visit_leave(v);
}

static void check_in(struct visit *v, const char *user)
{
	visit_must(v);
	check_session(v, user);
}

static void check_refused(struct visit *v, const char *sqlstate, const char *words)
{
	visit_go(v);
	ck_assert(!v->ok);
	ck_assert_int_eq(v->fault.kind, CONNECTOR_FAULT_SERVER);
	ck_assert_str_eq(v->fault.sqlstate, sqlstate);
	ck_assert_msg(strstr(v->fault.message, words) != NULL, "%s", v->fault.message);
	ck_assert_msg(strstr(v->fault.log, "127.0.0.1") != NULL, "%s", v->fault.log);
}

START_TEST(test_with_md5)
{
	struct visit v;
	init_with_md5(&v, "md5_user", cluster_password());
	connector_set(v.connector, "sslmode", _i ? "require" : "disable");
	check_in(&v, "md5_user");
}
END_TEST

START_TEST(test_with_a_wrong_md5)
{
	struct visit v;
	char ports[48];
	init_with_md5(&v, "md5_user", "wrong");
	if (_i) { /* and the next host is not asked */
		snprintf(ports, sizeof(ports), "%d,1", cluster_port());
		connector_set(v.connector, "host", "127.0.0.1,127.0.0.1");
		connector_set(v.connector, "port", ports);
	}
	check_refused(&v, "28P01", "password authentication failed");
}
END_TEST

START_TEST(test_md5_where_nothing_is_asked_for)
{
	struct visit v;
	init_with_md5(&v, "trust_user", cluster_password());
	check_in(&v, "trust_user");
}
END_TEST

START_TEST(test_md5_where_scram_is_asked_for)
{
	struct visit v;
	init_with_md5(&v, "scram_user", cluster_password());
	check_refused(&v, "28000", "asks for SCRAM, and an md5 secret cannot be used for that");
}
END_TEST

START_TEST(test_md5_where_the_plain_password_is_asked_for)
{
	struct visit v;
	init_with_md5(&v, "plain_user", cluster_password());
	check_refused(&v, "28000", "only an md5 secret is known");
}
END_TEST

START_TEST(test_a_password_is_better_than_md5)
{
	struct visit v;
	init_with_md5(&v, "scram_user", cluster_password());
	connector_set(v.connector, "password", cluster_password());
	check_in(&v, "scram_user");
}
END_TEST

START_TEST(test_of_keys_and_md5_the_server_chooses)
{
	struct visit v;
	const char *user = _i ? "md5_user" : "scram_user";
	init_with_md5(&v, user, cluster_password());
	add_keys(&v);
	check_in(&v, user);
}
END_TEST

/* The first host refuses, falls silent, or is not even connected to. */
START_TEST(test_md5_and_the_next_host)
{
	struct visit v;
	char ports[48];
	int port = 1;
	int fd = _i ? rig_silent(&port, _i == 2) : -1;
	snprintf(ports, sizeof(ports), "%d,%d", port, cluster_port());
	do {
		init_with_md5(&v, "md5_user", cluster_password());
		connector_set(v.connector, "host", "127.0.0.1,127.0.0.1");
		connector_set(v.connector, "port", ports);
		connector_set(v.connector, "connect_timeout", "1");
	} while (!visit_is_in_time(&v));
	check_session(&v, "md5_user");
	if (fd >= 0)
		close(fd);
}
END_TEST

START_TEST(test_md5_and_what_the_session_has_to_be)
{
	struct visit v;
	init_with_md5(&v, "md5_user", cluster_password());
	connector_set(v.connector, "target_session_attrs", _i ? "standby" : "primary");
	if (_i == 0) {
		check_in(&v, "md5_user");
		return;
	}
	visit_go(&v);
	ck_assert(!v.ok);
	ck_assert_int_eq(v.fault.kind, CONNECTOR_FAULT_UNREACHABLE);
	ck_assert_ptr_nonnull(strstr(v.fault.message, "target_session_attrs"));
}
END_TEST

START_TEST(test_no_proof_where_the_channel_has_to_be_bound_and_is_not)
{
	static const struct {
		const char *user, *sslmode, *words;
	} ways[] = {
		{ "scram_user", "disable", "nothing binds the channel" },
		{ "md5_user", "require", "the server does not ask for SCRAM" },
		{ "trust_user", "require", "the server does not ask for SCRAM" },
	};
	struct visit v;
	init_with_md5(&v, ways[_i].user, cluster_password());
	add_keys(&v);
	connector_set(v.connector, "sslmode", ways[_i].sslmode);
	connector_set(v.connector, "channel_binding", "require");
	visit_go(&v);
	ck_assert(!v.ok);
	ck_assert_ptr_nonnull(strstr(v.fault.log, "channel binding is demanded"));
	ck_assert_ptr_nonnull(strstr(v.fault.log, ways[_i].words));
}
END_TEST

START_TEST(test_keys_bind_the_channel)
{
	static const char *const ways[] = { "require", "prefer", "disable" };
	struct visit v;
	init_with_md5(&v, "tls_user", cluster_password());
	add_keys_of(&v, "tls_user");
	connector_set(v.connector, "sslmode", "require");
	connector_set(v.connector, "channel_binding", ways[_i]);
	check_in(&v, "tls_user");
}
END_TEST

START_TEST(test_a_password_where_the_channel_has_to_be_bound)
{
	struct visit v;
	init_with_md5(&v, "scram_user", cluster_password());
	connector_set(v.connector, "password", cluster_password());
	connector_set(v.connector, "sslmode", "require");
	connector_set(v.connector, "channel_binding", "require");
	check_in(&v, "scram_user");
}
END_TEST

Suite *connector_md5_suite(void)
{
	Suite *s = suite_create("connector with md5");
	TCase *t = tcase_create("connector with md5");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, test_with_md5, 0, 2);
	tcase_add_loop_test(t, test_with_a_wrong_md5, 0, 2);
	tcase_add_test(t, test_md5_where_nothing_is_asked_for);
	tcase_add_test(t, test_md5_where_scram_is_asked_for);
	tcase_add_test(t, test_md5_where_the_plain_password_is_asked_for);
	tcase_add_test(t, test_a_password_is_better_than_md5);
	tcase_add_loop_test(t, test_of_keys_and_md5_the_server_chooses, 0, 2);
	tcase_add_loop_test(t, test_md5_and_the_next_host, 0, 3);
	tcase_add_loop_test(t, test_md5_and_what_the_session_has_to_be, 0, 2);
	tcase_add_loop_test(t, test_no_proof_where_the_channel_has_to_be_bound_and_is_not, 0, 3);
	tcase_add_loop_test(t, test_keys_bind_the_channel, 0, 3);
	tcase_add_test(t, test_a_password_where_the_channel_has_to_be_bound);
	suite_add_tcase(s, t);
	return s;
}
