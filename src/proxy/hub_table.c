/*
 * hub_table.c - which hubs can be joined.
 */
#include "proxy/hub_table.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "proxy/hub.h"
#include "proxy/localpool.h"
#include "proxy/route.h"

struct hub_table {
	pthread_mutex_t lock;
	struct map map; /* key -> hub that can be joined; not counted as a reference */
	uint64_t next;
	uint64_t seed;
	atomic_int spare; /* hubs that nobody hears from */
};

struct hub_table *hub_table_new(void)
{
	struct hub_table *table = mem_zalloc(sizeof(*table));
	pthread_mutex_init(&table->lock, NULL);
	map_init(&table->map);
	/* two poolers at one database shall have different markers */
	table->seed = map_hash(slice_make(&table, sizeof(table)));
	return table;
}

void hub_table_free(struct hub_table *table)
{
	if (!table)
		return;
	BUG_ON(map_count(&table->map));
	map_fini(&table->map);
	pthread_mutex_destroy(&table->lock);
	free(table);
}

struct hub *hub_table_get(struct hub_table *table, struct slice database, struct slice encoding)
{
	struct buf key = { 0 };
	buf_add_slice(&key, database);
	buf_u8(&key, 0);
	buf_add_slice(&key, encoding);
	pthread_mutex_lock(&table->lock);
	struct hub *hub = map_get(&table->map, buf_slice(&key));
	if (!hub) {
		hub = hub_new(table, buf_slice(&key), table->seed + ++table->next);
		map_put(&table->map, hub->key, hub);
	}
	hub_ref(hub);
	pthread_mutex_unlock(&table->lock);
	buf_fini(&key);
	return hub;
}

/* With the lock. */
static void hub_table_remove(struct hub *hub)
{
	if (!hub->is_ended)
		map_remove(&hub->table->map, hub->key);
	hub->is_ended = true;
}

void hub_table_end(struct hub *hub)
{
	pthread_mutex_lock(&hub->table->lock);
	hub_table_remove(hub);
	pthread_mutex_unlock(&hub->table->lock);
}

bool hub_table_unref(struct hub *hub)
{
	struct hub_table *table = hub->table;
	pthread_mutex_lock(&table->lock);
	bool is_last = atomic_fetch_sub(&hub->refs, 1) == 1;
	if (is_last)
		hub_table_remove(hub);
	pthread_mutex_unlock(&table->lock);
	return is_last;
}

void hub_table_retire(struct hub_table *table, const char *database)
{
	struct slice key;
	void *hub;
	pthread_mutex_lock(&table->lock);
	for (size_t at = 0; map_next(&table->map, &at, &key, &hub);)
		if (strcmp(key.ptr, database) == 0)
			hub_table_remove(hub);
	pthread_mutex_unlock(&table->lock);
}

void hub_table_count_spare(struct hub_table *table, int more)
{
	atomic_fetch_add(&table->spare, more);
}

void hub_table_yield(struct hub_table *table, const struct localpool *lp)
{
	struct slice key;
	void *value;
	if (atomic_load(&table->spare) == 0)
		return;
	pthread_mutex_lock(&table->lock);
	for (size_t at = 0; map_next(&table->map, &at, &key, &value);) {
		struct hub *hub = value;
		bool is_near = strcmp(key.ptr, lp->route->database) == 0 ||
			       lp->settings.max_user_connections > 0;
		if (is_near && atomic_load(&hub->owner) != HUB_NOBODY &&
		    atomic_load(&hub->listeners) == 0)
			hub_yield(hub, lp->worker);
	}
	pthread_mutex_unlock(&table->lock);
}
