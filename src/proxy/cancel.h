/*
 * cancel.h - the keys by which clients cancel, and where a cancel goes.
 *
 * A client is given a process number and a key of ours, random both; the number says which worker
 * it came to. That one has the client and looks it up, or it has moved (proxy/moves.h). A cancel
 * ends the wait of a client that is queued, and goes to the server of one that has a server; of one
 * that has neither it is dropped, as PostgreSQL does.
 *
 * Thread: worker.
 */
#ifndef PROXY_CANCEL_H
#define PROXY_CANCEL_H

#include <stdint.h>

#include "base/slice.h"
#include "base/usec.h"

struct client;
struct list;
struct worker;

/* Gives the client its number and key. */
void cancel_enlist(struct client *c);
void cancel_forget(struct client *c); /* harmless when it has none */

/* The client that has that number, if it is this worker's; NULL: none. */
struct client *cancel_find(const struct worker *w, uint32_t pid);

/* It moves to another worker (proxy/client_move.h), and is looked up there from then on. */
unsigned cancel_home(const struct client *c); /* the worker that its number says */
void cancel_move_out(struct client *c);
void cancel_move_in(struct client *c);

/*
 * A CancelRequest has come in: on to the worker that has the client of that number. Who asks is
 * kept waiting, and closed when the server has taken the cancel (or nothing came of it): the
 * closing tells libpq and others that it will hit nothing that they send from then on.
 */
void cancel_route(struct client *asker, uint32_t pid, struct slice key);

/* Those who wait for a server's cancel (server->askers) are told. */
void cancel_tell(struct worker *w, struct list *askers);

#endif
