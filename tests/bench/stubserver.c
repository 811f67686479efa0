/*
 * stubserver.c - a PostgreSQL that costs next to nothing, to have a pooler be the bottleneck.
 *
 *	stubserver --port N [--think-us N] [--scram PASSWORD] [--lie-after N] [--die-after N]
 *
 * One thread, one epoll. Its answers are stubreply.c's. With --think-us every batch is answered
 * that much later, batches of one connection one after the other. The last two are for the
 * test of the load generator: after so many batches one is answered wrongly, or none any more.
 * It says "ready" once it listens, and ends when its standard input ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/auth.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/usec.h"
#include "stubreply.h"
#include "wire/build.h"

#define STUB_SCRATCH_BYTES ((size_t)1 << 20)
#define STUB_STREAM_TURN_BYTES ((uint64_t)128 << 10)
#define STUB_SEND_BYTES                                                                            \
	((uint64_t)64 << 10) /* who shares the CPU waits for the end of one send                   \
			      */
#define STUB_SSL_REQUEST 80877103u
#define STUB_GSS_REQUEST 80877104u
#define STUB_CANCEL_REQUEST 80877102u

enum stub_state { STUB_STARTUP, STUB_AUTH, STUB_UP };

struct stub_conn {
	struct list thinking; /* stub->thinking */
	usec_t due;
	struct stubreply_session session;
	struct auth_exchange *login; /* owned; AUTH */
	struct buf in, out;
	enum stub_state state;
	uint32_t armed;
	int fd;
};

struct stub {
	int epoll;
	int listener;
	usec_t think;
	struct secret *secret; /* NULL: trust */
	struct auth_mock mock;
	struct list thinking; /* in the order of their time */
	uint32_t next_pid;
	uint32_t batches, lie_after, die_after;
	bool stopping;
	char *scratch;
};

