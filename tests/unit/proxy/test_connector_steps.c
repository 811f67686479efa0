/*
 * test_connector_steps.c - our own exchange with servers that say what no PostgreSQL would.
 */
#include "check_proxy.h"

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
	return connector_steps_login(&x->link, &x->talk, &x->proof, &x->fault);
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

Suite *connector_steps_suite(void)
{
	Suite *s = suite_create("connector's steps");
	TCase *t = tcase_create("connector's steps");
	tcase_add_test(t, test_md5_as_it_should_be);
	tcase_add_loop_test(t, test_md5_as_it_should_not_be, 0, WAYS);
	tcase_add_test(t, test_a_refusal_after_md5);
	suite_add_tcase(s, t);
	return s;
}
