/*
 * test_listener.c - TCP, Unix sockets, descriptors handed in, and having none left.
 */
#include "check_net.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/addr.h"
#include "net/listener.h"

#define MAX_TAKEN 300

struct desk {
	struct loop *loop;
	struct listener *listener;
	int fds[MAX_TAKEN];
	int taken, unix_taken;
	struct addr peer; /* of the last */
	bool close_at_first;
	char dir[64];
	char path[128];
	void (*at_listen)(void); /* called when a socket is about to listen; NULL: nothing */
	int listens, chowns;
};

static struct desk desk;

int __real_listen(int fd, int backlog);
int __real_chown(const char *path, uid_t owner, gid_t group);
int __wrap_listen(int fd, int backlog); /* the linker leads the listener here */
int __wrap_chown(const char *path, uid_t owner, gid_t group);

int __wrap_chown(const char *path, uid_t owner, gid_t group)
{
	desk.chowns++;
	return __real_chown(path, owner, group);
}

int __wrap_listen(int fd, int backlog)
{
	desk.listens++;
	if (desk.at_listen)
		desk.at_listen();
	return __real_listen(fd, backlog);
}

static void desk_on_client(void *owner, int fd, const struct addr *peer, usec_t now)
{
	ck_assert_ptr_eq(owner, &desk);
	ck_assert_int_gt(now, 0);
	ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
	ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	ck_assert_int_lt(desk.taken, MAX_TAKEN);
	desk.fds[desk.taken++] = fd;
	desk.unix_taken += peer->kind == ADDR_UNIX;
	desk.peer = *peer;
	if (desk.close_at_first)
		listener_close(desk.listener);
}

static void desk_open(void)
{
	memset(&desk, 0, sizeof(desk));
	desk.loop = check_net_loop();
	struct err err = { "" };
	desk.listener = listener_new();
	ck_assert_msg(listener_serve(desk.listener, desk.loop, desk_on_client, &desk, &err), "%s",
		      err.text);
	snprintf(desk.dir, sizeof(desk.dir), "/tmp/check_net.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(desk.dir));
	snprintf(desk.path, sizeof(desk.path), "%s/.s.PGSQL.7777", desk.dir);
}

static void desk_close(void)
{
	for (int i = 0; i < desk.taken; i++)
		close(desk.fds[i]);
	listener_free(desk.listener);
	loop_free(desk.loop);
	unlink(desk.path);
	rmdir(desk.dir);
}

static struct listener_options on_unix(void)
{
	return (struct listener_options){
		.port = 7777, .unix_dir = desk.dir, .unix_mode = 0700, .backlog = 64
	};
}

static struct listener_options on_tcp(const char *addresses)
{
	return (struct listener_options){ .addresses = addresses, .backlog = 300 };
}

static void must_open(const struct listener_options *o)
{
	struct err err = { "" };
	bool ok = listener_open(desk.listener, o, &err);
	ck_assert_msg(ok, "%s", err.text);
}

static int try_unix(const char *path, size_t abstract_len)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(un);
	memcpy(un.sun_path, path, strlen(path));
	if (abstract_len > 0) {
		un.sun_path[0] = '\0';
		len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + abstract_len);
	}
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&un, len) == 0)
		return fd;
	close(fd);
	return -1;
}

static int call_tcp(int family, int port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in6.sin6_addr = in6addr_loopback;
	int fd = socket(family, SOCK_STREAM, 0);
	int failed = family == AF_INET ? connect(fd, (struct sockaddr *)&in, sizeof(in))
				       : connect(fd, (struct sockaddr *)&in6, sizeof(in6));
	ck_assert_int_eq(failed, 0);
	return fd;
}

static bool has_v6(void)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	bool has = fd >= 0 && bind(fd, (struct sockaddr *)&in6, sizeof(in6)) == 0;
	if (fd >= 0)
		close(fd);
	return has;
}

