/*
 * test_tls.c - the context that clients meet, their handshakes, their names, and twins, over
 * socket pairs.
 */
#include "check_net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "ends.h"
#include "net/tls.h"
#include "net/tls_accept.h"
#include "net/tls_context.h"
#include "net/tls_peer.h"
#include "net/tls_twin.h"
#include "pki.h"

static struct pki pki;
static X509 *own_cert;
static EVP_PKEY *own_key;
static char own_cert_file[128], own_key_file[128];

static void setup(void)
{
	pki_init(&pki);
	own_cert = pki_issue(&pki, &(struct pki_subject){ .cn = "localhost" }, &own_key);
	strcpy(own_cert_file, pki.cert_file);
	strcpy(own_key_file, pki.key_file);
}

static void teardown(void)
{
	X509_free(own_cert);
	EVP_PKEY_free(own_key);
	pki_fini(&pki);
}

static struct tls_context_options usual(void)
{
	return (struct tls_context_options){ .key_file = own_key_file,
					     .cert_file = own_cert_file,
					     .versions = TLS_CONTEXT_12 | TLS_CONTEXT_13 };
}

static struct tls_context *must(const struct tls_context_options *o,
				const struct tls_context *previous)
{
	struct err err;
	struct tls_context *context = tls_context_new(o, previous, &err);
	ck_assert_msg(context != NULL, "%s", err.text);
	return context;
}

/* ---- handshakes ------------------------------------------------------------------------------ */

START_TEST(a_handshake)
{
	struct ends e;
	char info[TLS_INFO_BYTES];
	struct tls_context_options o = usual();
	struct tls_context *context = must(&o, NULL);
	ends_open(&e, context, NULL, NULL);
	ck_assert_int_eq(ends_shake(&e), TLS_ACCEPT_DONE);
	ck_assert(e.client_done);
	ck_assert_str_eq(tls_info(e.server, info), "TLSv1.3/TLS_AES_256_GCM_SHA384");
	ck_assert_str_eq(tls_info(NULL, info), "");
	ck_assert(!tls_accept_has_alpn(e.server));
	ck_assert_int_eq(SSL_get_mode(e.server) & SSL_MODE_RELEASE_BUFFERS,
			 SSL_MODE_RELEASE_BUFFERS);
	ends_close(&e);
	tls_context_unref(context);
}
END_TEST

/* No kernel encrypts on these: OpenSSL does, and nobody is told of it. */
START_TEST(an_offload_that_cannot_be)
{
	struct ends e;
	char info[TLS_INFO_BYTES], byte;
	struct tls_context_options o = usual();
	o.offloads = true;
	struct tls_context *context = must(&o, NULL);
	ends_open(&e, context, NULL, NULL);
	ck_assert_int_eq(ends_shake(&e), TLS_ACCEPT_DONE);
	ck_assert(SSL_get_options(e.server) & SSL_OP_ENABLE_KTLS);
	ck_assert_str_eq(tls_info(e.server, info), "TLSv1.3/TLS_AES_256_GCM_SHA384");
	ck_assert_int_eq(SSL_write(e.server, "x", 1), 1);
	ck_assert_int_eq(SSL_read(e.client, &byte, 1), 1);
	ends_close(&e);
	tls_context_unref(context);
}
END_TEST

START_TEST(a_step_never_waits)
{
	struct ends e;
	struct tls_context_options o = usual();
	struct tls_context *context = must(&o, NULL);
	ends_open(&e, context, NULL, NULL);
	ck_assert_int_eq(tls_accept_step(e.server, &e.err), TLS_ACCEPT_WANTS_BYTES);
	ck_assert_int_eq(write(e.fd[1], "\x16\x03\x01", 3), 3);
	ck_assert_int_eq(tls_accept_step(e.server, &e.err), TLS_ACCEPT_WANTS_BYTES);
	close(e.fd[1]);
	e.fd[1] = -1;
	ck_assert_int_eq(tls_accept_step(e.server, &e.err), TLS_ACCEPT_FAILED);
	ck_assert_str_ne(e.err.text, "");
	ends_close(&e);
	tls_context_unref(context);
}
END_TEST

