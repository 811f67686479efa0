/*
 * define.h - commands that change what is defined in a database: CREATE, ALTER, code in a string
 * that may do so.
 *
 * From when one is sent to when its transaction is over, what is known of names that hide code is
 * stale for all pools of the site (proxy/site.h). Pools in auto mode see them with everything else
 * (proxy/suspect.h); those of other modes look for them where there is one in auto mode beside
 * them, in what they read of a text at once.
 *
 * Thread: worker.
 */
#ifndef PROXY_DEFINE_H
#define PROXY_DEFINE_H

#include <stdbool.h>

#include "base/slice.h"
#include "base/usec.h"

struct client;
struct frame;
struct server;

/* The server's client is about to change what is defined; it is in no transaction, or no more, and
 * what has changed can be seen; or its connection is lost, and its backend may do it yet. Harmless
 * where it does not. */
void define_begin(struct server *s);
void define_end(struct server *s);
void define_lose(struct server *s, usec_t now);

/* May code in a string? */
bool define_is_in(struct slice code);

/* A message of a client's that is not in auto mode is about to be sent. */
void define_watch(struct client *c, const struct frame *f);

#endif
