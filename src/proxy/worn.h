/*
 * worn.h - servers that are no good for every client.
 *
 * Once a session has used a temporary table, PostgreSQL refuses to change temp_buffers in it, for
 * good: DISCARD ALL does not help. A server on which a client may have used one is worn, be it in a
 * function or a DO: who wants other temp_buffers gets another one for it, and the worn one is
 * closed, so that it is not met twice. Nobody else minds. So it is with a server that has begun
 * with other settings than its client's session is to begin with (proxy/era.h).
 *
 * Thread: worker.
 */
#ifndef PROXY_WORN_H
#define PROXY_WORN_H

#include <stdbool.h>

#include "base/slice.h"
#include "base/usec.h"

struct client;
struct server;

/* Does the client, whose messages `in` are the first that its server is to get, name temp_buffers
 * there, or has it come after its server? Asked of one that has a worn or an outdated server. */
bool worn_shuns(const struct client *c, struct slice in);

/* Its client, of which it has got nothing, asks for another server; it is closed. */
void worn_leave(struct server *s, usec_t now);

/* It has refused the parameters of its client and `said` why: was that for being worn? The client
 * has left it then. */
bool worn_refuses(struct server *s, struct slice said, usec_t now);

#endif