START_TEST(alpn)
{
	static const struct {
		const char *offer;
		enum tls_accept_status status;
		bool chosen;
	} cases[] = {
		{ "\012postgresql", TLS_ACCEPT_DONE, true },
		{ "\010http/1.1\012postgresql", TLS_ACCEPT_DONE, true },
		{ "\010http/1.1", TLS_ACCEPT_FAILED, false },
		{ "\013postgresql2", TLS_ACCEPT_FAILED, false },
	};
	struct ends e;
	struct tls_context_options o = usual();
	struct tls_context *context = must(&o, NULL);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		ends_open(&e, context, NULL, NULL);
		SSL_set_alpn_protos(e.client, (const unsigned char *)cases[i].offer,
				    (unsigned)strlen(cases[i].offer));
		ck_assert_int_eq(ends_shake(&e), cases[i].status);
		ck_assert_int_eq(tls_accept_has_alpn(e.server), cases[i].chosen);
		ends_close(&e);
	}
	tls_context_unref(context);
}
END_TEST

/* Another handshake in a session that is up would be arithmetic on a loop's thread, at the peer's
 * will. */
START_TEST(nobody_shakes_hands_again)
{
	struct ends e;
	char byte;
	struct tls_context_options o = usual();
	o.versions = TLS_CONTEXT_12;
	struct tls_context *context = must(&o, NULL);
	ends_open(&e, context, NULL, NULL);
	ck_assert_int_eq(ends_shake(&e), TLS_ACCEPT_DONE);
	SSL *ours = _i ? e.server : e.client, *theirs = _i ? e.client : e.server;
	tls_prepare(ours);
	SSL_clear_options(theirs, SSL_OP_NO_RENEGOTIATION);
	ck_assert_int_eq(SSL_renegotiate(theirs), 1);
	(void)SSL_do_handshake(theirs);
	ck_assert_int_eq(tls_read(ours, &byte, 1), TLS_WAIT);
	ck_assert(!SSL_in_init(ours));
	ends_close(&e);
	tls_context_unref(context);
}
END_TEST

/* ---- faults -----------------------------------------------------------------------------------
 */

static void check_fault(const struct tls_context_options *o, const char *words)
{
	struct err err;
	ck_assert_ptr_null(tls_context_new(o, NULL, &err));
	ck_assert_msg(strstr(err.text, words) == err.text, "%s: %s", words, err.text);
}

START_TEST(faults_name_their_setting)
{
	struct tls_context_options o = usual();
	char garbage[128];
	snprintf(garbage, sizeof(garbage), "%s/garbage", pki.dir);
	pki_write(garbage, "nothing of the kind\n");
#define FAULT(field, value, words)                                                                 \
	do {                                                                                       \
		o = usual();                                                                       \
		o.ca_file = pki.ca;                                                                \
		o.field = value;                                                                   \
		check_fault(&o, words);                                                            \
	} while (0)
	FAULT(cert_file, "", "client_tls_cert_file: not set");
	FAULT(key_file, NULL, "client_tls_key_file: not set");
	FAULT(cert_file, "/no/such", "client_tls_cert_file: /no/such: No such file");
	FAULT(cert_file, garbage, "client_tls_cert_file: ");
	FAULT(key_file, "/no/such",
	      "client_tls_key_file: /no/such: it cannot be opened: No such file");
	FAULT(key_file, garbage, "client_tls_key_file: ");
	FAULT(key_file, "/dev/null", "client_tls_key_file: /dev/null: it is not a regular file");
	FAULT(ca_file, "/no/such", "client_tls_ca_file: /no/such: ");
	FAULT(ca_file, garbage, "client_tls_ca_file: ");
	FAULT(crl_file, "/no/such", "client_tls_crl_file: /no/such: ");
	FAULT(crl_file, garbage, "client_tls_crl_file: ");
	FAULT(ciphers, "NONE-SUCH", "client_tls_ciphers: NONE-SUCH: ");
	FAULT(suites, "NONE_SUCH", "client_tls13_ciphers: NONE_SUCH: ");
	FAULT(curves, "none-such", "client_tls_ecdhcurve: none-such: ");
	FAULT(dheparams, "perhaps", "client_tls_dheparams: perhaps: ");
#undef FAULT
	o = usual();
	o.crl_file = pki.crl;
	check_fault(&o, "client_tls_crl_file: of no use");
	o = usual();
	o.demands_cert = true;
	check_fault(&o, "client_tls_ca_file: not set");
}
END_TEST

