/*
 * stmtpool.c - a hash table of statements, chained, that grows.
 */
#include "sql/stmtpool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"

#define FIRST_SLOTS 64

struct stmtpool {
	struct stmt **slots; /* owned; a power of two of them */
	size_t slot_count;
	size_t count, bytes, max_bytes;
	uint64_t last_id;
};

struct stmtpool *stmtpool_new(size_t max_bytes)
{
	struct stmtpool *pool = mem_zalloc(sizeof(*pool));
	pool->slot_count = FIRST_SLOTS;
	pool->slots = mem_zalloc(FIRST_SLOTS * sizeof(*pool->slots));
	pool->max_bytes = max_bytes;
	return pool;
}

void stmtpool_free(struct stmtpool *pool)
{
	if (!pool)
		return;
	BUG_ON(pool->count > 0);
	free(pool->slots);
	free(pool);
}

static struct stmt **slot_of(const struct stmtpool *pool, uint64_t hash)
{
	return &pool->slots[hash & (pool->slot_count - 1)];
}

static uint64_t hash_of(struct slice text, struct slice types, struct slice depends)
{
	uint64_t hash = map_hash(text);
	return hash ^ (map_hash(types) * 3) ^ (map_hash(depends) * 5);
}

static size_t size_of(const struct stmt *s)
{
	return sizeof(*s) + s->text.len + s->types.len + s->depends.len;
}

static void grow(struct stmtpool *pool)
{
	struct stmt **old = pool->slots;
	size_t old_count = pool->slot_count;
	pool->slot_count *= 2;
	pool->slots = mem_zalloc(pool->slot_count * sizeof(*pool->slots));
	for (size_t i = 0; i < old_count; i++) {
		for (struct stmt *s = old[i], *next; s; s = next) {
			struct stmt **slot = slot_of(pool, s->hash);
			next = s->next;
			s->next = *slot;
			*slot = s;
		}
	}
	free(old);
}

static struct slice copy_to(char **at, struct slice s)
{
	struct slice copy = slice_make(*at, s.len);
	if (s.len > 0)
		memcpy(*at, s.ptr, s.len);
	*at += s.len;
	return copy;
}

static struct stmt *add(struct stmtpool *pool, const struct stmt *like)
{
	size_t size = size_of(like);
	if (pool->bytes > pool->max_bytes || size > pool->max_bytes - pool->bytes)
		return NULL;
	if (pool->count >= pool->slot_count)
		grow(pool);
	struct stmt *s = mem_alloc(size);
	char *at = (char *)(s + 1);
	struct stmt **slot = slot_of(pool, like->hash);
	*s = (struct stmt){ .id = ++pool->last_id, .hash = like->hash, .next = *slot, .refs = 1 };
	s->text = copy_to(&at, like->text);
	s->types = copy_to(&at, like->types);
	s->depends = copy_to(&at, like->depends);
	*slot = s;
	pool->count++;
	pool->bytes += size;
	return s;
}

struct stmt *stmtpool_take(struct stmtpool *pool, struct slice text, struct slice types,
			   struct slice depends)
{
	struct stmt like = { .text = text, .types = types, .depends = depends };
	like.hash = hash_of(text, types, depends);
	for (struct stmt *s = *slot_of(pool, like.hash); s; s = s->next)
		if (s->hash == like.hash && slice_eq(s->text, text) && slice_eq(s->types, types) &&
		    slice_eq(s->depends, depends))
			return stmtpool_ref(s);
	return add(pool, &like);
}

struct stmt *stmtpool_ref(struct stmt *stmt)
{
	stmt->refs++;
	return stmt;
}

void stmtpool_give(struct stmtpool *pool, struct stmt *stmt)
{
	BUG_ON(stmt->refs == 0);
	if (--stmt->refs > 0)
		return;
	struct stmt **at = slot_of(pool, stmt->hash);
	while (*at != stmt)
		at = &(*at)->next;
	*at = stmt->next;
	pool->count--;
	pool->bytes -= size_of(stmt);
	free(stmt);
}

size_t stmtpool_name(const struct stmt *stmt, char out[STMTPOOL_NAME_BYTES])
{
	return (size_t)snprintf(out, STMTPOOL_NAME_BYTES, "pgweir_%" PRIx64, stmt->id);
}

size_t stmtpool_count(const struct stmtpool *pool)
{
	return pool->count;
}

size_t stmtpool_bytes(const struct stmtpool *pool)
{
	return pool->bytes;
}
