/*
 * authtalk.h - runs auth_query once over a connection that is logged in, in a helper thread.
 *
 * The user's name goes out as the parameter $1 and never as text of the query; at most two rows
 * are asked for. What the row means is authrow's business.
 *
 * Owned by who submits it; between that and its mail it is the helper's. Thread: the mailbox's.
 */
#ifndef PROXY_AUTHTALK_H
#define PROXY_AUTHTALK_H

#include "base/bug.h"
#include "proxy/connector.h"
#include "proxy/helper.h"

struct secret;

/*      outcome    what came of it */
#define AUTHTALK_OUTCOMES(X)                                                                       \
	X(USER)    /* its secret is there */                                                       \
	X(NOBODY)  /* no such user, or it may not log in */                                        \
	X(USELESS) /* the query fails, or gives what cannot be used */                             \
	X(LOST)    /* the connection is gone: nothing was answered */

#define AUTHTALK_ENUM_(outcome) AUTHTALK_##outcome,
enum authtalk_outcome { AUTHTALK_OUTCOMES(AUTHTALK_ENUM_) };
#undef AUTHTALK_ENUM_

#define AUTHTALK_TEXT_BYTES 512

struct authtalk {
	struct helper_job job;       /* .mail.deliver and .deadline are the submitter's */
	struct connector_link *link; /* borrowed */
	const char *sql, *user;      /* borrowed */

	enum authtalk_outcome outcome;
	bool is_over;                   /* the connection is not to be used again */
	struct secret *secret;          /* of USER; a reference, the submitter's */
	usec_t lasts;                   /* of USER: how long it is valid; USEC_NEVER */
	char text[AUTHTALK_TEXT_BYTES]; /* for the log; "" where there is nothing to say */
};

bool authtalk_submit(struct authtalk *t, struct helper_crew *crew, struct mailbox *box) MUST_CHECK;

#endif
