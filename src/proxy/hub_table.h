/*
 * hub_table.h - the shared listeners (proxy/hub.h) that can be joined, of all workers.
 *
 * Its lock is taken when a client begins to listen elsewhere, when a hub ends, and with each
 * reference that is given back.
 *
 * Owner: the proxy. Thread: any.
 */
#ifndef PROXY_HUB_TABLE_H
#define PROXY_HUB_TABLE_H

#include <stdbool.h>

#include "base/bug.h"
#include "base/slice.h"

struct hub;
struct hub_table;
struct localpool;

struct hub_table *hub_table_new(void);
void hub_table_free(struct hub_table *table); /* NULL is fine; every hub must be gone */

/* The one that can be joined, made where there is none: a new reference. */
struct hub *hub_table_get(struct hub_table *table, struct slice database,
			  struct slice encoding) MUST_CHECK;

/* Nobody joins it any more. */
void hub_table_end(struct hub *hub);

/* None of the database is joined any more: it leads elsewhere. They go on for who hears from them.
 */
void hub_table_retire(struct hub_table *table, const char *database);

/* So many more of them have no place now, since nobody hears from them. */
void hub_table_count_spare(struct hub_table *table, int more);

/* Somebody waits in the pool: those without a place end that keep a server from it. Nothing is
 * spent on it where there are none. */
void hub_table_yield(struct hub_table *table, const struct localpool *lp);

/* hub_unref's part: true, and it was the last one. */
bool hub_table_unref(struct hub *hub) MUST_CHECK;

#endif
