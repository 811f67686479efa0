/*
 * tls_accept.c - SSL_do_handshake, and why it failed in words for the log.
 */
#include "net/tls_accept.h"

#include <errno.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "net/tls_context.h"
#include "net/tls_work.h"

struct ssl_st *tls_accept_new(const struct tls_context *context, int fd)
{
	SSL *ssl = SSL_new(tls_context_ssl(context));
	if (!ssl)
		return NULL;
	if (SSL_set_fd(ssl, fd) != 1) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_accept_state(ssl);
	/* a flight in one read, not two for each of its records; but the kernel takes a session
	 * over only where nothing lies here that it would have to decrypt */
	if (!(SSL_get_options(ssl) & SSL_OP_ENABLE_KTLS))
		SSL_set_read_ahead(ssl, 1);
	return ssl;
}

static void tls_accept_explain(const SSL *ssl, int why, int error, struct err *err)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;
	long verdict = SSL_get_verify_result(ssl);
	if (ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED)
		err_set(err, "the client's certificate is no good: %s",
			X509_verify_cert_error_string(verdict));
	else if (why == SSL_ERROR_SYSCALL && !code)
		err_set(err, "%s", error ? strerror(error) : "the client hung up");
	else if (why == SSL_ERROR_ZERO_RETURN)
		err_set(err, "the client hung up");
	else
		err_set(err, "%s", reason ? reason : "no reason given");
}

/* A certificate that came with a ticket may have run out since. (One that was revoked since is
 * another context's, where the ticket opens nothing.) */
static bool tls_accept_is_valid(SSL *ssl, struct err *err)
{
	X509 *cert = SSL_get0_peer_certificate(ssl);
	if (!cert || !SSL_session_reused(ssl) ||
	    X509_cmp_current_time(X509_get0_notAfter(cert)) > 0)
		return true;
	SSL_set_verify_result(ssl, X509_V_ERR_CERT_HAS_EXPIRED);
	if (!(SSL_get_verify_mode(ssl) & SSL_VERIFY_FAIL_IF_NO_PEER_CERT))
		return true; /* it counts as none */
	return err_set(err, "the client's certificate is no good: %s",
		       X509_verify_cert_error_string(X509_V_ERR_CERT_HAS_EXPIRED));
}

static enum tls_accept_status tls_accept_go_on(struct ssl_st *ssl, struct err *err)
{
	ERR_clear_error();
	errno = 0;
	int rc = SSL_do_handshake(ssl);
	int error = errno;
	if (rc == 1)
		return tls_accept_is_valid(ssl, err) ? TLS_ACCEPT_DONE : TLS_ACCEPT_FAILED;
	int why = SSL_get_error(ssl, rc);
	if (why == SSL_ERROR_WANT_READ)
		return TLS_ACCEPT_WANTS_BYTES;
	if (why == SSL_ERROR_WANT_WRITE)
		return TLS_ACCEPT_WANTS_ROOM;
	if (tls_work_has_stopped(why))
		return TLS_ACCEPT_WANTS_WORK;
	tls_accept_explain(ssl, why, error, err);
	ERR_clear_error();
	return TLS_ACCEPT_FAILED;
}

enum tls_accept_status tls_accept_step(struct ssl_st *ssl, struct err *err)
{
	return tls_work_is_next(ssl) ? TLS_ACCEPT_WANTS_WORK : tls_accept_go_on(ssl, err);
}

enum tls_accept_status tls_accept_work(struct ssl_st *ssl, struct err *err)
{
	tls_work_allow(ssl, true);
	enum tls_accept_status status = tls_accept_go_on(ssl, err);
	tls_work_allow(ssl, false);
	if (status != TLS_ACCEPT_WANTS_WORK)
		return status;
	err_set(err, "no memory");
	return TLS_ACCEPT_FAILED;
}

bool tls_accept_has_alpn(const struct ssl_st *ssl)
{
	const unsigned char *name;
	unsigned len;
	SSL_get0_alpn_selected(ssl, &name, &len);
	return len > 0;
}
