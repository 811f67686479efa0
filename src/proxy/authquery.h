/*
 * authquery.h - asks a server about a user whom auth_file does not know: what its secret is
 * (auth_query), or whether its password is right (auth_type = pass).
 *
 * A login embeds a question, hands it over and goes on when it comes back to its worker; the client
 * may be gone by then. Everything is decided on main's thread: what was answered of late is
 * answered at once, those who ask the same share one answer, a server that does not answer is left
 * alone for a while, and what blocks is done by helpers of a crew of its own.
 *
 * Owned by the proxy. Thread: main, except authquery_ask, _is_on and _like_scram.
 */
#ifndef PROXY_AUTHQUERY_H
#define PROXY_AUTHQUERY_H

#include <stdbool.h>

#include "base/bug.h"
#include "base/err.h"
#include "base/list.h"
#include "base/slice.h"
#include "base/usec.h"
#include "net/mailbox.h"

struct authquery;
struct authquery_ask;
struct loop;
struct secret;
struct setup;
struct worker_shared;

/*      question   what is asked */
#define AUTHQUERY_QUESTIONS(X)                                                                     \
	X(SECRET)   /* the user's secret */                                                        \
	X(ANEW)     /* the same: the login failed with what was remembered */                      \
	X(PASSWORD) /* does the server let the user in with this password? */

/*      verdict    the answer */
#define AUTHQUERY_VERDICTS(X)                                                                      \
	X(YES)    /* the secret is there, or the password is right */                              \
	X(NO)     /* nobody of that name may log in, or the password is wrong */                   \
	X(FAILED) /* it could not be found out; `why` says so in words for the client */

#define AUTHQUERY_ENUM_(id) AUTHQUERY_##id,
enum authquery_question { AUTHQUERY_QUESTIONS(AUTHQUERY_ENUM_) };
enum authquery_verdict { AUTHQUERY_VERDICTS(AUTHQUERY_ENUM_) };
#undef AUTHQUERY_ENUM_

struct authquery_ask {
	/* the requester's; what they point to stays until the answer is there */
	struct mail mail;      /* .deliver: how the answer comes */
	struct mailbox *reply; /* where to */
	enum authquery_question question;
	struct setup *setup;
	const char *database; /* as the client names it */
	const char *user;
	const char *password;      /* of PASSWORD */
	struct slice pool_startup; /* of PASSWORD: what its pool is told apart by, beside these */

	/* the answer's */
	enum authquery_verdict verdict;
	struct secret *secret; /* a reference, the requester's; of SECRET and ANEW with YES */
	const char *why;       /* of FAILED, and of NO for the log; constant text */
	bool is_remembered;    /* ANEW might find something else */

	/* authquery's, until the answer is there */
	struct authquery *aq;
	void (*deliver)(struct mail *mail, void *owner, usec_t now); /* mail's own, meanwhile */
	struct list link;
};

/* Is somebody unknown to be asked for SCRAM under md5? As the last one was who was known. Thread:
 * any. */
bool authquery_like_scram(const struct authquery *aq);

/* Is there a server to be asked for the secret of somebody who names this database? Thread: any. */
bool authquery_is_on(const struct setup *setup, struct slice database);

/* Gives the question away until its answer is delivered. Thread: any. */
void authquery_ask(struct authquery *aq, struct authquery_ask *ask);

/* `loop` is main's, and shared->main a mailbox on it. */
struct authquery *authquery_new(struct loop *loop, struct worker_shared *shared,
				struct err *err) MUST_CHECK;

/* A reload: nothing that was answered counts any more. */
void authquery_forget(struct authquery *aq);

/* Its threads end; what is asked from now on fails. False: one is stuck (helper_end). Thread: main.
 */
bool authquery_stop(struct authquery *aq, usec_t deadline) MUST_CHECK;

/* After authquery_stop; and once more what came to main's mailbox was delivered. */
void authquery_free(struct authquery *aq);

#endif
