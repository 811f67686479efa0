/*
 * discard.h - a Query DISCARD ALL brings back what its client came with.
 *
 * It takes no statement beside it, and a server gives its own defaults then. So what the client
 * sends behind it waits until it is done and what it came with is set again. Until then the
 * server's reports are not the client's. (Where an Execute runs it messages can stand behind it, as
 * behind a RESET: proxy/reset.h.)
 *
 *	none --(Query)--> run --(CommandComplete)--> done --(ReadyForQuery)--> none
 *	                   +----(its error, ReadyForQuery; or it was skipped)----^
 *
 * State: server->discard, while a client has it. Thread: worker.
 */
#ifndef PROXY_DISCARD_H
#define PROXY_DISCARD_H

#include <stdbool.h>

#include "base/slice.h"
#include "base/usec.h"

struct client;
struct server;

enum discard_state { DISCARD_NONE, DISCARD_RUN, DISCARD_DONE };

/* A Query is sent that runs it. */
void discard_begin(struct client *c);

/* Must what the client sends next wait? Not what a COPY reads, which has begun now. */
bool discard_holds(const struct server *s);
void discard_copies(struct client *c);

/* Its CommandComplete. */
void discard_done(struct server *s, usec_t now);

/* An error: of that Query, or it was skipped. */
void discard_failed(struct server *s);

/* Is a report of that setting none for the client? */
bool discard_hides(const struct server *s, struct slice name);

/* ReadyForQuery: what the client came with is set again, before a look finds it missing. */
void discard_ready(struct server *s, usec_t now);

#endif