static void stub_die(const char *what)
{
	fprintf(stderr, "stubserver: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void stub_close(struct stub_conn *c)
{
	list_remove(&c->thinking);
	close(c->fd);
	stubreply_fini(&c->session);
	auth_free(c->login);
	buf_fini(&c->in);
	buf_fini(&c->out);
	free(c);
}

static void stub_arm(struct stub *stub, struct stub_conn *c, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = c };
	if (c->armed == events)
		return;
	if (epoll_ctl(stub->epoll, c->armed ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, c->fd, &ev) < 0)
		stub_die("epoll_ctl");
	c->armed = events;
}

/* ---- out --------------------------------------------------------------------------------- */

/* How much went; -1: broken. */
static ssize_t stub_push(struct stub_conn *c, const void *data, size_t n)
{
	ssize_t sent = send(c->fd, data, n, MSG_NOSIGNAL);
	return sent >= 0 ? sent : errno == EAGAIN ? 0 : -1;
}

/* The rows of a stream, as far as they go now; false: broken. */
static bool stub_stream(struct stub_conn *c)
{
	struct stubreply_session *s = &c->session;
	struct slice rows = stubreply_rows(s->stream_row, s->stream_copies);
	uint64_t turn = STUB_STREAM_TURN_BYTES;
	while (s->stream_left && turn) {
		struct slice from = slice_skip(rows, (s->stream_bytes - s->stream_left) % rows.len);
		size_t n = from.len < s->stream_left ? from.len : s->stream_left;
		n = n < STUB_SEND_BYTES ? n : STUB_SEND_BYTES;
		ssize_t sent = stub_push(c, from.ptr, n);
		if (sent < 0)
			return false;
		s->stream_left -= (uint64_t)sent;
		if ((size_t)sent < n)
			return true;
		turn -= turn < n ? turn : n;
	}
	if (s->stream_left == 0)
		stubreply_stream_end(s, &c->out);
	return true;
}

/* Sends what there is to send. True: all of it went. False: not yet, or never (closed). */
static bool stub_flush(struct stub *stub, struct stub_conn *c)
{
	for (;;) {
		struct slice out = buf_slice(&c->out);
		ssize_t sent = out.len ? stub_push(c, out.ptr, out.len) : 0;
		if (sent < 0 ||
		    (c->session.stream_left && (size_t)sent == out.len && !stub_stream(c))) {
			stub_close(c);
			return false;
		}
		buf_consume(&c->out, (size_t)sent);
		if ((size_t)sent < out.len || c->session.stream_left) {
			stub_arm(stub, c, EPOLLOUT);
			return false;
		}
		if (buf_len(&c->out) == 0) {
			stub_arm(stub, c, EPOLLIN);
			return true;
		}
	}
}

/* ---- in ---------------------------------------------------------------------------------- */

static uint32_t stub_u32(const char *p)
{
	const uint8_t *b = (const uint8_t *)p;
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static bool stub_login(struct stub *stub, struct stub_conn *c, enum auth_status status)
{
	while (status == AUTH_WORK) {
		auth_work(c->login);
		status = auth_resume(c->login, &c->out);
	}
	if (status == AUTH_MORE)
		return true;
	auth_free(c->login);
	c->login = NULL;
	if (status != AUTH_OK)
		return false;
	struct buf greeting = { 0 };
	stubreply_greet(&greeting, stub->next_pid++);
	buf_add_slice(&c->out, slice_skip(buf_slice(&greeting), 9)); /* it has said AuthOk */
	buf_fini(&greeting);
	c->state = STUB_UP;
	return true;
}

/* A start-up packet, its length taken off. */
static bool stub_startup(struct stub *stub, struct stub_conn *c, struct slice packet)
{
	uint32_t code = packet.len >= 4 ? stub_u32(packet.ptr) : 0;
	if (code == STUB_SSL_REQUEST || code == STUB_GSS_REQUEST) {
		buf_u8(&c->out, 'N');
		return true;
	}
	if (code >> 16 != 3)
		return false; /* a cancel, among others: nothing here runs that long */
	if (!stub->secret) {
		stubreply_greet(&c->out, stub->next_pid++);
		c->state = STUB_UP;
		return true;
	}
	struct auth_request request = { .method = AUTH_METHOD_SCRAM,
					.user = SLICE("bench"),
					.secret = stub->secret,
					.mock = &stub->mock };
	c->login = auth_new(&request);
	c->state = STUB_AUTH;
	return stub_login(stub, c, auth_start(c->login, &c->out));
}

/* The last digit of the text in the row: a nonce that nobody has asked for. */
static void stub_lie(struct stub_conn *c)
{
	static const char tag[] = "SELECT 1";
	struct slice out = buf_slice(&c->out);
	char *end = memmem(out.ptr, out.len, tag, sizeof(tag));
	if (end)
		end[-6] ^= 1;
}

/* One message off the front: its length; 0: not here in full; -1: hang up. */
static ssize_t stub_message(struct stub *stub, struct stub_conn *c, struct slice in)
{
	size_t head = c->state == STUB_STARTUP ? 4 : 5;
	if (in.len < head)
		return 0;
	size_t all = stub_u32(in.ptr + head - 4) + head - 4;
	if (all < head || all > STUB_SCRATCH_BYTES / 2)
		return -1;
	if (in.len < all)
		return 0;
	struct slice body = slice_make(in.ptr + head, all - head);
	if (c->state == STUB_STARTUP)
		return stub_startup(stub, c, body) ? (ssize_t)all : -1;
	if (c->state == STUB_AUTH) {
		bool ok = *in.ptr == 'p' && stub_login(stub, c, auth_step(c->login, body, &c->out));
		return ok ? (ssize_t)all : -1;
	}
	if (*in.ptr == 'X')
		return -1;
	if (!stubreply_message(&c->session, *in.ptr, body, &c->out))
		return (ssize_t)all;
	if (++stub->batches == stub->lie_after)
		stub_lie(c);
	if (stub->batches == stub->die_after)
		exit(0);
	if (stub->think) {
		c->due = usec_now() + stub->think;
		list_push_back(&stub->thinking, &c->thinking);
	}
	return (ssize_t)all;
}

static bool stub_is_busy(const struct stub_conn *c)
{
	return list_is_on(&c->thinking) || c->session.stream_left;
}

/* All messages up to one that takes time; how many bytes were taken, -1: hang up. */
static ssize_t stub_take(struct stub *stub, struct stub_conn *c, struct slice in)
{
	size_t done = 0;
	while (done < in.len && !stub_is_busy(c)) {
		ssize_t n = stub_message(stub, c, slice_skip(in, done));
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static void stub_read(struct stub *stub, struct stub_conn *c)
{
	size_t held = buf_len(&c->in);
	if (held)
		memcpy(stub->scratch, buf_slice(&c->in).ptr, held);
	buf_release(&c->in);
	ssize_t got = recv(c->fd, stub->scratch + held, STUB_SCRATCH_BYTES - held, 0);
	if (got < 0 && errno == EAGAIN)
		got = 0;
	else if (got <= 0) {
		stub_close(c);
		return;
	}
	struct slice in = slice_make(stub->scratch, held + (size_t)got);
	ssize_t done = stub_take(stub, c, in);
	if (done < 0) {
		stub_close(c);
		return;
	}
	if ((size_t)done < in.len)
		buf_add_slice(&c->in, slice_skip(in, (size_t)done));
	if (list_is_on(&c->thinking))
		stub_arm(stub, c, EPOLLRDHUP);
	else
		(void)stub_flush(stub, c);
}

/* What was read before an answer that took time. */
static void stub_resume(struct stub *stub, struct stub_conn *c)
{
	while (stub_flush(stub, c) && buf_len(&c->in)) {
		struct slice in = buf_slice(&c->in);
		ssize_t done = stub_take(stub, c, in);
		if (done < 0) {
			stub_close(c);
			return;
		}
		buf_consume(&c->in, (size_t)done);
		if (list_is_on(&c->thinking)) {
			stub_arm(stub, c, EPOLLRDHUP);
			return;
		}
		if (done == 0)
			return;
	}
}

/* ---- the loop ------------------------------------------------------------------------------- */

static void stub_accept(struct stub *stub)
{
	int fd, yes = 1;
	while ((fd = accept4(stub->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct stub_conn *c = mem_zalloc(sizeof(*c));
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
		c->fd = fd;
		list_init(&c->thinking);
		stubreply_init(&c->session);
		stub_arm(stub, c, EPOLLIN);
	}
	if (errno != EAGAIN && errno != ECONNABORTED)
		stub_die("accept");
}

/* How long until somebody is to be answered. */
static struct timespec *stub_wait(const struct stub *stub, struct timespec *ts)
{
	if (list_is_empty(&stub->thinking))
		return NULL;
	usec_t left = LIST_ENTRY(stub->thinking.next, struct stub_conn, thinking)->due - usec_now();
	left = left < 0 ? 0 : left;
	*ts = (struct timespec){ .tv_sec = left / USEC_PER_SEC,
				 .tv_nsec = left % USEC_PER_SEC * 1000 };
	return ts;
}

static void stub_answer_thinkers(struct stub *stub)
{
	struct stub_conn *c;
	usec_t now = list_is_empty(&stub->thinking) ? 0 : usec_now();
	while ((c = LIST_FIRST(&stub->thinking, struct stub_conn, thinking)) && c->due <= now) {
		list_remove(&c->thinking);
		stub_resume(stub, c);
	}
}

static void stub_event(struct stub *stub, const struct epoll_event *ev)
{
	struct stub_conn *c = ev->data.ptr;
	char byte;
	if (c == NULL)
		stub_accept(stub);
	else if (ev->data.ptr == stub)
		stub->stopping = read(STDIN_FILENO, &byte, 1) <= 0;
	else if (list_is_on(&c->thinking))
		stub_close(c); /* its client has gone meanwhile */
	else if (ev->events & EPOLLOUT)
		stub_resume(stub, c);
	else
		stub_read(stub, c);
}

static void stub_run(struct stub *stub)
{
	struct epoll_event events[256], in = { .events = EPOLLIN, .data.ptr = stub };
	epoll_ctl(stub->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &in); /* a file cannot end: EPERM */
	while (!stub->stopping) {
		struct timespec ts;
		int n = epoll_pwait2(stub->epoll, events, 256, stub_wait(stub, &ts), NULL);
		if (n < 0 && errno != EINTR)
			stub_die("epoll_wait");
		for (int i = 0; i < n; i++)
			stub_event(stub, &events[i]);
		stub_answer_thinkers(stub);
	}
}

static void stub_listen(struct stub *stub, int port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_port = htons((uint16_t)port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event ev = { .events = EPOLLIN };
	int yes = 1;
	stub->epoll = epoll_create1(EPOLL_CLOEXEC);
	stub->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (stub->epoll < 0 || stub->listener < 0 ||
	    setsockopt(stub->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
	    bind(stub->listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(stub->listener, 4096) < 0 ||
	    epoll_ctl(stub->epoll, EPOLL_CTL_ADD, stub->listener, &ev) < 0)
		stub_die("cannot listen");
}

static int stub_options(struct stub *stub, int argc, char **argv)
{
	static const struct option options[] = { { "port", required_argument, NULL, 'p' },
						 { "think-us", required_argument, NULL, 't' },
						 { "scram", required_argument, NULL, 's' },
						 { "lie-after", required_argument, NULL, 'l' },
						 { "die-after", required_argument, NULL, 'd' },
						 { NULL, 0, NULL, 0 } };
	int opt, port = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'p')
			port = atoi(optarg);
		else if (opt == 't')
			stub->think = atoi(optarg);
		else if (opt == 's')
			stub->secret = secret_new(slice_of(optarg));
		else if (opt == 'l')
			stub->lie_after = (uint32_t)atoi(optarg);
		else if (opt == 'd')
			stub->die_after = (uint32_t)atoi(optarg);
		else
			exit(2);
	}
	if (port <= 0 || optind < argc) {
		fprintf(stderr,
			"usage: stubserver --port N [--think-us N] [--scram PASSWORD] ...\n");
		exit(2);
	}
	return port;
}

int main(int argc, char **argv)
{
	struct stub stub = { .next_pid = 1000 };
	struct rlimit files;
	list_init(&stub.thinking);
	signal(SIGPIPE, SIG_IGN);
	int port = stub_options(&stub, argc, argv);
	if (!auth_mock_init(&stub.mock))
		stub_die("no randomness");
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	stub.scratch = mem_alloc(STUB_SCRATCH_BYTES);
	stub_listen(&stub, port);
	printf("ready\n");
	fflush(stdout);
	stub_run(&stub);
	return 0;
}
