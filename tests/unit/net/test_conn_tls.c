/*
 * test_conn_tls.c - the same connection under TLS, with a certificate made on the spot: over a
 * socket pair, where OpenSSL encrypts, and over TCP, where the kernel does if it has its module
 * tls.
 */
#include "check_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/mem.h"
#include "net/conn.h"
#include "net/sock.h"
#include "net/tls.h"

#define GOT_BYTES (4u << 20)

/* What encrypts, and how. The kernel also decrypts with TLS 1.2. */
static const struct way {
	bool kernel;
	int version;
	const char *ciphers; /* NULL: whichever */
} ways[] = {
	{ false, TLS1_3_VERSION, NULL },
	{ true, TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256" },
	{ true, TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384" },
	{ true, TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256" },
	{ true, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256" },
	{ true, TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384" },
	{ true, TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305" },
};
#define WAYS ((int)COUNT_OF(ways))

struct tls {
	struct conn conn;
	struct loop *loop;
	SSL_CTX *ctx[2];
	SSL *peer;
	int peer_fd;
	int count[CONN_EVENT_COUNT];
	char *got;
	size_t got_len, bite;
	ssize_t last;
};

static void tls_on(struct conn *conn, enum conn_event event, usec_t now)
{
	struct tls *t = CONTAINER_OF(conn, struct tls, conn);
	ck_assert_int_gt(now, 0);
	t->count[event]++;
	if (event != CONN_READABLE)
		return;
	t->last = conn_recv(conn, t->got + t->got_len, t->bite);
	if (t->last > 0)
		t->got_len += (size_t)t->last;
}

static void give_certificate(SSL_CTX *ctx)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	ck_assert_ptr_nonnull(key);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
				   (const unsigned char *)"test", -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	ck_assert_int_gt(X509_sign(cert, key, EVP_sha256()), 0);
	ck_assert_int_eq(SSL_CTX_use_certificate(ctx, cert), 1);
	ck_assert_int_eq(SSL_CTX_use_PrivateKey(ctx, key), 1);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void shake_hands(SSL *a, SSL *b)
{
	int done_a = 0, done_b = 0;
	while (done_a != 1 || done_b != 1) {
		done_a = SSL_do_handshake(a);
		done_b = SSL_do_handshake(b);
		ck_assert(done_a == 1 || SSL_get_error(a, done_a) == SSL_ERROR_WANT_READ);
		ck_assert(done_b == 1 || SSL_get_error(b, done_b) == SSL_ERROR_WANT_READ);
	}
}

/* Both ends of a connection within the machine; the kernel holds little. */
static void tcp_pair(int pair[2])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0), little = 65536;
	pair[1] = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(pair[1], SOL_SOCKET, SO_RCVBUF, &little, sizeof(little));
	setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &little, sizeof(little));
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, len), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &len), 0);
	ck_assert_int_eq(connect(pair[1], (struct sockaddr *)&at, len), 0);
	pair[0] = accept(listener, NULL, NULL);
	ck_assert_int_ge(pair[0], 0);
	close(listener);
}

/* How many of the ways there are here: all, or the first. Asked by root, the kernel loads the
 * module. */
static int count_ways(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	/* a socket that is not connected is refused for that, if the module is there */
	bool there = setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", 3) == 0 || errno == ENOTCONN;
	close(fd);
	if (!there)
		puts("conn under TLS: this kernel has no module tls; only OpenSSL's ways are tested");
	return there ? WAYS : 1;
}

static void use_way(SSL_CTX *ctx, const struct way *way)
{
	SSL_CTX_set_min_proto_version(ctx, way->version);
	SSL_CTX_set_max_proto_version(ctx, way->version);
	if (!way->ciphers)
		return;
	if (way->version == TLS1_3_VERSION)
		ck_assert_int_eq(SSL_CTX_set_ciphersuites(ctx, way->ciphers), 1);
	else
		ck_assert_int_eq(SSL_CTX_set_cipher_list(ctx, way->ciphers), 1);
}

