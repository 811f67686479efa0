/*
 * test_conn.c - a plain connection and a peer that reads, does not, leaves, or breaks off.
 */
#include "check_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/conn.h"
#include "net/sock.h"

#define GOT_BYTES (4u << 20)

enum { WAITING = 1, PEER_FULL = 2 };

/* A connection that records what happens to it. */
struct party {
	struct conn conn;
	struct loop *loop;
	int peer;
	int count[CONN_EVENT_COUNT];
	char *got;
	size_t got_len;
	size_t bite; /* bytes asked for per wake-up */
	ssize_t last;
	int *reads; /* of all who share it */
	int read_as;
	bool close_on_readable, close_on_drained, again_on_readable, is_deaf;
};

static void party_on(struct conn *conn, enum conn_event event, usec_t now)
{
	struct party *p = CONTAINER_OF(conn, struct party, conn);
	ck_assert_int_gt(now, 0);
	p->count[event]++;
	if (event == CONN_DRAINED && p->close_on_drained)
		conn_close(conn);
	if (event != CONN_READABLE || p->is_deaf)
		return;
	if (p->close_on_readable) {
		conn_close(conn);
		return;
	}
	p->last = conn_recv(conn, p->got + p->got_len, p->bite);
	if (p->reads)
		p->read_as = ++*p->reads;
	if (p->last > 0)
		p->got_len += (size_t)p->last;
	if (p->again_on_readable)
		conn_again(conn);
}

static void party_open_fds(struct party *p, int mine, int peer)
{
	*p = (struct party){ .loop = check_net_loop(), .peer = peer, .bite = 4096 };
	p->got = mem_alloc(GOT_BYTES);
	sock_tune(mine, NULL);
	sock_tune(peer, NULL);
	ck_assert(conn_open(&p->conn, p->loop, mine, NULL, party_on));
}

static void party_open(struct party *p)
{
	int pair[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	party_open_fds(p, pair[0], pair[1]);
}

static void party_open_tcp(struct party *p)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	int l = socket(AF_INET, SOCK_STREAM, 0), peer = socket(AF_INET, SOCK_STREAM, 0);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(l, (struct sockaddr *)&in, len), 0);
	ck_assert_int_eq(listen(l, 1), 0);
	ck_assert_int_eq(getsockname(l, (struct sockaddr *)&in, &len), 0);
	ck_assert_int_eq(connect(peer, (struct sockaddr *)&in, len), 0);
	int mine = accept(l, NULL, NULL);
	ck_assert_int_ge(mine, 0);
	close(l);
	party_open_fds(p, mine, peer);
}

static void party_close(struct party *p)
{
	conn_close(&p->conn);
	if (p->peer >= 0)
		close(p->peer);
	free(p->got);
	loop_free(p->loop);
}

static void party_hang_up(struct party *p)
{
	close(p->peer);
	p->peer = -1;
}

static void peer_says(struct party *p, const char *text)
{
	ck_assert_int_eq(write(p->peer, text, strlen(text)), (ssize_t)strlen(text));
}

/* A byte that tells its place in a stream. */
static char pattern(size_t i)
{
	return (char)((i * 131 + (i >> 8) * 7 + (i >> 16)) & 0xff);
}

static char *pattern_make(size_t n)
{
	char *data = mem_alloc(n);
	for (size_t i = 0; i < n; i++)
		data[i] = pattern(i);
	return data;
}

/* Reads at the peer what has come; checks that it goes on with the pattern at *at. */
static ssize_t peer_reads_pattern(struct party *p, size_t *at)
{
	char part[10000];
	ssize_t n = read(p->peer, part, sizeof(part));
	ssize_t right = 0; /* one assertion for all: check writes down each */
	while (right < n && part[right] == pattern(*at + (size_t)right))
		right++;
	ck_assert_int_eq(right, n > 0 ? n : 0);
	if (n > 0)
		*at += (size_t)n;
	return n;
}

static void peer_reads_until(struct party *p, size_t *at, size_t end)
{
	while (*at < end) {
		ssize_t n = peer_reads_pattern(p, at);
		ck_assert(n > 0 || (n < 0 && errno == EAGAIN));
		loop_turn(p->loop, 0);
	}
}

