/*
 * test_connector.c - logins to a real PostgreSQL, and to what is none.
 */
#include "login_rig.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/connector_cancel.h"

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

static void wait_gone(int pid)
{
	char sql[128], count[16];
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM pg_stat_activity WHERE pid = %d", pid);
	do {
		cluster_sql(sql, count, sizeof(count));
	} while (strcmp(count, "0") != 0);
}

/* What every good link is. */
static void check_link(const struct visit *v)
{
	char text[64], pid[16];
	const struct connector_link *link = &v->link;
	ck_assert_int_ge(link->fd, 0);
	ck_assert(fcntl(link->fd, F_GETFL) & O_NONBLOCK);
	ck_assert_int_ge(link->server_version, 90600);
	ck_assert_ptr_nonnull(connector_param(link, "server_version"));
	ck_assert_ptr_nonnull(connector_param(link, "TimeZone"));
	ck_assert_ptr_nonnull(connector_param(link, "session_authorization"));
	ck_assert_str_eq(connector_param(link, "client_encoding"), "UTF8");
	ck_assert_ptr_nonnull(link->cancel);
	ck_assert_uint_eq(link->cancel->key_len, 4);
	ck_assert_uint_eq(link->cancel->pid, (unsigned)link->backend_pid);
	snprintf(pid, sizeof(pid), "%d", link->backend_pid);
	rig_query(link, "SELECT pg_backend_pid()", text, sizeof(text));
	ck_assert_str_eq(text, pid);
}

static const struct {
	const char *user;
	const char *sslmode;
	bool tls; /* in the end */
} methods[] = {
	{ "scram_user", "disable", false }, { "md5_user", "disable", false },
	{ "plain_user", "disable", false }, { "trust_user", "disable", false },
	{ "scram_user", "require", true },  { "tls_user", "require", true },
	{ "tls_user", "prefer", true },     { "scram_user", "allow", false },
	{ "tls_user", "allow", true },      { "clear_user", "allow", false },
	{ "clear_user", "prefer", false },
};

START_TEST(test_with_a_password)
{
	struct visit v;
	char user[64];
	visit_init(&v, &office, methods[_i].user, cluster_password());
	connector_set(v.connector, "sslmode", methods[_i].sslmode);
	visit_must(&v);
	check_link(&v);
	ck_assert_int_eq(v.link.ssl != NULL, methods[_i].tls);
	ck_assert_int_eq(v.link.has_proved, strcmp(methods[_i].user, "trust_user") != 0);
	ck_assert(!v.link.is_unix);
	rig_query(&v.link, "SELECT session_user", user, sizeof(user));
	ck_assert_str_eq(user, methods[_i].user);
	int pid = v.link.backend_pid;
	visit_leave(&v);
	wait_gone(pid);
}
END_TEST

START_TEST(test_over_the_unix_socket)
{
	struct visit v;
	visit_init(&v, &office, "postgres", NULL);
	connector_set(v.connector, "host", cluster_dir());
	visit_must(&v);
	check_link(&v);
	ck_assert(v.link.is_unix);
	visit_leave(&v);
}
END_TEST

START_TEST(test_options_reach_the_server)
{
	struct visit v;
	char text[64];
	visit_init(&v, &office, "scram_user", cluster_password());
	connector_set(v.connector, "application_name", "first");
	connector_set(v.connector, "application_name", "second");
	connector_set(v.connector, "options", "-c work_mem=7MB");
	connector_set(v.connector, "client_encoding", "LATIN1");
	connector_set(v.connector, "keepalives_idle", "77");
	connector_set(v.connector, "keepalives_idle", NULL);
	visit_must(&v);
	ck_assert_str_eq(connector_param(&v.link, "application_name"), "second");
	ck_assert_str_eq(connector_param(&v.link, "client_encoding"), "LATIN1");
	rig_query(&v.link, "SHOW work_mem", text, sizeof(text));
	ck_assert_str_eq(text, "7MB");
	visit_leave(&v);
}
END_TEST

START_TEST(test_a_name_of_our_own_where_none_is_given)
{
	struct visit v;
	visit_init(&v, &office, "scram_user", cluster_password());
	visit_must(&v);
	ck_assert_str_eq(connector_param(&v.link, "application_name"), "pgweir");
	visit_leave(&v);
}
END_TEST

