/*
 * era.h - sessions that begin with other settings than those before them.
 *
 * ALTER ROLE ... SET and ALTER DATABASE ... SET are for sessions to come. A server of a pool has
 * begun before; so who comes after such a command was done through pgweir gets a server that came
 * after it too. Those that it meets on the way are closed. Who was there before goes on with what
 * was there before, as long as there are such servers.
 *
 * An era is a number of the route: of a server the one in which its login began, of a client that
 * in which its own did.
 *
 * Thread: worker.
 */
#ifndef PROXY_ERA_H
#define PROXY_ERA_H

#include <stdbool.h>

#include "proxy/client.h"
#include "proxy/localpool.h"
#include "proxy/route.h"
#include "proxy/server.h"
#include "sql/effect.h"

/* Its client's statement is about to be sent. */
void era_mind(const struct client *c, const struct effect *e, struct lexer_mode mode);

/* The transaction of what was sent is over, or its connection is. */
void era_end(struct server *s);

/* Is the server from before its client, in a pool where that matters? */
static inline bool era_is_older(const struct server *s, const struct client *c)
{
	return UNLIKELY(s->era != c->era) && s->pool->is_auto && (int32_t)(c->era - s->era) > 0;
}

/* Is it of an era before the present one of its pool? Nobody may be greeted in its name then. */
static inline bool era_is_over(const struct localpool *lp, uint32_t era)
{
	return lp->is_auto && era != atomic_load(&lp->route->era);
}

#endif
