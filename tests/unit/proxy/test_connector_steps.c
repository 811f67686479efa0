/*
 * test_connector_steps.c - our own exchange with servers that say what no PostgreSQL would.
 */
#include "check_proxy.h"

#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/connector_steps.h"
#include "wire/build.h"

/* of "sesame" for "md5_user" */
static const char md5_secret[] = "b4135c28418c10e6915a67d890ed1d12";

/* One login, against a server that has said all it will say before it begins. */
struct exchange {
	int peer;
	struct connector_proof proof;
	struct connector_terms terms;
	struct connector_link link;
	struct connector_talk talk;
	struct connector_fault fault;
	struct buf said;
};

static void exchange_init(struct exchange *x)
{
	int fds[2];
	*x = (struct exchange){ .link.fd = -1 };
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	x->peer = fds[1];
	connector_talk_init(&x->talk, NULL, fds[0], NULL);
	x->proof.has_md5 = true;
	memcpy(x->proof.md5, md5_secret, CONNECTOR_MD5_BYTES);
}

static bool exchange_run(struct exchange *x)
{
	struct slice said = buf_slice(&x->said);
	ck_assert_int_eq(send(x->peer, said.ptr, said.len, 0), (ssize_t)said.len);
	ck_assert_int_eq(shutdown(x->peer, SHUT_WR), 0);
	return connector_steps_login(&x->link, &x->talk, &x->proof, &x->terms, &x->fault);
}

static void exchange_fini(struct exchange *x)
{
	close(x->talk.fd);
	close(x->peer);
	connector_talk_fini(&x->talk);
	connector_close(&x->link, false);
	buf_fini(&x->said);
}

static void say_auth(struct exchange *x, uint32_t code, const char *rest, size_t n)
{
	size_t at = build_begin(&x->said, 'R');
	buf_u32(&x->said, code);
	buf_add(&x->said, rest, n);
	build_end(&x->said, at);
}

START_TEST(test_md5_as_it_should_be)
{
	static const uint8_t salt[4] = { 1, 0, 255, 4 };
	static const char answer[] = "p\0\0\0\x28"
				     "md54fb6cd030def8a3df2de4f4c83004256";
	char heard[64];
	struct exchange x;
	exchange_init(&x);
	build_auth_md5(&x.said, salt);
	build_auth_ok(&x.said);
	build_parameter_status(&x.said, SLICE("server_version"), SLICE("13.2"));
	build_backend_key(&x.said, 77, SLICE("abcd"));
	build_ready(&x.said, 'I');
	ck_assert_msg(exchange_run(&x), "%s", x.fault.message);
	ck_assert_int_eq(x.link.backend_pid, 77);
	ck_assert_int_eq(x.link.server_version, 130002);
	ck_assert_int_eq(recv(x.peer, heard, sizeof(heard), MSG_DONTWAIT), sizeof(answer));
	ck_assert_mem_eq(heard, answer, sizeof(answer));
	exchange_fini(&x);
}
END_TEST

enum {
	SHORT_SALT,
	LONG_SALT,
	ASKED_TWICE,
	SCRAM_AFTER,
	LONG_OK,
	NO_CODE,
	PARAM_BEFORE,
	CLOSED,
	WAYS
};

static void say_badly(struct exchange *x, int way)
{
	static const char *const mechanisms[] = { "SCRAM-SHA-256" };
	if (way == PARAM_BEFORE)
		build_parameter_status(&x->said, SLICE("a"), SLICE("b"));
	if (way == LONG_OK)
		say_auth(x, 0, "x", 1);
	else if (way == NO_CODE)
		build_end(&x->said, build_begin(&x->said, 'R'));
	else
		say_auth(x, 5, "12345", way == SHORT_SALT ? 3 : way == LONG_SALT ? 5 : 4);
	if (way == ASKED_TWICE)
		say_auth(x, 5, "1234", 4);
	if (way == SCRAM_AFTER)
		build_auth_sasl(&x->said, mechanisms, 1);
	if (way == CLOSED)
		return;
	build_auth_ok(&x->said);
	build_ready(&x->said, 'I');
}

START_TEST(test_md5_as_it_should_not_be)
{
	struct exchange x;
	exchange_init(&x);
	x.proof.has_keys = _i == SCRAM_AFTER;
	say_badly(&x, _i);
	ck_assert(!exchange_run(&x));
	ck_assert_int_eq(x.fault.kind, CONNECTOR_FAULT_UNREACHABLE);
	ck_assert_msg(strstr(x.fault.message, _i == CLOSED ? "closed" : "no message") != NULL, "%s",
		      x.fault.message);
	exchange_fini(&x);
}
END_TEST