START_TEST(a_key_of_another_certificate)
{
	EVP_PKEY *key;
	struct tls_context_options o = usual();
	X509 *cert = pki_issue(&pki, &(struct pki_subject){ .cn = "other" }, &key);
	o.key_file = pki.key_file;
	check_fault(&o, "client_tls_key_file: ");
	X509_free(cert);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(a_key_that_everybody_may_write)
{
	struct tls_context_options o = usual();
	ck_assert_int_eq(chmod(own_key_file, 0602), 0);
	check_fault(&o, "client_tls_key_file: ");
	ck_assert_int_eq(chmod(own_key_file, 0640), 0);
	tls_context_unref(must(&o, NULL));
}
END_TEST

START_TEST(words_for_ciphers_and_curves)
{
	static const char *const ciphers[] = { "default",
					       "secure",
					       "fast",
					       "normal",
					       "all",
					       "legacy",
					       "ECDHE-ECDSA-AES256-GCM-SHA384" };
	static const char *const curves[] = { "auto", "none", "prime256v1", "X25519:secp384r1" };
	static const char *const dhe[] = { "auto", "legacy", "none", "" };
	struct tls_context_options o = usual();
	for (size_t i = 0; i < COUNT_OF(ciphers); i++) {
		o.ciphers = ciphers[i];
		o.curves = curves[i % COUNT_OF(curves)];
		o.dheparams = dhe[i % COUNT_OF(dhe)];
		tls_context_unref(must(&o, NULL));
	}
}
END_TEST

START_TEST(versions)
{
	static const struct {
		unsigned set;
		int asked;
		enum tls_accept_status status;
	} cases[] = {
		{ TLS_CONTEXT_12, TLS1_2_VERSION, TLS_ACCEPT_DONE },
		{ TLS_CONTEXT_12, TLS1_3_VERSION, TLS_ACCEPT_FAILED },
		{ TLS_CONTEXT_13, TLS1_2_VERSION, TLS_ACCEPT_FAILED },
		{ TLS_CONTEXT_11 | TLS_CONTEXT_13, TLS1_2_VERSION, TLS_ACCEPT_FAILED },
		{ TLS_CONTEXT_11 | TLS_CONTEXT_13, TLS1_3_VERSION, TLS_ACCEPT_DONE },
	};
	struct ends e;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct tls_context_options o = usual();
		o.versions = cases[i].set;
		struct tls_context *context = must(&o, NULL);
		ends_open(&e, context, NULL, NULL);
		SSL_set_min_proto_version(e.client, cases[i].asked);
		SSL_set_max_proto_version(e.client, cases[i].asked);
		ck_assert_int_eq(ends_shake(&e), cases[i].status);
		ends_close(&e);
		tls_context_unref(context);
	}
}
END_TEST

/* ---- clients' certificates
 * ----------------------------------------------------------------------- */

enum { NONE, RIGHT, EXPIRED, REVOKED, STRANGE, KINDS };

static X509 *client_cert(int kind, struct pki *stranger, EVP_PKEY **key)
{
	struct pki_subject subject = { .cn = "app", .not_after = kind == EXPIRED ? -60 : 0 };
	if (kind == NONE)
		return NULL;
	X509 *cert = pki_issue(kind == STRANGE ? stranger : &pki, &subject, key);
	if (kind == REVOKED)
		pki_revoke(&pki, cert);
	return cert;
}

START_TEST(certificates_of_clients)
{
	static const char *const reasons[KINDS] = { "did not return a certificate", "", "expired",
						    "revoked", "certificate" };
	bool demands = _i / KINDS;
	int kind = _i % KINDS;
	struct ends e;
	struct pki stranger;
	struct tls_peer peer;
	EVP_PKEY *key = NULL;
	pki_init(&stranger);
	X509 *cert = client_cert(kind, &stranger, &key);
	struct tls_context_options o = usual();
	o.ca_file = pki.ca;
	o.crl_file = pki.crl;
	o.demands_cert = demands;
	struct tls_context *context = must(&o, NULL);
	ends_open(&e, context, cert, key);
	enum tls_accept_status status = ends_shake(&e);
	if (demands && kind != RIGHT) {
		ck_assert_int_eq(status, TLS_ACCEPT_FAILED);
		ck_assert_msg(strstr(e.err.text, reasons[kind]) != NULL, "%s", e.err.text);
	} else {
		ck_assert_int_eq(status, TLS_ACCEPT_DONE);
		ck_assert_int_eq(tls_peer_names(e.server, &peer), kind == RIGHT);
		ck_assert_int_eq(tls_has_signed(e.client), kind != NONE);
		ck_assert(tls_has_signed(e.server));
		ck_assert_pstr_eq(peer.common_name, kind == RIGHT ? "app" : NULL);
		tls_peer_fini(&peer);
	}
	ends_close(&e);
	tls_context_unref(context);
	X509_free(cert);
	EVP_PKEY_free(key);
	pki_fini(&stranger);
}
END_TEST