START_TEST(test_replication)
{
	struct visit v;
	char text[64];
	visit_init(&v, &office, "scram_user", cluster_password());
	connector_set(v.connector, "replication", "true");
	visit_must(&v);
	rig_query(&v.link, "IDENTIFY_SYSTEM", text, sizeof(text));
	ck_assert_uint_gt(strlen(text), 10);
	visit_leave(&v);
}
END_TEST

static void check_refusal(struct visit *v, enum connector_fault_kind kind, const char *sqlstate,
			  const char *words)
{
	visit_go(v);
	ck_assert(!v->ok);
	ck_assert_msg(v->fault.kind == kind, "%s", v->fault.log);
	ck_assert_str_eq(v->fault.sqlstate, sqlstate);
	ck_assert_msg(strstr(v->fault.message, words) != NULL, "%s", v->fault.message);
	ck_assert_ptr_null(strstr(v->fault.log, cluster_password()));
	ck_assert_ptr_null(strstr(v->fault.log, "LOCATION"));
	ck_assert_ptr_null(strchr(v->fault.log, '\n'));
}

START_TEST(test_a_wrong_password)
{
	struct visit v;
	visit_init(&v, &office, methods[_i].user, "wrong");
	connector_set(v.connector, "sslmode", methods[_i].sslmode);
	if (strcmp(methods[_i].user, "trust_user") == 0) {
		visit_must(&v);
		visit_leave(&v);
	} else {
		check_refusal(&v, CONNECTOR_FAULT_SERVER, "28P01",
			      "password authentication failed");
	}
}
END_TEST

START_TEST(test_no_password)
{
	struct visit v;
	visit_init(&v, &office, "scram_user", NULL);
	check_refusal(&v, CONNECTOR_FAULT_SERVER, "28000", "none is known");
}
END_TEST

START_TEST(test_no_such_database)
{
	struct visit v;
	visit_init(&v, &office, "scram_user", cluster_password());
	connector_set(v.connector, "dbname", "nothing_here");
	check_refusal(&v, CONNECTOR_FAULT_SERVER, "3D000",
		      "database \"nothing_here\" does not exist");
}
END_TEST

START_TEST(test_not_let_in)
{
	struct visit v;
	visit_init(&v, &office, "tls_user", cluster_password()); /* without TLS */
	check_refusal(&v, CONNECTOR_FAULT_SERVER, "28000", "no pg_hba.conf entry");
}
END_TEST

/* Neither way is let in: what the server said to the one that is preferred counts. */
START_TEST(test_not_let_in_in_either_way)
{
	struct visit v;
	visit_init(&v, &office, "nobody_knows_me", cluster_password());
	connector_set(v.connector, "sslmode", _i ? "prefer" : "allow");
	check_refusal(&v, CONNECTOR_FAULT_SERVER, "28000", _i ? "SSL encryption" : "no encryption");
	ck_assert_ptr_nonnull(strstr(v.fault.log, "SSL encryption"));
	ck_assert_ptr_nonnull(strstr(v.fault.log, "no encryption"));
}
END_TEST

START_TEST(test_what_may_be_asked_for)
{
	struct visit v;
	visit_init(&v, &office, "plain_user", cluster_password());
	connector_set(v.connector, "channel_binding", "require");
	check_refusal(&v, CONNECTOR_FAULT_SERVER, "28000", "channel binding is demanded");
}
END_TEST

START_TEST(test_nobody_listens)
{
	struct visit v;
	visit_init(&v, &office, "scram_user", cluster_password());
	connector_set(v.connector, "port", "1");
	check_refusal(&v, CONNECTOR_FAULT_UNREACHABLE, "08006", "Connection refused");
	ck_assert_ptr_nonnull(strstr(v.fault.log, "127.0.0.1"));
}
END_TEST

START_TEST(test_nobody_has_that_name)
{
	struct visit v;
	visit_init(&v, &office, "scram_user", cluster_password());
	connector_set(v.connector, "host", "no.such.host.invalid");
	check_refusal(&v, CONNECTOR_FAULT_UNREACHABLE, "08006", "could not translate host name");
}
END_TEST

START_TEST(test_a_wrong_option)
{
	struct visit v;
	visit_init(&v, &office, "scram_user", cluster_password());
	connector_set(v.connector, _i ? "sslmode" : "nonsense", "maybe");
	check_refusal(&v, CONNECTOR_FAULT_OPTIONS, "08001", "invalid");
}
END_TEST

