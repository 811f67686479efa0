/*
 * map.c - open addressing with linear steps over xxh3.
 *
 * A slot is free (no key, no value), a mark where an entry was removed (no key, the value
 * MAP_GONE), or an entry. Entries and marks together fill at most three quarters, so that a
 * search always meets a free slot.
 */
#include "base/map.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/mem.h"

#define MAP_FIRST_SLOTS 8
#define MAP_GONE ((void *)1)

struct map_slot {
	char *key; /* owned; NULL in a free slot and in a mark */
	size_t key_len;
	uint64_t hash;
	void *value;
};

static uint64_t map_seed_value;
static pthread_once_t map_seed_once = PTHREAD_ONCE_INIT;

static void map_seed_draw(void)
{
	if (getrandom(&map_seed_value, sizeof(map_seed_value), GRND_NONBLOCK) ==
	    (ssize_t)sizeof(map_seed_value))
		return;
	map_seed_value = (uint64_t)time(NULL) ^ ((uint64_t)getpid() << 32);
}

uint64_t map_hash(struct slice key)
{
	pthread_once(&map_seed_once, map_seed_draw);
	return XXH3_64bits_withSeed(key.len > 0 ? key.ptr : "", key.len, map_seed_value);
}

void map_init(struct map *m)
{
	*m = (struct map){ .slots = NULL };
}

void map_fini(struct map *m)
{
	for (size_t i = 0; i < m->cap; i++)
		free(m->slots[i].key);
	free(m->slots);
	map_init(m);
}

/* The entry, or the free slot where the search for it ended. */
static struct map_slot *map_search(const struct map *m, struct slice key, uint64_t hash)
{
	for (size_t i = (size_t)hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
		struct map_slot *s = &m->slots[i];
		if (!s->key) {
			if (!s->value)
				return s;
		} else if (s->hash == hash && slice_eq(slice_make(s->key, s->key_len), key)) {
			return s;
		}
	}
}

void *map_get(const struct map *m, struct slice key)
{
	if (m->count == 0)
		return NULL;
	return map_search(m, key, map_hash(key))->value;
}

/* New slots, twice as many as the entries need at least, and no marks. */
static void map_rehash(struct map *m)
{
	struct map old = *m;

	m->cap = MAP_FIRST_SLOTS;
	while (m->cap < 2 * (old.count + 1))
		m->cap *= 2;
	m->slots = mem_zalloc(m->cap * sizeof(*m->slots));
	m->used = old.count;
	for (size_t i = 0; i < old.cap; i++) {
		const struct map_slot *s = &old.slots[i];
		if (s->key)
			*map_search(m, slice_make(s->key, s->key_len), s->hash) = *s;
	}
	free(old.slots);
}

void *map_put(struct map *m, struct slice key, void *value)
{
	BUG_ON(!value);
	if (4 * (m->used + 1) > 3 * m->cap)
		map_rehash(m);

	uint64_t hash = map_hash(key);
	struct map_slot *s = map_search(m, key, hash);
	void *old = s->value;
	if (!s->key) {
		*s = (struct map_slot){ .key = slice_dup(key), .key_len = key.len, .hash = hash };
		m->count++;
		m->used++;
	}
	s->value = value;
	return old;
}

void *map_remove(struct map *m, struct slice key)
{
	if (m->count == 0)
		return NULL;
	struct map_slot *s = map_search(m, key, map_hash(key));
	if (!s->key)
		return NULL;

	void *old = s->value;
	free(s->key);
	*s = (struct map_slot){ .value = MAP_GONE };
	m->count--;
	return old;
}

bool map_next(const struct map *m, size_t *at, struct slice *key, void **value)
{
	while (*at < m->cap) {
		const struct map_slot *s = &m->slots[(*at)++];
		if (s->key) {
			*key = slice_make(s->key, s->key_len);
			*value = s->value;
			return true;
		}
	}
	return false;
}
