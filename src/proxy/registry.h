/*
 * registry.h - what all workers know together: routes by their key, and databases and users
 * by their name with what is counted of them.
 *
 * A lock guards the maps; it is taken when a client logs in, when a worker meets a route
 * for the first time, and by main: never on the way of a query. What is found stays until the
 * registry ends (entries), or as long as somebody holds a reference (routes).
 *
 * Owned by the proxy. Thread: any.
 */
#ifndef PROXY_REGISTRY_H
#define PROXY_REGISTRY_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/slice.h"
#include "pool/pool_cap.h"

struct registry;
struct route;

/* A database as clients name it, or a user of a server. */
struct registry_entry {
	char *name;              /* owned */
	struct pool_cap servers; /* max_db_connections, max_user_connections */
	atomic_int clients;      /* logged in, over all workers */
	atomic_bool paused;      /* databases: PAUSE, KILL */
	atomic_bool disabled;    /* databases: DISABLE */
};

struct registry *registry_new(unsigned workers);
void registry_free(struct registry *r); /* every route must be gone */

struct registry_entry *registry_database(struct registry *r, struct slice name);
struct registry_entry *registry_user(struct registry *r, struct slice name);

/* Everything at once: PAUSE without a database. */
void registry_set_paused(struct registry *r, bool paused);
bool registry_is_paused(const struct registry *r);

/* Counts a client in, unless `max` (0: no bound) are there already. */
bool registry_enter(struct registry_entry *entry, int max) MUST_CHECK;
void registry_leave(struct registry_entry *entry);

/* The route with that key, a new reference, or NULL; and how one gets in: where another
 * thread was faster, `made` is given up and the other's returned. */
struct route *registry_route(struct registry *r, struct slice key) MUST_CHECK;
struct route *registry_add_route(struct registry *r, struct route *made) MUST_CHECK;

/* RESUME without a database: none is paused any more. */
void registry_resume_databases(struct registry *r);

void registry_each_route(struct registry *r, void (*fn)(struct route *route, void *arg), void *arg);

/* Drops the registry's own reference of a route that nobody else holds. */
void registry_sweep(struct registry *r);

#endif
