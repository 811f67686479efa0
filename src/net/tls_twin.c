/*
 * tls_twin.c - the context of a session, and what stands beside it in the session itself.
 */
#include "net/tls_twin.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/mem.h"

struct tls_twin {
	SSL_CTX *ctx;  /* references, these three */
	EVP_PKEY *key; /* ours, to our certificate, which is in the context; or NULL */
	X509 *peer;    /* the server's */
	int verify;
	char *host, *servername; /* owned, or NULL */
};

struct tls_twin *tls_twin_new(struct ssl_st *ssl, const char *host)
{
	struct tls_twin *twin = mem_zalloc(sizeof(*twin));
	twin->ctx = SSL_get_SSL_CTX(ssl);
	SSL_CTX_up_ref(twin->ctx);
	twin->key = SSL_get_privatekey(ssl);
	if (twin->key)
		EVP_PKEY_up_ref(twin->key);
	twin->peer = SSL_get1_peer_certificate(ssl);
	twin->verify = SSL_get_verify_mode(ssl);
	twin->host = mem_strdup(host);
	twin->servername = mem_strdup(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
	return twin;
}

void tls_twin_free(struct tls_twin *twin)
{
	if (!twin)
		return;
	SSL_CTX_free(twin->ctx);
	EVP_PKEY_free(twin->key);
	X509_free(twin->peer);
	free(twin->host);
	free(twin->servername);
	free(twin);
}

struct ssl_st *tls_twin_open(const struct tls_twin *twin, int fd)
{
	SSL *ssl = SSL_new(twin->ctx);
	if (!ssl)
		return NULL;
	SSL_set_verify(ssl, twin->verify, NULL);
	SSL_set_connect_state(ssl);
	if (SSL_set_fd(ssl, fd) == 1 && (!twin->key || SSL_use_PrivateKey(ssl, twin->key) == 1) &&
	    (!twin->servername || SSL_set_tlsext_host_name(ssl, twin->servername) == 1))
		return ssl;
	SSL_free(ssl);
	ERR_clear_error();
	return NULL;
}

/* The same certificate as before is the same server; another must at least have its name. */
static bool tls_twin_is_same(const struct tls_twin *twin, const SSL *ssl)
{
	X509 *cert = SSL_get0_peer_certificate(ssl);
	if (!twin->host || (cert && twin->peer && X509_cmp(cert, twin->peer) == 0))
		return true;
	return cert && (X509_check_host(cert, twin->host, 0, 0, NULL) == 1 ||
			X509_check_ip_asc(cert, twin->host, 0) == 1);
}

static enum tls_twin_status tls_twin_fail(const SSL *ssl, struct err *err)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;
	if (ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED)
		reason = X509_verify_cert_error_string(SSL_get_verify_result(ssl));
	err_set(err, "TLS failed: %s", reason ? reason : "the server hung up");
	ERR_clear_error();
	return TLS_TWIN_FAILED;
}

enum tls_twin_status tls_twin_step(const struct tls_twin *twin, struct ssl_st *ssl, struct err *err)
{
	ERR_clear_error();
	int rc = SSL_do_handshake(ssl);
	if (rc == 1 && tls_twin_is_same(twin, ssl))
		return TLS_TWIN_DONE;
	if (rc == 1) {
		err_set(err, "TLS failed: the server has become another");
		return TLS_TWIN_FAILED;
	}
	int why = SSL_get_error(ssl, rc);
	if (why == SSL_ERROR_WANT_READ)
		return TLS_TWIN_WANTS_BYTES;
	if (why == SSL_ERROR_WANT_WRITE)
		return TLS_TWIN_WANTS_ROOM;
	return tls_twin_fail(ssl, err);
}
