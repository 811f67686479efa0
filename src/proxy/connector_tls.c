/*
 * connector_tls.c - see connector_tls.h.
 */
#include "proxy/connector_tls.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include <libpq-fe.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "proxy/connector_cancel.h"
#include "proxy/connector_fault.h"

const char *connector_tls_file(size_t i)
{
	static const char *const files[CONNECTOR_TLS_FILES] = { "passfile", "sslcert", "sslkey",
								"sslrootcert", "sslcrl" };
	return files[i];
}

static bool connector_tls_reads_crl(const char *path)
{
	FILE *file = fopen(path, "re");
	X509_CRL *crl = file ? PEM_read_X509_CRL(file, NULL, NULL, NULL) : NULL;
	bool ok = crl != NULL;
	if (file)
		fclose(file);
	X509_CRL_free(crl);
	ERR_clear_error();
	return ok;
}

static bool connector_tls_reads_dir(const char *path)
{
	DIR *dir = opendir(path);
	if (dir)
		closedir(dir);
	return dir != NULL;
}

static bool connector_tls_unreadable(const char *what, const char *path,
				     struct connector_fault *fault)
{
	char message[CONNECTOR_TEXT_BYTES];
	snprintf(message, sizeof(message), "could not read the %s \"%s\"", what, path);
	connector_fault_set(fault, CONNECTOR_FAULT_OPTIONS, "08001", message);
	return false;
}

bool connector_tls_check_crl(const char *path, const char *dir, struct connector_fault *fault)
{
	bool has_path = path && *path && strcmp(path, CONNECTOR_TLS_NO_FILE) != 0;
	if (has_path && !connector_tls_reads_crl(path))
		return connector_tls_unreadable("list of revoked certificates", path, fault);
	if (dir && *dir && !connector_tls_reads_dir(dir))
		return connector_tls_unreadable("directory of revoked certificates", dir, fault);
	return true;
}

static bool connector_tls_is_strict(const char *sslmode)
{
	return sslmode && (strcmp(sslmode, "require") == 0 || strcmp(sslmode, "verify-ca") == 0 ||
			   strcmp(sslmode, "verify-full") == 0);
}

void connector_tls_secure_cancels(struct connector_link *link, const char *sslmode)
{
	bool checks_name = sslmode && strcmp(sslmode, "verify-full") == 0;
	connector_cancel_secure(link->cancel, link->ssl, checks_name ? PQhost(link->pg) : NULL,
				connector_tls_is_strict(sslmode));
}