/* ---- the deadline, and being given up ------------------------------------------------- */

START_TEST(test_a_host_that_does_not_answer_meets_the_deadline)
{
	struct visit v;
	int port;
	char text[16];
	int fd = rig_silent(&port, _i == 1);
	snprintf(text, sizeof(text), "%d", port);
	visit_init(&v, &office, "scram_user", cluster_password());
	connector_set(v.connector, "port", text);
	visit_start(&v, 200 * USEC_PER_MSEC);
	visit_wait(&v);
	ck_assert(!v.ok);
	ck_assert_int_eq(v.fault.kind, CONNECTOR_FAULT_TIMEOUT);
	ck_assert_str_eq(v.fault.sqlstate, "08006");
	ck_assert_ptr_nonnull(strstr(v.fault.log, text));
	close(fd);
}
END_TEST

START_TEST(test_a_login_under_way_is_given_up)
{
	struct visit v;
	int port;
	char text[16];
	int fd = rig_silent(&port, false);
	snprintf(text, sizeof(text), "%d", port);
	visit_init(&v, &office, "scram_user", cluster_password());
	connector_set(v.connector, "port", text);
	visit_start(&v, 3600 * USEC_PER_SEC);
	while (helper_queued(office.crew) > 0)
		loop_turn(office.loop, 0);
	ck_assert(!connector_stop(v.connector));
	visit_wait(&v);
	ck_assert_int_eq(v.fault.kind, CONNECTOR_FAULT_CANCELLED);
	close(fd);
}
END_TEST

START_TEST(test_a_queued_login_is_given_up_or_runs_out_of_time)
{
	struct visit busy[2], queued, late;
	int port;
	char text[16];
	int fd = rig_silent(&port, false);
	snprintf(text, sizeof(text), "%d", port);
	for (int i = 0; i < 2; i++) { /* both helpers */
		visit_init(&busy[i], &office, "scram_user", cluster_password());
		connector_set(busy[i].connector, "port", text);
		visit_start(&busy[i], 3600 * USEC_PER_SEC);
	}
	while (helper_queued(office.crew) > 0)
		loop_turn(office.loop, 0);
	visit_init(&queued, &office, "scram_user", cluster_password());
	visit_init(&late, &office, "scram_user", cluster_password());
	visit_start(&queued, 3600 * USEC_PER_SEC);
	visit_start(&late, 0);
	ck_assert(connector_stop(queued.connector));
	connector_free(queued.connector);
	ck_assert(!connector_stop(busy[0].connector));
	visit_wait(&late);
	ck_assert_int_eq(late.fault.kind, CONNECTOR_FAULT_TIMEOUT);
	ck_assert(!connector_stop(busy[1].connector));
	visit_wait(&busy[1]);
	close(fd);
}
END_TEST

START_TEST(test_the_next_host_is_tried)
{
	struct visit v;
	char ports[48];
	int port = 1;
	int fd = _i ? rig_silent(&port, _i == 2) : -1;
	snprintf(ports, sizeof(ports), "%d,%d", port, cluster_port());
	do {
		visit_init(&v, &office, "scram_user", cluster_password());
		connector_set(v.connector, "host", "127.0.0.1,127.0.0.1");
		connector_set(v.connector, "port", ports);
		connector_set(v.connector, "connect_timeout", "1");
	} while (!visit_is_in_time(&v));
	check_link(&v);
	visit_leave(&v);
	if (fd >= 0)
		close(fd);
}
END_TEST

/* It gets to the server although `fd`, which comes before it, says nothing. */
static void check_arrives_past(struct visit *v, int fd)
{
	visit_start(v, 10 * USEC_PER_SEC);
	visit_wait(v);
	ck_assert_msg(v->ok, "%s", v->fault.log);
	check_link(v);
	visit_leave(v);
	close(fd);
}

/* No connect_timeout: the parts of the deadline have to do. */
START_TEST(test_each_host_has_its_part_of_the_time)
{
	struct visit v;
	char ports[48];
	int port = 1;
	int fd = rig_silent(&port, _i);
	snprintf(ports, sizeof(ports), "%d,%d", cluster_port(), port);
	visit_init(&v, &office, "scram_user", cluster_password());
	connector_set(v.connector, "host", "127.0.0.1,127.0.0.1");
	connector_set(v.connector, "port", ports);
	connector_set(v.connector, "target_session_attrs", "prefer-standby");
	check_arrives_past(&v, fd);
}
END_TEST

