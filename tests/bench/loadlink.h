/*
 * loadlink.h - a connection of the load generator to its target: TCP, and TLS where asked for.
 *
 * Owner: its loadconn. One thread.
 */
#ifndef BENCH_LOADLINK_H
#define BENCH_LOADLINK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/slice.h"

struct ssl_ctx_st;
struct ssl_session_st;
struct ssl_st;

struct loadtarget {
	struct sockaddr_in addr;
	int epoll;
	struct ssl_ctx_st *tls;         /* NULL: plain */
	struct ssl_session_st *session; /* the last one's, where they are taken up again */
	bool resumes;
	bool direct;     /* TLS at once, without asking for it in PostgreSQL's way */
	uint32_t opened; /* they come from many addresses, so that ports do not run out */
};

enum loadlink_state {
	LOADLINK_CLOSED,
	LOADLINK_CONNECTS,
	LOADLINK_ASKS,
	LOADLINK_SHAKES,
	LOADLINK_UP
};

struct loadlink {
	struct loadtarget *target;
	void *owner; /* what epoll gives back */
	struct ssl_st *ssl;
	struct buf out;
	enum loadlink_state state;
	uint32_t armed;
	bool reads_more; /* TLS has bytes inside */
	int fd;
};

/* TLS without a look at the certificate. False: no TLS here. */
bool loadlink_tls(struct loadtarget *target, bool resumes);
void loadlink_fini(struct loadtarget *target);

/* False: errno. */
bool loadlink_open(struct loadlink *l, struct loadtarget *target, void *owner);
void loadlink_close(struct loadlink *l);

enum loadlink_news {
	LOADLINK_NOTHING,
	LOADLINK_IS_UP,
	LOADLINK_READABLE,
	LOADLINK_DRAINED,
	LOADLINK_BROKEN
};
enum loadlink_news loadlink_event(struct loadlink *l, uint32_t events);

/* > 0 bytes, 0 none now, -1 the end or broken. */
ssize_t loadlink_recv(struct loadlink *l, void *data, size_t n);

/* What does not go is kept, and LOADLINK_DRAINED comes when it has gone. False: broken. */
bool loadlink_send(struct loadlink *l, struct slice data);
static inline bool loadlink_is_stuck(const struct loadlink *l)
{
	return buf_len(&l->out) > 0;
}

#endif
