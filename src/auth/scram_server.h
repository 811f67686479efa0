/*
 * scram_server.h - the server's side of one SCRAM-SHA-256 conversation, messages only.
 *
 * It knows the grammar and the order of the four messages; who the user is, which verifier
 * counts and what is sent when is auth.c's.
 *
 * Over TLS SCRAM-SHA-256-PLUS is offered too, bound to the certificate that we have shown
 * (tls-server-end-point, RFC 5929): somebody in between with another one gets no further.
 *
 * Embedded in and owned by the login.
 *
 * Thread: worker.
 */
#ifndef AUTH_SCRAM_SERVER_H
#define AUTH_SCRAM_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/scram.h"
#include "base/buf.h"
#include "base/bug.h"
#include "base/slice.h"

#define SCRAM_SERVER_MAX_MECHANISMS 2
#define SCRAM_SERVER_FINAL_BYTES (2 + SCRAM_KEY_TEXT_BYTES) /* "v=..." */

struct scram_server {
	struct buf auth_message; /* as much of it as was said yet */
	char flag;               /* of channel binding: 'n', 'y' or 'p' */
	bool is_plus;            /* the client has chosen the mechanism that binds */
	size_t binding_bytes;    /* 0: that one was not offered */
	uint8_t binding[SCRAM_MAX_BINDING_BYTES];
	size_t first_at;                 /* where server-first begins in auth_message */
	size_t first_bytes, nonce_bytes; /* its length; the nonce's, which is at its start */
	uint8_t proof[SCRAM_KEY_BYTES];
};

void scram_server_init(struct scram_server *s);
void scram_server_fini(struct scram_server *s);

/* The client is on TLS: what binds to it, the certificate's hash. Empty: there is none. */
void scram_server_bind(struct scram_server *s, struct slice end_point);

/* Fills in the names of what is offered, the better one first; how many. */
size_t scram_server_offer(const struct scram_server *s,
			  const char *names[SCRAM_SERVER_MAX_MECHANISMS]);

/* Which of them the client wants. False: one that was not offered. */
bool scram_server_choose(struct scram_server *s, struct slice mechanism) MUST_CHECK;

/* What the client said first, and our answer to it. NULL, or what is wrong with its message. */
const char *scram_server_first(struct scram_server *s, struct slice client_first, const char *nonce,
			       struct slice salt, uint32_t iterations) MUST_CHECK;
struct slice scram_server_challenge(const struct scram_server *s); /* server-first */

/* What it said last. NULL, or what is wrong with it; the proof is not judged here. */
const char *scram_server_final(struct scram_server *s, struct slice client_final) MUST_CHECK;

/* Whether the proof fits; if so fills in all keys and server-final with a zero behind it. */
bool scram_server_check(const struct scram_server *s, const struct scram_verifier *v,
			struct scram_keys *keys,
			char final[SCRAM_SERVER_FINAL_BYTES + 1]) MUST_CHECK;

#endif
