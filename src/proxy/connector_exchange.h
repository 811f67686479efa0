/*
 * connector_exchange.h - who we are: the answers to a server's 'R' messages. Of what is known
 * (password, SCRAM keys, md5 secret) it is given what it asks for, and no more: md5 from a secret,
 * never the secret.
 *
 * No socket: the caller feeds the body of each 'R', sends what `out` gets, and goes on until the
 * exchange is known. The server is not trusted.
 *
 * Source: PostgreSQL's manual, "Message Flow", start-up; SCRAM in auth/scram_client.h.
 * Owned by whoever logs in. Thread: a helper (SCRAM from a password takes milliseconds).
 */
#ifndef PROXY_CONNECTOR_EXCHANGE_H
#define PROXY_CONNECTOR_EXCHANGE_H

#include <stdbool.h>

#include "auth/scram.h"
#include "base/buf.h"
#include "base/bug.h"
#include "proxy/connector.h"
#include "proxy/connector_terms.h"

struct scram_client;

/* What is known. Nothing of it is owned. */
struct connector_proof {
	const char *user;
	const char *password; /* NULL or "": not known */
	bool has_keys, has_md5;
	struct scram_keys keys;
	char md5[CONNECTOR_MD5_BYTES]; /* hex, without a zero */
};

struct connector_exchange {
	const struct connector_proof *proof; /* none of these three is owned */
	const struct connector_terms *terms;
	struct ssl_st *ssl;
	struct scram_client *scram; /* owned; NULL until the server asks for SCRAM */
	bool asked;                 /* the first 'R' has come */
	bool proved;                /* and asked for a secret, which it was given */
	bool known;                 /* the server knows us: it is over */
};

void connector_exchange_fini(struct connector_exchange *x);

/* One 'R'. False: *fault says why the login is over. */
bool connector_exchange_step(struct connector_exchange *x, struct slice body, struct buf *out,
			     struct connector_fault *fault) MUST_CHECK;

#endif
