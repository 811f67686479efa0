/*
 * test_addr.c - the text of addresses, and socket set-up.
 */
#include "check_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/addr.h"
#include "net/sock.h"

static int listen_on(int family, struct sockaddr_storage *ss, socklen_t *len)
{
	int fd = socket(family, SOCK_STREAM, 0);
	if (fd < 0)
		return -1;
	memset(ss, 0, sizeof(*ss));
	ss->ss_family = (sa_family_t)family;
	if (family == AF_INET)
		((struct sockaddr_in *)ss)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		((struct sockaddr_in6 *)ss)->sin6_addr = in6addr_loopback;
	*len = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	if (bind(fd, (struct sockaddr *)ss, *len) != 0 || listen(fd, 1) != 0) {
		close(fd);
		return -1;
	}
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)ss, len), 0);
	return fd;
}

/* Connects through `family`, maybe with a v6 socket to a v4 address, and checks both ends' text. */
static void check_text(int family, const char *host, const char *form)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int l = listen_on(family, &ss, &len);
	if (l < 0)
		return; /* a machine without IPv6 */
	int c = socket(family, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(c, (struct sockaddr *)&ss, len), 0);
	struct addr peer = addr_peer(c), local = addr_local(l);
	char text[ADDR_TEXT_BYTES], want[ADDR_TEXT_BYTES], got[ADDR_HOST_BYTES];
	snprintf(want, sizeof(want), form, host, ntohs(((struct sockaddr_in *)&ss)->sin_port));
	ck_assert_str_eq(addr_text(&peer, text), want);
	ck_assert_str_eq(addr_text(&local, text), want);
	ck_assert_str_eq(addr_host(&peer, got), host);
	close(c);
	close(l);
}

START_TEST(test_tcp_addresses_are_host_and_port)
{
	check_text(AF_INET, "127.0.0.1", "%s:%d");
	check_text(AF_INET6, "::1", "[%s]:%d");
}
END_TEST

START_TEST(test_a_v4_client_of_a_v6_socket_is_v4)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	int off = 0;
	socklen_t len = sizeof(in6);
	int l = socket(AF_INET6, SOCK_STREAM, 0);
	if (l < 0)
		return;
	setsockopt(l, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(l, (struct sockaddr *)&in6, len) != 0) {
		close(l);
		return;
	}
	ck_assert_int_eq(listen(l, 1), 0);
	ck_assert_int_eq(getsockname(l, (struct sockaddr *)&in6, &len), 0);
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = in6.sin6_port };
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int c = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(c, (struct sockaddr *)&in, sizeof(in)), 0);
	int a = accept(l, NULL, NULL);
	struct addr peer = addr_peer(a);
	char host[ADDR_HOST_BYTES];
	ck_assert_int_eq(peer.kind, ADDR_V4);
	ck_assert_str_eq(addr_host(&peer, host), "127.0.0.1");
	close(a);
	close(c);
	close(l);
}
END_TEST

START_TEST(test_a_unix_peer_has_its_process_and_user)
{
	int pair[2];
	char text[ADDR_TEXT_BYTES], want[ADDR_TEXT_BYTES], host[ADDR_HOST_BYTES];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	struct addr peer = addr_peer(pair[0]);
	ck_assert_int_eq(peer.kind, ADDR_UNIX);
	ck_assert_int_eq(peer.peer.pid, getpid());
	ck_assert_uint_eq(peer.peer.uid, getuid());
	ck_assert_uint_eq(peer.peer.gid, getgid());
	snprintf(want, sizeof(want), "unix:%d", (int)getpid());
	ck_assert_str_eq(addr_text(&peer, text), want);
	ck_assert_str_eq(addr_host(&peer, host), "unix");
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(test_what_is_no_socket_has_no_address)
{
	char text[ADDR_TEXT_BYTES], host[ADDR_HOST_BYTES];
	struct addr none = addr_peer(-1);
	ck_assert_int_eq(none.kind, ADDR_NONE);
	ck_assert_str_eq(addr_text(&none, text), "-");
	ck_assert_str_eq(addr_host(&none, host), "");
	ck_assert_int_eq(addr_local(-1).kind, ADDR_NONE);
}
END_TEST

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);
	ck_assert_int_eq(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

START_TEST(test_tuning_a_tcp_socket)
{
	struct sock_tuning tuning = { .keepalive = true,
				      .keepidle_s = 77,
				      .keepintvl_s = 7,
				      .keepcnt = 3,
				      .user_timeout_ms = 12345,
				      .buffer_bytes = 65536 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	sock_tune(fd, &tuning);
	ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
	ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
	ck_assert_int_eq(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 77);
	ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 7);
	ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 3);
	ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 12345);
	ck_assert_int_ge(option(fd, SOL_SOCKET, SO_SNDBUF), 65536);
	close(fd);
}
END_TEST

START_TEST(test_tuning_without_wishes_and_of_a_unix_socket)
{
	int pair[2], fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sock_tuning tuning = { .keepalive = true, .keepidle_s = 77 };
	sock_tune(fd, NULL);
	ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
	ck_assert_int_eq(option(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	sock_tune(pair[0], &tuning);
	ck_assert(fcntl(pair[0], F_GETFL) & O_NONBLOCK);
	close(fd);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

Suite *addr_suite(void)
{
	Suite *s = suite_create("addr");
	TCase *t = tcase_create("addr");
	tcase_add_test(t, test_tcp_addresses_are_host_and_port);
	tcase_add_test(t, test_a_v4_client_of_a_v6_socket_is_v4);
	tcase_add_test(t, test_a_unix_peer_has_its_process_and_user);
	tcase_add_test(t, test_what_is_no_socket_has_no_address);
	tcase_add_test(t, test_tuning_a_tcp_socket);
	tcase_add_test(t, test_tuning_without_wishes_and_of_a_unix_socket);
	suite_add_tcase(s, t);
	return s;
}
