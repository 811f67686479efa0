/*
 * authquery.h - asks a server about a user whom auth_file does not know: what its secret is
 * (auth_query), or whether its password is right (auth_type = pass).
 *
 * A login embeds a question, hands it over and goes on when it comes back as a mail to its worker;
 * the client may be gone by then. Everything is decided on main's thread: what was answered of
 * late is answered at once, those who ask the same share one answer, a server that does not answer
 * is left alone for a while, and what blocks is done by helpers of its own crew.
 *
 * Owned by the proxy. Thread: main, except authquery_ask and authquery_is_on.
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
struct loop;
struct registry;
struct secret;
struct setup;

/*      question   what is asked */
#define AUTHQUERY_QUESTIONS(X)                                                                     \
	X(SECRET)   /* the user's secret */                                                        \
	X(ANEW)     /* the same; what was answered some time ago is not good enough */             \
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
	const char *password; /* of PASSWORD */

	/* the answer's */
	enum authquery_verdict verdict;
	struct secret *secret; /* a reference, the requester's; of SECRET and ANEW with YES */
	const char *why;       /* of FAILED; constant text */
	bool is_old;           /* it comes from memory: ANEW might find another */

	struct list link; /* authquery's, until the answer is there */
};

/* Is there a server to be asked for the secret of somebody who names this database? Thread: any. */
bool authquery_is_on(const struct setup *setup, struct slice database);

/* Gives the question away until it is delivered. Thread: any. */
void authquery_ask(struct authquery *aq, struct authquery_ask *ask);

/* `box` is main's mailbox, on `loop`. */
struct authquery *authquery_new(struct loop *loop, struct mailbox *box, struct registry *registry,
				struct err *err) MUST_CHECK;

/* A reload: nothing that was answered counts any more. */
void authquery_forget(struct authquery *aq);

/* Its threads end; what is asked from now on fails. False: one is stuck (helper_end). */
bool authquery_stop(struct authquery *aq, usec_t deadline) MUST_CHECK;
void authquery_free(struct authquery *aq); /* after the last mail to main was delivered */

#endif
