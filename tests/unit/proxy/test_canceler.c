/*
 * test_canceler.c - cancelling queries of a real PostgreSQL.
 */
#include "login_rig.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/canceler.h"
#include "proxy/connector_cancel.h"

static struct office office;

static void setup(void)
{
	connector_clear_environment();
	office_open(&office, 2, 3);
}

static void teardown(void)
{
	office_close(&office);
}

struct outcome {
	int calls;
	bool sent;
};

static void on_done(void *arg, bool sent, usec_t now)
{
	struct outcome *o = arg;
	ck_assert_int_gt(now, 0);
	o->calls++;
	o->sent = sent;
}

static void wait_running(int pid)
{
	char sql[200], count[16];
	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM pg_stat_activity WHERE pid = %d AND wait_event = 'PgSleep'",
		 pid);
	do {
		cluster_sql(sql, count, sizeof(count));
	} while (strcmp(count, "1") != 0);
}

static bool cancel(struct connector_cancel *target, usec_t within_us)
{
	struct outcome o = { 0 };
	ck_assert(canceler_start(target, office.crew, office.box, usec_after(usec_now(), within_us),
				 on_done, &o));
	TURN_UNTIL(office.loop, o.calls > 0);
	ck_assert_int_eq(o.calls, 1);
	return o.sent;
}

enum { BY_PASSWORD, BY_KEYS, OVER_TLS, OVER_UNIX, WAYS };

static void log_in(struct visit *v, int way)
{
	struct scram_keys keys;
	visit_init(v, &office, way == OVER_UNIX ? "postgres" : "scram_user",
		   way == BY_KEYS ? NULL : cluster_password());
	if (way == BY_KEYS) {
		rig_keys("scram_user", &keys);
		connector_set_keys(v->connector, keys.client_key, keys.server_key);
	}
	if (way == OVER_TLS)
		connector_set(v->connector, "sslmode", "require");
	if (way == OVER_UNIX)
		connector_set(v->connector, "host", cluster_dir());
	visit_must(v);
}

START_TEST(test_a_running_query_is_cancelled)
{
	struct visit v;
	char text[64];
	log_in(&v, _i);
	rig_send(&v.link, "SELECT pg_sleep(3600)");
	wait_running(v.link.backend_pid);
	ck_assert(cancel(v.link.cancel, 20 * USEC_PER_SEC));
	rig_answer(&v.link, text, sizeof(text));
	ck_assert_str_eq(text, "57014");
	visit_leave(&v);
}
END_TEST

/* Once it was said to be done it hits nothing that is sent afterwards: not often, never. */
START_TEST(test_a_cancel_that_is_done_hits_no_later_query)
{
	struct visit v;
	char text[64];
	log_in(&v, BY_PASSWORD);
	for (int i = 0; i < 100; i++) {
		ck_assert(cancel(v.link.cancel, 20 * USEC_PER_SEC));
		/* the signal was sent before the end of the cancel's connection was seen; one that
		 * arrives while the backend is idle is dropped when it begins the next query */
		rig_query(&v.link, "SELECT 42", text, sizeof(text));
		ck_assert_str_eq(text, "42");
	}
	visit_leave(&v);
}
END_TEST

START_TEST(test_the_link_may_go_before_its_cancel)
{
	struct visit v;
	struct outcome o = { 0 };
	log_in(&v, BY_PASSWORD);
	ck_assert(canceler_start(v.link.cancel, office.crew, office.box,
				 usec_after(usec_now(), 20 * USEC_PER_SEC), on_done, &o));
	visit_leave(&v);
	TURN_UNTIL(office.loop, o.calls == 1);
}
END_TEST

static struct connector_cancel *target_at(int port, int *peer)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*peer = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(*peer, (struct sockaddr *)&in, sizeof(in)), 0);
	return connector_cancel_new(*peer, 1234, SLICE("key!"));
}

START_TEST(test_a_server_that_does_not_answer_meets_the_deadline)
{
	int port, peer;
	int fd = rig_silent(&port, false);
	struct connector_cancel *target = target_at(port, &peer);
	ck_assert(!cancel(target, 200 * USEC_PER_MSEC));
	ck_assert(!cancel(target, 0)); /* not even begun */
	connector_cancel_unref(target);
	close(peer);
	close(fd);
}
END_TEST

START_TEST(test_a_server_that_is_gone)
{
	int port, peer;
	int fd = rig_silent(&port, false);
	struct connector_cancel *target = target_at(port, &peer);
	close(fd);
	close(peer);
	ck_assert(!cancel(target, 20 * USEC_PER_SEC));
	connector_cancel_unref(target);
}
END_TEST