/* ... and so has each address of a host: its first is silent, its second is the server. */
START_TEST(test_each_address_has_its_part_of_the_time)
{
	struct visit v;
	int fd = rig_silent_neighbour(cluster_port(), _i);
	visit_init(&v, &office, "scram_user", cluster_password());
	connector_set(v.connector, "host", RIG_NAME);
	check_arrives_past(&v, fd);
}
END_TEST

START_TEST(test_each_address_has_its_connect_timeout)
{
	struct visit v;
	int fd = rig_silent_neighbour(cluster_port(), _i);
	do {
		visit_init(&v, &office, "scram_user", cluster_password());
		connector_set(v.connector, "host", RIG_NAME);
		connector_set(v.connector, "connect_timeout", "1");
	} while (!visit_is_in_time(&v));
	visit_leave(&v);
	close(fd);
}
END_TEST

START_TEST(test_the_fault_names_every_address)
{
	struct visit v;
	visit_init(&v, &office, "scram_user", "wrong");
	connector_set(v.connector, "host", RIG_NAME);
	check_refusal(&v, CONNECTOR_FAULT_SERVER, "28P01", "password authentication failed");
	ck_assert_msg(strstr(v.fault.log, RIG_NAME " (127.0.0.2)"), "%s", v.fault.log);
	ck_assert_msg(strstr(v.fault.log, RIG_NAME " (127.0.0.1)"), "%s", v.fault.log);
}
END_TEST

START_TEST(test_a_name_that_nobody_has)
{
	struct visit v;
	visit_init(&v, &office, "scram_user", cluster_password());
	connector_set(v.connector, "host", "nobody.invalid,127.0.0.1");
	if (_i) {
		connector_set(v.connector, "host", "nobody.invalid");
		check_refusal(&v, CONNECTOR_FAULT_UNREACHABLE, "08006",
			      "could not translate host name \"nobody.invalid\"");
		return;
	}
	visit_must(&v);
	visit_leave(&v);
}
END_TEST

START_TEST(test_what_the_first_host_said_is_not_forgotten)
{
	struct visit v;
	char ports[48];
	snprintf(ports, sizeof(ports), "%d,1", cluster_port());
	visit_init(&v, &office, "scram_user", cluster_password());
	connector_set(v.connector, "host", "127.0.0.1,127.0.0.1");
	connector_set(v.connector, "port", ports);
	connector_set(v.connector, "target_session_attrs", "standby");
	check_refusal(&v, CONNECTOR_FAULT_UNREACHABLE, "08006", "Connection refused");
	ck_assert_ptr_nonnull(strstr(v.fault.log, "target_session_attrs"));
	ck_assert_ptr_nonnull(strstr(v.fault.log, "Connection refused"));
}
END_TEST

START_TEST(test_ports_for_other_hosts)
{
	struct visit v;
	visit_init(&v, &office, "scram_user", cluster_password());
	connector_set(v.connector, "host", "127.0.0.1,127.0.0.1,127.0.0.1");
	connector_set(v.connector, "port", "1,2");
	check_refusal(&v, CONNECTOR_FAULT_OPTIONS, "08001", "not as many ports");
}
END_TEST

/* ---- with SCRAM keys ------------------------------------------------------------------- */

static void init_with_keys(struct visit *v, const char *user, const char *sslmode)
{
	struct scram_keys keys;
	rig_keys(user, &keys);
	visit_init(v, &office, user, NULL);
	connector_set(v->connector, "sslmode", sslmode);
	connector_set_keys(v->connector, keys.client_key, keys.server_key);
}

START_TEST(test_with_keys)
{
	struct visit v;
	char user[64];
	init_with_keys(&v, "scram_user", _i ? "require" : "disable");
	visit_must(&v);
	check_link(&v);
	ck_assert_int_eq(v.link.ssl != NULL, _i);
	rig_query(&v.link, "SELECT session_user", user, sizeof(user));
	ck_assert_str_eq(user, "scram_user");
	int pid = v.link.backend_pid;
	visit_leave(&v);
	wait_gone(pid);
}
END_TEST

