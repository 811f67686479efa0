/*
 * stmtlru.c - a map by id and a list by use.
 */
#include "sql/stmtlru.h"

#include <stdlib.h>

#include "base/mem.h"

struct entry {
	struct list node;  /* in stmtlru.order */
	struct stmt *stmt; /* one hold */
	size_t busy;       /* messages on their way */
};

void stmtlru_init(struct stmtlru *lru, struct stmtpool *pool, size_t max_count)
{
	*lru = (struct stmtlru){ .pool = pool, .max_count = max_count };
	map_init(&lru->entries);
	list_init(&lru->order);
}

void stmtlru_fini(struct stmtlru *lru)
{
	stmtlru_clear(lru);
	map_fini(&lru->entries);
}

static struct slice key_of(const struct stmt *stmt)
{
	return slice_make(&stmt->id, sizeof(stmt->id));
}

static struct entry *find(const struct stmtlru *lru, const struct stmt *stmt)
{
	return map_get(&lru->entries, key_of(stmt));
}

/* Out of the table; the hold is the caller's. */
static struct stmt *take_out(struct stmtlru *lru, struct entry *e)
{
	struct stmt *stmt = e->stmt;
	map_remove(&lru->entries, key_of(stmt));
	list_remove(&e->node);
	free(e);
	return stmt;
}

bool stmtlru_use(struct stmtlru *lru, const struct stmt *stmt, bool busy)
{
	struct entry *e = find(lru, stmt);
	if (!e)
		return false;
	list_remove(&e->node);
	list_push_front(&lru->order, &e->node);
	e->busy += busy;
	return true;
}

void stmtlru_add(struct stmtlru *lru, struct stmt *stmt, bool busy)
{
	struct entry *e = mem_zalloc(sizeof(*e));
	e->stmt = stmtpool_ref(stmt);
	e->busy = busy;
	list_push_front(&lru->order, &e->node);
	BUG_ON(map_put(&lru->entries, key_of(stmt), e) != NULL);
}

struct stmt *stmtlru_evict(struct stmtlru *lru)
{
	if (lru->max_count == 0 || map_count(&lru->entries) <= lru->max_count)
		return NULL;
	for (struct list *node = lru->order.prev; node != &lru->order; node = node->prev) {
		struct entry *e = LIST_ENTRY(node, struct entry, node);
		if (e->busy == 0)
			return take_out(lru, e);
	}
	return NULL;
}

void stmtlru_done(struct stmtlru *lru, const struct stmt *stmt)
{
	struct entry *e = find(lru, stmt);
	if (e && e->busy > 0)
		e->busy--;
}

bool stmtlru_drop(struct stmtlru *lru, const struct stmt *stmt)
{
	struct entry *e = find(lru, stmt);
	if (e)
		stmtpool_give(lru->pool, take_out(lru, e));
	return e != NULL;
}

void stmtlru_clear(struct stmtlru *lru)
{
	while (!list_is_empty(&lru->order)) {
		struct entry *e = LIST_FIRST(&lru->order, struct entry, node);
		stmtpool_give(lru->pool, take_out(lru, e));
	}
}

size_t stmtlru_count(const struct stmtlru *lru)
{
	return map_count(&lru->entries);
}