/* The names of a client whose certificate was not asked for, or has no names. */
START_TEST(nobody_has_a_name_who_was_not_verified)
{
	struct ends e;
	struct tls_peer peer;
	struct tls_context_options o = usual();
	struct tls_context *context = must(&o, NULL);
	ends_open(&e, context, own_cert, own_key);
	ck_assert_int_eq(ends_shake(&e), TLS_ACCEPT_DONE);
	ck_assert(!tls_peer_names(e.server, &peer));
	ck_assert(!tls_has_signed(e.client)); /* nor was it asked */
	ck_assert(!tls_has_signed(NULL));
	ck_assert_ptr_null(peer.common_name);
	tls_peer_fini(&peer);
	ends_close(&e);
	tls_context_unref(context);
}
END_TEST

static void names_of(const struct pki_subject *subject, struct tls_peer *peer)
{
	struct ends e;
	EVP_PKEY *key;
	X509 *cert = pki_issue(&pki, subject, &key);
	struct tls_context_options o = usual();
	o.ca_file = pki.ca;
	o.demands_cert = true;
	struct tls_context *context = must(&o, NULL);
	ends_open(&e, context, cert, key);
	ck_assert_int_eq(ends_shake(&e), TLS_ACCEPT_DONE);
	ck_assert(tls_peer_names(e.server, peer));
	ends_close(&e);
	tls_context_unref(context);
	X509_free(cert);
	EVP_PKEY_free(key);
}

START_TEST(names)
{
	struct tls_peer peer;
	names_of(&(struct pki_subject){ .cn = "j\303\266rg",
					.organisation = "Shop, Inc.",
					.sans = "DNS:a.example,email:joe@example,IP:10.0.0.1,"
						"URI:spiffe://x/y" },
		 &peer);
	ck_assert_str_eq(peer.common_name, "j\303\266rg");
	ck_assert_str_eq(peer.dn, "CN=j\\C3\\B6rg,O=Shop\\, Inc.");
	ck_assert_uint_eq(peer.san_count, 3);
	ck_assert_int_eq(peer.sans[0].kind, TLS_PEER_DNS);
	ck_assert_str_eq(peer.sans[0].name, "a.example");
	ck_assert_int_eq(peer.sans[1].kind, TLS_PEER_EMAIL);
	ck_assert_str_eq(peer.sans[1].name, "joe@example");
	ck_assert_int_eq(peer.sans[2].kind, TLS_PEER_URI);
	ck_assert_str_eq(peer.sans[2].name, "spiffe://x/y");
	tls_peer_fini(&peer);
	tls_peer_fini(&peer);

	names_of(&(struct pki_subject){ .organisation = "nobody" }, &peer);
	ck_assert_ptr_null(peer.common_name);
	ck_assert_str_eq(peer.dn, "O=nobody");
	ck_assert_uint_eq(peer.san_count, 0);
	tls_peer_fini(&peer);
}
END_TEST

/* "app\0evil" is not "app". */
START_TEST(a_name_with_a_zero_byte_is_none)
{
	struct ends e;
	struct tls_peer peer;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 77);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", V_ASN1_UTF8STRING,
				   (const unsigned char *)"app\0evil", 8, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(pki.cert));
	ck_assert_int_gt(X509_sign(cert, pki.key, EVP_sha256()), 0);
	struct tls_context_options o = usual();
	o.ca_file = pki.ca;
	struct tls_context *context = must(&o, NULL);
	ends_open(&e, context, cert, key);
	ck_assert_int_eq(ends_shake(&e), TLS_ACCEPT_DONE);
	ck_assert(tls_peer_names(e.server, &peer));
	ck_assert_ptr_null(peer.common_name);
	tls_peer_fini(&peer);
	ends_close(&e);
	tls_context_unref(context);
	X509_free(cert);
	EVP_PKEY_free(key);
}
END_TEST

