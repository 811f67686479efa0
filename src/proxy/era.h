/*
 * era.h - sessions that begin with other settings than those before them.
 *
 * ALTER ROLE ... SET and ALTER DATABASE ... SET are for sessions to come. A server of a pool has
 * begun before; so who comes after such a command was done through pgweir gets a server that came
 * after it too. Those that it meets on the way are closed. Who was there before goes on with what
 * was there before, as long as it meets such servers; once it has met a later one, with that.
 *
 * Where such a command was done in another way, the server says so when it is asked how the
 * catalogs are (proxy/learn.h). Which servers have begun before it nobody knows then; so all begin
 * anew, for all clients.
 *
 * An era is a number of the route: of a server the one in which its login began, of a client that
 * in which its own did.
 *
 * Thread: worker.
 */
#ifndef PROXY_ERA_H
#define PROXY_ERA_H

#include <stdbool.h>

#include "base/map.h"
#include "proxy/client.h"
#include "proxy/localpool.h"
#include "proxy/route.h"
#include "proxy/server.h"
#include "sql/effect.h"

struct registry;
struct site;

/* Its client's statement is about to be sent. */
void era_mind(const struct client *c, const struct effect *e, struct lexer_mode mode);

/* The transaction of what was sent is over, or its connection is. */
void era_end(struct server *s, usec_t now);

/* The server has said what sessions of roles begin with, asked at `asked_at`; what it had said
 * before is left in the map. */
void era_heard(struct registry *registry, struct site *site, struct map *defaults, usec_t asked_at);

/* Is the server from before its client, or nobody's any more, in a pool where that matters? */
static inline bool era_is_older(const struct server *s, const struct client *c)
{
	const struct route *route = s->pool->route;
	if (LIKELY(s->era == atomic_load_explicit(&route->era, memory_order_relaxed)))
		return false;
	return s->pool->is_auto && ((int32_t)(c->era - s->era) > 0 ||
				    (int32_t)(atomic_load(&route->era_floor) - s->era) > 0);
}

/* Is it of an era before the present one of its pool? Nobody may be greeted in its name then. */
static inline bool era_is_over(const struct localpool *lp, uint32_t era)
{
	return lp->is_auto && era != atomic_load(&lp->route->era);
}

#endif
