/*
 * stmt.c - the table of what clients have prepared.
 */
#include "proxy/stmt.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/bug.h"
#include "base/map.h"
#include "base/mem.h"
#include "sql/words.h"
#include "wire/reader.h"

#define STMT_SHARDS 16

/* Types that leave it to the server which it is. */
#define STMT_TYPE_OPEN 0u
#define STMT_TYPE_UNKNOWN 705u /* PostgreSQL's UNKNOWNOID */

struct stmt_shard {
	pthread_mutex_t lock;
	struct map map; /* key -> stmt; a statement is taken out under the lock before it dies */
};

struct stmt_table {
	atomic_uint_fast64_t next_id;
	struct stmt_shard shards[STMT_SHARDS];
};

struct stmt_table *stmt_table_new(void)
{
	struct stmt_table *table = mem_zalloc(sizeof(*table));
	for (size_t i = 0; i < STMT_SHARDS; i++) {
		pthread_mutex_init(&table->shards[i].lock, NULL);
		map_init(&table->shards[i].map);
	}
	return table;
}

void stmt_table_free(struct stmt_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < STMT_SHARDS; i++) {
		BUG_ON(map_count(&table->shards[i].map));
		map_fini(&table->shards[i].map);
		pthread_mutex_destroy(&table->shards[i].lock);
	}
	free(table);
}

static struct stmt_shard *stmt_shard(struct stmt_table *table, struct slice key)
{
	return &table->shards[map_hash(key) % STMT_SHARDS];
}

static struct stmt *stmt_new(struct stmt_table *table, struct slice key, size_t body_bytes)
{
	struct stmt *stmt = mem_zalloc(sizeof(*stmt));
	char *copy = mem_alloc(key.len);
	memcpy(copy, key.ptr, key.len);
	atomic_init(&stmt->refs, 1);
	stmt->table = table;
	stmt->id = atomic_fetch_add(&table->next_id, 1) + 1;
	stmt->name_bytes =
		(size_t)snprintf(stmt->name, sizeof(stmt->name), STMT_PREFIX "%" PRIu64, stmt->id);
	stmt->key = slice_make(copy, key.len);
	stmt->body = slice_skip(stmt->key, key.len - body_bytes);
	stmt->is_open = stmt_is_open(stmt->body);
	stmt->is_fetch = stmt_is_fetch(stmt->body);
	return stmt;
}

struct stmt *stmt_get(struct stmt_table *table, struct slice meaning, struct slice body)
{
	struct buf key = { 0 };
	buf_add_slice(&key, meaning);
	buf_u8(&key, 0);
	buf_add_slice(&key, body);

	struct stmt_shard *shard = stmt_shard(table, buf_slice(&key));
	pthread_mutex_lock(&shard->lock);
	struct stmt *stmt = map_get(&shard->map, buf_slice(&key));
	if (stmt) {
		atomic_fetch_add(&stmt->refs, 1);
	} else {
		stmt = stmt_new(table, buf_slice(&key), body.len);
		map_put(&shard->map, stmt->key, stmt);
	}
	pthread_mutex_unlock(&shard->lock);
	buf_fini(&key);
	return stmt;
}

struct slice stmt_meaning(const struct stmt *stmt)
{
	return slice_head(stmt->key, stmt->key.len - stmt->body.len - 1);
}

struct stmt *stmt_get_typed(const struct stmt *stmt, struct slice types)
{
	struct buf body = { 0 };
	stmt_write_body(&body, stmt->body, types);
	struct stmt *typed = stmt_get(stmt->table, stmt_meaning(stmt), buf_slice(&body));
	buf_fini(&body);
	return typed;
}

struct stmt *stmt_ref(struct stmt *stmt)
{
	atomic_fetch_add(&stmt->refs, 1);
	return stmt;
}

void stmt_unref(struct stmt *stmt)
{
	if (!stmt)
		return;
	/* the last one goes under the lock, so that nobody finds it while it dies */
	unsigned refs = atomic_load(&stmt->refs);
	while (refs > 1)
		if (atomic_compare_exchange_weak(&stmt->refs, &refs, refs - 1))
			return;
	struct stmt_shard *shard = stmt_shard(stmt->table, stmt->key);
	pthread_mutex_lock(&shard->lock);
	bool is_last = atomic_fetch_sub(&stmt->refs, 1) == 1;
	if (is_last)
		map_remove(&shard->map, stmt->key);
	pthread_mutex_unlock(&shard->lock);
	if (!is_last)
		return;
	free((void *)(uintptr_t)stmt->key.ptr);
	free(stmt);
}

/* ---- types of parameters ------------------------------------------------------------------ */

/* The greatest n of the $n in a text, or what looks like one. */
static unsigned most_parameters(struct slice sql)
{
	unsigned most = 0;
	const char *end = sql.ptr + sql.len, *p = sql.ptr;
	while (p < end && (p = memchr(p, '$', (size_t)(end - p)))) {
		unsigned n = 0;
		for (p++; p < end && *p >= '0' && *p <= '9' && n <= UINT16_MAX; p++)
			n = n * 10 + (unsigned)(*p - '0');
		most = n > most ? n : most;
	}
	return most;
}

bool stmt_is_fetch(struct slice body)
{
	struct slice sql = slice_head(body, strnlen(body.ptr, body.len));
	struct slice first = words_first(sql, (struct lexer_mode){ 0 });
	return slice_ieq_str(first, "fetch") || slice_ieq_str(first, "move");
}

bool stmt_is_open(struct slice body)
{
	struct reader r;
	reader_init(&r, body);
	unsigned used = most_parameters(reader_cstr(&r)), given = reader_u16(&r);
	if (used > 0 && stmt_is_fetch(body))
		return false; /* it is in the cursor's name */
	for (unsigned i = 0; i < given && i < used; i++) {
		uint32_t type = reader_u32(&r);
		if (type == STMT_TYPE_OPEN || type == STMT_TYPE_UNKNOWN)
			return true;
	}
	return used > given;
}

void stmt_write_body(struct buf *out, struct slice body, struct slice types)
{
	if (!types.ptr) {
		buf_add_slice(out, body);
		return;
	}
	buf_add_slice(out, slice_head(body, strnlen(body.ptr, body.len)));
	buf_u8(out, 0);
	buf_add_slice(out, types);
}

size_t stmt_count(struct stmt_table *table)
{
	size_t n = 0;
	for (size_t i = 0; i < STMT_SHARDS; i++) {
		pthread_mutex_lock(&table->shards[i].lock);
		n += map_count(&table->shards[i].map);
		pthread_mutex_unlock(&table->shards[i].lock);
	}
	return n;
}
