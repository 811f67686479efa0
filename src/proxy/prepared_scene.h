/*
 * prepared_scene.h - the settings under which a statement's text is read.
 *
 * PostgreSQL reads literals when it prepares a statement, by the settings of then: what day a date
 * is, which moment a time without a zone. Where the client has others by now, and a server is to
 * get a copy, these are set in front of it, and back behind it: by queries of ours, to the end of
 * the transaction at most. Where nothing of the client's is in that yet it is ended: PostgreSQL
 * refuses some statements (VACUUM, DISCARD ALL) behind another one of the same transaction.
 *
 * For prepared_turn.c. Thread: worker.
 */
#ifndef PROXY_PREPARED_SCENE_H
#define PROXY_PREPARED_SCENE_H

#include <stdbool.h>

struct prepared_turn;
struct stmt;

/* Is it known which there are now, when what was sent is done? */
bool prepared_scene_is_known(const struct prepared_turn *t);

/* Not yet, but it may be when more was answered. */
bool prepared_scene_is_awaited(const struct prepared_turn *t);

/* What some text of the client's is read by is still to be reported, and will be without more from
 * the client: until then nothing else is to be set. */
bool prepared_scene_is_due(const struct prepared_turn *t);

/* Whether the transaction can be ended behind such a query is known when more was answered; or
 * which settings there are. */
bool prepared_scene_waits(const struct prepared_turn *t, const struct stmt *stmt);

/* The messages that come next read this statement; and: they have. */
void prepared_scene_set(struct prepared_turn *t, const struct stmt *stmt);
void prepared_scene_end(struct prepared_turn *t, const struct stmt *stmt);

#endif
