/*
 * stmtlru.h - which statements one server has prepared, and which it is to forget first.
 *
 * Embedded, initialised with stmtlru_init. Holds its statements. One that messages on their way
 * refer to is busy: it is not evicted before these have been answered.
 *
 * What the server has is what it was told: the caller adds a statement when its Parse is sent, and
 * drops it again where that was refused or skipped.
 *
 * Thread: the owner's.
 */
#ifndef SQL_STMTLRU_H
#define SQL_STMTLRU_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bug.h"
#include "base/list.h"
#include "base/map.h"
#include "sql/stmtpool.h"

struct stmtlru {
	struct stmtpool *pool; /* not owned */
	struct map entries;    /* by the statement's id */
	struct list order;     /* the one last used first */
	size_t max_count;      /* 0: no bound */
};

void stmtlru_init(struct stmtlru *lru, struct stmtpool *pool, size_t max_count);
void stmtlru_fini(struct stmtlru *lru);

/* Does the server have it? Then it is the one last used, and with `busy` busy once more. */
bool stmtlru_use(struct stmtlru *lru, const struct stmt *stmt, bool busy);

/* The server will have it: it must not have it yet. Takes a hold of its own, busy once with `busy`.
 */
void stmtlru_add(struct stmtlru *lru, struct stmt *stmt, bool busy);

/* One that must go for the bound: it is not in the table any more, and its hold is now the
 * caller's, who sends Close and gives it back. NULL: there are not too many, or all of them are
 * busy. */
struct stmt *stmtlru_evict(struct stmtlru *lru) MUST_CHECK;

/* A message that referred to it has been answered. One that was dropped meanwhile is passed over.
 */
void stmtlru_done(struct stmtlru *lru, const struct stmt *stmt);

/* The server does not have it (any more): its Parse failed or was skipped, or it was closed. */
bool stmtlru_drop(struct stmtlru *lru, const struct stmt *stmt);

/* DEALLOCATE ALL, DISCARD ALL. */
void stmtlru_clear(struct stmtlru *lru);

size_t stmtlru_count(const struct stmtlru *lru);

#endif