/* The connection is the server when `accepts`, else the client (as towards PostgreSQL). */
static void tls_open(struct tls *t, bool accepts, int number)
{
	int pair[2];
	char info[TLS_INFO_BYTES];
	const struct way *way = &ways[number];
	*t = (struct tls){ .loop = check_net_loop(), .got = mem_alloc(GOT_BYTES), .bite = 65536 };
	if (way->kernel)
		tcp_pair(pair);
	else
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	sock_tune(pair[0], NULL);
	sock_tune(pair[1], NULL);
	t->ctx[0] = SSL_CTX_new(TLS_server_method());
	t->ctx[1] = SSL_CTX_new(TLS_client_method());
	give_certificate(t->ctx[0]);
	use_way(t->ctx[0], way);
	SSL *server = SSL_new(t->ctx[0]), *client = SSL_new(t->ctx[1]);
	SSL *mine = accepts ? server : client;
	t->peer = accepts ? client : server;
	SSL_set_accept_state(server);
	SSL_set_connect_state(client);
	SSL_set_fd(mine, pair[0]);
	SSL_set_fd(t->peer, pair[1]);
	SSL_set_mode(t->peer, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	t->peer_fd = pair[1];
	if (way->kernel)
		SSL_set_options(mine, SSL_OP_ENABLE_KTLS);
	shake_hands(mine, t->peer);
	ck_assert_int_eq(strstr(tls_info(mine, info), "/kernel") != NULL, way->kernel);
	ck_assert(conn_open(&t->conn, t->loop, pair[0], mine, tls_on));
}

static void tls_close(struct tls *t)
{
	conn_close(&t->conn);
	SSL_free(t->peer);
	if (t->peer_fd >= 0)
		close(t->peer_fd);
	SSL_CTX_free(t->ctx[0]);
	SSL_CTX_free(t->ctx[1]);
	free(t->got);
	loop_free(t->loop);
}

static char pattern(size_t i)
{
	return (char)((i * 131 + (i >> 8) * 7 + (i >> 16)) & 0xff);
}

static void check_pattern(const char *data, size_t from, size_t n)
{
	size_t right = 0; /* one assertion for all: check writes down each */
	while (right < n && data[right] == pattern(from + right))
		right++;
	ck_assert_uint_eq(right, n);
}

static char *pattern_make(size_t n)
{
	char *data = mem_alloc(n);
	for (size_t i = 0; i < n; i++)
		data[i] = pattern(i);
	return data;
}

/* The peer writes all of it, while the connection reads. */
static void peer_writes(struct tls *t, const char *data, size_t n)
{
	size_t sent = 0;
	while (sent < n) {
		int part = SSL_write(t->peer, data + sent, (int)(n - sent));
		if (part > 0)
			sent += (size_t)part;
		else
			loop_turn(t->loop, 0);
	}
}

static void peer_reads(struct tls *t, size_t *at, size_t end)
{
	char part[20000];
	while (*at < end) {
		int n = SSL_read(t->peer, part, sizeof(part));
		if (n > 0) {
			check_pattern(part, *at, (size_t)n);
			*at += (size_t)n;
		}
		loop_turn(t->loop, 0);
	}
}

START_TEST(test_bytes_go_both_ways)
{
	struct tls t;
	size_t at = 0;
	tls_open(&t, _i % 2 == 1, _i / 2);
	char *data = pattern_make(100);
	peer_writes(&t, data, 100);
	TURN_UNTIL(t.loop, t.got_len == 100);
	check_pattern(t.got, 0, 100);
	ck_assert_int_eq(conn_send(&t.conn, data, 100), CONN_SENT_ALL);
	peer_reads(&t, &at, 100);
	check_net_settle(t.loop);
	free(data);
	tls_close(&t);
}
END_TEST

START_TEST(test_what_tls_holds_back_is_announced_though_the_socket_is_silent)
{
	struct tls t;
	tls_open(&t, true, _i);
	t.bite = 100; /* a record holds more */
	char *data = pattern_make(10000);
	peer_writes(&t, data, 10000);
	TURN_UNTIL(t.loop, t.got_len == 10000);
	check_pattern(t.got, 0, 10000);
	check_net_settle(t.loop);
	free(data);
	tls_close(&t);
}
END_TEST

START_TEST(test_a_pause_with_bytes_inside_tls)
{
	struct tls t;
	tls_open(&t, true, _i);
	t.bite = 100;
	char *data = pattern_make(1000);
	peer_writes(&t, data, 1000);
	TURN_UNTIL(t.loop, t.got_len > 0);
	size_t before = t.got_len;
	ck_assert_uint_lt(before, 1000);
	conn_pause(&t.conn, 1);
	check_net_settle(t.loop);
	ck_assert_uint_eq(t.got_len, before);
	conn_resume(&t.conn, 1);
	TURN_UNTIL(t.loop, t.got_len == 1000);
	free(data);
	tls_close(&t);
}
END_TEST

START_TEST(test_moving_with_bytes_inside_tls)
{
	struct tls t;
	tls_open(&t, true, _i);
	t.bite = 100;
	char *data = pattern_make(1000);
	peer_writes(&t, data, 1000);
	TURN_UNTIL(t.loop, t.got_len > 0);
	ck_assert_uint_lt(t.got_len, 1000);
	struct loop *there = check_net_loop(), *here = t.loop;
	conn_detach(&t.conn);
	ck_assert(conn_attach(&t.conn, there, tls_on));
	t.loop = there;
	TURN_UNTIL(there, t.got_len == 1000);
	loop_free(here);
	free(data);
	tls_close(&t);
}
END_TEST

START_TEST(test_a_large_stream_in)
{
	struct tls t;
	size_t n = 3u << 20;
	tls_open(&t, _i % 2 == 1, _i / 2);
	t.bite = 50001;
	char *data = pattern_make(n);
	peer_writes(&t, data, n);
	TURN_UNTIL(t.loop, t.got_len == n);
	check_pattern(t.got, 0, n);
	ck_assert_int_lt(t.count[CONN_READABLE], 2000);
	free(data);
	tls_close(&t);
}
END_TEST

START_TEST(test_a_large_stream_out_to_a_slow_reader)
{
	struct tls t;
	size_t n = 3u << 20, at = 0;
	char scratch[7001];
	tls_open(&t, _i % 2 == 1, _i / 2);
	char *data = pattern_make(n);
	for (size_t sent = 0; sent < n;) {
		size_t left = n - sent, piece = left < sizeof(scratch) ? left : sizeof(scratch);
		struct iovec iov[2] = { { scratch, piece / 2 },
					{ scratch + piece / 2, piece - piece / 2 } };
		int count = sent % 2 ? 2 : 1; /* of each a few */
		if (count == 1)
			iov[0].iov_len = piece;
		memcpy(scratch, data + sent, piece);
		ck_assert_int_ne(conn_send_pieces(&t.conn, iov, count), CONN_SENT_ERROR);
		memset(scratch, 0x55, sizeof(scratch)); /* it is the caller's again */
		sent += piece;
	}
	ck_assert(conn_is_stuck(&t.conn));
	check_net_settle(t.loop);
	peer_reads(&t, &at, n);
	TURN_UNTIL(t.loop, t.count[CONN_DRAINED] == 1);
	check_net_settle(t.loop);
	free(data);
	tls_close(&t);
}
END_TEST

START_TEST(test_pieces_go_out_as_one_record)
{
	struct tls t;
	char got[100];
	tls_open(&t, true, _i);
	struct iovec iov[3] = { { (char[]){ "ab" }, 2 },
				{ (char[]){ "cd" }, 2 },
				{ (char[]){ "ef" }, 2 } };
	ck_assert_int_eq(conn_send_pieces(&t.conn, iov, 3), CONN_SENT_ALL);
	ck_assert_int_eq(SSL_read(t.peer, got, sizeof(got)), 6); /* never more than a record */
	ck_assert_int_eq(memcmp(got, "abcdef", 6), 0);
	tls_close(&t);
}
END_TEST

START_TEST(test_one_byte_per_call)
{
	struct tls t;
	size_t at = 0;
	tls_open(&t, true, _i);
	loop_set_io_bytes(t.loop, 1);
	char *data = pattern_make(20000);
	peer_writes(&t, data, 300);
	TURN_UNTIL(t.loop, t.got_len == 300);
	check_pattern(t.got, 0, 300);
	ck_assert_int_ge(t.count[CONN_READABLE], 300);
	ck_assert_int_ne(conn_send(&t.conn, data, 20000), CONN_SENT_ERROR);
	peer_reads(&t, &at, 20000);
	check_net_settle(t.loop);
	free(data);
	tls_close(&t);
}
END_TEST

START_TEST(test_goodbye_is_the_end)
{
	struct tls t;
	tls_open(&t, true, _i);
	ck_assert_int_eq(SSL_write(t.peer, "last", 4), 4);
	SSL_shutdown(t.peer);
	TURN_UNTIL(t.loop, t.last == CONN_RECV_EOF);
	ck_assert_uint_eq(t.got_len, 4);
	check_net_settle(t.loop);
	tls_close(&t);
}
END_TEST

START_TEST(test_leaving_without_goodbye_is_the_end_too)
{
	struct tls t;
	tls_open(&t, false, _i); /* a peer with unread bytes would reset instead */
	ck_assert_int_eq(SSL_write(t.peer, "last", 4), 4);
	close(t.peer_fd);
	t.peer_fd = -1;
	TURN_UNTIL(t.loop, t.last == CONN_RECV_EOF);
	ck_assert_uint_eq(t.got_len, 4);
	check_net_settle(t.loop);
	tls_close(&t);
}
END_TEST

START_TEST(test_leaving_while_paused_is_noticed)
{
	struct tls t;
	tls_open(&t, false, _i); /* a peer with unread bytes would reset instead */
	conn_pause(&t.conn, 1);
	SSL_shutdown(t.peer);
	close(t.peer_fd);
	t.peer_fd = -1;
	TURN_UNTIL(t.loop, t.count[CONN_EOF] == 1);
	check_net_settle(t.loop);
	ck_assert_int_eq(t.count[CONN_READABLE], 0);
	tls_close(&t);
}
END_TEST

START_TEST(test_garbage_instead_of_a_record_is_an_error)
{
	struct tls t;
	tls_open(&t, true, _i);
	ck_assert_int_eq(write(t.peer_fd, "Q\0\0\0\5 this is no record at all", 30), 30);
	TURN_UNTIL(t.loop, t.last == CONN_RECV_ERROR);
	check_net_settle(t.loop);
	ck_assert_uint_eq(t.got_len, 0);
	tls_close(&t);
}
END_TEST

START_TEST(test_shutting_down_says_goodbye)
{
	struct tls t;
	char byte;
	tls_open(&t, true, _i);
	ck_assert_int_eq(conn_send(&t.conn, "x", 1), CONN_SENT_ALL);
	conn_shutdown(&t.conn);
	ck_assert_int_eq(SSL_read(t.peer, &byte, 1), 1);
	int n = SSL_read(t.peer, &byte, 1);
	ck_assert_int_eq(SSL_get_error(t.peer, n), SSL_ERROR_ZERO_RETURN);
	tls_close(&t);
}
END_TEST

START_TEST(test_a_new_key_in_mid_stream)
{
	struct tls t;
	size_t at = 0;
	if (ways[_i].version < TLS1_3_VERSION)
		return; /* it has no such thing */
	tls_open(&t, true, _i);
	char *data = pattern_make(50000);
	ck_assert_int_eq(SSL_key_update(t.peer, SSL_KEY_UPDATE_REQUESTED), 1);
	peer_writes(&t, data, 50000);
	TURN_UNTIL(t.loop, t.got_len == 50000);
	check_pattern(t.got, 0, 50000);
	ck_assert_int_ne(conn_send(&t.conn, data, 50000), CONN_SENT_ERROR);
	peer_reads(&t, &at, 50000);
	free(data);
	tls_close(&t);
}
END_TEST

Suite *conn_tls_suite(void)
{
	Suite *s = suite_create("conn under TLS");
	TCase *t = tcase_create("conn_tls");
	tcase_set_timeout(t, 60);
	int n = count_ways();
	tcase_add_loop_test(t, test_bytes_go_both_ways, 0, 2 * n);
	tcase_add_loop_test(t, test_what_tls_holds_back_is_announced_though_the_socket_is_silent, 0,
			    n);
	tcase_add_loop_test(t, test_a_pause_with_bytes_inside_tls, 0, n);
	tcase_add_loop_test(t, test_moving_with_bytes_inside_tls, 0, n);
	tcase_add_loop_test(t, test_a_large_stream_in, 0, 2 * n);
	tcase_add_loop_test(t, test_a_large_stream_out_to_a_slow_reader, 0, 2 * n);
	tcase_add_loop_test(t, test_pieces_go_out_as_one_record, 0, n);
	tcase_add_loop_test(t, test_one_byte_per_call, 0, n);
	tcase_add_loop_test(t, test_goodbye_is_the_end, 0, n);
	tcase_add_loop_test(t, test_leaving_without_goodbye_is_the_end_too, 0, n);
	tcase_add_loop_test(t, test_leaving_while_paused_is_noticed, 0, n);
	tcase_add_loop_test(t, test_garbage_instead_of_a_record_is_an_error, 0, n);
	tcase_add_loop_test(t, test_shutting_down_says_goodbye, 0, n);
	tcase_add_loop_test(t, test_a_new_key_in_mid_stream, 0, n);
	suite_add_tcase(s, t);
	return s;
}
