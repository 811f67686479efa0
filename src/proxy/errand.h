/*
 * errand.h - the pooler's own requests to a server: parameters before a client's query,
 * and what makes a server clean again.
 *
 * One at a time. The answers are swallowed (wire/track.h tells them apart). For a client that waits
 * meanwhile it is as if it waited for an answer of its own: query_timeout holds.
 *
 * Thread: worker.
 */
#ifndef PROXY_ERRAND_H
#define PROXY_ERRAND_H

#include "base/slice.h"
#include "proxy/server.h"

/* The server shall have these parameters, and forget what sequences gave where that is asked for:
 * the commands go out before the client's next bytes. */
void errand_set_params(struct server *s, struct paramset *wanted, bool forgets_sequences,
		       usec_t now);

/* A Query of our own, sent now. */
void errand_query(struct server *s, enum server_errand errand, struct slice sql, usec_t now);

/* SERVER_ERRAND_MARK: two Queries of our own, sent now. */
void errand_mark(struct server *s, struct slice sql, struct slice after, usec_t now);

/* Is it alive? Sent now; the answer goes to the pool. */
void errand_ping(struct server *s, usec_t now);

/* An answer to our own message (track_server said that it is). */
void errand_reply(struct server *s, char type, struct slice body, const struct track_news *news,
		  usec_t now);

/* CLEANING: what the client has left open is closed, so that it comes to an end. */
void errand_finish_batch(struct server *s, usec_t now);

#endif
