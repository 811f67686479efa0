/*
 * auth_parts.h - what the files of a login's steps share, and nobody else sees.
 *
 *	auth.c             its beginning and end, its states, what is given to a helper
 *	auth_password.c    a password as it is, and its md5 answer
 *	auth_scram.c       the messages of SCRAM
 *
 * Thread: as auth.h.
 */
#ifndef AUTH_AUTH_PARTS_H
#define AUTH_AUTH_PARTS_H

#include "auth/auth.h"
#include "auth/md5.h"
#include "auth/scram_server.h"

/* clang-format off */
#define TO(s) (1u << AUTH_STATE_##s)
#define AUTH_STATES(X) \
	/*state     may become */ \
	X(NEW,      TO(PASSWORD) | TO(ANSWER) | TO(INITIAL) | TO(OVER)) \
	X(PASSWORD, TO(JUDGE) | TO(WORK) | TO(OVER)) \
	X(JUDGE,    TO(OVER)) \
	X(ANSWER,   TO(OVER)) \
	X(INITIAL,  TO(FIRST) | TO(PROOF) | TO(OVER)) \
	X(FIRST,    TO(PROOF) | TO(OVER)) \
	X(PROOF,    TO(WORK) | TO(OVER)) \
	X(WORK,     TO(WORKED) | TO(OVER)) \
	X(WORKED,   TO(OVER)) \
	X(OVER,     TO(PASSWORD) | TO(ANSWER))
/* clang-format on */

enum auth_state {
#define X(id, edges) AUTH_STATE_##id,
	AUTH_STATES(X)
#undef X
};

/* What a helper is asked to compute. */
enum auth_task {
	AUTH_TASK_NOTHING_OF_USE, /* the login is refused already; it takes its time */
	AUTH_TASK_VERIFIER,       /* of the plain secret, to check the client's proof by */
	AUTH_TASK_COMPARE,        /* of the client's password, to compare with the SCRAM secret */
};

struct auth_exchange {
	enum auth_state state;
	enum auth_method method; /* the one that is used, which may not be the one asked for */
	struct secret *secret;   /* a reference, or NULL */
	char *user;              /* owned */
	const char *doom;        /* why it cannot succeed whatever the client says; or NULL */
	const char *reason;      /* why it did not; or NULL */
	enum auth_task task;
	bool is_computed; /* the task was done, into verifier */
	struct scram_verifier verifier;
	uint32_t mock_iterations;
	uint8_t salt[SCRAM_KEY_BYTES]; /* made from the name; SCRAM uses the front of it */
	uint8_t md5_salt[MD5_SALT_BYTES];
	char nonce[SCRAM_NONCE_BYTES + 1];
	struct scram_server scram;
	char *password; /* owned, of the vault; what the client sent in clear text */
	bool is_accepted;
	char answer[MD5_ANSWER_BYTES + 1]; /* what it sent under md5; "": nothing of that length */
	bool has_keys;
	struct scram_keys keys;
};

/* The only writer of ex->state. */
void auth_enter(struct auth_exchange *ex, enum auth_state to);

/* ---- how a step ends ------------------------------------------------------------- */

enum auth_status auth_accept(struct auth_exchange *ex, struct buf *out) MUST_CHECK;
enum auth_status auth_refuse(struct auth_exchange *ex, const char *reason) MUST_CHECK;
enum auth_status auth_reject(struct auth_exchange *ex, const char *wrong) MUST_CHECK;
enum auth_status auth_ask_helper(struct auth_exchange *ex, enum auth_task task) MUST_CHECK;

/* ---- auth_password ----------------------------------------------------------------- */

/* What came in clear text; and what to make of it, now or by another secret. */
enum auth_status auth_password_take(struct auth_exchange *ex, struct slice body,
				    struct buf *out) MUST_CHECK;
enum auth_status auth_password_judge(struct auth_exchange *ex, struct buf *out) MUST_CHECK;

/* The same of md5's answer. */
enum auth_status auth_password_take_answer(struct auth_exchange *ex, struct slice body,
					   struct buf *out) MUST_CHECK;
enum auth_status auth_password_judge_answer(struct auth_exchange *ex, struct buf *out) MUST_CHECK;

/* ---- auth_scram ---------------------------------------------------------------------- */

/* The client's messages, in their order; the second comes where the first was empty. */
enum auth_status auth_scram_initial(struct auth_exchange *ex, struct slice body,
				    struct buf *out) MUST_CHECK;
enum auth_status auth_scram_first(struct auth_exchange *ex, struct slice body,
				  struct buf *out) MUST_CHECK;
enum auth_status auth_scram_proof(struct auth_exchange *ex, struct slice body,
				  struct buf *out) MUST_CHECK;

/* The verdict on the client's proof, by a verifier that is at hand. */
bool auth_scram_check(struct auth_exchange *ex, const struct scram_verifier *v,
		      struct buf *out) MUST_CHECK;

#endif