/* ---- channel binding
 * ------------------------------------------------------------------------------ */

START_TEST(both_ends_have_the_same_binding)
{
	static const struct {
		const char *hash, *binding_hash;
	} cases[] = {
		{ "SHA256", "SHA256" },
		{ "SHA384", "SHA384" },
		{ "SHA512", "SHA512" },
		{ "SHA1", "SHA256" },
	};
	uint8_t theirs[TLS_END_POINT_BYTES], want[EVP_MAX_MD_SIZE];
	unsigned n;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct ends e;
		EVP_PKEY *key;
		X509 *cert = pki_issue(
			&pki,
			&(struct pki_subject){ .cn = "localhost",
					       .hash = EVP_get_digestbyname(cases[i].hash) },
			&key);
		struct tls_context_options o = usual();
		o.cert_file = pki.cert_file;
		o.key_file = pki.key_file;
		o.ciphers = "ALL:@SECLEVEL=0"; /* takes SHA-1 */
		struct tls_context *context = must(&o, NULL);
		ends_open(&e, context, NULL, NULL);
		ck_assert_int_eq(ends_shake(&e), TLS_ACCEPT_DONE);
		X509_digest(cert, EVP_get_digestbyname(cases[i].binding_hash), want, &n);
		struct slice ours = tls_context_end_point(context);
		ck_assert_uint_eq(ours.len, n);
		ck_assert_uint_eq(tls_server_end_point(e.client, theirs), n);
		ck_assert_mem_eq(ours.ptr, want, n);
		ck_assert_mem_eq(theirs, want, n);
		ends_close(&e);
		tls_context_unref(context);
		X509_free(cert);
		EVP_PKEY_free(key);
	}
}
END_TEST

/* ---- sessions that are resumed
 * ---------------------------------------------------------------------- */

/* Is the session of a client of the one resumed by the other? */
static bool resumes(const struct tls_context *first, const struct tls_context *second, int version,
		    X509 *cert, EVP_PKEY *key)
{
	struct ends e, again;
	ends_open(&e, first, cert, key);
	SSL_set_max_proto_version(e.client, version);
	ck_assert_int_eq(ends_shake(&e), TLS_ACCEPT_DONE);
	SSL_SESSION *session = SSL_get1_session(e.client);
	ends_open(&again, second, cert, key);
	SSL_set_max_proto_version(again.client, version);
	ck_assert_int_eq(SSL_set_session(again.client, session), 1);
	ck_assert_int_eq(ends_shake(&again), TLS_ACCEPT_DONE);
	bool resumed = SSL_session_reused(again.server);
	SSL_SESSION_free(session);
	ends_close(&again);
	SSL_shutdown(e.client);
	ends_close(&e);
	return resumed;
}

START_TEST(sessions_are_resumed_across_reloads)
{
	int version = _i ? TLS1_3_VERSION : TLS1_2_VERSION;
	struct tls_context_options o = usual();
	struct tls_context *first = must(&o, NULL);
	struct tls_context *second = must(&o, first);
	struct tls_context *stranger = must(&o, NULL);
	ck_assert(resumes(first, first, version, NULL, NULL));
	ck_assert(resumes(first, second, version, NULL, NULL));
	ck_assert(!resumes(first, stranger, version, NULL, NULL));
	tls_context_unref(first);
	ck_assert(resumes(second, second, version, NULL, NULL));
	tls_context_unref(second);
	tls_context_unref(stranger);
}
END_TEST

