/*
 * registry.c - the maps that all workers share, and their lock.
 */
#include "proxy/registry.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "proxy/route.h"

struct registry {
	pthread_mutex_t lock;
	struct map databases; /* name -> entry, owned */
	struct map users;     /* name -> entry, owned */
	struct map routes;    /* key -> route, a reference each */
	atomic_bool paused;
	unsigned workers;
};

struct registry *registry_new(unsigned workers)
{
	struct registry *r = mem_zalloc(sizeof(*r));
	r->workers = workers;
	pthread_mutex_init(&r->lock, NULL);
	map_init(&r->databases);
	map_init(&r->users);
	map_init(&r->routes);
	return r;
}

static void registry_free_entries(struct map *entries)
{
	struct slice key;
	void *value;
	for (size_t at = 0; map_next(entries, &at, &key, &value);) {
		struct registry_entry *entry = value;
		pool_cap_fini(&entry->servers);
		free(entry->name);
		free(entry);
	}
	map_fini(entries);
}

void registry_free(struct registry *r)
{
	if (!r)
		return;
	registry_sweep(r);
	BUG_ON(map_count(&r->routes) > 0);
	map_fini(&r->routes);
	registry_free_entries(&r->databases);
	registry_free_entries(&r->users);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static struct registry_entry *registry_entry(struct registry *r, struct map *entries,
					     struct slice name)
{
	pthread_mutex_lock(&r->lock);
	struct registry_entry *entry = map_get(entries, name);
	if (!entry) {
		entry = mem_zalloc(sizeof(*entry));
		entry->name = slice_dup(name);
		pool_cap_init(&entry->servers, r->workers, PERMITS_UNLIMITED);
		map_put(entries, name, entry);
	}
	pthread_mutex_unlock(&r->lock);
	return entry;
}

struct registry_entry *registry_database(struct registry *r, struct slice name)
{
	return registry_entry(r, &r->databases, name);
}

struct registry_entry *registry_user(struct registry *r, struct slice name)
{
	return registry_entry(r, &r->users, name);
}

void registry_set_paused(struct registry *r, bool paused)
{
	atomic_store(&r->paused, paused);
}

bool registry_is_paused(const struct registry *r)
{
	return atomic_load(&r->paused);
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

void registry_resume_databases(struct registry *r)
{
	struct slice key;
	void *value;
	pthread_mutex_lock(&r->lock);
	for (size_t at = 0; map_next(&r->databases, &at, &key, &value);)
		atomic_store(&((struct registry_entry *)value)->paused, false);
	pthread_mutex_unlock(&r->lock);
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

void registry_sweep(struct registry *r)
{
	struct slice key;
	void *value;
	pthread_mutex_lock(&r->lock);
	for (size_t at = 0; map_next(&r->routes, &at, &key, &value);) {
		struct route *route = value;
		if (atomic_load(&route->refs) > 1)
			continue;
		map_remove(&r->routes, key);
		route_unref(route);
	}
	pthread_mutex_unlock(&r->lock);
}