START_TEST(test_with_wrong_keys)
{
	struct visit v;
	struct scram_keys keys;
	rig_keys("scram_user", &keys);
	visit_init(&v, &office, "scram_user", NULL);
	if (_i == 0)
		keys.client_key[5] ^= 1;
	else
		keys.server_key[5] ^= 1; /* the server cannot prove that it is ours */
	connector_set_keys(v.connector, keys.client_key, keys.server_key);
	if (_i == 0)
		check_refusal(&v, CONNECTOR_FAULT_SERVER, "28P01",
			      "password authentication failed");
	else
		check_refusal(&v, CONNECTOR_FAULT_UNREACHABLE, "08006", "");
}
END_TEST

START_TEST(test_keys_where_something_else_is_asked_for)
{
	struct visit v;
	struct scram_keys keys;
	rig_keys("scram_user", &keys);
	visit_init(&v, &office, _i ? "plain_user" : "md5_user", NULL);
	connector_set_keys(v.connector, keys.client_key, keys.server_key);
	check_refusal(&v, CONNECTOR_FAULT_SERVER, "28000", "only SCRAM keys");
}
END_TEST

static const struct {
	const char *attrs;
	bool ok;
} attrs[] = {
	{ "any", true },      { "read-write", true },
	{ "primary", true },  { "prefer-standby", true },
	{ "standby", false }, { "read-only", false },
};

START_TEST(test_keys_and_what_the_session_has_to_be)
{
	struct visit v;
	init_with_keys(&v, "scram_user", "disable");
	connector_set(v.connector, "target_session_attrs", attrs[_i].attrs);
	if (attrs[_i].ok) {
		visit_must(&v);
		check_link(&v);
		visit_leave(&v);
	} else {
		check_refusal(&v, CONNECTOR_FAULT_UNREACHABLE, "08006", "target_session_attrs");
	}
}
END_TEST

/* The first refuses, falls silent, or is not even connected to. */
START_TEST(test_keys_and_the_next_host)
{
	struct visit v;
	char ports[48];
	int port = 1;
	int fd = _i ? rig_silent(&port, _i == 2) : -1;
	snprintf(ports, sizeof(ports), "%d,%d", port, cluster_port());
	do {
		init_with_keys(&v, "scram_user", "disable");
		connector_set(v.connector, "host", "127.0.0.1,127.0.0.1");
		connector_set(v.connector, "port", ports);
		connector_set(v.connector, "connect_timeout", "1");
	} while (!visit_is_in_time(&v));
	check_link(&v);
	visit_leave(&v);
	if (fd >= 0)
		close(fd);
}
END_TEST

START_TEST(test_wrong_keys_are_not_tried_on_the_next_host)
{
	struct visit v;
	struct scram_keys keys;
	char ports[48];
	rig_keys("scram_user", &keys);
	keys.client_key[5] ^= 1;
	snprintf(ports, sizeof(ports), "%d,1", cluster_port());
	visit_init(&v, &office, "scram_user", NULL);
	connector_set(v.connector, "host", "127.0.0.1,127.0.0.1");
	connector_set(v.connector, "port", ports);
	connector_set_keys(v.connector, keys.client_key, keys.server_key);
	check_refusal(&v, CONNECTOR_FAULT_SERVER, "28P01", "password authentication failed");
}
END_TEST

START_TEST(test_a_connect_timeout_of_the_database)
{
	struct visit v;
	int port;
	char text[16];
	int fd = rig_silent(&port, false);
	snprintf(text, sizeof(text), "%d", port);
	visit_init(&v, &office, "scram_user", cluster_password());
	connector_set(v.connector, "port", text);
	connector_set(v.connector, "connect_timeout", "1");
	visit_start(&v, 3600 * USEC_PER_SEC);
	visit_wait(&v);
	ck_assert_int_eq(v.fault.kind, CONNECTOR_FAULT_TIMEOUT);
	close(fd);
}
END_TEST

START_TEST(test_keys_where_nothing_is_asked_for)
{
	struct visit v;
	init_with_keys(&v, "trust_user", "disable");
	visit_must(&v);
	check_link(&v);
	visit_leave(&v);
}
END_TEST

START_TEST(test_keys_and_no_such_database)
{
	struct visit v;
	init_with_keys(&v, "scram_user", "disable");
	connector_set(v.connector, "dbname", "nothing_here");
	check_refusal(&v, CONNECTOR_FAULT_SERVER, "3D000", "does not exist");
}
END_TEST

