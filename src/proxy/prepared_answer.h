/*
 * prepared_answer.h - what a server's answers say of the statements of its own and its client's.
 *
 * Both sides are written down when messages are sent (prepared.h). Here is taken back what the
 * server has refused, skipped or forgotten.
 *
 * Thread: worker.
 */
#ifndef PROXY_PREPARED_ANSWER_H
#define PROXY_PREPARED_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct client;
struct server;
struct track_news;

/* The item was refused, and what the track has dropped from its queue was skipped. */
void prepared_answer_failed(struct client *c, struct server *s, const struct track_news *news);

/* It was refused since the server has no statement of that name: somebody may have deallocated one
 * of ours behind our back. It is prepared anew for the next one who needs it. */
void prepared_answer_missing(struct server *s, const struct track_news *news);

/* It was refused since the result of what it is about has changed. */
void prepared_answer_changed(struct client *c, struct server *s, const struct track_news *news);

/* The server has refused what stood for a statement whose change the client (or NULL) does not know
 * of yet: what that is told is added to `out`. It is to be noted as if the server had said it. */
bool prepared_answer_tells(struct client *c, const struct track_news *news, struct buf *out);

/* A Parse of ours in front of the client's Describe was refused, of a statement that the client
 * has: PostgreSQL would have told it the types of the parameters first. They are added to `out`. */
bool prepared_answer_describes(const struct server *s, const struct track_news *news,
			       struct buf *out);

/* One of ours was refused, and the text behind it was skipped with it: what ends it is to be asked
 * for by a Sync, which is the client's. */
bool prepared_answer_skipped_text(const struct server *s, const struct track_news *news);

/* The answer to one of ours is told to the client: it is to what its text begins with. */
bool prepared_answer_is_told(const struct server *s, const struct track_news *news);

/* DEALLOCATE ALL, DISCARD ALL by the item `seq`: the server has forgotten all that came before,
 * and so has the client (or NULL). */
void prepared_answer_forgets(struct client *c, struct server *s, uint32_t seq);

#endif
