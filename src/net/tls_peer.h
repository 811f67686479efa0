/*
 * tls_peer.h - who a client is by its certificate.
 *
 * Only a certificate that was verified against the CA (and the CRL, where there is one) tells
 * names; one that was merely shown tells nothing. Names that hold a zero byte are left out:
 * nobody shall be compared with the half of a name.
 *
 * Owned by who asked. Thread: that of the session's owner.
 */
#ifndef NET_TLS_PEER_H
#define NET_TLS_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bug.h"

struct ssl_st;

/*      kind    a subject alternative name of this kind */
#define TLS_PEER_KINDS(X)                                                                          \
	X(DNS)                                                                                     \
	X(EMAIL)                                                                                   \
	X(URI)

#define TLS_PEER_KIND_ENUM_(kind) TLS_PEER_##kind,
enum tls_peer_kind { TLS_PEER_KINDS(TLS_PEER_KIND_ENUM_) };
#undef TLS_PEER_KIND_ENUM_

struct tls_peer_san {
	enum tls_peer_kind kind;
	char *name; /* owned */
};

struct tls_peer {
	char *common_name; /* owned; the subject's first CN, in UTF-8; NULL: none */
	char *dn; /* owned; the subject as RFC 2253 has it, as PostgreSQL's clientname=DN */
	struct tls_peer_san *sans; /* owned */
	size_t san_count;
};

/* True: there is a verified certificate, and *out is filled (tls_peer_fini). False: there is
 * none, and *out is empty. */
bool tls_peer_names(const struct ssl_st *ssl, struct tls_peer *out) MUST_CHECK;
void tls_peer_fini(struct tls_peer *peer);

#endif
