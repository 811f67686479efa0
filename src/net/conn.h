/*
 * conn.h - one connected stream socket, plain or under TLS, on one loop.
 *
 * Embedded in a client or a server. Read interest stays registered for a connection's
 * life and the kernel is told nothing on the way of a normal query: a pause is only noted,
 * and taken to the kernel when bytes come in spite of it; write interest and the
 * out-buffer exist only while the peer does not take what it was sent.
 *
 * Who brings much in one conn_recv, or does not take what it is sent, is announced behind all
 * others of its turns. While there are others, conn_recv gives it less, and the kernel holds less
 * for it.
 *
 * An idle connection has its struct and nothing else. SIGPIPE is ignored by main: OpenSSL
 * writes without MSG_NOSIGNAL.
 *
 * The owner's callback gets one event at a time. It may call anything here, conn_close
 * included, but frees the struct only after the turn (loop_defer).
 *
 * Thread: the loop's. A connection moves to another loop by conn_detach here, a mail, and
 * conn_attach there.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/bug.h"
#include "base/usec.h"
#include "net/loop.h"

struct buf;
struct conn;
struct ssl_st;

/*     event      what the owner does */
#define CONN_EVENTS(X)                                                                             \
	X(READABLE) /* conn_recv once; what it leaves is announced again */                        \
	X(DRAINED)  /* after CONN_SENT_STUCK: everything went out */                               \
	X(EOF)      /* while reading is paused, once per pause: the peer will send no more */      \
	X(ERROR)    /* the connection is broken; comes outside conn_recv and conn_send only */

#define CONN_EVENT_ENUM_(event) CONN_##event,
enum conn_event { CONN_EVENTS(CONN_EVENT_ENUM_) CONN_EVENT_COUNT };
#undef CONN_EVENT_ENUM_

typedef void (*conn_fn)(struct conn *conn, enum conn_event event, usec_t now);

struct conn {
	uint64_t event[16];    /* libevent's struct event; armed as `armed` says */
	struct loop *loop;     /* not owned; NULL while detached */
	struct ssl_st *ssl;    /* owned; NULL: plain */
	struct buf *out;       /* owned; what the kernel refused; NULL while nothing is stuck */
	struct deferred again; /* to be looked at after this turn */
	conn_fn fn;
	int fd;         /* owned; -1 when closed */
	uint16_t bits;  /* CONN_BIT_*, in conn.c */
	uint8_t pauses; /* a bit per reason; reading goes on when there is none */
	uint8_t armed;  /* enum conn_armed, in conn.c */
};

/* Takes the socket (made non-blocking by the caller) and, if given, the finished TLS session.
 * False: the loop could not take it (no memory, bad descriptor); the fd is still the caller's. */
bool conn_open(struct conn *c, struct loop *loop, int fd, struct ssl_st *ssl,
	       conn_fn fn) MUST_CHECK;

/* Off the loop, TLS told goodbye if that does not block, everything freed and closed. What is
 * still in the out-buffer is lost. No event comes after it. Harmless when closed already. */
void conn_close(struct conn *c);

/* As conn_close, but fd and TLS are left open and given back to whoever lent them: a server's
 * belong to its PGconn (proxy/connector.h). */
void conn_give_up(struct conn *c, int *fd, struct ssl_st **ssl);

bool conn_is_open(const struct conn *c); /* not closed, not given up; detached counts as open */

/* Moves to another loop: off this one, then, in the other thread, onto that one. The struct must
 * not move in between, or only while detached. Out-buffer and pauses go with it. */
void conn_detach(struct conn *c);
bool conn_attach(struct conn *c, struct loop *loop, conn_fn fn) MUST_CHECK;

/* A TLS handshake was finished on the open, plain connection (by who drove it over c->fd). */
void conn_set_tls(struct conn *c, struct ssl_st *ssl);

/* While it is on, CONN_READABLE comes when the socket takes more, too, and for bytes only when they
 * arrive: for who drives a handshake over c->fd. False: the loop could not take it. */
bool conn_await_room(struct conn *c, bool on) MUST_CHECK;

/* What conn_recv says beside a number of bytes > 0. */
enum conn_recv {
	CONN_RECV_WAIT = 0,   /* nothing more now */
	CONN_RECV_EOF = -1,   /* the peer will send no more */
	CONN_RECV_ERROR = -2, /* the connection is broken; errno says why (EPROTO: TLS) */
};

/* Exactly one recv per call on a plain socket; under TLS as many records as are here already
 * and fit. After EOF or ERROR no CONN_READABLE comes any more; CONN_ERROR may. */
ssize_t conn_recv(struct conn *c, void *buf, size_t n) MUST_CHECK;

/* The next bytes of a plain connection, which stay where they are: as many as conn_recv would
 * bring, or CONN_RECV_WAIT, or CONN_RECV_EOF also for what is broken. */
ssize_t conn_peek(const struct conn *c, void *buf, size_t n) MUST_CHECK;

enum conn_sent {
	CONN_SENT_ALL,   /* the kernel has it */
	CONN_SENT_STUCK, /* all taken, but some is kept here: pause the other side until
			    CONN_DRAINED */
	CONN_SENT_ERROR, /* the connection is broken; errno says why */
};

#define CONN_IOV_MAX 4

/* To the kernel at once if nothing is stuck, the rest is copied. Nothing is ever refused: bounding
 * what one sends to a peer that is stuck is the caller's part. */
enum conn_sent conn_send(struct conn *c, const void *data, size_t n) MUST_CHECK;
enum conn_sent conn_send_pieces(struct conn *c, const struct iovec *iov, int count) MUST_CHECK;

bool conn_is_stuck(const struct conn *c);
size_t conn_out_bytes(const struct conn *c);

/* No more will be sent: half-closes once the out-buffer is empty, so that the peer gets our last
 * words even if it sent us what nobody will read. Then read and drop until EOF or a deadline,
 * and conn_close. */
void conn_shutdown(struct conn *c);

/* Reasons are bits of the owner's own. While any is set no CONN_READABLE comes; CONN_EOF does.
 * Resuming announces what waits, also what TLS has inside already, in the next turn. */
void conn_pause(struct conn *c, uint8_t reason);
void conn_resume(struct conn *c, uint8_t reason);

static inline bool conn_is_paused(const struct conn *c)
{
	return c->pauses != 0;
}

/* CONN_READABLE once more in the next turn although nothing new has come: for an owner that has
 * bytes of this connection left to handle, having had its fair share of this turn. */
void conn_again(struct conn *c);

const char *conn_event_name(enum conn_event event);

#endif
