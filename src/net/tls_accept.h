/*
 * tls_accept.h - a client's handshake, a step at a time.
 *
 * A step takes what the socket has and never waits, nor computes for long: where a signature is due
 * or the like (tls_work.h), it stops, and tls_accept_work does that.
 *
 * Thread: any, one at a time; tls_accept_work is for a helper.
 */
#ifndef NET_TLS_ACCEPT_H
#define NET_TLS_ACCEPT_H

#include <stdbool.h>

#include "base/bug.h"
#include "base/err.h"

struct ssl_st;
struct tls_context;

enum tls_accept_status {
	TLS_ACCEPT_DONE,
	TLS_ACCEPT_WANTS_BYTES, /* more have to come */
	TLS_ACCEPT_WANTS_ROOM,  /* the socket has to take more */
	TLS_ACCEPT_WANTS_WORK,  /* milliseconds of arithmetic come next */
	TLS_ACCEPT_FAILED,      /* err says why; the peer was told as TLS does it */
};

/* A session on a non-blocking socket, which stays the caller's. NULL: no memory. The context has
 * to live until the handshake is done. */
struct ssl_st *tls_accept_new(const struct tls_context *context, int fd) MUST_CHECK;
enum tls_accept_status tls_accept_step(struct ssl_st *ssl, struct err *err) MUST_CHECK;

/* A step that stops for no arithmetic. */
enum tls_accept_status tls_accept_work(struct ssl_st *ssl, struct err *err) MUST_CHECK;

bool tls_accept_has_alpn(const struct ssl_st *ssl); /* the client has named PostgreSQL's protocol */

#endif
