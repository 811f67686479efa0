/*
 * connector_tls.h - what libpq leaves open about TLS with servers.
 *
 * Thread: a helper.
 */
#ifndef PROXY_CONNECTOR_TLS_H
#define PROXY_CONNECTOR_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bug.h"
#include "proxy/connector.h"

/* The keywords of files that libpq looks for in somebody's home when they are not named. Here,
 * what the configuration does not name is not read: they get the name of a file that cannot be. */
#define CONNECTOR_TLS_FILES 5
#define CONNECTOR_TLS_NO_FILE "/dev/null/none"
const char *connector_tls_file(size_t i);

/* libpq goes on without lists of revoked certificates that it cannot read: a file's, and those of a
 * directory; NULL or "": none. False: *fault is set. */
bool connector_tls_check_crl(const char *path, const char *dir,
			     struct connector_fault *fault) MUST_CHECK;

/* What the session was held to by its sslmode its cancels are held to. */
void connector_tls_secure_cancels(struct connector_link *link, const char *sslmode);

#endif
