/*
 * tls_context.c - from settings and files to OpenSSL's context.
 *
 * What decides whom we let in, and how (the CA, the list of what was revoked, ciphers, versions)
 * goes into one digest, the session id context: OpenSSL resumes a session only where that is the
 * same, so that a ticket never outlives the judgement it was given under. The certificate that we
 * show belongs to it: who resumes a session binds the channel (SCRAM-SHA-256-PLUS) to the one that
 * it saw when the session began, and that has to be the one that we compare with.
 */
#include "net/tls_context.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "base/filetext.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/tls.h"
#include "net/tls_ticket.h"
#include "net/tls_work.h"

#define TLS_CONTEXT_DIGEST_BYTES 32

struct tls_context {
	atomic_uint refs;
	SSL_CTX *ctx;                    /* a reference */
	struct tls_ticket_keys *tickets; /* a reference */
	size_t end_point_bytes;
	uint8_t end_point[TLS_END_POINT_BYTES]; /* of our certificate */
};

/* ---- faults ----------------------------------------------------------------------------- */

/* OpenSSL's reason, the first that it gave. */
static bool tls_context_fault(struct err *err, const char *setting, const char *value)
{
	unsigned long code = ERR_peek_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;
	if (code && ERR_SYSTEM_ERROR(code))
		reason = strerror(ERR_GET_REASON(code));
	err_set(err, "%s: %s: %s", setting, value, reason ? reason : "OpenSSL does not take it");
	ERR_clear_error();
	return false;
}

static bool tls_context_said(const char *value)
{
	return value && *value;
}

/* ---- the digest of what decides -------------------------------------------------------------- */

static bool tls_context_digest_file(EVP_MD_CTX *md, const char *setting, const char *path,
				    struct err *err)
{
	char part[8192];
	size_t n;
	if (!tls_context_said(path))
		return EVP_DigestUpdate(md, "-", 1);
	FILE *file = fopen(path, "re");
	if (!file)
		return err_set(err, "%s: %s: %s", setting, path, strerror(errno));
	while ((n = fread(part, 1, sizeof(part), file)) > 0)
		EVP_DigestUpdate(md, part, n);
	bool ok = !ferror(file);
	if (!ok)
		err_set(err, "%s: %s: %s", setting, path, strerror(errno));
	fclose(file);
	return ok;
}

static bool tls_context_digest_own(EVP_MD_CTX *md, SSL_CTX *ctx)
{
	unsigned char own[EVP_MAX_MD_SIZE];
	unsigned n;
	return X509_digest(SSL_CTX_get0_certificate(ctx), EVP_sha256(), own, &n) == 1 &&
	       EVP_DigestUpdate(md, own, n);
}

static bool tls_context_digest(SSL_CTX *ctx, const struct tls_context_options *o, struct err *err)
{
	const char *words[] = { o->ciphers, o->suites, o->curves, o->dheparams };
	unsigned char digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) &&
		  EVP_DigestUpdate(md, &o->demands_cert, sizeof(o->demands_cert)) &&
		  EVP_DigestUpdate(md, &o->versions, sizeof(o->versions));
	for (size_t i = 0; ok && i < COUNT_OF(words); i++) {
		const char *word = words[i] ? words[i] : "";
		ok = EVP_DigestUpdate(md, word, strlen(word) + 1);
	}
	ok = ok && tls_context_digest_own(md, ctx);
	if (!ok)
		err_set(err, "client_tls_sslmode: OpenSSL has no SHA-256");
	ok = ok && tls_context_digest_file(md, "client_tls_ca_file", o->ca_file, err) &&
	     tls_context_digest_file(md, "client_tls_crl_file", o->crl_file, err) &&
	     EVP_DigestFinal_ex(md, digest, NULL);
	EVP_MD_CTX_free(md);
	return ok && SSL_CTX_set_session_id_context(ctx, digest, TLS_CONTEXT_DIGEST_BYTES) == 1;
}

/* ---- our certificate ---------------------------------------------------------------------------
 */

/* A key that asks for a passphrase is not asked about at somebody's terminal. */
static int tls_context_no_passphrase(char *buf UNUSED, int size UNUSED, int writes UNUSED,
				     void *arg UNUSED)
{
	return -1;
}

static bool tls_context_check_key_file(const char *path, struct err *err)
{
	struct err warning;
	if (!filetext_check(path, true, err, &warning))
		return err_prefix(err, "client_tls_key_file: %s: it ", path);
	if (*warning.text)
		LOG_WARNING("client_tls_key_file: %s: it %s", path, warning.text);
	return true;
}