START_TEST(test_many_clients_over_tcp)
{
	desk_open();
	struct listener_options o = on_tcp("127.0.0.1");
	must_open(&o);
	int callers[200];
	for (int i = 0; i < 200; i++)
		callers[i] = call_tcp(AF_INET, listener_port(desk.listener));
	TURN_UNTIL(desk.loop, desk.taken == 200);
	ck_assert_int_eq(desk.unix_taken, 0);
	for (int i = 0; i < 200; i++)
		close(callers[i]);
	desk_close();
}
END_TEST

START_TEST(test_star_is_both_families_on_one_port)
{
	desk_open();
	struct listener_options o = on_tcp("*");
	must_open(&o);
	int port = listener_port(desk.listener);
	int a = call_tcp(AF_INET, port), b = -1;
	int expected = 1;
	if (has_v6()) {
		ck_assert_uint_eq(listener_count(desk.listener), 2);
		b = call_tcp(AF_INET6, port);
		expected = 2;
	}
	TURN_UNTIL(desk.loop, desk.taken == expected);
	close(a);
	if (b >= 0)
		close(b);
	desk_close();
}
END_TEST

START_TEST(test_several_addresses_and_a_socket_file_at_once)
{
	desk_open();
	struct listener_options o = on_tcp(" 127.0.0.1 , ,127.0.0.2");
	o.unix_dir = desk.dir;
	o.unix_mode = 0777;
	must_open(&o);
	ck_assert_uint_eq(listener_count(desk.listener), 3);
	snprintf(desk.path, sizeof(desk.path), "%s/.s.PGSQL.%d", desk.dir,
		 listener_port(desk.listener));
	int a = call_tcp(AF_INET, listener_port(desk.listener));
	int b = try_unix(desk.path, 0);
	ck_assert_int_ge(b, 0);
	TURN_UNTIL(desk.loop, desk.taken == 2);
	ck_assert_int_eq(desk.unix_taken, 1);
	close(a);
	close(b);
	desk_close();
}
END_TEST

