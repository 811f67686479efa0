/*
 * tls_twin.h - another session with a server, like one that is there.
 *
 * For cancels, which libpq sent in the clear until version 17: what the operator demanded of the
 * session (authorities, revoked certificates, versions, our own certificate) is demanded of its
 * twin too, and the server has to be the same.
 *
 * Immutable once made; it outlives the session that it was made of. Thread: any.
 */
#ifndef NET_TLS_TWIN_H
#define NET_TLS_TWIN_H

#include <stdbool.h>

#include "base/bug.h"
#include "base/err.h"

struct ssl_st;
struct tls_twin;

/* `host`: the name that has to be in the server's certificate (verify-full); NULL: any may. */
struct tls_twin *tls_twin_new(struct ssl_st *ssl, const char *host);
void tls_twin_free(struct tls_twin *twin); /* NULL is fine */

/* A session on a non-blocking socket, which stays the caller's. NULL: no memory. */
struct ssl_st *tls_twin_open(const struct tls_twin *twin, int fd) MUST_CHECK;

enum tls_twin_status {
	TLS_TWIN_DONE,
	TLS_TWIN_WANTS_BYTES,
	TLS_TWIN_WANTS_ROOM,
	TLS_TWIN_FAILED, /* err says why */
};

/* A step of the handshake; it never waits. */
enum tls_twin_status tls_twin_step(const struct tls_twin *twin, struct ssl_st *ssl,
				   struct err *err) MUST_CHECK;

#endif
