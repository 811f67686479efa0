/*
 * ends.h - a client and our end of a TLS session, over a socket pair.
 */
#ifndef ENDS_H
#define ENDS_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "base/err.h"
#include "net/tls_accept.h"
#include "net/tls_context.h"

struct ends {
	int fd[2];
	SSL_CTX *ctx;
	SSL *server, *client; /* the server's is ours */
	enum tls_accept_status status;
	struct err err;
	bool client_done;
	int works; /* how often ours has stopped for arithmetic */
};

/* A client that shows the certificate, if any. */
void ends_open(struct ends *e, const struct tls_context *context, X509 *cert, EVP_PKEY *key);
void ends_close(struct ends *e);

/* A step of ours, and what it has stopped for, in e->status. */
void ends_step(struct ends *e);

/* Until the server has finished or failed, and the client has read what it was sent. */
enum tls_accept_status ends_shake(struct ends *e);

#endif
