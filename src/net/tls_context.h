/*
 * tls_context.h - what clients meet when they ask for TLS: our certificate, whose certificates
 * we take, and with which ciphers.
 *
 * Made as a whole from the files that the settings name, or not at all; immutable then, so
 * that a reload makes another one and open connections live on with theirs. Counted by
 * reference.
 *
 * Thread: any.
 */
#ifndef NET_TLS_CONTEXT_H
#define NET_TLS_CONTEXT_H

#include <stdbool.h>

#include "base/bug.h"
#include "base/err.h"
#include "base/slice.h"

struct ssl_ctx_st;
struct tls_context;

enum tls_context_version {
	TLS_CONTEXT_10 = 1,
	TLS_CONTEXT_11 = 2,
	TLS_CONTEXT_12 = 4,
	TLS_CONTEXT_13 = 8,
};

/* In PgBouncer's words; "" or NULL where nothing is said. Strings are not kept. */
struct tls_context_options {
	const char *key_file, *cert_file; /* both have to be there */
	const char *ca_file;              /* whose certificates clients may have */
	const char *crl_file;             /* which of those have been revoked */
	const char *ciphers;              /* up to TLS 1.2; "default", "all", or OpenSSL's syntax */
	const char *suites;               /* TLS 1.3 */
	const char *curves;               /* "auto", "none", or names separated by colons */
	const char *dheparams;            /* "auto", "legacy", "none" */
	unsigned versions;                /* a set of enum tls_context_version, not empty */
	/* No client without a certificate that is good. Otherwise, where there is a ca_file, one is
	 * asked for, and one that is no good counts as none (tls_peer_names). */
	bool demands_cert;
	bool offloads; /* the kernel may encrypt, where it can */
};

/* NULL: err begins with the name of the setting that is wrong. `previous` may be NULL: sessions
 * that began under it can be resumed if whom it let in, and what it showed, has not changed. */
struct tls_context *tls_context_new(const struct tls_context_options *options,
				    const struct tls_context *previous, struct err *err) MUST_CHECK;
struct tls_context *tls_context_ref(struct tls_context *context); /* NULL stays NULL */
void tls_context_unref(struct tls_context *context);              /* NULL is fine */

/* What the channel of a client binds to (tls_end_point), for as long as the context lives; may be
 * empty. */
struct slice tls_context_end_point(const struct tls_context *context);

struct ssl_ctx_st *tls_context_ssl(const struct tls_context *context); /* borrowed */

#endif
