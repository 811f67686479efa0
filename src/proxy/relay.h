/*
 * relay.h - what passes between a client and the server it has.
 *
 * Bytes go out as they came in, in one write per turn; messages are only looked at as far as
 * the track, the journal and the parameters need. A message longer than what is in hand
 * is passed on piece by piece.
 *
 * Thread: worker.
 */
#ifndef PROXY_RELAY_H
#define PROXY_RELAY_H

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/usec.h"

struct client;
struct server;

/* Passes on what it can of a LINKED client's bytes; how many it took. What is left waits for more
 * bytes, or for the server. The client may be CLOSING afterwards. */
size_t relay_from_client(struct client *c, struct slice in, usec_t now);

/* Handles what it can of a server's bytes, whatever its state; how many it took. The
 * server may be CLOSING afterwards. */
size_t relay_from_server(struct server *s, struct slice in, usec_t now);

/* ReadyForQuery, in no transaction, that its client is told only now: the answer to `seq`. */
void relay_from_server_ready(struct server *s, uint32_t seq, usec_t now);

#endif
