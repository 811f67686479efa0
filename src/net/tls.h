/*
 * tls.h - reading and writing through a finished TLS session on a non-blocking socket.
 *
 * OpenSSL's manners are kept in here: its error queue, its wish to be offered again what it did
 * not take, its needing to write before it can read, its bytes inside.
 *
 * Thread: that of the session's owner.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/bug.h"

struct ssl_st;
struct x509_st;

/* What tls_read and tls_write say beside a number of bytes > 0. */
enum tls_outcome {
	TLS_WAIT = 0,     /* reading: no bytes now; writing: no room now */
	TLS_EOF = -1,     /* the peer said goodbye, or just left */
	TLS_ERROR = -2,   /* the session cannot go on; errno says why (EPROTO: TLS itself) */
	TLS_CROSSED = -3, /* reading has to wait for room, or writing for bytes */
};

void tls_prepare(struct ssl_st *ssl); /* once, before all else here */

ssize_t tls_read(struct ssl_st *ssl, void *data, size_t n) MUST_CHECK;

/* Small pieces go out as one record, at most `most` bytes. What was offered and not taken has to be
 * the head of what is offered next. */
ssize_t tls_write(struct ssl_st *ssl, const struct iovec *iov, int count, size_t most) MUST_CHECK;

/* Does the kernel encrypt (tls_offload)? Then what is for the peer is written to the socket as if
 * there were no TLS, and not by tls_write: OpenSSL 3.0 goes on with the bytes that it was offered
 * first, wherever they have moved, and changes its own keys and not the kernel's when the peer asks
 * for others. Reading and goodbye are the same. */
bool tls_is_sealed_by_kernel(const struct ssl_st *ssl);

bool tls_has_more(const struct ssl_st *ssl); /* bytes inside that the socket will not announce */
void tls_goodbye(struct ssl_st *ssl);        /* as far as that goes without waiting */
void tls_free(struct ssl_st *ssl);

/* "TLSv1.3/TLS_AES_256_GCM_SHA384", for SHOW and the log; "" without a session. It ends in
 * "/kernel" where the kernel encrypts (tls_offload). */
#define TLS_INFO_BYTES 64
const char *tls_info(const struct ssl_st *ssl, char out[TLS_INFO_BYTES]);

/* The channel binding tls-server-end-point (RFC 5929): the hash of the server's certificate, or of
 * that which the server of a session of ours has shown. How many bytes it has; 0: there is none for
 * this certificate (its signature has no hash, as with Ed25519). */
#define TLS_END_POINT_BYTES 64
size_t tls_end_point(struct x509_st *cert, uint8_t out[TLS_END_POINT_BYTES]) MUST_CHECK;
size_t tls_server_end_point(const struct ssl_st *ssl, uint8_t out[TLS_END_POINT_BYTES]) MUST_CHECK;

/* Has this end shown a certificate, and that it has its key? False of NULL. */
bool tls_has_signed(struct ssl_st *ssl);

#endif
