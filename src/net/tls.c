/*
 * tls.c - OpenSSL's answers in our own words.
 */
#include "net/tls.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#define TLS_RECORD_BYTES 16384

void tls_prepare(struct ssl_st *ssl)
{
	SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_set_options(ssl, SSL_OP_NO_RENEGOTIATION); /* libpq's sessions would let the server */
	/* a record in one read, not its five bytes of head first */
	SSL_set_read_ahead(ssl, 1);
}

/* Whether the failure is the peer's leaving, with goodbye or without. */
static bool tls_is_eof(int why)
{
	if (why == SSL_ERROR_ZERO_RETURN)
		return true;
	if (why == SSL_ERROR_SYSCALL)
		return errno == 0;
	return ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

/* To clear OpenSSL's queue of errors is a walk over all of it, to see that it is empty is not. */
static void tls_forget_errors(void)
{
	if (ERR_peek_error() != 0)
		ERR_clear_error();
}

/* The session cannot go on; no goodbye either. Leaves errno. */
static ssize_t tls_broken(struct ssl_st *ssl, int why)
{
	int saved = why == SSL_ERROR_SYSCALL && errno != 0 ? errno : EPROTO;
	SSL_set_quiet_shutdown(ssl, 1);
	ERR_clear_error();
	errno = saved;
	return TLS_ERROR;
}

static void tls_enter(void)
{
	tls_forget_errors();
	errno = 0;
}

ssize_t tls_read(struct ssl_st *ssl, void *data, size_t n)
{
	tls_enter();
	int got = SSL_read(ssl, data, (int)(n < INT32_MAX ? n : INT32_MAX));
	if (got > 0)
		return got;
	int why = SSL_get_error(ssl, got);
	if (why == SSL_ERROR_WANT_READ)
		return TLS_WAIT;
	if (why == SSL_ERROR_WANT_WRITE)
		return TLS_CROSSED;
	if (!tls_is_eof(why))
		return tls_broken(ssl, why);
	ERR_clear_error();
	return TLS_EOF;
}

/* As much as one record holds. */
static size_t tls_gather(const struct iovec *iov, int count, char record[TLS_RECORD_BYTES])
{
	size_t n = 0;
	for (int i = 0; i < count && n < TLS_RECORD_BYTES; i++) {
		size_t room = TLS_RECORD_BYTES - n;
		size_t part = iov[i].iov_len < room ? iov[i].iov_len : room;
		if (part > 0)
			memcpy(record + n, iov[i].iov_base, part);
		n += part;
	}
	return n;
}

ssize_t tls_write(struct ssl_st *ssl, const struct iovec *iov, int count, size_t most)
{
	char record[TLS_RECORD_BYTES];
	const void *data = iov->iov_base;
	size_t n = iov->iov_len;
	if (count > 1 && n < sizeof(record)) {
		n = tls_gather(iov, count, record);
		data = record;
	}
	if (n > most)
		n = most;
	tls_enter();
	int sent = SSL_write(ssl, data, (int)(n < INT32_MAX ? n : INT32_MAX));
	if (sent > 0)
		return sent;
	int why = SSL_get_error(ssl, sent);
	if (why == SSL_ERROR_WANT_WRITE)
		return TLS_WAIT;
	if (why == SSL_ERROR_WANT_READ)
		return TLS_CROSSED;
	return tls_broken(ssl, why);
}

bool tls_is_sealed_by_kernel(const struct ssl_st *ssl)
{
	return BIO_get_ktls_send(SSL_get_wbio(ssl));
}

bool tls_has_more(const struct ssl_st *ssl)
{
	return SSL_has_pending(ssl);
}

void tls_goodbye(struct ssl_st *ssl)
{
	ERR_clear_error();
	SSL_shutdown(ssl);
	ERR_clear_error();
}

void tls_free(struct ssl_st *ssl)
{
	SSL_free(ssl);
}

const char *tls_info(const struct ssl_st *ssl, char out[TLS_INFO_BYTES])
{
	if (ssl)
		snprintf(out, TLS_INFO_BYTES, "%s/%s%s", SSL_get_version(ssl),
			 SSL_get_cipher_name(ssl), tls_is_sealed_by_kernel(ssl) ? "/kernel" : "");
	return ssl ? out : "";
}

/* MD5 and SHA-1 are too weak for it: RFC 5929 has SHA-256 in their place. */
static const EVP_MD *tls_end_point_hash(X509 *cert)
{
	int hash;
	if (!X509_get_signature_info(cert, &hash, NULL, NULL, NULL))
		return NULL;
	if (hash == NID_md5 || hash == NID_sha1)
		return EVP_sha256();
	return EVP_get_digestbynid(hash);
}

size_t tls_end_point(struct x509_st *cert, uint8_t out[TLS_END_POINT_BYTES])
{
	_Static_assert(TLS_END_POINT_BYTES >= EVP_MAX_MD_SIZE, "a digest does not fit");
	const EVP_MD *hash = cert ? tls_end_point_hash(cert) : NULL;
	unsigned n = 0;
	if (!hash || !X509_digest(cert, hash, out, &n))
		n = 0;
	ERR_clear_error();
	return n;
}

size_t tls_server_end_point(const struct ssl_st *ssl, uint8_t out[TLS_END_POINT_BYTES])
{
	return tls_end_point(SSL_get0_peer_certificate(ssl), out);
}

bool tls_has_signed(struct ssl_st *ssl)
{
	int kind;
	return ssl && SSL_get_signature_nid(ssl, &kind) == 1;
}
