/*
 * tls_work.h - what of a client's handshake takes so long that no loop should do it.
 *
 * That is a signature, or what a key of ours opens, which is a millisecond for RSA; a certificate
 * of the client's, of whatever length and kind; and a key exchange in a group that is slow.
 * All else takes microseconds: what comes behind the first flight of TLS 1.3, and, in a group
 * that is quick, all of a session that is taken up again.
 *
 * A handshake that is not allowed to work stops where it would, before it has done any of it, and
 * goes on from there in whatever thread calls next.
 *
 * Thread: that of the session's owner.
 */
#ifndef NET_TLS_WORK_H
#define NET_TLS_WORK_H

#include <stdbool.h>

struct ssl_ctx_st;
struct ssl_st;

/* Sessions of this context stop. */
void tls_work_use(struct ssl_ctx_st *ctx);

/* Whether it may work from here on; at first it may not. Without memory it stays so. */
void tls_work_allow(struct ssl_st *ssl, bool may);

/* Is what comes next work, whatever the client says? */
bool tls_work_is_next(const struct ssl_st *ssl);

/* The handshake has stopped, if `why` is what SSL_get_error says. */
bool tls_work_has_stopped(int why);

#endif
