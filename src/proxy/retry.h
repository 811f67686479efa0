/*
 * retry.h - a batch that a stale plan has failed, sent once more.
 *
 * "cached plan must not change result type": a server's copy of a prepared statement is from before
 * its table got other columns (prepared.h). PostgreSQL says so at the Bind, before anything is run.
 * Where the batch is one Bind, Describe, Execute and Sync, as libpq sends them, nothing of it has
 * reached the client by then: error and ReadyForQuery are swallowed, and the same bytes are sent
 * again, in front of which the statement is prepared anew. It is done once: what the second try
 * says is for the client.
 *
 *	kept --(stale plan)--> to be sent again --(ReadyForQuery)--> sent; nothing is kept
 *
 * Not so, and the client is told:
 * - without a Describe in the batch: the client goes by the columns that it was told of earlier,
 * and would take the new rows for what they are not. Of the error drivers know what to do.
 * - where the Bind says of more than one column how it wants it: they are not as many any more.
 * - in a transaction block, which has failed with it.
 * - where more was sent behind it, be it half a message, or it came in pieces, or is longer than
 * RETRY_MAX_BYTES, or has a portal with a name or a bound of rows.
 *
 * Owner: the server; NULL: nothing was kept so far. Thread: worker.
 */
#ifndef PROXY_RETRY_H
#define PROXY_RETRY_H

#include <stdbool.h>

#include "base/slice.h"
#include "base/usec.h"

struct server;
struct track_news;

#define RETRY_MAX_BYTES ((size_t)16 << 10)

/* Is it, from its first byte to its last, a batch that may be sent again? */
bool retry_is_batch(struct slice sent);

/* Does its Bind, the batch being such a one, fit any number of columns? */
bool retry_takes_any_columns(struct slice batch);

/* Whole messages of its client's, after the track was told of them. */
void retry_keep(struct server *s, struct slice sent);

static inline void retry_sent(struct server *s, struct slice sent)
{
	if (sent.len && sent.len <= RETRY_MAX_BYTES && sent.ptr[0] == 'B')
		retry_keep(s, sent);
}

/* Its client's batch has met a stale plan: true where that is not to be told. */
bool retry_begin(struct server *s, const struct track_news *news);

/* ReadyForQuery behind that: the batch goes out again. */
void retry_ready(struct server *s, usec_t now);

/* Its client has left it. */
void retry_forget(struct server *s);

void retry_free(struct server *s);

#endif