START_TEST(sessions_are_not_resumed_under_another_judgement)
{
	int version = _i ? TLS1_3_VERSION : TLS1_2_VERSION;
	EVP_PKEY *key;
	X509 *cert = pki_issue(&pki, &(struct pki_subject){ .cn = "app" }, &key);
	struct tls_context_options o = usual();
	struct tls_context *none = must(&o, NULL);
	o.ca_file = pki.ca;
	struct tls_context *asks = must(&o, none);
	o.demands_cert = true;
	struct tls_context *demands = must(&o, asks);
	o.crl_file = pki.crl;
	struct tls_context *lists = must(&o, demands);
	EVP_PKEY *other_key;
	X509 *other = pki_issue(&pki, &(struct pki_subject){ .cn = "other" }, &other_key);
	pki_revoke(&pki, other);
	struct tls_context *lists_more = must(&o, lists);
	ck_assert(!resumes(none, asks, version, cert, key));
	ck_assert(!resumes(none, demands, version, cert, key));
	ck_assert(!resumes(asks, demands, version, cert, key));
	ck_assert(!resumes(demands, lists, version, cert, key));
	ck_assert(!resumes(lists, lists_more, version, cert, key));
	ck_assert(resumes(lists_more, lists_more, version, cert, key));
	tls_context_unref(none);
	tls_context_unref(asks);
	tls_context_unref(demands);
	tls_context_unref(lists);
	tls_context_unref(lists_more);
	X509_free(cert);
	X509_free(other);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other_key);
}
END_TEST

/* A client would bind the channel to the certificate of the session's beginning. */
START_TEST(sessions_are_not_resumed_under_another_certificate)
{
	int version = _i ? TLS1_3_VERSION : TLS1_2_VERSION;
	EVP_PKEY *key;
	X509 *cert = pki_issue(&pki, &(struct pki_subject){ .cn = "localhost" }, &key);
	struct tls_context_options o = usual();
	struct tls_context *first = must(&o, NULL);
	o.cert_file = pki.cert_file;
	o.key_file = pki.key_file;
	struct tls_context *second = must(&o, first);
	ck_assert(!resumes(first, second, version, NULL, NULL));
	ck_assert(resumes(second, second, version, NULL, NULL));
	tls_context_unref(first);
	tls_context_unref(second);
	X509_free(cert);
	EVP_PKEY_free(key);
}
END_TEST

/* The certificate runs out between two sessions; the ticket does not carry it further. */
START_TEST(a_certificate_that_has_run_out_is_not_resumed)
{
	struct ends e, again;
	struct tls_peer peer;
	EVP_PKEY *key;
	bool demands = _i / 2;
	int version = _i % 2 ? TLS1_3_VERSION : TLS1_2_VERSION;
	X509 *cert = pki_issue(&pki, &(struct pki_subject){ .cn = "app", .not_after = 2 }, &key);
	struct tls_context_options o = usual();
	o.ca_file = pki.ca;
	o.demands_cert = demands;
	struct tls_context *context = must(&o, NULL);
	ends_open(&e, context, cert, key);
	SSL_set_max_proto_version(e.client, version);
	ck_assert_int_eq(ends_shake(&e), TLS_ACCEPT_DONE);
	SSL_SESSION *session = SSL_get1_session(e.client);
	while (X509_cmp_current_time(X509_get0_notAfter(cert)) > 0)
		usleep(50000);
	ends_open(&again, context, cert, key);
	SSL_set_max_proto_version(again.client, version);
	SSL_set_session(again.client, session);
	enum tls_accept_status status = ends_shake(&again);
	ck_assert_int_eq(status, demands ? TLS_ACCEPT_FAILED : TLS_ACCEPT_DONE);
	ck_assert(SSL_session_reused(again.server)); /* else this shows nothing */
	ck_assert(!tls_peer_names(again.server, &peer));
	SSL_SESSION_free(session);
	ends_close(&again);
	SSL_shutdown(e.client);
	ends_close(&e);
	tls_context_unref(context);
	X509_free(cert);
	EVP_PKEY_free(key);
}
END_TEST

/* ---- twins
 * ------------------------------------------------------------------------------------------- */

