/*
 * worn.h - servers that take no other temp_buffers any more.
 *
 * Once a session has used a temporary table, PostgreSQL refuses to change temp_buffers in it, for
 * good: DISCARD ALL does not help. A server on which a client may have used one is worn, be it in a
 * function or a DO: who wants other temp_buffers gets another one for it (proxy/swap.h). Nobody
 * else minds.
 *
 * Thread: worker.
 */
#ifndef PROXY_WORN_H
#define PROXY_WORN_H

#include <stdbool.h>

#include "base/slice.h"

struct server;

/* Does it name temp_buffers, be it a client's message or an error? */
bool worn_is_named(struct slice text);

/* It has refused the parameters of its client, of which it has got nothing else, and `said` why:
 * was that for being worn? */
bool worn_refuses(const struct server *s, struct slice said);

#endif