START_TEST(test_a_socket_file_has_mode_and_group_and_goes_away)
{
	desk_open();
	struct listener_options o = on_unix();
	char group[16];
	struct stat st;
	snprintf(group, sizeof(group), "%u", (unsigned)getgid());
	o.unix_group = group;
	o.unix_mode = 0730;
	must_open(&o);
	ck_assert_int_eq(stat(desk.path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0730);
	ck_assert_uint_eq(st.st_gid, getgid());
	ck_assert_int_eq(desk.chowns, 1);
	listener_close(desk.listener);
	ck_assert_int_ne(stat(desk.path, &st), 0);
	desk_close();
}
END_TEST

static int count_files(void)
{
	int n = 0;
	DIR *dir = opendir(desk.dir);
	ck_assert_ptr_nonnull(dir);
	for (struct dirent *e = readdir(dir); e; e = readdir(dir))
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	closedir(dir);
	return n;
}

static void no_file_yet(void)
{
	struct stat st;
	ck_assert_int_eq(lstat(desk.path, &st), -1);
	ck_assert_int_eq(errno, ENOENT);
}

START_TEST(test_a_socket_file_is_there_only_when_one_can_connect)
{
	desk_open();
	struct listener_options o = on_unix();
	desk.at_listen = no_file_yet;
	must_open(&o);
	ck_assert_int_eq(desk.listens, 1);
	ck_assert_int_eq(desk.chowns, 0); /* the sandbox of the service forbids it */
	ck_assert_int_eq(count_files(), 1);
	int c = try_unix(desk.path, 0);
	ck_assert_int_ge(c, 0);
	close(c);
	listener_close(desk.listener);
	ck_assert_int_eq(count_files(), 0);
	desk_close();
}
END_TEST

static void another_is_first(void)
{
	FILE *f = fopen(desk.path, "wx");
	ck_assert_ptr_nonnull(f);
	fclose(f);
}

START_TEST(test_a_socket_file_takes_its_name_from_nobody)
{
	desk_open();
	struct listener_options o = on_unix();
	struct err err;
	struct stat st;
	desk.at_listen = another_is_first;
	ck_assert(!listener_open(desk.listener, &o, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "somebody listens there"));
	ck_assert_int_eq(lstat(desk.path, &st), 0);
	ck_assert(S_ISREG(st.st_mode));
	ck_assert_int_eq(count_files(), 1);
	desk_close();
}
END_TEST

START_TEST(test_what_lies_beside_a_socket_file_is_left_alone)
{
	desk_open();
	struct listener_options o = on_unix();
	char beside[128];
	snprintf(beside, sizeof(beside), "%s/.a.PGSQL.7777", desk.dir);
	ck_assert_int_eq(mkdir(beside, 0700), 0);
	must_open(&o);
	ck_assert_int_eq(count_files(), 2);
	ck_assert_int_eq(rmdir(beside), 0);
	desk_close();
}
END_TEST

START_TEST(test_the_longest_path_that_a_socket_can_have)
{
	desk_open();
	struct listener_options o = on_unix();
	char dir[100];
	int room =
		(int)(sizeof(((struct sockaddr_un *)0)->sun_path) - strlen("/.s.PGSQL.7777") - 1);
	int n = snprintf(dir, sizeof(dir), "%s/", desk.dir);
	memset(dir + n, 'x', (size_t)(room - n));
	dir[room] = '\0';
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	snprintf(desk.path, sizeof(desk.path), "%s/.s.PGSQL.7777", dir);
	o.unix_dir = dir;
	must_open(&o);
	int c = try_unix(desk.path, 0);
	ck_assert_int_ge(c, 0);
	close(c);
	listener_close(desk.listener);
	ck_assert_int_eq(rmdir(dir), 0);
	desk_close();
}
END_TEST

START_TEST(test_an_unknown_group_is_said)
{
	desk_open();
	struct listener_options o = on_unix();
	struct err err;
	o.unix_group = "no_such_group_here";
	ck_assert(!listener_open(desk.listener, &o, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "no_such_group_here"));
	ck_assert_ptr_nonnull(strstr(err.text, desk.path));
	desk_close();
}
END_TEST

START_TEST(test_a_socket_file_left_behind_is_replaced)
{
	desk_open();
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	memcpy(un.sun_path, desk.path, strlen(desk.path));
	int old = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(old, (struct sockaddr *)&un, sizeof(un)), 0);
	close(old);
	struct listener_options o = on_unix();
	must_open(&o);
	int c = try_unix(desk.path, 0);
	TURN_UNTIL(desk.loop, desk.taken == 1);
	close(c);
	desk_close();
}
END_TEST

START_TEST(test_a_socket_that_somebody_listens_on_is_left_alone)
{
	desk_open();
	struct listener_options o = on_unix();
	struct err err;
	must_open(&o);
	struct listener *second = listener_new();
	ck_assert(!listener_open(second, &o, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "somebody listens there"));
	listener_free(second);
	int c = try_unix(desk.path, 0);
	ck_assert_int_ge(c, 0);
	close(c);
	desk_close();
}
END_TEST

START_TEST(test_a_file_that_is_no_socket_is_left_alone)
{
	desk_open();
	struct listener_options o = on_unix();
	struct err err;
	struct stat st;
	FILE *f = fopen(desk.path, "w");
	ck_assert_ptr_nonnull(f);
	fclose(f);
	ck_assert(!listener_open(desk.listener, &o, &err));
	ck_assert_int_eq(stat(desk.path, &st), 0);
	ck_assert(S_ISREG(st.st_mode));
	desk_close();
}
END_TEST

START_TEST(test_a_path_that_is_too_long_is_said)
{
	desk_open();
	struct listener_options o = on_unix();
	struct err err;
	char longer[200];
	memset(longer, 'x', sizeof(longer) - 1);
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	o.unix_dir = longer;
	ck_assert(!listener_open(desk.listener, &o, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "longer"));
	desk_close();
}
END_TEST

START_TEST(test_an_abstract_socket)
{
	desk_open();
	struct listener_options o = on_unix();
	char name[64], full[128];
	snprintf(name, sizeof(name), "@check_net.%d", (int)getpid());
	int n = snprintf(full, sizeof(full), "%s/.s.PGSQL.7777", name);
	o.unix_dir = name;
	must_open(&o);
	int c = try_unix(full, (size_t)n);
	ck_assert_int_ge(c, 0);
	TURN_UNTIL(desk.loop, desk.taken == 1);
	close(c);
	desk_close();
}
END_TEST

