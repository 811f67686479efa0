/*
 * conn_parts.h - what the two halves of a connection know of each other: conn.c, which is told by
 * the kernel, and conn_send.c.
 *
 * Thread: the loop's.
 */
#ifndef NET_CONN_PARTS_H
#define NET_CONN_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bug.h"
#include "net/conn.h"
#include "net/loop.h"

enum conn_armed {
	CONN_ARMED_IN = 1,
	CONN_ARMED_OUT = 2,
	CONN_ARMED_EDGE = 4, /* and the peer's close */
};

enum {
	CONN_BIT_ASLEEP = 1,
	CONN_BIT_OVER = 2,     /* nothing more to read, ever */
	CONN_BIT_TOLD_EOF = 4, /* since the pause began */
	CONN_BIT_TOLD_ERROR = 8,
	CONN_BIT_SHUTDOWN = 16,   /* half-close once the out-buffer is empty */
	CONN_BIT_TLS_MORE = 32,   /* TLS has bytes inside that did not fit */
	CONN_BIT_READ_OUT = 64,   /* TLS must write before it can read */
	CONN_BIT_WRITE_IN = 128,  /* TLS must read before it can write */
	CONN_BIT_BULK = 256,      /* the last conn_recv brought CONN_BULK_BYTES or more */
	CONN_BIT_LATE_READ = 512, /* what is to be looked at after the turn */
	CONN_BIT_LATE_WRITE = 1024,
	CONN_BIT_BOUND = 2048,  /* the kernel holds at most CONN_UNSENT_BYTES for the peer */
	CONN_BIT_SEALED = 4096, /* it makes TLS records of what is written to the socket */
};

/* At most what one call may move. */
static inline size_t conn_bound(const struct conn *c, size_t n)
{
	size_t cap = (size_t)loop_io_bytes(c->loop);
	return cap > 0 && cap < n ? cap : n;
}

/* Asks the kernel for what the bits and the out-buffer say. False: it cannot be had. */
bool conn_arm(struct conn *c) MUST_CHECK;

/* ---- conn_send.c ---- */

/* As much of the out-buffer as goes; behind all of it the end that was waiting for it. */
enum conn_sent conn_send_rest(struct conn *c) MUST_CHECK;

void conn_send_forget(struct conn *c); /* the out-buffer */
void conn_send_end(struct conn *c);    /* no more comes from here: the peer is told */

#endif
