/*
 * tls_work.c - OpenSSL's two places where a handshake can be stopped: when the client's first
 * message has been read, and when a certificate is to be chosen, which is only where one is shown:
 * a session that is taken up again shows none.
 */
#include "net/tls_work.h"

#include <stddef.h>
#include <stdint.h>

#include <openssl/ssl.h>

/* Groups in which a key and what two keys make take tens of microseconds, by their numbers in TLS.
 * In all others it is up to some milliseconds. */
static const unsigned tls_work_quick_groups[] = {
	23,   /* secp256r1 */
	29,   /* x25519 */
	4587, /* SecP256r1MLKEM768 */
	4588, /* X25519MLKEM768 */
};

static const char tls_work_allowed[] = "may work"; /* its address, in a session, says so */

static bool tls_work_is_allowed(const SSL *ssl)
{
	return SSL_get_app_data(ssl) == tls_work_allowed;
}

void tls_work_allow(struct ssl_st *ssl, bool may)
{
	SSL_set_app_data(ssl, may ? (void *)(uintptr_t)tls_work_allowed : NULL);
}

static bool tls_work_is_quick_group(unsigned group)
{
	for (size_t i = 0; i < sizeof(tls_work_quick_groups) / sizeof(*tls_work_quick_groups); i++)
		if (tls_work_quick_groups[i] == group)
			return true;
	return false;
}

static unsigned tls_work_u16(const unsigned char *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* The client's key_share (RFC 8446, 4.2.8): the bytes of a list, and in it group, length, key. Of
 * what is malformed OpenSSL will say so. */
static bool tls_work_is_quick_share(const unsigned char *list, size_t bytes)
{
	for (size_t at = 2; at + 4 <= bytes; at += 4 + tls_work_u16(list + at + 2))
		if (!tls_work_is_quick_group(tls_work_u16(list + at)))
			return false;
	return true;
}

/* Who does not take up a session is stopped later, if at all. */
static int tls_work_on_hello(SSL *ssl, int *alert, void *arg)
{
	const unsigned char *data;
	size_t bytes;
	(void)alert, (void)arg;
	if (tls_work_is_allowed(ssl) ||
	    SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_psk, &data, &bytes) != 1 ||
	    SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_key_share, &data, &bytes) != 1 ||
	    tls_work_is_quick_share(data, bytes))
		return SSL_CLIENT_HELLO_SUCCESS;
	return SSL_CLIENT_HELLO_RETRY;
}

static int tls_work_on_cert(SSL *ssl, void *arg)
{
	(void)arg;
	return tls_work_is_allowed(ssl) ? 1 : -1;
}

void tls_work_use(struct ssl_ctx_st *ctx)
{
	SSL_CTX_set_client_hello_cb(ctx, tls_work_on_hello, NULL);
	SSL_CTX_set_cert_cb(ctx, tls_work_on_cert, NULL);
}

/* Up to TLS 1.2 the client's answer to our certificate is opened, or made a secret of. */
bool tls_work_is_next(const struct ssl_st *ssl)
{
	return SSL_get_state(ssl) != TLS_ST_BEFORE && !SSL_session_reused(ssl) &&
	       (SSL_version(ssl) < TLS1_3_VERSION || SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE);
}

bool tls_work_has_stopped(int why)
{
	return why == SSL_ERROR_WANT_CLIENT_HELLO_CB || why == SSL_ERROR_WANT_X509_LOOKUP;
}