static bool tls_context_own(SSL_CTX *ctx, const struct tls_context_options *o, struct err *err)
{
	if (!tls_context_said(o->cert_file))
		return err_set(err, "client_tls_cert_file: not set, and TLS with clients needs it");
	if (!tls_context_said(o->key_file))
		return err_set(err, "client_tls_key_file: not set, and TLS with clients needs it");
	if (!tls_context_check_key_file(o->key_file, err))
		return false;
	if (SSL_CTX_use_certificate_chain_file(ctx, o->cert_file) != 1)
		return tls_context_fault(err, "client_tls_cert_file", o->cert_file);
	SSL_CTX_set_default_passwd_cb(ctx, tls_context_no_passphrase);
	if (SSL_CTX_use_PrivateKey_file(ctx, o->key_file, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1)
		return tls_context_fault(err, "client_tls_key_file", o->key_file);
	return true;
}

/* ---- theirs ------------------------------------------------------------------------------------
 */

/* Where a certificate is asked for and not demanded, the session goes on with one that is no
 * good; that it is none stays in the session's verify result. */
static int tls_context_on_verify(int ok UNUSED, X509_STORE_CTX *store UNUSED)
{
	return 1;
}

static bool tls_context_crl(SSL_CTX *ctx, const char *path, struct err *err)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
	if (!lookup || X509_load_crl_file(lookup, path, X509_FILETYPE_PEM) <= 0)
		return tls_context_fault(err, "client_tls_crl_file", path);
	X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	return true;
}

static bool tls_context_theirs(SSL_CTX *ctx, const struct tls_context_options *o, struct err *err)
{
	if (!tls_context_said(o->ca_file)) {
		if (o->demands_cert)
			return err_set(err, "client_tls_ca_file: not set, and client_tls_sslmode "
					    "verify-ca and verify-full need it");
		if (tls_context_said(o->crl_file))
			return err_set(err, "client_tls_crl_file: of no use without "
					    "client_tls_ca_file");
		return true;
	}
	STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(o->ca_file);
	if (!names || SSL_CTX_load_verify_file(ctx, o->ca_file) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return tls_context_fault(err, "client_tls_ca_file", o->ca_file);
	}
	SSL_CTX_set_client_CA_list(ctx, names); /* takes them */
	if (tls_context_said(o->crl_file) && !tls_context_crl(ctx, o->crl_file, err))
		return false;
	if (o->demands_cert)
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	else
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, tls_context_on_verify);
	return true;
}

/* ---- versions and ciphers
 * ------------------------------------------------------------------------ */

static const struct {
	unsigned version;
	int number;
	uint64_t off;
} tls_context_versions[] = {
	{ TLS_CONTEXT_10, TLS1_VERSION, SSL_OP_NO_TLSv1 },
	{ TLS_CONTEXT_11, TLS1_1_VERSION, SSL_OP_NO_TLSv1_1 },
	{ TLS_CONTEXT_12, TLS1_2_VERSION, SSL_OP_NO_TLSv1_2 },
	{ TLS_CONTEXT_13, TLS1_3_VERSION, SSL_OP_NO_TLSv1_3 },
};

static bool tls_context_set_protocols(SSL_CTX *ctx, unsigned versions, struct err *err)
{
	int least = 0, most = 0;
	uint64_t off = 0;
	for (size_t i = 0; i < COUNT_OF(tls_context_versions); i++) {
		if (versions & tls_context_versions[i].version) {
			least = least ? least : tls_context_versions[i].number;
			most = tls_context_versions[i].number;
		} else {
			off |= tls_context_versions[i].off;
		}
	}
	SSL_CTX_set_options(ctx, off);
	return (SSL_CTX_set_min_proto_version(ctx, least) == 1 &&
		SSL_CTX_set_max_proto_version(ctx, most) == 1) ||
	       tls_context_fault(err, "client_tls_protocols", "its versions");
}

/* PgBouncer's words for OpenSSL's own choice; all else is OpenSSL's. */
static const char *tls_context_ciphers(const char *text)
{
	static const char *const defaults[] = { "default", "secure", "fast", "normal" };
	for (size_t i = 0; i < COUNT_OF(defaults); i++)
		if (!tls_context_said(text) || slice_ieq_str(slice_of(text), defaults[i]))
			return "HIGH:MEDIUM:!aNULL:!3DES";
	return slice_ieq_str(slice_of(text), "all") || slice_ieq_str(slice_of(text), "legacy")
		       ? "ALL:!aNULL:!eNULL"
		       : text;
}

