/*
 * auth.h - a client's login, as steps: what it sent in, what to send it out, a verdict.
 *
 *	ex = auth_new(&request);
 *	status = auth_start(ex, out);           then, as long as it is AUTH_MORE:
 *	status = auth_step(ex, body, out);      with the body of the client's next 'p' message
 *	auth_work(ex); auth_resume(ex, out);    where the status is AUTH_WORK
 *
 *	auth_judged(ex, verdict, why, out);     where it is AUTH_JUDGE: somebody else has judged
 *	                                        auth_password(ex)
 *
 * `out` gets whole messages, up to AuthenticationOk with AUTH_OK; the ErrorResponse that
 * follows AUTH_REFUSED or AUTH_MALFORMED is the caller's (auth_reason is for the log, never
 * for the client).
 *
 * Somebody unknown (secret NULL) gets the same messages, with a salt that stays the same for a
 * name, and is refused after the same work as a known one with a wrong password: a refused
 * scram-sha-256 or plain login always costs one run of PBKDF2 in a helper, an accepted one only
 * the first time for a secret that is kept as plain text.
 *
 * One owner, the login; freed when it is over, so that an idle client carries nothing of it.
 * From AUTH_WORK until auth_work has returned it is the helper's: it may not be touched or freed.
 * Where no helper came to it, it may be freed, and auth_resume refuses.
 *
 * Thread: worker; auth_work: helper.
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/scram.h"
#include "auth/secret.h"
#include "base/buf.h"
#include "base/bug.h"
#include "base/slice.h"

#define AUTH_MAX_MESSAGE_BYTES SCRAM_MAX_MESSAGE_BYTES /* a longer 'p' is malformed */
#define AUTH_MOCK_KEY_BYTES 32

/* clang-format off */
#define AUTH_METHODS(X) \
	X(TRUST, "trust") \
	X(PLAIN, "plain") \
	X(MD5,   "md5")   /* a user whose secret is SCRAM's is asked for SCRAM */ \
	X(SCRAM, "scram-sha-256") /* and -PLUS, where the channel can be bound */ \
	X(JUDGED, "password")     /* as it is; somebody else than us knows whether it is right */
/* clang-format on */

enum auth_method {
#define X(id, name) AUTH_METHOD_##id,
	AUTH_METHODS(X)
#undef X
};

enum auth_status {
	AUTH_MORE,      /* send out, then auth_step with the next 'p' */
	AUTH_OK,        /* send out; it ends with AuthenticationOk */
	AUTH_REFUSED,   /* 28P01 and the end of the connection */
	AUTH_MALFORMED, /* 08P01 and the end of the connection */
	AUTH_WORK,      /* auth_work in a helper, then auth_resume; out is empty */
	AUTH_JUDGE, /* the password is there: auth_judged when there is a verdict; out is empty */
};

/* What makes mock logins consistent; made once per process. */
struct auth_mock {
	uint8_t key[AUTH_MOCK_KEY_BYTES];
};

struct auth_request {
	enum auth_method method;
	struct slice user;            /* copied */
	struct secret *secret;        /* referenced; NULL: unknown, or may not log in */
	const struct auth_mock *mock; /* used by auth_new alone */
	bool like_scram;          /* what somebody unknown is asked for under md5: most have it */
	uint32_t like_iterations; /* what its SCRAM secret would have; 0: SCRAM_ITERATIONS */
	struct slice binding;     /* of the client's TLS: its end point's hash; empty: none */
	const char *server_nonce; /* NULL: random. For tests: at most SCRAM_NONCE_BYTES */
};

struct auth_exchange;

bool auth_mock_init(struct auth_mock *mock) MUST_CHECK; /* false: no randomness to be had */

struct auth_exchange *auth_new(const struct auth_request *req) MUST_CHECK;
void auth_free(struct auth_exchange *ex); /* wipes; NULL does nothing */

enum auth_status auth_start(struct auth_exchange *ex, struct buf *out) MUST_CHECK;
enum auth_status auth_step(struct auth_exchange *ex, struct slice body, struct buf *out) MUST_CHECK;
void auth_work(struct auth_exchange *ex); /* milliseconds of arithmetic */
enum auth_status auth_resume(struct auth_exchange *ex, struct buf *out) MUST_CHECK;

/* From AUTH_JUDGE to auth_judged: what the client said. `why` not: borrowed until auth_free. */
const char *auth_password(const struct auth_exchange *ex);
enum auth_status auth_judged(struct auth_exchange *ex, bool is_right, const char *why,
			     struct buf *out) MUST_CHECK;

/*
 * After AUTH_REFUSED: the secret that it was judged by may have been an old one. What the client
 * said to `plain` or md5 is held against this one; to SCRAM, or where it is the same secret,
 * the refusal stays (a proof is of one salt alone).
 */
enum auth_status auth_reconsider(struct auth_exchange *ex, struct secret *secret,
				 struct buf *out) MUST_CHECK;

const char *auth_reason(const struct auth_exchange *ex); /* why not, for the log; "" if nothing */
const char *auth_method_name(enum auth_method method);
const char *auth_state_name(const struct auth_exchange *ex);

/*
 * After AUTH_OK: what logs in to a server in the client's name. The keys, where the login was
 * SCRAM against a SCRAM secret; the password, where it was `plain` (terminated by a zero, the
 * caller's to give to vault_free). Each gives once.
 */
bool auth_take_scram_keys(struct auth_exchange *ex, struct scram_keys *out) MUST_CHECK;
char *auth_take_password(struct auth_exchange *ex) MUST_CHECK;

#endif
