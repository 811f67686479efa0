/*
 * map.h - from a string to a pointer.
 *
 * Open addressing over xxh3, seeded once per process so that nobody outside can choose
 * keys that collide. The map owns copies of its keys; the values are the caller's, and are
 * never NULL. All zeros is a valid empty map that holds no memory.
 *
 * Thread: the owner's; any number may read one that nobody changes.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bug.h"
#include "base/slice.h"

struct map_slot;

struct map {
	struct map_slot *slots; /* owned; a power of two of them */
	size_t cap;
	size_t count; /* live entries */
	size_t used;  /* live entries and the marks of removed ones */
};

void map_init(struct map *m);
void map_fini(struct map *m); /* empties it; the values are left alone */

static inline size_t map_count(const struct map *m)
{
	return m->count;
}

void *map_get(const struct map *m, struct slice key);        /* NULL: not there */
void *map_put(struct map *m, struct slice key, void *value); /* what was there before, or NULL */
void *map_remove(struct map *m, struct slice key);           /* what was there, or NULL */

/* The hash that keys are found by: the same within one process only. */
uint64_t map_hash(struct slice key);

/*
 * Walks the entries in no order: `at` starts at 0. The entry it is at may be removed on
 * the way; nothing may be put.
 *
 *	struct slice key;
 *	void *value;
 *	for (size_t at = 0; map_next(m, &at, &key, &value);)
 */
bool map_next(const struct map *m, size_t *at, struct slice *key, void **value);

#endif