START_TEST(test_what_goes_over_the_wire)
{
	static const char expected[] = "\0\0\0\x10\x04\xd2\x16\x2e\0\0\x04\xd2key!";
	struct outcome o = { 0 };
	char got[32];
	int port, peer;
	int fd = rig_silent(&port, false);
	struct connector_cancel *target = target_at(port, &peer);
	close(accept(fd, NULL, NULL)); /* target_at's own */
	ck_assert(canceler_start(target, office.crew, office.box,
				 usec_after(usec_now(), 20 * USEC_PER_SEC), on_done, &o));
	int c = accept(fd, NULL, NULL);
	ck_assert_int_eq(recv(c, got, 16, MSG_WAITALL), 16);
	ck_assert_mem_eq(got, expected, 16);
	for (int i = 0; i < 10; i++)
		loop_turn(office.loop, 0);
	ck_assert_int_eq(o.calls, 0); /* not before the server has closed */
	close(c);
	TURN_UNTIL(office.loop, o.calls == 1);
	ck_assert(o.sent);
	connector_cancel_unref(target);
	close(peer);
	close(fd);
}
END_TEST

/* A target that is reached over TLS, at a listener of the test's own. */
static struct connector_cancel *tls_target_at(int port, int *peer, const struct visit *v,
					      bool demanded)
{
	struct connector_cancel *target = target_at(port, peer);
	connector_cancel_secure(target, v->link.ssl, NULL, demanded);
	return target;
}

enum { SAYS_NO, SAYS_GARBAGE, SAYS_YES_AND_MORE, HANGS_UP, ANSWERS };

/* What a cancel does when the server answers its SSLRequest; how many bytes came after that. */
static ssize_t answer_request(int answer, bool demanded, bool *sent)
{
	static const struct slice answers[] = { SLICE("N"), SLICE("x"), SLICE("Sand more"),
						SLICE_NONE };
	struct outcome o = { 0 };
	struct visit v;
	char got[64];
	int port, peer;
	int fd = rig_silent(&port, false);
	log_in(&v, OVER_TLS);
	struct connector_cancel *target = tls_target_at(port, &peer, &v, demanded);
	close(accept(fd, NULL, NULL)); /* target_at's own */
	ck_assert(canceler_start(target, office.crew, office.box,
				 usec_after(usec_now(), 20 * USEC_PER_SEC), on_done, &o));
	int c = accept(fd, NULL, NULL);
	ck_assert_int_eq(recv(c, got, 8, MSG_WAITALL), 8);
	ck_assert_mem_eq(got, "\0\0\0\x08\x04\xd2\x16\x2f", 8);
	ck_assert_int_eq(send(c, answers[answer].ptr, answers[answer].len, 0),
			 (ssize_t)answers[answer].len);
	ssize_t n = answer == HANGS_UP ? 0 : recv(c, got, 16, MSG_WAITALL);
	close(c);
	TURN_UNTIL(office.loop, o.calls == 1);
	*sent = o.sent;
	connector_cancel_unref(target);
	close(peer);
	close(fd);
	visit_leave(&v);
	return n;
}

START_TEST(test_no_key_in_the_clear_where_tls_is_demanded)
{
	bool sent;
	ck_assert_int_eq(answer_request(SAYS_NO, true, &sent), 0);
	ck_assert(!sent);
}
END_TEST

START_TEST(test_where_tls_is_a_matter_of_taste_a_server_without_it_is_told_all_the_same)
{
	bool sent;
	ck_assert_int_eq(answer_request(SAYS_NO, false, &sent), 16);
	ck_assert(sent);
}
END_TEST

START_TEST(test_a_server_that_answers_with_nonsense)
{
	bool sent;
	answer_request(_i, false, &sent);
	ck_assert(!sent);
}
END_TEST

START_TEST(test_a_crew_without_room_refuses)
{
	struct outcome o = { 0 };
	int port, peer, started = 0;
	int fd = rig_silent(&port, false);
	struct connector_cancel *target = target_at(port, &peer);
	while (canceler_start(target, office.crew, office.box,
			      usec_after(usec_now(), 300 * USEC_PER_MSEC), on_done, &o))
		ck_assert_int_lt(++started, 20);
	ck_assert_int_ge(started, 3);
	TURN_UNTIL(office.loop, o.calls == started);
	connector_cancel_unref(target);
	close(peer);
	close(fd);
}
END_TEST

Suite *canceler_suite(void)
{
	Suite *s = suite_create("canceler");
	TCase *t = tcase_create("canceler");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, test_a_running_query_is_cancelled, 0, WAYS);
	tcase_add_test(t, test_a_cancel_that_is_done_hits_no_later_query);
	tcase_add_test(t, test_the_link_may_go_before_its_cancel);
	tcase_add_test(t, test_a_server_that_does_not_answer_meets_the_deadline);
	tcase_add_test(t, test_a_server_that_is_gone);
	tcase_add_test(t, test_what_goes_over_the_wire);
	tcase_add_test(t, test_no_key_in_the_clear_where_tls_is_demanded);
	tcase_add_test(
		t, test_where_tls_is_a_matter_of_taste_a_server_without_it_is_told_all_the_same);
	tcase_add_loop_test(t, test_a_server_that_answers_with_nonsense, SAYS_GARBAGE, ANSWERS);
	tcase_add_test(t, test_a_crew_without_room_refuses);
	suite_add_tcase(s, t);
	return s;
}