START_TEST(test_keys_and_a_host_that_falls_silent)
{
	struct visit v;
	struct scram_keys keys;
	int port;
	char text[16];
	int fd = rig_silent(&port, false);
	snprintf(text, sizeof(text), "%d", port);
	rig_keys("scram_user", &keys);
	visit_init(&v, &office, "scram_user", NULL);
	connector_set_keys(v.connector, keys.client_key, keys.server_key);
	connector_set(v.connector, "port", text);
	visit_start(&v, 200 * USEC_PER_MSEC);
	visit_wait(&v);
	ck_assert_int_eq(v.fault.kind, CONNECTOR_FAULT_TIMEOUT);
	close(fd);
}
END_TEST

/* ---- connect_query ------------------------------------------------------------------------ */

static void init_with_query(struct visit *v, bool keys, const char *sql)
{
	if (keys)
		init_with_keys(v, "scram_user", "disable");
	else
		visit_init(v, &office, "scram_user", cluster_password());
	connector_set_query(v->connector, sql);
}

START_TEST(test_connect_query_has_run)
{
	struct visit v;
	char text[64];
	init_with_query(&v, _i,
			"SELECT generate_series(1, 1000); SET work_mem = '9MB'; "
			"SET TimeZone = 'Asia/Tokyo'");
	visit_must(&v);
	ck_assert_str_eq(connector_param(&v.link, "TimeZone"), "Asia/Tokyo");
	rig_query(&v.link, "SHOW work_mem", text, sizeof(text));
	ck_assert_str_eq(text, "9MB");
	visit_leave(&v);
}
END_TEST

START_TEST(test_an_error_in_connect_query_does_no_harm)
{
	struct visit v;
	init_with_query(&v, _i, "SELECT 1/0");
	visit_must(&v);
	check_link(&v);
	visit_leave(&v);
}
END_TEST

static const struct {
	const char *sql, *sqlstate;
	enum connector_fault_kind kind;
} bad_queries[] = {
	{ "BEGIN", "08006", CONNECTOR_FAULT_UNREACHABLE },
	{ "COPY pg_am FROM STDIN", "", CONNECTOR_FAULT_NONE }, /* not permitted: an error only */
	{ "CREATE TEMP TABLE t (a int); COPY t FROM STDIN", "08006", CONNECTOR_FAULT_UNREACHABLE },
	{ "SELECT pg_terminate_backend(pg_backend_pid())", "57P01", CONNECTOR_FAULT_SERVER },
};

START_TEST(test_connect_query_that_leaves_no_usable_session)
{
	struct visit v;
	init_with_query(&v, false, bad_queries[_i].sql);
	if (bad_queries[_i].kind == CONNECTOR_FAULT_NONE) {
		visit_must(&v);
		visit_leave(&v);
	} else {
		check_refusal(&v, bad_queries[_i].kind, bad_queries[_i].sqlstate, "");
	}
}
END_TEST

START_TEST(test_connect_query_counts_against_the_deadline)
{
	struct visit v;
	init_with_query(&v, false, "SELECT pg_sleep(3600)");
	visit_start(&v, 2 * USEC_PER_SEC);
	visit_wait(&v);
	ck_assert_int_eq(v.fault.kind, CONNECTOR_FAULT_TIMEOUT);
}
END_TEST

/* ---- the end ----------------------------------------------------------------------------------
 */

START_TEST(test_what_is_not_taken_is_closed)
{
	struct visit v;
	struct connector *c;
	visit_init(&v, &office, "scram_user", cluster_password());
	visit_must(&v);
	visit_leave(&v);
	c = connector_new();
	connector_set(c, "user", "x");
	connector_set_query(c, "SELECT 1");
	connector_set_query(c, "");
	connector_free(c); /* never started */
	connector_free(NULL);
}
END_TEST

