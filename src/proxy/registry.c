/*
 * registry.c - the maps that all workers share, and their lock.
 */
#include "proxy/registry.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "proxy/route.h"
#include "proxy/site.h"

/* What databases have counted that are gone. */
#define REGISTRY_OTHERS "*"

struct registry {
	pthread_mutex_t lock;
	struct map databases; /* name -> entry, owned */
	struct map users;     /* name -> entry, owned */
	struct map routes;    /* key -> route, a reference each */
	struct map sites;     /* key -> site, owned */
	atomic_uint versions; /* of what is known of them */
	struct stats *others; /* owned; what databases counted that are gone, one per worker */
	atomic_bool paused;
	unsigned workers;
};

struct registry *registry_new(unsigned workers)
{
	struct registry *r = mem_zalloc(sizeof(*r));
	r->workers = workers;
	r->others = mem_zalloc(workers * sizeof(*r->others));
	pthread_mutex_init(&r->lock, NULL);
	map_init(&r->databases);
	map_init(&r->users);
	map_init(&r->routes);
	map_init(&r->sites);
	return r;
}

static void registry_free_entry(struct registry_entry *entry)
{
	pool_cap_fini(&entry->servers);
	free(entry->retired);
	free(entry->name);
	free(entry);
}

static void registry_free_entries(struct map *entries)
{
	struct slice key;
	void *value;
	for (size_t at = 0; map_next(entries, &at, &key, &value);)
		registry_free_entry(value);
	map_fini(entries);
}