static bool tls_context_set_ciphers(SSL_CTX *ctx, const struct tls_context_options *o,
				    struct err *err)
{
	char list[4096];
	bool no_curves = o->curves && slice_ieq_str(slice_of(o->curves), "none");
	int n = snprintf(list, sizeof(list), "%s%s", tls_context_ciphers(o->ciphers),
			 no_curves ? ":!kECDHE" : "");
	if (n >= (int)sizeof(list))
		return err_set(err, "client_tls_ciphers: too long");
	if (SSL_CTX_set_cipher_list(ctx, list) != 1)
		return tls_context_fault(err, "client_tls_ciphers", o->ciphers);
	if (tls_context_said(o->suites) && SSL_CTX_set_ciphersuites(ctx, o->suites) != 1)
		return tls_context_fault(err, "client_tls13_ciphers", o->suites);
	SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
	return true;
}

static bool tls_context_set_groups(SSL_CTX *ctx, const struct tls_context_options *o,
				   struct err *err)
{
	const char *curves = tls_context_said(o->curves) ? o->curves : "auto";
	const char *dhe = tls_context_said(o->dheparams) ? o->dheparams : "auto";
	if (!slice_ieq_str(slice_of(curves), "auto") && !slice_ieq_str(slice_of(curves), "none") &&
	    SSL_CTX_set1_groups_list(ctx, curves) != 1)
		return tls_context_fault(err, "client_tls_ecdhcurve", curves);
	if (slice_ieq_str(slice_of(dhe), "auto") || slice_ieq_str(slice_of(dhe), "legacy"))
		return SSL_CTX_set_dh_auto(ctx, 1) == 1;
	if (slice_ieq_str(slice_of(dhe), "none"))
		return true;
	return err_set(err, "client_tls_dheparams: %s: there are auto, legacy and none", dhe);
}

/* ---- ALPN
 * ---------------------------------------------------------------------------------------- */

/* A client that names protocols and not PostgreSQL's has lost its way, or was sent here by
 * somebody who hopes that we do not look (ALPACA). */
static int tls_context_on_alpn(SSL *ssl UNUSED, const unsigned char **out, unsigned char *out_len,
			       const unsigned char *in, unsigned in_len, void *arg UNUSED)
{
	static const unsigned char ours[] = "\012postgresql";
	unsigned char *chosen;
	if (SSL_select_next_proto(&chosen, out_len, ours, sizeof(ours) - 1, in, in_len) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* ---- the whole
 * ----------------------------------------------------------------------------------- */

static void tls_context_set_ways(SSL_CTX *ctx)
{
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_SSLv3 |
					 SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* the clients keep them */
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_alpn_select_cb(ctx, tls_context_on_alpn, NULL);
	tls_work_use(ctx);
}

static bool tls_context_fill(SSL_CTX *ctx, const struct tls_context_options *o, struct err *err)
{
	tls_context_set_ways(ctx);
	if (o->offloads) /* tried at each handshake; in vain where the kernel lacks it */
		SSL_CTX_set_options(ctx, SSL_OP_ENABLE_KTLS);
	if (tls_context_set_protocols(ctx, o->versions, err) &&
	    tls_context_set_ciphers(ctx, o, err) && tls_context_set_groups(ctx, o, err) &&
	    tls_context_own(ctx, o, err) && tls_context_theirs(ctx, o, err) &&
	    tls_context_digest(ctx, o, err))
		return true;
	if (!*err->text)
		err_set(err, "client_tls_sslmode: OpenSSL does not take it");
	return false;
}

struct tls_context *tls_context_new(const struct tls_context_options *options,
				    const struct tls_context *previous, struct err *err)
{
	struct tls_context *context = mem_zalloc(sizeof(*context));
	atomic_init(&context->refs, 1);
	err->text[0] = '\0';
	ERR_clear_error();
	context->tickets =
		previous ? tls_ticket_keys_ref(previous->tickets) : tls_ticket_keys_new();
	context->ctx = SSL_CTX_new(TLS_server_method());
	bool ok = context->ctx && context->tickets;
	if (!ok)
		err_set(err, "client_tls_sslmode: OpenSSL has no memory or no randomness");
	if (!ok || !tls_context_fill(context->ctx, options, err)) {
		tls_context_unref(context);
		return NULL;
	}
	tls_ticket_use(context->ctx, context->tickets);
	context->end_point_bytes =
		tls_end_point(SSL_CTX_get0_certificate(context->ctx), context->end_point);
	return context;
}

struct tls_context *tls_context_ref(struct tls_context *context)
{
	if (context)
		atomic_fetch_add(&context->refs, 1);
	return context;
}

void tls_context_unref(struct tls_context *context)
{
	if (!context || atomic_fetch_sub(&context->refs, 1) > 1)
		return;
	SSL_CTX_free(context->ctx);
	tls_ticket_keys_unref(context->tickets);
	free(context);
}

struct slice tls_context_end_point(const struct tls_context *context)
{
	return slice_make(context->end_point, context->end_point_bytes);
}

struct ssl_ctx_st *tls_context_ssl(const struct tls_context *context)
{
	return context->ctx;
}
