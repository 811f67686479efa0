/*
 * test_tls_work.c - where a handshake stops because what comes next takes its time, and where not.
 */
#include "check_net.h"

#include <string.h>
#include <sys/socket.h>

#include <openssl/ssl.h>

#include "ends.h"
#include "net/tls.h"
#include "pki.h"

static struct pki pki;
static X509 *own_cert, *client_cert;
static EVP_PKEY *own_key, *client_key;
static char own_cert_file[128], own_key_file[128];

static void setup(void)
{
	pki_init(&pki);
	own_cert = pki_issue(&pki, &(struct pki_subject){ .cn = "localhost" }, &own_key);
	strcpy(own_cert_file, pki.cert_file);
	strcpy(own_key_file, pki.key_file);
	client_cert = pki_issue(&pki, &(struct pki_subject){ .cn = "app" }, &client_key);
}

static void teardown(void)
{
	X509_free(own_cert);
	X509_free(client_cert);
	EVP_PKEY_free(own_key);
	EVP_PKEY_free(client_key);
	pki_fini(&pki);
}

static struct tls_context *must(const char *curves, bool asks_for_cert)
{
	struct err err;
	struct tls_context_options o = { .key_file = own_key_file,
					 .cert_file = own_cert_file,
					 .ca_file = asks_for_cert ? pki.ca : NULL,
					 .curves = curves,
					 .versions = TLS_CONTEXT_12 | TLS_CONTEXT_13 };
	struct tls_context *context = tls_context_new(&o, NULL, &err);
	ck_assert_msg(context != NULL, "%s", err.text);
	return context;
}

static void open_as(struct ends *e, const struct tls_context *context, bool shows_cert, int version,
		    const char *groups)
{
	ends_open(e, context, shows_cert ? client_cert : NULL, shows_cert ? client_key : NULL);
	SSL_set_max_proto_version(e->client, version);
	ck_assert_int_eq(SSL_set1_groups_list(e->client, groups), 1);
}

/* What a handshake stops for is not done until it is told to, in a thread that may. */
START_TEST(what_stops_has_said_nothing)
{
	struct ends e;
	char byte;
	struct tls_context *context = must(NULL, false);
	open_as(&e, context, false, _i ? TLS1_3_VERSION : TLS1_2_VERSION, "X25519:P-256");
	ck_assert_int_eq(tls_accept_step(e.server, &e.err), TLS_ACCEPT_WANTS_BYTES);
	ck_assert_int_lt(SSL_do_handshake(e.client), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(tls_accept_step(e.server, &e.err), TLS_ACCEPT_WANTS_WORK);
	ck_assert_int_lt(recv(e.fd[1], &byte, 1, MSG_PEEK), 0);
	ck_assert_int_eq(tls_accept_work(e.server, &e.err), TLS_ACCEPT_WANTS_BYTES);
	ck_assert_int_eq(recv(e.fd[1], &byte, 1, MSG_PEEK), 1);
	ck_assert_int_eq(ends_shake(&e), TLS_ACCEPT_DONE);
	ck_assert(e.client_done);
	ends_close(&e);
	tls_context_unref(context);
}
END_TEST

/*
 * How often a first handshake stops, and one that takes its session up again. A signature is a
 * stop; what the client sends behind it is one more up to TLS 1.2 (its key is opened), and where it
 * may be a certificate. Who takes up a session stops where its key exchange is slow, though it may
 * offer a quick one first and be told that it will not do.
 */
START_TEST(stops)
{
	static const struct {
		int version;
		const char *ours, *groups;
		bool asks, shows;
		int first, again;
	} cases[] = {
		{ TLS1_3_VERSION, NULL, "X25519", false, false, 1, 0 },
		{ TLS1_3_VERSION, NULL, "P-256", false, false, 1, 0 },
		{ TLS1_3_VERSION, NULL, "P-521", false, false, 1, 1 },
		{ TLS1_3_VERSION, NULL, "P-384", false, false, 1, 1 },
		{ TLS1_3_VERSION, NULL, "X448", false, false, 1, 1 },
		{ TLS1_3_VERSION, NULL, "ffdhe2048", false, false, 1, 1 },
		{ TLS1_3_VERSION, "P-256", "X25519:P-256", false, false, 2, 0 },
		{ TLS1_3_VERSION, "P-521", "X25519:P-521", false, false, 2, 1 },
		{ TLS1_3_VERSION, NULL, "X25519", true, false, 2, 0 },
		{ TLS1_3_VERSION, NULL, "X25519", true, true, 2, 0 },
		{ TLS1_2_VERSION, NULL, "X25519:P-256", false, false, 2, 0 },
		{ TLS1_2_VERSION, NULL, "P-521:P-256", false, false, 2, 0 },
		{ TLS1_2_VERSION, NULL, "X25519:P-256", true, true, 2, 0 },
	};
	struct ends e, again;
	struct tls_context *context = must(cases[_i].ours, cases[_i].asks);
	open_as(&e, context, cases[_i].shows, cases[_i].version, cases[_i].groups);
	ck_assert_int_eq(ends_shake(&e), TLS_ACCEPT_DONE);
	ck_assert_int_eq(e.works, cases[_i].first);
	SSL_SESSION *session = SSL_get1_session(e.client);
	open_as(&again, context, cases[_i].shows, cases[_i].version, cases[_i].groups);
	ck_assert_int_eq(SSL_set_session(again.client, session), 1);
	ck_assert_int_eq(ends_shake(&again), TLS_ACCEPT_DONE);
	ck_assert(SSL_session_reused(again.server));
	ck_assert_int_eq(again.works, cases[_i].again);
	SSL_SESSION_free(session);
	ends_close(&again);
	SSL_shutdown(e.client);
	ends_close(&e);
	tls_context_unref(context);
}
END_TEST

/* A ticket that opens nothing is no way round the stop. */
START_TEST(a_strange_ticket)
{
	struct ends e, again;
	int version = _i ? TLS1_3_VERSION : TLS1_2_VERSION;
	struct tls_context *first = must(NULL, false), *second = must(NULL, false);
	open_as(&e, first, false, version, "X25519:P-256");
	ck_assert_int_eq(ends_shake(&e), TLS_ACCEPT_DONE);
	SSL_SESSION *session = SSL_get1_session(e.client);
	open_as(&again, second, false, version, "X25519:P-256");
	ck_assert_int_eq(SSL_set_session(again.client, session), 1);
	ck_assert_int_eq(ends_shake(&again), TLS_ACCEPT_DONE);
	ck_assert(!SSL_session_reused(again.server));
	ck_assert_int_eq(again.works, e.works);
	SSL_SESSION_free(session);
	ends_close(&again);
	SSL_shutdown(e.client);
	ends_close(&e);
	tls_context_unref(first);
	tls_context_unref(second);
}
END_TEST

Suite *tls_work_suite(void)
{
	Suite *s = suite_create("tls_work");
	TCase *t = tcase_create("tls_work");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, what_stops_has_said_nothing, 0, 2);
	tcase_add_loop_test(t, stops, 0, 13);
	tcase_add_loop_test(t, a_strange_ticket, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
