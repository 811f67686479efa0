/*
 * floor.c - a pooler that does nothing but pool: what no pooler of this kind can cost less than.
 *
 *	floor --port N --server PORT
 *
 * One thread, one epoll, sixteen servers; level-triggered, two receives and two sends per query,
 * and the kernel is told nothing on the way of one. It looks at no message: what a client sends at
 * once is taken for all of a batch, and an answer's end is known by the shape of a ReadyForQuery.
 * That holds for small queries by loadgen, and for nothing else. It says "ready" once it listens,
 *and ends when its standard input ends.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/list.h"
#include "base/mem.h"

#define FLOOR_SERVERS 16
#define FLOOR_BATCH_BYTES 512
#define FLOOR_READY_BYTES 6

/* A client, or a server. */
struct floor_conn {
	struct list link; /* floor->idle, of servers; floor->waiting, of clients */
	struct floor_conn *peer;
	int fd;
	bool is_server, is_up;
	size_t held_bytes;
	char held[FLOOR_BATCH_BYTES]; /* a client's batch, until there is a server */
};

struct floor {
	struct list idle, waiting;
	int epoll, listener;
	size_t greeting_bytes;
	char greeting[4096];
	char scratch[65536];
};

static void floor_die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct floor_conn *floor_watch(struct floor *f, int fd, bool is_server)
{
	struct floor_conn *c = mem_zalloc(sizeof(*c));
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
	int yes = 1;
	c->fd = fd;
	c->is_server = is_server;
	list_init(&c->link);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	if (epoll_ctl(f->epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
		floor_die("epoll_ctl");
	return c;
}

static void floor_send(const struct floor_conn *c, const char *data, size_t n)
{
	if (send(c->fd, data, n, MSG_NOSIGNAL) != (ssize_t)n)
		floor_die("send");
}

static void floor_serve(struct floor_conn *client, struct floor_conn *s, const char *data, size_t n)
{
	list_remove(&s->link);
	s->peer = client;
	floor_send(s, data, n);
}

static bool floor_ends(const struct floor *f, size_t n)
{
	static const char ready[] = "Z\0\0\0\5";
	return n >= FLOOR_READY_BYTES &&
	       memcmp(f->scratch + n - FLOOR_READY_BYTES, ready, FLOOR_READY_BYTES - 1) == 0;
}

static void floor_from_client(struct floor *f, struct floor_conn *c)
{
	ssize_t n = recv(c->fd, f->scratch, sizeof(f->scratch), 0);
	if (n <= 0) {
		list_remove(&c->link);
		close(c->fd);
		free(c); /* loadgen leaves nothing unanswered behind */
	} else if (!c->is_up) {
		floor_send(c, f->greeting, f->greeting_bytes);
		c->is_up = true;
	} else if (!list_is_empty(&f->idle)) {
		floor_serve(c, LIST_FIRST(&f->idle, struct floor_conn, link), f->scratch,
			    (size_t)n);
	} else if (n <= FLOOR_BATCH_BYTES && !list_is_on(&c->link)) {
		memcpy(c->held, f->scratch, (size_t)n);
		c->held_bytes = (size_t)n;
		list_push_back(&f->waiting, &c->link);
	} else if (f->scratch[0] != 'X') {
		floor_die("that is no small query");
	}
}

static void floor_from_server(struct floor *f, struct floor_conn *s)
{
	ssize_t n = recv(s->fd, f->scratch, sizeof(f->scratch), 0);
	if (n <= 0 || !s->peer)
		floor_die("a server has gone");
	floor_send(s->peer, f->scratch, (size_t)n);
	if (!floor_ends(f, (size_t)n))
		return;
	struct floor_conn *next = LIST_FIRST(&f->waiting, struct floor_conn, link);
	s->peer = NULL;
	list_push_front(&f->idle, &s->link);
	if (next) {
		list_remove(&next->link);
		floor_serve(next, s, next->held, next->held_bytes);
	}
}

/* Logs in; what the servers greet with is told to the clients. */
static void floor_connect(struct floor *f, int port)
{
	static const char startup[] = "\0\0\0\x23\0\3\0\0user\0bench\0database\0bench\0";
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_port = htons((uint16_t)port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t n = 0;
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    send(fd, startup, sizeof(startup), MSG_NOSIGNAL) != sizeof(startup))
		floor_die("cannot connect to the server");
	do {
		ssize_t got = recv(fd, f->scratch + n, sizeof(f->scratch) - n, 0);
		if (got <= 0 || n + (size_t)got > sizeof(f->greeting))
			floor_die("the server does not greet");
		n += (size_t)got;
	} while (!floor_ends(f, n));
	memcpy(f->greeting, f->scratch, n);
	f->greeting_bytes = n;
	list_push_back(&f->idle, &floor_watch(f, fd, true)->link);
}

static void floor_listen(struct floor *f, int port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_port = htons((uint16_t)port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = f };
	int yes = 1;
	f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (f->listener < 0 ||
	    setsockopt(f->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
	    bind(f->listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(f->listener, 4096) < 0 ||
	    epoll_ctl(f->epoll, EPOLL_CTL_ADD, f->listener, &ev) < 0)
		floor_die("cannot listen");
	ev.data.ptr = NULL;
	epoll_ctl(f->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &ev); /* a file cannot end: EPERM */
}

static void floor_event(struct floor *f, struct floor_conn *c)
{
	if (c == NULL)
		exit(0); /* standard input has ended */
	if ((void *)c == f) {
		int fd = accept4(f->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0)
			(void)floor_watch(f, fd, false);
	} else if (c->is_server) {
		floor_from_server(f, c);
	} else {
		floor_from_client(f, c);
	}
}

int main(int argc, char **argv)
{
	struct floor f = { .epoll = epoll_create1(EPOLL_CLOEXEC) };
	struct epoll_event events[64];
	list_init(&f.idle);
	list_init(&f.waiting);
	if (argc != 5 || strcmp(argv[1], "--port") != 0 || strcmp(argv[3], "--server") != 0) {
		fprintf(stderr, "usage: floor --port N --server PORT\n");
		return 2;
	}
	for (int i = 0; i < FLOOR_SERVERS; i++)
		floor_connect(&f, atoi(argv[4]));
	floor_listen(&f, atoi(argv[2]));
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(f.epoll, events, 64, -1);
		for (int i = 0; i < n; i++)
			floor_event(&f, events[i].data.ptr);
	}
}
