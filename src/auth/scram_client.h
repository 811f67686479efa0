/*
 * scram_client.h - logging in to a server with SCRAM, from its keys or from a password.
 *
 * The caller feeds the body of each 'R' message, its four bytes of code included, and sends
 * what out gets (whole 'p' messages). The server has to prove that it knows the secret too:
 * AuthenticationOk without that is a failure. The server is not trusted: all that it sends is
 * bounded. Under TLS the channel can be bound (scram_client_bind).
 *
 * One owner; keys and password are copied, and wiped by scram_client_free.
 *
 * Thread: helper (a password costs milliseconds per login; keys do not).
 */
#ifndef AUTH_SCRAM_CLIENT_H
#define AUTH_SCRAM_CLIENT_H

#include "auth/scram.h"
#include "base/buf.h"
#include "base/bug.h"
#include "base/slice.h"

enum scram_client_status {
	SCRAM_CLIENT_MORE,   /* send out, where there is any, then feed the next 'R' */
	SCRAM_CLIENT_DONE,   /* AuthenticationOk, and the server is who it should be */
	SCRAM_CLIENT_FAILED, /* scram_client_reason says why */
};

struct scram_client;

/*
 * Of the keys, stored_key need not be filled in. nonce NULL: random. For tests: at most
 * SCRAM_NONCE_BYTES.
 */
struct scram_client *scram_client_new_keys(const struct scram_keys *keys,
					   const char *nonce) MUST_CHECK;
struct scram_client *scram_client_new_password(struct slice password, const char *nonce) MUST_CHECK;
/* Before the first step. What binds the channel (tls-server-end-point; empty: nothing does) is used
 * where the server offers it; where it does not and `demanded`, the login fails. */
void scram_client_bind(struct scram_client *c, struct slice binding, bool demanded);

void scram_client_free(struct scram_client *c);

enum scram_client_status scram_client_step(struct scram_client *c, struct slice body,
					   struct buf *out) MUST_CHECK;
const char *scram_client_reason(const struct scram_client *c);

#endif
