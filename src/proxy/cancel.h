/*
 * cancel.h - the keys by which clients cancel, and where a cancel goes.
 *
 * A client is given a process number and a key of ours, random both; the number says which worker
 * has the client, who looks it up. A cancel ends the wait of a client that is queued, and
 * goes to the server of one that has a server; of one that has neither it is dropped, as
 * PostgreSQL does.
 *
 * Thread: worker.
 */
#ifndef PROXY_CANCEL_H
#define PROXY_CANCEL_H

#include <stdint.h>

#include "base/slice.h"
#include "base/usec.h"

struct client;
struct worker;
struct worker_shared;

/* Gives the client its number and key. */
void cancel_enlist(struct client *c);
void cancel_forget(struct client *c); /* harmless when it has none */

/* A CancelRequest has come in on some worker: on to the one that has the client. */
void cancel_route(struct worker_shared *shared, uint32_t pid, struct slice key);

#endif