void registry_free(struct registry *r)
{
	if (!r)
		return;
	BUG_ON(map_count(&r->routes) > 0 || map_count(&r->sites) > 0);
	map_fini(&r->routes);
	map_fini(&r->sites);
	registry_free_entries(&r->databases);
	registry_free_entries(&r->users);
	free(r->others);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* ---- entries; the lock is held in all of these --------------------------------------------- */

static struct registry_entry *registry_need(struct registry *r, bool is_user, struct slice name)
{
	struct map *entries = is_user ? &r->users : &r->databases;
	struct registry_entry *entry = map_get(entries, name);
	if (!entry) {
		entry = mem_zalloc(sizeof(*entry));
		entry->name = slice_dup(name);
		entry->is_user = is_user;
		pool_cap_init(&entry->servers, r->workers, PERMITS_UNLIMITED);
		map_put(entries, name, entry);
	}
	return entry;
}

/* Does anything count on it? If not it is freed. */
static void registry_settle(struct registry *r, struct registry_entry *entry)
{
	if (entry->refs > 0 || atomic_load(&entry->paused) || atomic_load(&entry->disabled))
		return;
	if (entry->retired && entry->is_named)
		return;
	/* each worker's part stays the same worker's, so that no report counts it twice */
	for (unsigned i = 0; entry->retired && i < r->workers; i++)
		stats_add(&r->others[i], &entry->retired[i]);
	map_remove(entry->is_user ? &r->users : &r->databases, slice_of(entry->name));
	registry_free_entry(entry);
}

/* ---- entries ----------------------------------------------------------------------------------
 */

static struct registry_entry *registry_take(struct registry *r, bool is_user, struct slice name)
{
	pthread_mutex_lock(&r->lock);
	struct registry_entry *entry = registry_need(r, is_user, name);
	entry->refs++;
	pthread_mutex_unlock(&r->lock);
	return entry;
}

struct registry_entry *registry_database(struct registry *r, struct slice name)
{
	return registry_take(r, false, name);
}

struct registry_entry *registry_user(struct registry *r, struct slice name)
{
	return registry_take(r, true, name);
}

struct registry_entry *registry_hold(struct registry *r, struct registry_entry *entry)
{
	pthread_mutex_lock(&r->lock);
	entry->refs++;
	pthread_mutex_unlock(&r->lock);
	return entry;
}

void registry_release(struct registry *r, struct registry_entry *entry)
{
	pthread_mutex_lock(&r->lock);
	BUG_ON(entry->refs == 0);
	entry->refs--;
	registry_settle(r, entry);
	pthread_mutex_unlock(&r->lock);
}

static struct registry_look registry_look(struct registry *r, const struct map *entries,
					  struct slice name)
{
	struct registry_look look = { 0 };
	pthread_mutex_lock(&r->lock);
	const struct registry_entry *entry = map_get(entries, name);
	if (entry)
		look = (struct registry_look){
			.servers = permits_used(&entry->servers.permits),
			.clients = atomic_load(&entry->clients),
			.paused = atomic_load(&entry->paused),
			.disabled = atomic_load(&entry->disabled),
		};
	pthread_mutex_unlock(&r->lock);
	return look;
}

struct registry_look registry_look_database(struct registry *r, struct slice name)
{
	return registry_look(r, &r->databases, name);
}

struct registry_look registry_look_user(struct registry *r, struct slice name)
{
	return registry_look(r, &r->users, name);
}

void registry_set_paused(struct registry *r, bool paused)
{
	atomic_store(&r->paused, paused);
}

bool registry_is_paused(const struct registry *r)
{
	return atomic_load(&r->paused);
}

void registry_pause_database(struct registry *r, struct slice name, bool paused)
{
	struct registry_entry *entry = registry_database(r, name);
	atomic_store(&entry->paused, paused);
	registry_release(r, entry);
}

void registry_disable_database(struct registry *r, struct slice name, bool disabled)
{
	struct registry_entry *entry = registry_database(r, name);
	atomic_store(&entry->disabled, disabled);
	registry_release(r, entry);
}

void registry_resume_databases(struct registry *r)
{
	struct slice key;
	void *value;
	pthread_mutex_lock(&r->lock);
	for (size_t at = 0; map_next(&r->databases, &at, &key, &value);) {
		struct registry_entry *entry = value;
		atomic_store(&entry->paused, false);
		registry_settle(r, entry);
	}
	pthread_mutex_unlock(&r->lock);
}

bool registry_enter(struct registry_entry *entry, int max)
{
	int now = atomic_load(&entry->clients);
	do { /* who is refused never counts, not even for a moment: another would be refused by it
	      */
		if (max > 0 && now >= max)
			return false;
	} while (!atomic_compare_exchange_weak(&entry->clients, &now, now + 1));
	return true;
}

void registry_leave(struct registry_entry *entry)
{
	atomic_fetch_sub(&entry->clients, 1);
}

/* ---- routes -----------------------------------------------------------------------------------
 */

struct route *registry_route(struct registry *r, struct slice key)
{
	pthread_mutex_lock(&r->lock);
	struct route *route = map_get(&r->routes, key);
	if (route)
		route_ref(route);
	pthread_mutex_unlock(&r->lock);
	return route;
}

struct route *registry_add_route(struct registry *r, struct route *made)
{
	pthread_mutex_lock(&r->lock);
	struct route *route = map_get(&r->routes, made->key);
	if (!route) {
		route = made;
		map_put(&r->routes, made->key, route_ref(made));
		made = NULL;
	} else {
		route_ref(route);
	}
	pthread_mutex_unlock(&r->lock);
	if (made)
		route_unref(made);
	return route;
}

void registry_release_route(struct registry *r, struct route *route)
{
	pthread_mutex_lock(&r->lock);
	/* with the map's alone left nobody can get at it but by the map, which is locked */
	bool is_last = atomic_fetch_sub(&route->refs, 1) == 2;
	if (is_last)
		map_remove(&r->routes, route->key);
	pthread_mutex_unlock(&r->lock);
	if (is_last)
		route_unref(route);
}

void registry_each_route(struct registry *r, void (*fn)(struct route *route, void *arg), void *arg)
{
	struct slice key;
	void *value;
	pthread_mutex_lock(&r->lock);
	for (size_t at = 0; map_next(&r->routes, &at, &key, &value);)
		fn(value, arg);
	pthread_mutex_unlock(&r->lock);
}

/* ---- sites ------------------------------------------------------------------------------------
 */

struct site *registry_site(struct registry *r, struct slice key)
{
	pthread_mutex_lock(&r->lock);
	struct site *site = map_get(&r->sites, key);
	if (!site) {
		site = site_new(key, &r->versions);
		map_put(&r->sites, key, site);
	}
	site->refs++;
	pthread_mutex_unlock(&r->lock);
	return site;
}

struct site *registry_hold_site(struct registry *r, struct site *site)
{
	pthread_mutex_lock(&r->lock);
	site->refs++;
	pthread_mutex_unlock(&r->lock);
	return site;
}

void registry_release_site(struct registry *r, struct site *site)
{
	pthread_mutex_lock(&r->lock);
	bool is_last = --site->refs == 0;
	if (is_last)
		map_remove(&r->sites, site->key);
	pthread_mutex_unlock(&r->lock);
	if (is_last)
		site_free(site);
}

/* ---- what is left of those that are gone -------------------------------------------------------
 */

void registry_retire(struct registry *r, struct registry_entry *database, bool is_named,
		     unsigned worker, const struct stats *stats)
{
	pthread_mutex_lock(&r->lock);
	database->is_named = is_named;
	if (!database->retired)
		database->retired = mem_zalloc(r->workers * sizeof(*database->retired));
	stats_add(&database->retired[worker], stats);
	pthread_mutex_unlock(&r->lock);
}

void registry_each_retired(struct registry *r, unsigned worker,
			   void (*fn)(const char *database, const struct stats *stats, void *arg),
			   void *arg)
{
	struct slice key;
	void *value;
	pthread_mutex_lock(&r->lock);
	for (size_t at = 0; map_next(&r->databases, &at, &key, &value);) {
		const struct registry_entry *entry = value;
		if (entry->retired)
			fn(entry->name, &entry->retired[worker], arg);
	}
	fn(REGISTRY_OTHERS, &r->others[worker], arg);
	pthread_mutex_unlock(&r->lock);
}

void registry_configure(struct registry *r, const struct conf *conf)
{
	struct slice key;
	void *value;
	pthread_mutex_lock(&r->lock);
	for (size_t at = 0; map_next(&r->databases, &at, &key, &value);) {
		struct registry_entry *entry = value;
		const struct conf_database *db = conf_find_database(conf, slice_of(entry->name));
		entry->is_named = db && strcmp(db->name, entry->name) == 0;
		registry_settle(r, entry);
	}
	pthread_mutex_unlock(&r->lock);
}