/* A backend that does not read, and a send buffer that is full: closing must not wait for it. */
START_TEST(test_closing_never_blocks)
{
	struct visit v;
	char junk[65536];
	visit_init(&v, &office, "scram_user", cluster_password());
	visit_must(&v);
	int pid = v.link.backend_pid;
	if (kill(pid, SIGSTOP) != 0) { /* not root, and the cluster is another user's */
		visit_leave(&v);
		return;
	}
	memset(junk, 0, sizeof(junk));
	while (send(v.link.fd, junk, sizeof(junk), MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		continue;
	connector_close(&v.link, _i == 1); /* check's time limit ends the test if it waits */
	ck_assert_int_eq(v.link.fd, -1);
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	wait_gone(pid);
}
END_TEST

START_TEST(test_closing_in_the_middle_of_a_message)
{
	struct visit v;
	visit_init(&v, &office, "scram_user", cluster_password());
	visit_must(&v);
	int pid = v.link.backend_pid;
	ck_assert_int_eq(send(v.link.fd, "Q\0\0\1\0sel", 8, 0), 8);
	connector_close(&v.link, false);
	wait_gone(pid);
}
END_TEST

static void add_refusals(TCase *t)
{
	tcase_add_loop_test(t, test_a_wrong_password, 0, COUNT_OF(methods));
	tcase_add_test(t, test_no_password);
	tcase_add_test(t, test_no_such_database);
	tcase_add_test(t, test_not_let_in);
	tcase_add_loop_test(t, test_not_let_in_in_either_way, 0, 2);
	tcase_add_test(t, test_what_may_be_asked_for);
	tcase_add_test(t, test_nobody_listens);
	tcase_add_test(t, test_nobody_has_that_name);
	tcase_add_loop_test(t, test_a_wrong_option, 0, 2);
	tcase_add_loop_test(t, test_a_host_that_does_not_answer_meets_the_deadline, 0, 2);
	tcase_add_test(t, test_a_connect_timeout_of_the_database);
	tcase_add_test(t, test_a_login_under_way_is_given_up);
	tcase_add_test(t, test_a_queued_login_is_given_up_or_runs_out_of_time);
	tcase_add_loop_test(t, test_the_next_host_is_tried, 0, 3);
	tcase_add_loop_test(t, test_each_address_has_its_part_of_the_time, 0, 2);
	tcase_add_loop_test(t, test_each_address_has_its_connect_timeout, 0, 2);
	tcase_add_test(t, test_the_fault_names_every_address);
	tcase_add_loop_test(t, test_a_name_that_nobody_has, 0, 2);
	tcase_add_loop_test(t, test_each_host_has_its_part_of_the_time, 0, 2);
	tcase_add_test(t, test_what_the_first_host_said_is_not_forgotten);
	tcase_add_test(t, test_ports_for_other_hosts);
}

static void add_keys(TCase *t)
{
	tcase_add_loop_test(t, test_with_keys, 0, 2);
	tcase_add_loop_test(t, test_with_wrong_keys, 0, 2);
	tcase_add_loop_test(t, test_keys_where_something_else_is_asked_for, 0, 2);
	tcase_add_test(t, test_keys_where_nothing_is_asked_for);
	tcase_add_loop_test(t, test_keys_and_what_the_session_has_to_be, 0, COUNT_OF(attrs));
	tcase_add_loop_test(t, test_keys_and_the_next_host, 0, 3);
	tcase_add_test(t, test_wrong_keys_are_not_tried_on_the_next_host);
	tcase_add_test(t, test_keys_and_no_such_database);
	tcase_add_test(t, test_keys_and_a_host_that_falls_silent);
}

Suite *connector_suite(void)
{
	Suite *s = suite_create("connector");
	TCase *t = tcase_create("connector");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, test_with_a_password, 0, COUNT_OF(methods));
	tcase_add_test(t, test_over_the_unix_socket);
	tcase_add_test(t, test_options_reach_the_server);
	tcase_add_test(t, test_a_name_of_our_own_where_none_is_given);
	tcase_add_test(t, test_replication);
	add_refusals(t);
	add_keys(t);
	tcase_add_loop_test(t, test_connect_query_has_run, 0, 2);
	tcase_add_loop_test(t, test_an_error_in_connect_query_does_no_harm, 0, 2);
	tcase_add_loop_test(t, test_connect_query_that_leaves_no_usable_session, 0,
			    COUNT_OF(bad_queries));
	tcase_add_test(t, test_connect_query_counts_against_the_deadline);
	tcase_add_test(t, test_what_is_not_taken_is_closed);
	tcase_add_loop_test(t, test_closing_never_blocks, 0, 2);
	tcase_add_test(t, test_closing_in_the_middle_of_a_message);
	suite_add_tcase(s, t);
	return s;
}