START_TEST(test_all_or_nothing)
{
	desk_open();
	struct listener_options o = on_tcp("127.0.0.1, no.such.host.invalid");
	struct err err;
	ck_assert(!listener_open(desk.listener, &o, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "no.such.host.invalid"));
	ck_assert_uint_eq(listener_count(desk.listener), 0);
	ck_assert_int_eq(listener_port(desk.listener), 0);
	desk_close();
}
END_TEST

START_TEST(test_a_port_that_is_taken_is_said)
{
	desk_open();
	struct listener_options o = on_tcp("127.0.0.1");
	struct err err;
	must_open(&o);
	o.port = listener_port(desk.listener);
	struct listener *second = listener_new();
	ck_assert(!listener_open(second, &o, &err));
	ck_assert_ptr_nonnull(strstr(err.text, strerror(EADDRINUSE)));
	listener_free(second);
	desk_close();
}
END_TEST

START_TEST(test_until_it_is_served_clients_wait)
{
	desk_open();
	struct listener_options o = on_unix();
	struct listener *later = listener_new();
	struct err err = { "" };
	ck_assert_msg(listener_open(later, &o, &err), "%s", err.text);
	int c = try_unix(desk.path, 0);
	ck_assert_int_ge(c, 0);
	check_net_settle(desk.loop);
	ck_assert_int_eq(desk.taken, 0);
	ck_assert_msg(listener_serve(later, desk.loop, desk_on_client, &desk, &err), "%s",
		      err.text);
	TURN_UNTIL(desk.loop, desk.taken == 1);
	close(c);
	listener_free(later);
	desk_close();
}
END_TEST

static int socket_option(int fd, int level, int option)
{
	int value = -1;
	socklen_t len = sizeof(value);
	ck_assert_int_eq(getsockopt(fd, level, option, &value, &len), 0);
	return value;
}

START_TEST(test_clients_take_over_how_the_listening_socket_is_tuned)
{
	desk_open();
	struct listener_options o = on_tcp("127.0.0.1");
	listener_set_keepalive(desk.listener, true);
	must_open(&o);
	int a = call_tcp(AF_INET, listener_port(desk.listener));
	TURN_UNTIL(desk.loop, desk.taken == 1);
	ck_assert_int_ne(socket_option(desk.fds[0], IPPROTO_TCP, TCP_NODELAY), 0);
	ck_assert_int_ne(socket_option(desk.fds[0], SOL_SOCKET, SO_KEEPALIVE), 0);
	listener_set_keepalive(desk.listener, false);
	int b = call_tcp(AF_INET, listener_port(desk.listener));
	TURN_UNTIL(desk.loop, desk.taken == 2);
	ck_assert_int_ne(socket_option(desk.fds[1], IPPROTO_TCP, TCP_NODELAY), 0);
	ck_assert_int_eq(socket_option(desk.fds[1], SOL_SOCKET, SO_KEEPALIVE), 0);
	close(a);
	close(b);
	desk_close();
}
END_TEST

START_TEST(test_who_comes_is_known)
{
	desk_open();
	struct listener_options o = on_tcp("127.0.0.1");
	must_open(&o);
	int c = call_tcp(AF_INET, listener_port(desk.listener));
	TURN_UNTIL(desk.loop, desk.taken == 1);
	struct addr own = addr_local(c);
	ck_assert_uint_eq(desk.peer.kind, ADDR_V4);
	ck_assert_uint_eq(desk.peer.port, own.port);
	ck_assert_mem_eq(desk.peer.ip, own.ip, 4);
	close(c);
	desk_close();
}
END_TEST