/* A twin of a session with `first` meets `second`. */
static enum tls_twin_status twin_meets(const struct tls_context *first,
				       const struct tls_context *second, bool verifies,
				       const char *host, struct err *err)
{
	struct ends e, again;
	ends_open(&e, first, NULL, NULL);
	ck_assert_int_eq(SSL_CTX_load_verify_file(e.ctx, pki.ca), 1);
	if (verifies)
		SSL_set_verify(e.client, SSL_VERIFY_PEER, NULL);
	ck_assert_int_eq(ends_shake(&e), TLS_ACCEPT_DONE);
	struct tls_twin *twin = tls_twin_new(e.client, host);
	ends_close(&e);

	ends_open(&again, second, NULL, NULL);
	SSL *ssl = tls_twin_open(twin, again.fd[1]);
	enum tls_twin_status status = TLS_TWIN_WANTS_BYTES;
	for (int i = 0; i < 10 && status == TLS_TWIN_WANTS_BYTES; i++) {
		status = tls_twin_step(twin, ssl, err);
		ends_step(&again);
	}
	tls_free(ssl);
	tls_twin_free(twin);
	ends_close(&again);
	return status;
}

START_TEST(a_twin_meets_the_same_server_only)
{
	struct err err;
	struct pki stranger;
	EVP_PKEY *key;
	struct tls_context_options o = usual();
	struct tls_context *first = must(&o, NULL);
	X509 *cert = pki_issue(&pki, &(struct pki_subject){ .cn = "elsewhere" }, &key);
	o.cert_file = pki.cert_file;
	o.key_file = pki.key_file;
	struct tls_context *renewed = must(&o, NULL);
	pki_init(&stranger);
	EVP_PKEY *strange_key;
	X509 *strange =
		pki_issue(&stranger, &(struct pki_subject){ .cn = "localhost" }, &strange_key);
	o.cert_file = stranger.cert_file;
	o.key_file = stranger.key_file;
	struct tls_context *another = must(&o, NULL);

	ck_assert_int_eq(twin_meets(first, first, true, "localhost", &err), TLS_TWIN_DONE);
	ck_assert_int_eq(twin_meets(first, first, true, "10.0.0.1", &err), TLS_TWIN_DONE);
	ck_assert_int_eq(twin_meets(first, renewed, true, NULL, &err), TLS_TWIN_DONE);
	ck_assert_int_eq(twin_meets(first, renewed, true, "elsewhere", &err), TLS_TWIN_DONE);
	ck_assert_int_eq(twin_meets(first, renewed, true, "localhost", &err), TLS_TWIN_FAILED);
	ck_assert_ptr_nonnull(strstr(err.text, "has become another"));
	ck_assert_int_eq(twin_meets(first, another, true, NULL, &err), TLS_TWIN_FAILED);
	ck_assert_ptr_nonnull(strstr(err.text, "certificate"));
	ck_assert_int_eq(twin_meets(first, another, false, NULL, &err), TLS_TWIN_DONE);
	tls_context_unref(first);
	tls_context_unref(renewed);
	tls_context_unref(another);
	X509_free(cert);
	X509_free(strange);
	EVP_PKEY_free(key);
	EVP_PKEY_free(strange_key);
	pki_fini(&stranger);
}
END_TEST

Suite *tls_suite(void)
{
	Suite *s = suite_create("tls");
	TCase *t = tcase_create("tls");
	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_handshake);
	tcase_add_test(t, an_offload_that_cannot_be);
	tcase_add_test(t, a_step_never_waits);
	tcase_add_test(t, alpn);
	tcase_add_loop_test(t, nobody_shakes_hands_again, 0, 2);
	tcase_add_test(t, faults_name_their_setting);
	tcase_add_test(t, a_key_of_another_certificate);
	tcase_add_test(t, a_key_that_everybody_may_write);
	tcase_add_test(t, words_for_ciphers_and_curves);
	tcase_add_test(t, versions);
	tcase_add_loop_test(t, certificates_of_clients, 0, 2 * KINDS);
	tcase_add_test(t, nobody_has_a_name_who_was_not_verified);
	tcase_add_test(t, names);
	tcase_add_test(t, a_name_with_a_zero_byte_is_none);
	tcase_add_test(t, both_ends_have_the_same_binding);
	tcase_add_loop_test(t, sessions_are_resumed_across_reloads, 0, 2);
	tcase_add_loop_test(t, sessions_are_not_resumed_under_another_judgement, 0, 2);
	tcase_add_loop_test(t, sessions_are_not_resumed_under_another_certificate, 0, 2);
	tcase_add_loop_test(t, a_certificate_that_has_run_out_is_not_resumed, 0, 4);
	tcase_add_test(t, a_twin_meets_the_same_server_only);
	suite_add_tcase(s, t);
	return s;
}
