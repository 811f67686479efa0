/*
 * seat.h - a place under the limits of a pool, for a connection that is not one of the pool's.
 *
 * It counts as a server of the pool, of its database and of its user from the moment that it is
 * taken until it is given back, so that their limits hold exactly. Where none is free it waits its
 * turn among those who wait for a server: one that idles is closed for it.
 *
 * Owned by whoever embeds it. Thread: main.
 */
#ifndef PROXY_SEAT_H
#define PROXY_SEAT_H

#include <stdbool.h>

#include "base/bug.h"
#include "base/slice.h"
#include "base/usec.h"

struct conf_pool;
struct pool_cap;
struct route;
struct worker_shared;

struct seat {
	struct worker_shared *shared; /* not owned */
	struct route *route;          /* a reference */
	struct pool_cap *blocker;     /* it waits for this one; NULL: it does not */
	usec_t since;                 /* it waits */
	bool is_taken;
	bool is_silent; /* the workers end: nobody is told anything any more */
};

/* For the pool of that database, user and start-up-only text; made where there is none. */
void seat_init(struct seat *s, struct worker_shared *shared, struct slice database,
	       struct slice user, struct slice startup, const struct conf_pool *settings,
	       usec_t now);
void seat_fini(struct seat *s); /* gives it back, or stops waiting */

/* False: it waits; try again soon. */
bool seat_take(struct seat *s) MUST_CHECK;

#endif
