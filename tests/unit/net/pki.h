/*
 * pki.h - an authority for the tests: keys, certificates and a list of revoked ones, in files.
 */
#ifndef PKI_H
#define PKI_H

#include <openssl/evp.h>
#include <openssl/x509.h>

struct pki {
	char dir[64];
	EVP_PKEY *key;
	X509 *cert;
	long serial;
	/* paths, of the files that pki_init and pki_issue write */
	char ca[128], crl[128], cert_file[128], key_file[128];
};

/* What a certificate says. NULL or 0: nothing, or as usual. */
struct pki_subject {
	const char *cn, *organisation;
	const char *sans;   /* in OpenSSL's way: "DNS:a,email:b@c,URI:d" */
	long not_after;     /* seconds from now; 0: an hour */
	const EVP_MD *hash; /* of the signature; NULL: SHA-256 */
};

void pki_init(struct pki *p);
void pki_fini(struct pki *p);

/* A certificate and its key, in p->cert_file and p->key_file (which are of the newest one). */
X509 *pki_issue(struct pki *p, const struct pki_subject *subject, EVP_PKEY **key);
void pki_revoke(struct pki *p, X509 *cert); /* on the list, which has only this one then */
void pki_write(const char *path, const char *text);

#endif