START_TEST(test_a_refusal_after_md5)
{
	struct exchange x;
	struct build_notice error = { .severity = "FATAL",
				      .sqlstate = "28P01",
				      .message = "not you" };
	exchange_init(&x);
	say_auth(&x, 5, "1234", 4);
	build_error(&x.said, &error);
	ck_assert(!exchange_run(&x));
	ck_assert_int_eq(x.fault.kind, CONNECTOR_FAULT_SERVER);
	ck_assert_str_eq(x.fault.sqlstate, "28P01");
	ck_assert_str_eq(x.fault.message, "not you");
	exchange_fini(&x);
}
END_TEST

/* What a server may ask for, and what it hears of a password. */
START_TEST(test_a_password)
{
	static const struct {
		uint32_t code;
		const char *rest;
		size_t rest_bytes;
		const char *methods, *heard, *why;
	} rows[] = {
		{ 3, "", 0, NULL, "p\0\0\0\x0bsesame", NULL },
		{ 5, "\1\0\377\4", 4, NULL, "p\0\0\0\x28md54fb6cd030def8a3df2de4f4c83004256",
		  NULL },
		{ 3, "x", 1, NULL, "", "no message" },
		{ 5, "\1", 1, NULL, "", "no message" },
		{ 3, "", 0, "md5,scram-sha-256", "", "require_auth" },
		{ 7, "", 0, NULL, "", "GSSAPI" },
		{ 9, "", 0, NULL, "", "GSSAPI" },
		{ 2, "", 0, NULL, "", "kind 2" },
		{ 0xffffffff, "", 0, NULL, "", "kind 4294967295" },
	};
	char heard[64];
	struct exchange x;
	exchange_init(&x);
	x.proof = (struct connector_proof){ .user = "md5_user", .password = "sesame" };
	x.terms.methods = (char *)rows[_i].methods;
	say_auth(&x, rows[_i].code, rows[_i].rest, rows[_i].rest_bytes);
	build_auth_ok(&x.said);
	build_ready(&x.said, 'I');
	ck_assert_int_eq(exchange_run(&x), rows[_i].why == NULL);
	ck_assert_int_eq(x.link.has_proved, rows[_i].why == NULL);
	if (rows[_i].why)
		ck_assert_msg(strstr(x.fault.message, rows[_i].why) != NULL, "%s", x.fault.message);
	ssize_t n = recv(x.peer, heard, sizeof(heard), MSG_DONTWAIT);
	if (*rows[_i].heard) {
		ck_assert_int_eq(n, 1 + heard[4]);
		ck_assert_mem_eq(heard, rows[_i].heard, (size_t)n);
	} else {
		ck_assert_int_le(n, 0);
	}
	exchange_fini(&x);
}
END_TEST

START_TEST(test_nothing_is_known)
{
	struct exchange x;
	exchange_init(&x);
	x.proof = (struct connector_proof){ .user = "md5_user", .password = "" };
	say_auth(&x, 3, "", 0);
	ck_assert(!exchange_run(&x));
	ck_assert_str_eq(x.fault.sqlstate, "28000");
	ck_assert_str_eq(x.fault.message, "the server asks for a password, and none is known");
	ck_assert(!x.fault.is_quoted);
	exchange_fini(&x);
}
END_TEST

/* What may come between the words of a login, be it ever so wrong, ends it and no more: PostgreSQL
 * sends none of it. */
START_TEST(test_what_no_login_has_in_it)
{
	static const char kinds[] = "TDCGHWVvcdtsn123I?\xff";
	for (size_t i = 0; i < sizeof(kinds); i++) {
		struct exchange x;
		exchange_init(&x);
		if (_i)
			build_auth_ok(&x.said);
		size_t at = build_begin(&x.said, kinds[i]);
		buf_add(&x.said, "\x7f\xff\x7f\xff\x7f\xff", 6);
		build_end(&x.said, at);
		build_auth_ok(&x.said);
		build_ready(&x.said, 'I');
		ck_assert(!exchange_run(&x));
		ck_assert_int_eq(x.fault.kind, CONNECTOR_FAULT_UNREACHABLE);
		exchange_fini(&x);
	}
}
END_TEST

/* A postmaster that cannot fork says so as it did twenty years ago. */
START_TEST(test_an_error_of_old)
{
	static const char text[] =
		"Ecould not fork new process for connection: Cannot allocate memory\n";
	struct exchange x;
	exchange_init(&x);
	buf_add(&x.said, text, sizeof(text));
	ck_assert(!exchange_run(&x));
	ck_assert_int_eq(x.fault.kind, CONNECTOR_FAULT_UNREACHABLE);
	ck_assert_str_eq(x.fault.message,
			 "could not fork new process for connection: Cannot allocate memory");
	exchange_fini(&x);
}
END_TEST

/* A session is taken over when it is idle, and not before. */
START_TEST(test_ready_for_something_else)
{
	struct exchange x;
	exchange_init(&x);
	build_auth_ok(&x.said);
	build_ready(&x.said, _i ? 'T' : 'E');
	ck_assert(!exchange_run(&x));
	ck_assert_int_eq(x.fault.kind, CONNECTOR_FAULT_UNREACHABLE);
	exchange_fini(&x);
}
END_TEST