START_TEST(test_the_callback_may_close_the_listener)
{
	desk_open();
	struct listener_options o = on_unix();
	must_open(&o);
	desk.close_at_first = true;
	int c = try_unix(desk.path, 0), d = try_unix(desk.path, 0);
	TURN_UNTIL(desk.loop, desk.taken == 1);
	check_net_settle(desk.loop);
	ck_assert_int_eq(desk.taken, 1);
	ck_assert_uint_eq(listener_count(desk.listener), 0);
	close(c);
	close(d);
	desk_close();
}
END_TEST

START_TEST(test_out_of_descriptors_it_rests_and_then_goes_on)
{
	desk_open();
	struct listener_options o = on_unix();
	struct rlimit old, none;
	must_open(&o);
	int c = try_unix(desk.path, 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = (rlim_t)c + 1; /* as many as are in use */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	check_net_settle(desk.loop); /* and it does not spin over it */
	ck_assert_int_eq(desk.taken, 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	TURN_UNTIL(desk.loop, desk.taken == 1);
	close(c);
	desk_close();
}
END_TEST

START_TEST(test_an_open_socket_is_adopted)
{
	desk_open();
	struct err err;
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct stat st;
	memcpy(un.sun_path, desk.path, strlen(desk.path));
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	ck_assert(!listener_adopt(desk.listener, fd, &err)); /* it does not listen yet */
	ck_assert_int_eq(listen(fd, 5), 0);
	ck_assert(listener_adopt(desk.listener, fd, &err));
	ck_assert_int_eq(listener_fd(desk.listener, 0), fd);
	int c = try_unix(desk.path, 0);
	TURN_UNTIL(desk.loop, desk.unix_taken == 1);
	listener_close(desk.listener);
	ck_assert_int_eq(stat(desk.path, &st), 0); /* who made the file removes it */
	close(c);
	desk_close();
}
END_TEST

START_TEST(test_an_adopted_tcp_socket_says_its_port)
{
	desk_open();
	struct err err;
	struct sockaddr_in in = { .sin_family = AF_INET };
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(listen(fd, 5), 0);
	ck_assert(listener_adopt(desk.listener, fd, &err));
	int c = call_tcp(AF_INET, listener_port(desk.listener));
	TURN_UNTIL(desk.loop, desk.taken == 1);
	ck_assert_int_eq(desk.unix_taken, 0);
	close(c);
	desk_close();
}
END_TEST

Suite *listener_suite(void)
{
	Suite *s = suite_create("listener");
	TCase *t = tcase_create("listener");
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_many_clients_over_tcp);
	tcase_add_test(t, test_star_is_both_families_on_one_port);
	tcase_add_test(t, test_several_addresses_and_a_socket_file_at_once);
	tcase_add_test(t, test_a_socket_file_has_mode_and_group_and_goes_away);
	tcase_add_test(t, test_a_socket_file_is_there_only_when_one_can_connect);
	tcase_add_test(t, test_a_socket_file_takes_its_name_from_nobody);
	tcase_add_test(t, test_what_lies_beside_a_socket_file_is_left_alone);
	tcase_add_test(t, test_the_longest_path_that_a_socket_can_have);
	tcase_add_test(t, test_an_unknown_group_is_said);
	tcase_add_test(t, test_a_socket_file_left_behind_is_replaced);
	tcase_add_test(t, test_a_socket_that_somebody_listens_on_is_left_alone);
	tcase_add_test(t, test_a_file_that_is_no_socket_is_left_alone);
	tcase_add_test(t, test_a_path_that_is_too_long_is_said);
	tcase_add_test(t, test_an_abstract_socket);
	tcase_add_test(t, test_all_or_nothing);
	tcase_add_test(t, test_a_port_that_is_taken_is_said);
	tcase_add_test(t, test_until_it_is_served_clients_wait);
	tcase_add_test(t, test_clients_take_over_how_the_listening_socket_is_tuned);
	tcase_add_test(t, test_who_comes_is_known);
	tcase_add_test(t, test_the_callback_may_close_the_listener);
	tcase_add_test(t, test_out_of_descriptors_it_rests_and_then_goes_on);
	tcase_add_test(t, test_an_open_socket_is_adopted);
	tcase_add_test(t, test_an_adopted_tcp_socket_says_its_port);
	suite_add_tcase(s, t);
	return s;
}
