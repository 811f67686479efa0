/*
 * resets.h - which of the settings that a client came with are reset, as its statements say it?
 *
 * Of a Query, or of what a batch runs, in order. What is right of it where all of it was carried
 * out: the last word about a setting counts, and what is rolled back was not said. A statement that
 * is no SET, and none that begins or ends something, makes the answer doubtful: the server is to be
 * asked. To ask it is a query, and so is nearly every one of those.
 *
 * A value. Thread: any.
 */
#ifndef PROXY_RESETS_H
#define PROXY_RESETS_H

#include <stdbool.h>
#include <stdint.h>

struct effect;
struct paramset;

struct resets {
	/* members of what the client came with, a bit each */
	uint64_t session;   /* reset, */
	uint64_t local;     /* or that to the end of the transaction */
	uint64_t committed; /* of the former: a COMMIT stands behind it */
	bool has_savepoint; /* one was made since something was reset */
	bool is_doubtful;   /* the texts do not say it */
	bool for_session;   /* something may be reset for longer than the transaction */
	bool own_too;       /* and something that is called like my.tenant, */
	bool role_too;      /* or the role */
};

/* One more statement. Does it reset something, for all that can be read? */
bool resets_note(struct resets *r, const struct paramset *came_with, const struct effect *e);

#endif
