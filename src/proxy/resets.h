/*
 * resets.h - which of the settings that a client came with are reset, as its statements say it?
 *
 * Of Queries, and of what batches run, in order, to the end of the transaction. What is right of it
 * where all of it was carried out: the last word about a setting counts, and what is rolled back,
 * wholly or to a savepoint, was not said. A statement that is no SET, and none that begins or ends
 * something, makes doubtful what is reset in front of it: the server is to be asked. To ask it is a
 * query, and so is nearly every one of those.
 *
 * Owner: struct restore; begins as all zeros. Thread: any.
 */
#ifndef PROXY_RESETS_H
#define PROXY_RESETS_H

#include <stdbool.h>
#include <stdint.h>

struct effect;
struct paramset;

/* How it stands with members of what the client came with, a bit each. */
struct resets_state {
	/* not what it came with, but the server's default: */
	uint64_t session; /* for the session, */
	uint64_t local;   /* or to the end of the transaction */
	/* what it came with, */
	uint64_t respelt;  /* but as SET spells it */
	uint64_t defaults; /* by SET LOCAL TO DEFAULT: RESET ALL passes it by; of `local` too */
	/* of `session` and `respelt`: a SET LOCAL hides it to the end of the transaction */
	uint64_t covered;
	bool is_doubtful; /* the texts do not say it, */
	bool is_unsure;   /* or not how it will be at the end of the transaction */
};

struct resets_mark;

struct resets {
	struct resets_state now;
	struct resets_state begun; /* what a ROLLBACK leads back to, */
	struct resets_mark *marks; /* and one to a savepoint; owned; the newest first */
	unsigned mark_count;
	/* told by its owner: */
	bool has_failed;  /* the transaction: what does not end that is refused, */
	bool is_skipping; /* and what stands behind it in the same string or batch: it unsets it */
	/* since it has unset them, something */
	bool has_reset, has_marked, has_committed;
	/* ever since: */
	bool for_session; /* something may be reset for longer than the transaction */
	bool own_too;     /* and something that is called like my.tenant, */
	bool role_too;    /* or the role */
};

void resets_fini(struct resets *r); /* all zeros again */

/* One more statement. Does it reset something, for all that can be read? */
bool resets_note(struct resets *r, const struct paramset *came_with, const struct effect *e);

/* A message has failed, of those noted since has_reset and the like were unset. */
void resets_fail(struct resets *r);

/* Can nothing come of it any more, but by another RESET? */
bool resets_is_clean(const struct resets *r);

/* SET TRANSACTION, in any of its ways? */
bool resets_chooses_modes(const struct effect *e);

/* May it tell how one of those members is spelt? */
bool resets_may_tell(const struct effect *e, const struct paramset *came_with, uint64_t members);

#endif
