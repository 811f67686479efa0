/*
 * pki.c - see pki.h.
 */
#include "pki.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

static FILE *pki_create(const char *path)
{
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(chmod(path, 0600), 0);
	return f;
}

void pki_write(const char *path, const char *text)
{
	FILE *f = pki_create(path);
	fputs(text, f);
	fclose(f);
}

static void pki_write_cert(const char *path, X509 *cert)
{
	FILE *f = pki_create(path);
	ck_assert_int_eq(PEM_write_X509(f, cert), 1);
	fclose(f);
}

static void pki_write_crl(struct pki *p, X509 *revoked)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *at = X509_gmtime_adj(NULL, -60);
	X509_CRL_set_version(crl, 1);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(p->cert));
	X509_CRL_set1_lastUpdate(crl, at);
	X509_gmtime_adj(at, 3600);
	X509_CRL_set1_nextUpdate(crl, at);
	X509_gmtime_adj(at, -60);
	if (revoked) {
		X509_REVOKED *r = X509_REVOKED_new();
		X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(revoked));
		X509_REVOKED_set_revocationDate(r, at);
		X509_CRL_add0_revoked(crl, r);
	}
	ck_assert_int_gt(X509_CRL_sign(crl, p->key, EVP_sha256()), 0);
	FILE *f = pki_create(p->crl);
	ck_assert_int_eq(PEM_write_X509_CRL(f, crl), 1);
	fclose(f);
	ASN1_TIME_free(at);
	X509_CRL_free(crl);
}

void pki_revoke(struct pki *p, X509 *cert)
{
	pki_write_crl(p, cert);
}

static void pki_extend(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	ck_assert_ptr_nonnull(ext);
	X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
}

static void pki_name(X509_NAME *name, const char *part, const char *value)
{
	if (value)
		X509_NAME_add_entry_by_txt(name, part, MBSTRING_UTF8, (const unsigned char *)value,
					   -1, -1, 0);
}

static X509 *pki_make(struct pki *p, const struct pki_subject *subject, EVP_PKEY *key)
{
	X509 *cert = X509_new();
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), ++p->serial);
	X509_gmtime_adj(X509_getm_notBefore(cert), -7200);
	X509_gmtime_adj(X509_getm_notAfter(cert), subject->not_after ? subject->not_after : 3600);
	X509_set_pubkey(cert, key);
	pki_name(X509_get_subject_name(cert), "O", subject->organisation);
	pki_name(X509_get_subject_name(cert), "CN", subject->cn);
	X509_set_issuer_name(cert, X509_get_subject_name(p->cert ? p->cert : cert));
	if (!p->cert)
		pki_extend(cert, NID_basic_constraints, "critical,CA:TRUE");
	if (subject->sans)
		pki_extend(cert, NID_subject_alt_name, subject->sans);
	const EVP_MD *hash = subject->hash ? subject->hash : EVP_sha256();
	ck_assert_int_gt(X509_sign(cert, p->key, hash), 0);
	return cert;
}

void pki_init(struct pki *p)
{
	*p = (struct pki){ .serial = 0 };
	strcpy(p->dir, "/tmp/check_net.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(p->dir));
	snprintf(p->ca, sizeof(p->ca), "%s/ca.crt", p->dir);
	snprintf(p->crl, sizeof(p->crl), "%s/ca.crl", p->dir);
	p->key = EVP_EC_gen("P-256");
	p->cert = pki_make(p, &(struct pki_subject){ .cn = "root" }, p->key);
	pki_write_cert(p->ca, p->cert);
	pki_write_crl(p, NULL);
}

void pki_fini(struct pki *p)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", p->dir);
	ck_assert_int_eq(system(command), 0);
	X509_free(p->cert);
	EVP_PKEY_free(p->key);
}

X509 *pki_issue(struct pki *p, const struct pki_subject *subject, EVP_PKEY **key)
{
	*key = EVP_EC_gen("P-256");
	X509 *cert = pki_make(p, subject, *key);
	snprintf(p->cert_file, sizeof(p->cert_file), "%s/%ld.crt", p->dir, p->serial);
	snprintf(p->key_file, sizeof(p->key_file), "%s/%ld.key", p->dir, p->serial);
	pki_write_cert(p->cert_file, cert);
	FILE *f = pki_create(p->key_file);
	ck_assert_int_eq(PEM_write_PrivateKey(f, *key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	return cert;
}
