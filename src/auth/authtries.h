/*
 * authtries.h - which databases may be tried of those that only a client has named.
 *
 * Behind `*` anybody can name any database before he has shown who he is, and each name costs a
 * login at the server. One that was there before may always be tried; of the others a few at once,
 * and then so many in a second.
 *
 * PURE. Owned by whoever embeds it. Thread: the owner's.
 */
#ifndef AUTH_AUTHTRIES_H
#define AUTH_AUTHTRIES_H

#include <stdbool.h>

#include "auth/authcache.h"
#include "base/bug.h"
#include "base/slice.h"
#include "base/usec.h"

#define AUTHTRIES_BURST 32
#define AUTHTRIES_INTERVAL_US (250 * USEC_PER_MSEC)
#define AUTHTRIES_MAX_SEEN 4096
#define AUTHTRIES_SEEN_US (24 * 3600 * USEC_PER_SEC)

struct authtries {
	struct authcache seen;
	usec_t earned_at; /* when all that were made will have been earned again */
};

void authtries_init(struct authtries *t);
void authtries_fini(struct authtries *t);

bool authtries_take(struct authtries *t, struct slice name, usec_t now) MUST_CHECK;
void authtries_seen(struct authtries *t, struct slice name, usec_t now); /* it is there */
void authtries_forget(struct authtries *t);                              /* which are there */

#endif
