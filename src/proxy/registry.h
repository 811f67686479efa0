/*
 * registry.h - what all workers know together: routes by their key, databases of servers by where
 * they are (proxy/site.h), and databases and users by their name with what is counted of them.
 *
 * A lock guards the maps; it is taken when a client logs in or leaves, when a worker meets a route
 * for the first time or ends its part of it, and by main: never on the way of a query. What is
 * found stays as long as the finder holds his reference: a route that no worker has part in is
 * freed, and so is an entry that nothing counts on. What pools counted that are gone is kept:
 * under their database's name as long as that is there, then under "*".
 *
 * Owned by the proxy. Thread: any.
 */
#ifndef PROXY_REGISTRY_H
#define PROXY_REGISTRY_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/slice.h"
#include "pool/pool_cap.h"
#include "proxy/stats.h"

struct conf;
struct registry;
struct route;
struct site;

/* A database as clients name it, or a user of a server. */
struct registry_entry {
	char *name;              /* owned */
	struct pool_cap servers; /* max_db_connections, max_user_connections */
	atomic_int clients;      /* logged in, over all workers */
	atomic_int lent;         /* servers that listen for all (proxy/lend.h) */
	atomic_bool paused;      /* databases: PAUSE, KILL */
	atomic_bool disabled;    /* databases: DISABLE */

	/* the registry's lock guards the rest */
	unsigned refs;
	bool is_user;
	bool is_named;         /* databases: the configuration has it by its name */
	struct stats *retired; /* owned; of pools that are gone, one per worker; NULL: none */
};

struct registry *registry_new(unsigned workers);
void registry_free(struct registry *r); /* nobody may hold a reference to a route */

/* A new reference: the entry is made where there is none. */
struct registry_entry *registry_database(struct registry *r, struct slice name) MUST_CHECK;
struct registry_entry *registry_user(struct registry *r, struct slice name) MUST_CHECK;
struct registry_entry *registry_hold(struct registry *r, struct registry_entry *entry);
void registry_release(struct registry *r, struct registry_entry *entry);

/* What is counted of it now; where there is no entry it is nothing. */
struct registry_look {
	int servers, clients;
	bool paused, disabled;
};
struct registry_look registry_look_database(struct registry *r, struct slice name);
struct registry_look registry_look_user(struct registry *r, struct slice name);

/* Everything at once: PAUSE without a database. */
void registry_set_paused(struct registry *r, bool paused);
bool registry_is_paused(const struct registry *r);

void registry_pause_database(struct registry *r, struct slice name, bool paused);
void registry_disable_database(struct registry *r, struct slice name, bool disabled);

/* RESUME without a database: none is paused any more. */
void registry_resume_databases(struct registry *r);

/* Counts a client in, unless `max` (0: no bound) are there already. */
bool registry_enter(struct registry_entry *entry, int max) MUST_CHECK;
void registry_leave(struct registry_entry *entry);

/* The route with that key, a new reference, or NULL; and how one gets in: where another
 * thread was faster, `made` is given up and the other's returned. */
struct route *registry_route(struct registry *r, struct slice key) MUST_CHECK;
struct route *registry_add_route(struct registry *r, struct route *made) MUST_CHECK;

/* Gives a reference back. The route is freed with the last that is not the registry's own. */
void registry_release_route(struct registry *r, struct route *route);

/* The site with that key, made where there is none: a new reference; and one to one that is there.
 */
struct site *registry_site(struct registry *r, struct slice key) MUST_CHECK;
struct site *registry_hold_site(struct registry *r, struct site *site);
void registry_release_site(struct registry *r, struct site *site);

void registry_each_route(struct registry *r, void (*fn)(struct route *route, void *arg), void *arg);

/* What a pool has counted in that worker, which now ends its part of it. `is_named`: the
 * configuration has its database by its name. */
void registry_retire(struct registry *r, struct registry_entry *database, bool is_named,
		     unsigned worker, const struct stats *stats);

/* The same, of every database, for one worker. `fn` must not call the registry. */
void registry_each_retired(struct registry *r, unsigned worker,
			   void (*fn)(const char *database, const struct stats *stats, void *arg),
			   void *arg);

/* There is a new configuration: what is kept for databases it does not name goes to "*". */
void registry_configure(struct registry *r, const struct conf *conf);

#endif
