/*
 * tls_peer.c - the names in a verified certificate.
 */
#include "net/tls_peer.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/mem.h"

/* Its text as a string of ours; NULL where a zero byte is in it, or it is no text. */
static char *tls_peer_text(const ASN1_STRING *from)
{
	unsigned char *utf8 = NULL;
	int n = from ? ASN1_STRING_to_UTF8(&utf8, from) : -1;
	char *text = NULL;
	if (n >= 0 && !memchr(utf8, '\0', (size_t)n)) {
		text = mem_alloc((size_t)n + 1);
		memcpy(text, utf8, (size_t)n);
		text[n] = '\0';
	}
	OPENSSL_free(utf8);
	return text;
}

static char *tls_peer_common_name(X509 *cert)
{
	const X509_NAME *subject = X509_get_subject_name(cert);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (at < 0)
		return NULL;
	return tls_peer_text(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

static char *tls_peer_dn(X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *dn = NULL;
	if (bio && X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253) >= 0) {
		long n = BIO_get_mem_data(bio, &data);
		if (n > 0 && !memchr(data, '\0', (size_t)n)) {
			dn = mem_alloc((size_t)n + 1);
			memcpy(dn, data, (size_t)n);
			dn[n] = '\0';
		}
	}
	BIO_free(bio);
	return dn;
}

static void tls_peer_add(struct tls_peer *peer, enum tls_peer_kind kind, const ASN1_STRING *from)
{
	char *name = tls_peer_text(from);
	if (!name)
		return;
	peer->sans = mem_realloc(peer->sans, (peer->san_count + 1) * sizeof(*peer->sans));
	peer->sans[peer->san_count++] = (struct tls_peer_san){ .kind = kind, .name = name };
}

static void tls_peer_sans(X509 *cert, struct tls_peer *peer)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type == GEN_DNS)
			tls_peer_add(peer, TLS_PEER_DNS, name->d.dNSName);
		else if (name->type == GEN_EMAIL)
			tls_peer_add(peer, TLS_PEER_EMAIL, name->d.rfc822Name);
		else if (name->type == GEN_URI)
			tls_peer_add(peer, TLS_PEER_URI, name->d.uniformResourceIdentifier);
	}
	GENERAL_NAMES_free(names);
}

bool tls_peer_names(const struct ssl_st *ssl, struct tls_peer *out)
{
	*out = (struct tls_peer){ .common_name = NULL };
	X509 *cert = SSL_get0_peer_certificate(ssl);
	if (!cert || SSL_get_verify_result(ssl) != X509_V_OK ||
	    !(SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER))
		return false;
	out->common_name = tls_peer_common_name(cert);
	out->dn = tls_peer_dn(cert);
	tls_peer_sans(cert, out);
	ERR_clear_error();
	return true;
}

void tls_peer_fini(struct tls_peer *peer)
{
	for (size_t i = 0; i < peer->san_count; i++)
		free(peer->sans[i].name);
	free(peer->sans);
	free(peer->common_name);
	free(peer->dn);
	*peer = (struct tls_peer){ .common_name = NULL };
}