START_TEST(test_a_connection_is_small)
{
	ck_assert_uint_le(sizeof(struct conn), 200);
}
END_TEST

START_TEST(test_what_one_read_leaves_is_announced_again)
{
	struct party p;
	party_open(&p);
	p.bite = 4;
	peer_says(&p, "0123456789");
	TURN_UNTIL(p.loop, p.got_len == 10);
	ck_assert_int_eq(p.count[CONN_READABLE], 3);
	ck_assert_int_eq(memcmp(p.got, "0123456789", 10), 0);
	check_net_settle(p.loop);
	ck_assert_int_eq(p.count[CONN_READABLE], 3);
	ck_assert_int_eq(conn_recv(&p.conn, p.got, 1), CONN_RECV_WAIT);
	party_close(&p);
}
END_TEST

START_TEST(test_the_end_is_told_once)
{
	struct party p;
	party_open(&p);
	party_hang_up(&p);
	TURN_UNTIL(p.loop, p.last == CONN_RECV_EOF);
	check_net_settle(p.loop);
	ck_assert_int_eq(p.count[CONN_READABLE], 1);
	ck_assert_int_eq(p.count[CONN_EOF], 0);
	party_close(&p);
}
END_TEST

START_TEST(test_what_the_kernel_takes_is_not_kept)
{
	struct party p;
	char got[16];
	party_open(&p);
	struct iovec iov[] = { { (char[]){ "ab" }, 2 },
			       { NULL, 0 },
			       { (char[]){ "cde" }, 3 },
			       { (char[]){ "f" }, 1 } };
	ck_assert_int_eq(conn_send_pieces(&p.conn, iov, 4), CONN_SENT_ALL);
	ck_assert_int_eq(conn_send(&p.conn, "gh", 2), CONN_SENT_ALL);
	ck_assert_int_eq(conn_send(&p.conn, "", 0), CONN_SENT_ALL);
	ck_assert_int_eq(conn_send_pieces(&p.conn, iov, 0), CONN_SENT_ALL);
	ck_assert(!conn_is_stuck(&p.conn));
	ck_assert_uint_eq(conn_out_bytes(&p.conn), 0);
	ck_assert_int_eq(read(p.peer, got, sizeof(got)), 8);
	ck_assert_int_eq(memcmp(got, "abcdefgh", 8), 0);
	check_net_settle(p.loop);
	ck_assert_int_eq(p.count[CONN_DRAINED], 0);
	party_close(&p);
}
END_TEST

/* Sends the pattern up to `end` in odd pieces, a few at a time, whether stuck or not. */
static void send_pattern(struct party *p, const char *data, size_t *sent, size_t end)
{
	while (*sent < end) {
		size_t left = end - *sent, piece = left < 7001 ? left : 7001;
		struct iovec iov[3] = {
			{ (char *)(uintptr_t)data + *sent, piece / 3 },
			{ (char *)(uintptr_t)data + *sent + piece / 3, piece / 3 },
			{ (char *)(uintptr_t)data + *sent + piece / 3 * 2, piece - piece / 3 * 2 },
		};
		ck_assert_int_ne(conn_send_pieces(&p->conn, iov, 3), CONN_SENT_ERROR);
		*sent += piece;
	}
}

START_TEST(test_a_peer_that_does_not_read_gets_all_in_order_later)
{
	struct party p;
	size_t sent = 0, at = 0, n = 3u << 20;
	char *data = pattern_make(n);
	party_open(&p);
	send_pattern(&p, data, &sent, n / 2);
	ck_assert(conn_is_stuck(&p.conn));
	ck_assert_uint_gt(conn_out_bytes(&p.conn), 0);
	check_net_settle(p.loop);
	ck_assert_int_eq(p.count[CONN_DRAINED], 0);
	peer_reads_until(&p, &at, n / 4);
	send_pattern(&p, data, &sent, n);
	peer_reads_until(&p, &at, n);
	TURN_UNTIL(p.loop, p.count[CONN_DRAINED] > 0);
	ck_assert_int_eq(p.count[CONN_DRAINED], 1);
	ck_assert(!conn_is_stuck(&p.conn));
	check_net_settle(p.loop);
	free(data);
	party_close(&p);
}
END_TEST

