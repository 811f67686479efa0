/*
 * authcache.h - what was answered of late about users, until it grows old.
 *
 * An answer is a secret, or that the password was right, or that there is nobody of that name. Both
 * kinds, yes and no, have a bound of their own on how many are kept, so that guessed names never
 * push real ones out; the one unused longest goes first. Secrets are given back (and so wiped) with
 * their answers.
 *
 * PURE: no clock, no thread; time is passed in. Owned by whoever embeds it. Thread: the owner's.
 */
#ifndef AUTH_AUTHCACHE_H
#define AUTH_AUTHCACHE_H

#include <stdbool.h>
#include <stddef.h>

#include "auth/secret.h"
#include "base/list.h"
#include "base/map.h"
#include "base/usec.h"

enum authcache_kind { AUTHCACHE_YES, AUTHCACHE_NO, AUTHCACHE_KINDS };

struct authcache_answer {
	enum authcache_kind kind;
	struct secret *secret; /* the cache's reference; NULL where the answer is without one */
	usec_t asked_at;       /* when it was put in */
};

struct authcache {
	struct map answers;                  /* key -> entry, owned */
	struct list by_use[AUTHCACHE_KINDS]; /* the one used last in front */
	size_t count[AUTHCACHE_KINDS];
	size_t max[AUTHCACHE_KINDS];
};

void authcache_init(struct authcache *c, size_t max_yes, size_t max_no);
void authcache_fini(struct authcache *c);

/* The answer, as long as it holds; borrowed until the cache is next changed. NULL: ask. */
const struct authcache_answer *authcache_get(struct authcache *c, struct slice key, usec_t now);

/* In place of an older one; takes a reference to the secret. keep 0: nothing stays. */
void authcache_put(struct authcache *c, struct slice key, enum authcache_kind kind,
		   struct secret *secret, usec_t keep, usec_t now);

/*
 * Somebody found the answer for `key` wanting: may it be asked for again? At most once in `pause`
 * for a key, over all who say so; an answer that is not kept may always be asked for.
 */
bool authcache_doubt(struct authcache *c, struct slice key, usec_t pause, usec_t now) MUST_CHECK;

void authcache_remove(struct authcache *c, struct slice key);
void authcache_clear(struct authcache *c);

#endif