static void *exchange_talk(void *arg)
{
	struct exchange *x = arg;
	struct slice said = buf_slice(&x->said);
	(void)send(x->peer, said.ptr, said.len, MSG_NOSIGNAL); /* until nobody listens */
	return NULL;
}

/* A login is a few hundred bytes. */
START_TEST(test_a_server_that_talks_and_talks)
{
	struct exchange x;
	char value[30000];
	pthread_t talker;
	exchange_init(&x);
	memset(value, 'v', sizeof(value));
	build_auth_ok(&x.said);
	for (int i = 0; i < 40; i++)
		build_parameter_status(&x.said, SLICE("a"), slice_make(value, sizeof(value)));
	/* more than a socket holds: it is said while it is heard */
	ck_assert_int_eq(pthread_create(&talker, NULL, exchange_talk, &x), 0);
	ck_assert(!connector_steps_login(&x.link, &x.talk, &x.proof, &x.terms, &x.fault));
	ck_assert_int_eq(shutdown(x.talk.fd, SHUT_RD), 0);
	ck_assert_int_eq(pthread_join(talker, NULL), 0);
	ck_assert_ptr_nonnull(strstr(x.fault.message, "more than belongs to a login"));
	exchange_fini(&x);
}
END_TEST

static void say_row(struct exchange *x, const char *const *columns, int count)
{
	size_t at = build_begin(&x->said, 'D');
	buf_u16(&x->said, (uint16_t)count);
	for (int i = 0; i < count; i++) {
		buf_u32(&x->said, (uint32_t)strlen(columns[i]));
		buf_add_str(&x->said, columns[i]);
	}
	build_end(&x->said, at);
}

/* A server that does not report its role, as before PostgreSQL 14, is asked for it. What comes
 * behind the answer belongs to the session. */
START_TEST(test_the_role)
{
	static const struct {
		const char *standby, *read_only; /* as reported */
		const char *columns[2];
		int count;
		bool ok, is_standby, is_read_only;
	} rows[] = {
		{ "on", "off", { 0 }, 0, true, true, false },
		{ "off", "on", { 0 }, 0, true, false, true },
		{ "off", "off", { 0 }, 0, true, false, false },
		{ NULL, NULL, { "f", "f" }, 2, true, false, false },
		{ NULL, NULL, { "t", "f" }, 2, true, true, false },
		{ NULL, "off", { "f", "t" }, 2, true, false, true },
		{ NULL, NULL, { "t" }, 1, false, false, false },
		{ NULL, NULL, { "", "t" }, 2, false, false, false },
		{ NULL, NULL, { 0 }, 0, false, false, false },
	};
	struct connector_role role;
	struct exchange x;
	exchange_init(&x);
	if (rows[_i].standby)
		connector_steps_param(&x.link, SLICE("in_hot_standby"), slice_of(rows[_i].standby));
	if (rows[_i].read_only)
		connector_steps_param(&x.link, SLICE("default_transaction_read_only"),
				      slice_of(rows[_i].read_only));
	if (rows[_i].count)
		say_row(&x, rows[_i].columns, rows[_i].count);
	build_ready(&x.said, 'I');
	build_parameter_status(&x.said, SLICE("a"), SLICE("b"));
	struct slice said = buf_slice(&x.said);
	ck_assert_int_eq(send(x.peer, said.ptr, said.len, 0), (ssize_t)said.len);
	ck_assert_int_eq(connector_steps_role(&x.link, &x.talk, &role, &x.fault), rows[_i].ok);
	if (rows[_i].ok) {
		ck_assert_int_eq(role.is_standby, rows[_i].is_standby);
		ck_assert_int_eq(role.is_read_only, rows[_i].is_read_only);
		if (rows[_i].count)
			ck_assert_str_eq(connector_param(&x.link, "a"), "b");
	} else {
		ck_assert_int_eq(x.fault.kind, CONNECTOR_FAULT_UNREACHABLE);
	}
	exchange_fini(&x);
}
END_TEST

Suite *connector_steps_suite(void)
{
	Suite *s = suite_create("connector's steps");
	TCase *t = tcase_create("connector's steps");
	tcase_add_test(t, test_md5_as_it_should_be);
	tcase_add_loop_test(t, test_md5_as_it_should_not_be, 0, WAYS);
	tcase_add_test(t, test_a_refusal_after_md5);
	tcase_add_loop_test(t, test_a_password, 0, 9);
	tcase_add_test(t, test_nothing_is_known);
	tcase_add_loop_test(t, test_what_no_login_has_in_it, 0, 2);
	tcase_add_test(t, test_an_error_of_old);
	tcase_add_loop_test(t, test_ready_for_something_else, 0, 2);
	tcase_add_test(t, test_a_server_that_talks_and_talks);
	tcase_add_loop_test(t, test_the_role, 0, 9);
	suite_add_tcase(s, t);
	return s;
}