START_TEST(test_reading_goes_on_while_writing_is_stuck)
{
	struct party p;
	size_t sent = 0, n = 2u << 20;
	char *data = pattern_make(n);
	party_open(&p);
	send_pattern(&p, data, &sent, n);
	peer_says(&p, "stop");
	TURN_UNTIL(p.loop, p.got_len == 4);
	ck_assert(conn_is_stuck(&p.conn));
	free(data);
	party_close(&p); /* what is stuck is freed */
}
END_TEST

START_TEST(test_sending_to_who_left_is_an_error)
{
	struct party p;
	party_open(&p);
	party_hang_up(&p);
	ck_assert_int_eq(conn_send(&p.conn, "x", 1), CONN_SENT_ERROR);
	ck_assert_int_eq(errno, EPIPE);
	party_close(&p);
}
END_TEST

START_TEST(test_a_stuck_peer_that_breaks_off_is_an_error)
{
	struct party p;
	size_t sent = 0, n = 16u << 20;
	char *data = pattern_make(n);
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	party_open_tcp(&p);
	send_pattern(&p, data, &sent, n);
	ck_assert(conn_is_stuck(&p.conn));
	setsockopt(p.peer, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	conn_pause(&p.conn, WAITING);
	party_hang_up(&p);
	TURN_UNTIL(p.loop, p.count[CONN_ERROR] > 0);
	check_net_settle(p.loop);
	ck_assert_int_eq(p.count[CONN_ERROR], 1);
	ck_assert_int_eq(p.count[CONN_DRAINED], 0);
	free(data);
	party_close(&p);
}
END_TEST

START_TEST(test_pausing_costs_nothing_until_bytes_come)
{
	struct party p;
	party_open(&p);
	uint8_t armed = p.conn.armed;
	conn_pause(&p.conn, WAITING);
	check_net_settle(p.loop);
	conn_resume(&p.conn, WAITING);
	conn_pause(&p.conn, WAITING);
	ck_assert_uint_eq(p.conn.armed, armed);
	peer_says(&p, "abc");
	check_net_settle(p.loop); /* does not spin over what nobody reads */
	peer_says(&p, "def");
	check_net_settle(p.loop);
	ck_assert_int_eq(p.count[CONN_READABLE], 0);
	conn_resume(&p.conn, WAITING);
	ck_assert_uint_eq(p.conn.armed, armed);
	TURN_UNTIL(p.loop, p.got_len == 6);
	party_close(&p);
}
END_TEST

START_TEST(test_every_reason_has_to_go)
{
	struct party p;
	party_open(&p);
	conn_pause(&p.conn, WAITING);
	conn_pause(&p.conn, PEER_FULL);
	peer_says(&p, "abc");
	check_net_settle(p.loop);
	conn_resume(&p.conn, WAITING);
	conn_resume(&p.conn, WAITING);
	ck_assert(conn_is_paused(&p.conn));
	check_net_settle(p.loop);
	ck_assert_int_eq(p.count[CONN_READABLE], 0);
	conn_resume(&p.conn, PEER_FULL);
	ck_assert(!conn_is_paused(&p.conn));
	TURN_UNTIL(p.loop, p.got_len == 3);
	party_close(&p);
}
END_TEST

static void check_leaving_while_paused(struct party *p, bool with_bytes, bool asleep)
{
	conn_pause(&p->conn, WAITING);
	if (with_bytes)
		peer_says(p, "last");
	if (asleep)
		check_net_settle(p->loop);
	ck_assert_int_eq(p->count[CONN_EOF], 0);
	party_hang_up(p);
	TURN_UNTIL(p->loop, p->count[CONN_EOF] > 0);
	check_net_settle(p->loop);
	ck_assert_int_eq(p->count[CONN_EOF], 1);
	ck_assert_int_eq(p->count[CONN_READABLE], 0);
	conn_resume(&p->conn, WAITING);
	TURN_UNTIL(p->loop, p->last == CONN_RECV_EOF);
	ck_assert_uint_eq(p->got_len, with_bytes ? 4 : 0);
	party_close(p);
}

START_TEST(test_leaving_is_noticed_while_paused)
{
	struct party p;
	void (*open[])(struct party *) = { party_open, party_open_tcp };
	open[_i & 1](&p);
	check_leaving_while_paused(&p, _i & 2, (_i & 4) != 0);
}
END_TEST

START_TEST(test_a_half_close_is_noticed_while_paused)
{
	struct party p;
	party_open_tcp(&p);
	conn_pause(&p.conn, WAITING);
	shutdown(p.peer, SHUT_WR);
	TURN_UNTIL(p.loop, p.count[CONN_EOF] == 1);
	ck_assert_int_eq(conn_send(&p.conn, "still", 5), CONN_SENT_ALL);
	party_close(&p);
}
END_TEST

START_TEST(test_a_reset_while_paused_is_told_once_and_does_not_spin)
{
	struct party p;
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	party_open_tcp(&p);
	conn_pause(&p.conn, WAITING);
	if (_i == 1) {
		peer_says(&p, "abc");
		check_net_settle(p.loop);
	}
	setsockopt(p.peer, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	party_hang_up(&p);
	TURN_UNTIL(p.loop, p.count[CONN_ERROR] > 0);
	check_net_settle(p.loop);
	ck_assert_int_eq(p.count[CONN_ERROR], 1);
	ck_assert_int_eq(p.count[CONN_READABLE], 0);
	party_close(&p);
}
END_TEST

START_TEST(test_a_reset_after_the_end_is_told)
{
	struct party p;
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	party_open_tcp(&p);
	shutdown(p.peer, SHUT_WR);
	TURN_UNTIL(p.loop, p.last == CONN_RECV_EOF);
	check_net_settle(p.loop);
	setsockopt(p.peer, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	party_hang_up(&p);
	TURN_UNTIL(p.loop, p.count[CONN_ERROR] == 1);
	party_close(&p);
}
END_TEST

START_TEST(test_a_reset_while_reading_is_an_error)
{
	struct party p;
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	party_open_tcp(&p);
	setsockopt(p.peer, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	party_hang_up(&p);
	TURN_UNTIL(p.loop, p.last == CONN_RECV_ERROR);
	check_net_settle(p.loop);
	ck_assert_int_eq(p.count[CONN_READABLE], 1);
	party_close(&p);
}
END_TEST

START_TEST(test_closing_inside_the_callback_ends_the_events)
{
	struct party p;
	party_open(&p);
	p.close_on_readable = true;
	peer_says(&p, "abc");
	TURN_UNTIL(p.loop, p.count[CONN_READABLE] == 1);
	ck_assert(!conn_is_open(&p.conn));
	check_net_settle(p.loop);
	ck_assert_int_eq(p.count[CONN_READABLE], 1);
	conn_close(&p.conn);
	party_close(&p);
}
END_TEST

START_TEST(test_closing_when_drained_with_bytes_to_read)
{
	struct party p;
	size_t sent = 0, at = 0, n = 1u << 20;
	char *data = pattern_make(n);
	party_open(&p);
	p.close_on_drained = true;
	send_pattern(&p, data, &sent, n);
	while (conn_is_open(&p.conn)) {
		peer_reads_pattern(&p, &at);
		peer_says(&p, "x");
		loop_turn(p.loop, 0);
	}
	int readable = p.count[CONN_READABLE];
	check_net_settle(p.loop);
	ck_assert_int_eq(p.count[CONN_READABLE], readable);
	free(data);
	party_close(&p);
}
END_TEST

START_TEST(test_one_byte_per_call_both_ways)
{
	struct party p;
	size_t sent = 0, at = 0, n = 300000;
	char *data = pattern_make(n);
	party_open(&p);
	loop_set_io_bytes(p.loop, 1);
	ck_assert_int_eq(loop_io_bytes(p.loop), 1);
	peer_says(&p, "hello");
	TURN_UNTIL(p.loop, p.got_len == 5);
	ck_assert_int_eq(p.count[CONN_READABLE], 5);
	send_pattern(&p, data, &sent, n);
	peer_reads_until(&p, &at, n);
	check_net_settle(p.loop);
	ck_assert(!conn_is_stuck(&p.conn));
	free(data);
	party_close(&p);
}
END_TEST

/* On the loop that another one owns. */
static void party_open_beside(struct party *p, const struct party *owner)
{
	int pair[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	sock_tune(pair[0], NULL);
	*p = (struct party){
		.loop = owner->loop, .peer = pair[1], .bite = 100, .got = mem_alloc(GOT_BYTES)
	};
	ck_assert(conn_open(&p->conn, p->loop, pair[0], NULL, party_on));
}

static void party_close_beside(struct party *p)
{
	conn_close(&p->conn);
	close(p->peer);
	free(p->got);
}

START_TEST(test_who_asks_again_does_not_starve_its_neighbour)
{
	struct party hog, small;
	party_open(&hog);
	hog.again_on_readable = true;
	party_open_beside(&small, &hog);
	peer_says(&hog, "x");
	TURN_UNTIL(hog.loop, hog.count[CONN_READABLE] > 3);
	int before = hog.count[CONN_READABLE];
	peer_says(&small, "y");
	TURN_UNTIL(hog.loop, small.got_len == 1);
	ck_assert_int_le(hog.count[CONN_READABLE], before + 2);
	party_close_beside(&small);
	party_close(&hog);
}
END_TEST

START_TEST(test_a_turn_ends_though_somebody_is_always_ready)
{
	struct party ready, other;
	party_open(&ready);
	party_open_beside(&other, &ready);
	ready.is_deaf = true;
	peer_says(&ready, "nobody reads this");
	conn_again(&other.conn);
	loop_turn(ready.loop, 0);
	ck_assert_int_eq(ready.count[CONN_READABLE], 1);
	ck_assert_int_eq(other.count[CONN_READABLE], 1);
	party_close_beside(&other);
	party_close(&ready);
}
END_TEST

static void peer_fills(struct party *p)
{
	static const char junk[1 << 16];
	while (send(p->peer, junk, sizeof(junk), MSG_DONTWAIT) > 0)
		;
}

/* Small things enough for the loop to be brisk, less `less`; one a turn. */
static void peer_chats(struct party *p, int less)
{
	for (int i = less; i < LOOP_BRISK_EVENTS; i++) {
		size_t before = p->got_len;
		peer_says(p, "y");
		TURN_UNTIL(p->loop, p->got_len > before);
	}
}

START_TEST(test_what_moves_much_is_served_behind_the_others)
{
	struct party hog, small;
	int reads = 0;
	party_open(&hog);
	party_open_beside(&small, &hog);
	hog.reads = small.reads = &reads;
	hog.bite = 1 << 20;
	peer_fills(&hog);
	TURN_UNTIL(hog.loop, hog.last > 64 << 10);
	hog.is_deaf = true;
	peer_chats(&small, 1);
	hog.is_deaf = false;
	for (int i = 0; i < 5; i++) {
		peer_fills(&hog);
		peer_says(&small, "y");
		int before = reads;
		TURN_UNTIL(hog.loop, reads > before);
		ck_assert_int_eq(reads, before + 2); /* both in one turn */
		ck_assert_int_lt(small.read_as, hog.read_as);
		ck_assert_int_eq(hog.last, 64 << 10);
	}
	/* and has all of a turn when they have been silent for a while */
	usec_t then = loop_now(hog.loop);
	hog.is_deaf = true;
	peer_fills(&hog);
	TURN_UNTIL(hog.loop, loop_now(hog.loop) - then > LOOP_BRISK_US);
	hog.is_deaf = false;
	loop_turn(hog.loop, USEC_NEVER);
	ck_assert_int_gt(hog.last, 64 << 10);
	party_close_beside(&small);
	party_close(&hog);
}
END_TEST

/* A large result is asked for, and begins, as what is small does. */
START_TEST(test_what_moves_much_has_all_of_a_turn_behind_its_own_request)
{
	struct party hog, small;
	party_open(&hog);
	party_open_beside(&small, &hog);
	hog.bite = 1 << 20;
	peer_says(&small, "y");
	peer_says(&hog, "x");
	TURN_UNTIL(hog.loop, small.got_len == 1 && hog.got_len == 1);
	for (int i = 0; i < 3; i++) {
		peer_fills(&hog);
		loop_turn(hog.loop, USEC_NEVER);
		ck_assert_int_gt(hog.last, 64 << 10);
		hog.got_len = 0;
	}
	party_close_beside(&small);
	party_close(&hog);
}
END_TEST

/* It waits for somebody: what comes meanwhile, in however many pieces, is no small thing. */
START_TEST(test_what_moves_much_is_not_taken_for_small_while_it_is_paused)
{
	struct party hog;
	party_open(&hog);
	hog.bite = 1 << 20;
	peer_fills(&hog);
	TURN_UNTIL(hog.loop, hog.last > 64 << 10);
	conn_pause(&hog.conn, WAITING);
	for (int i = 0; i < 3 * LOOP_BRISK_EVENTS; i++) {
		peer_says(&hog, "x");
		loop_turn(hog.loop, 0);
	}
	ck_assert(!loop_is_brisk(hog.loop));
	peer_fills(&hog);
	conn_resume(&hog.conn, WAITING);
	loop_turn(hog.loop, USEC_NEVER);
	ck_assert_int_gt(hog.last, 64 << 10);
	party_close(&hog);
}
END_TEST

static int unsent_bound(const struct party *p)
{
	int bytes = -1;
	socklen_t len = sizeof(bytes);
	ck_assert_int_eq(getsockopt(p->conn.fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, &len), 0);
	return bytes;
}

START_TEST(test_the_kernel_holds_less_for_a_slow_peer_while_there_are_others)
{
	struct party slow, small;
	size_t sent = 0, at = 0, n = 16u << 20;
	char *data = pattern_make(n);
	party_open_tcp(&slow);
	party_open_beside(&small, &slow);
	peer_chats(&small, 0);
	send_pattern(&slow, data, &sent, n);
	ck_assert(conn_is_stuck(&slow.conn));
	ck_assert_int_eq(unsent_bound(&slow), 256 << 10);
	peer_reads_until(&slow, &at, n);
	TURN_UNTIL(slow.loop, slow.count[CONN_DRAINED] == 1);
	/* and as much as the system has it hold once they have been silent for a while */
	usec_t then = loop_now(slow.loop);
	while (loop_now(slow.loop) - then <= LOOP_BRISK_US) {
		conn_again(&slow.conn);
		loop_turn(slow.loop, 0);
	}
	for (sent = 0; sent < n; sent += 1 << 16)
		ck_assert_int_ne(conn_send(&slow.conn, data + sent, 1 << 16), CONN_SENT_ERROR);
	ck_assert(conn_is_stuck(&slow.conn));
	ck_assert_int_eq(unsent_bound(&slow), 0);
	free(data);
	party_close_beside(&small);
	party_close(&slow);
}
END_TEST

/* Stuck, and with something to read: that comes behind what is small. */
START_TEST(test_who_does_not_take_what_it_is_sent_is_served_behind_the_others)
{
	struct party slow, small;
	size_t sent = 0, at = 0, n = 4u << 20;
	int reads = 0;
	char *data = pattern_make(n);
	party_open(&slow);
	party_open_beside(&small, &slow);
	slow.reads = small.reads = &reads;
	send_pattern(&slow, data, &sent, n);
	for (int i = 0; i < 5; i++) {
		ck_assert(conn_is_stuck(&slow.conn));
		peer_says(&slow, "x");
		peer_says(&small, "y");
		int before = reads;
		TURN_UNTIL(slow.loop, reads > before);
		ck_assert_int_eq(reads, before + 2); /* both in one turn */
		ck_assert_int_lt(small.read_as, slow.read_as);
	}
	peer_reads_until(&slow, &at, n);
	TURN_UNTIL(slow.loop, slow.count[CONN_DRAINED] == 1);
	free(data);
	party_close_beside(&small);
	party_close(&slow);
}
END_TEST

START_TEST(test_moving_to_another_loop_takes_all_along)
{
	struct party p;
	size_t sent = 0, at = 0, n = 2u << 20;
	char *data = pattern_make(n);
	party_open(&p);
	struct loop *there = check_net_loop(), *here = p.loop;
	send_pattern(&p, data, &sent, n);
	conn_pause(&p.conn, WAITING);
	peer_says(&p, "abc");
	conn_again(&p.conn);
	conn_detach(&p.conn);
	ck_assert(conn_is_open(&p.conn));
	check_net_settle(here);
	ck_assert_int_eq(p.count[CONN_READABLE], 0);
	ck_assert(conn_attach(&p.conn, there, party_on));
	p.loop = there;
	peer_reads_until(&p, &at, n);
	TURN_UNTIL(there, p.count[CONN_DRAINED] == 1);
	check_net_settle(there);
	ck_assert_int_eq(p.count[CONN_READABLE], 0);
	conn_resume(&p.conn, WAITING);
	TURN_UNTIL(there, p.got_len == 3);
	loop_free(here);
	free(data);
	party_close(&p);
}
END_TEST

START_TEST(test_resuming_while_it_belongs_to_no_loop)
{
	struct party p;
	party_open(&p);
	conn_pause(&p.conn, WAITING);
	peer_says(&p, "abc");
	check_net_settle(p.loop);
	conn_detach(&p.conn);
	conn_resume(&p.conn, WAITING);
	ck_assert(conn_attach(&p.conn, p.loop, party_on));
	TURN_UNTIL(p.loop, p.got_len == 3);
	party_close(&p);
}
END_TEST

START_TEST(test_shutting_down_sends_the_rest_first)
{
	struct party p;
	size_t sent = 0, at = 0, n = 2u << 20;
	char *data = pattern_make(n);
	party_open(&p);
	send_pattern(&p, data, &sent, n);
	ck_assert(conn_is_stuck(&p.conn));
	conn_shutdown(&p.conn);
	peer_reads_until(&p, &at, n);
	ssize_t end;
	while ((end = peer_reads_pattern(&p, &at)) < 0)
		loop_turn(p.loop, 0);
	ck_assert_int_eq(end, 0);
	peer_says(&p, "bye"); /* the other direction is open still */
	TURN_UNTIL(p.loop, p.got_len == 3);
	free(data);
	party_close(&p);
}
END_TEST

START_TEST(test_shutting_down_with_nothing_stuck)
{
	struct party p;
	char byte;
	party_open(&p);
	conn_shutdown(&p.conn);
	ck_assert_int_eq(read(p.peer, &byte, 1), 0);
	party_close(&p);
}
END_TEST

START_TEST(test_giving_up_leaves_the_socket_open)
{
	struct party p;
	int fd;
	struct ssl_st *ssl;
	party_open(&p);
	conn_give_up(&p.conn, &fd, &ssl);
	ck_assert_ptr_null(ssl);
	ck_assert(!conn_is_open(&p.conn));
	ck_assert_int_eq(write(fd, "x", 1), 1);
	peer_says(&p, "abc");
	check_net_settle(p.loop);
	ck_assert_int_eq(p.count[CONN_READABLE], 0);
	close(fd);
	party_close(&p);
}
END_TEST

START_TEST(test_a_descriptor_that_cannot_be_watched_is_refused)
{
	struct conn conn;
	struct loop *loop = check_net_loop();
	int fd = open("/dev/null", O_RDWR);
	ck_assert(!conn_open(&conn, loop, 1000, NULL, party_on));
	ck_assert(!conn_is_open(&conn));
	ck_assert_int_eq(close(fd), 0);
	loop_free(loop);
}
END_TEST

START_TEST(test_events_have_names)
{
	ck_assert_str_eq(conn_event_name(CONN_READABLE), "READABLE");
	ck_assert_str_eq(conn_event_name(CONN_ERROR), "ERROR");
}
END_TEST

/* As in a handshake that cannot write: bytes that wait do not wake it again and again. */
START_TEST(test_waiting_for_room)
{
	struct party p;
	char junk[4096] = { 0 };
	party_open(&p);
	p.is_deaf = true;
	while (send(p.conn.fd, junk, sizeof(junk), 0) > 0)
		;
	ck_assert(conn_await_room(&p.conn, true));
	peer_says(&p, "bytes that nobody reads now");
	TURN_UNTIL(p.loop, p.count[CONN_READABLE] > 0);
	check_net_settle(p.loop);
	int before = p.count[CONN_READABLE];
	ck_assert_int_lt(before, 3);
	while (recv(p.peer, junk, sizeof(junk), 0) > 0)
		;
	TURN_UNTIL(p.loop, p.count[CONN_READABLE] > before);
	check_net_settle(p.loop);
	p.is_deaf = false;
	ck_assert(conn_await_room(&p.conn, false));
	TURN_UNTIL(p.loop, p.got_len == strlen("bytes that nobody reads now"));
	check_net_settle(p.loop);
	party_close(&p);
}
END_TEST

Suite *conn_suite(void)
{
	Suite *s = suite_create("conn");
	TCase *t = tcase_create("conn");
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_a_connection_is_small);
	tcase_add_test(t, test_what_one_read_leaves_is_announced_again);
	tcase_add_test(t, test_the_end_is_told_once);
	tcase_add_test(t, test_what_the_kernel_takes_is_not_kept);
	tcase_add_test(t, test_a_peer_that_does_not_read_gets_all_in_order_later);
	tcase_add_test(t, test_reading_goes_on_while_writing_is_stuck);
	tcase_add_test(t, test_sending_to_who_left_is_an_error);
	tcase_add_test(t, test_a_stuck_peer_that_breaks_off_is_an_error);
	tcase_add_test(t, test_pausing_costs_nothing_until_bytes_come);
	tcase_add_test(t, test_every_reason_has_to_go);
	tcase_add_loop_test(t, test_leaving_is_noticed_while_paused, 0, 8);
	tcase_add_test(t, test_a_half_close_is_noticed_while_paused);
	tcase_add_loop_test(t, test_a_reset_while_paused_is_told_once_and_does_not_spin, 0, 2);
	tcase_add_test(t, test_a_reset_after_the_end_is_told);
	tcase_add_test(t, test_a_reset_while_reading_is_an_error);
	tcase_add_test(t, test_closing_inside_the_callback_ends_the_events);
	tcase_add_test(t, test_closing_when_drained_with_bytes_to_read);
	tcase_add_test(t, test_one_byte_per_call_both_ways);
	tcase_add_test(t, test_who_asks_again_does_not_starve_its_neighbour);
	tcase_add_test(t, test_a_turn_ends_though_somebody_is_always_ready);
	tcase_add_test(t, test_what_moves_much_is_served_behind_the_others);
	tcase_add_test(t, test_what_moves_much_has_all_of_a_turn_behind_its_own_request);
	tcase_add_test(t, test_what_moves_much_is_not_taken_for_small_while_it_is_paused);
	tcase_add_test(t, test_the_kernel_holds_less_for_a_slow_peer_while_there_are_others);
	tcase_add_test(t, test_who_does_not_take_what_it_is_sent_is_served_behind_the_others);
	tcase_add_test(t, test_moving_to_another_loop_takes_all_along);
	tcase_add_test(t, test_resuming_while_it_belongs_to_no_loop);
	tcase_add_test(t, test_shutting_down_sends_the_rest_first);
	tcase_add_test(t, test_shutting_down_with_nothing_stuck);
	tcase_add_test(t, test_giving_up_leaves_the_socket_open);
	tcase_add_test(t, test_a_descriptor_that_cannot_be_watched_is_refused);
	tcase_add_test(t, test_events_have_names);
	tcase_add_test(t, test_waiting_for_room);
	suite_add_tcase(s, t);
	return s;
}
