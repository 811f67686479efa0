/*
 * averages.c - sums at the ends of the last two periods, by database.
 */
#include "admin/averages.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"

/* A database's sums at the two ends of the last whole period. */
struct averages_entry {
	struct stats before, after;
	bool is_there; /* in the last sums */
};

struct averages {
	struct map entries; /* database -> struct averages_entry, owned */
	usec_t ended;       /* the last whole period */
	usec_t length_us;   /* of it; 0: there was none yet */
};

struct averages *averages_new(usec_t now)
{
	struct averages *a = mem_zalloc(sizeof(*a));
	map_init(&a->entries);
	a->ended = now;
	return a;
}

void averages_free(struct averages *a)
{
	struct slice name;
	void *entry;
	for (size_t at = 0; map_next(&a->entries, &at, &name, &entry);)
		free(entry);
	map_fini(&a->entries);
	free(a);
}

/* ---- sums ----------------------------------------------------------------------------------- */

static int averages_compare(const void *a, const void *b)
{
	const struct show_stats *x = a, *y = b;
	return strcmp(x->database, y->database);
}

static bool averages_is_nothing(const struct stats *s)
{
	static const struct stats nothing;
	return memcmp(s, &nothing, sizeof(nothing)) == 0;
}

size_t averages_sum(const struct report *reports, size_t count, struct show_stats **rows)
{
	size_t most = 0, n = 0, kept = 0;
	for (size_t i = 0; i < count; i++)
		most += reports[i].pool_count + reports[i].retired_count;
	struct show_stats *all = mem_zalloc((most + 1) * sizeof(*all));
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < reports[i].pool_count; k++, n++) {
			const struct report_pool *pool = &reports[i].pools[k];
			memcpy(all[n].database, pool->database, sizeof(pool->database));
			all[n].total = pool->stats;
		}
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < reports[i].retired_count; k++) {
			const struct report_retired *retired = &reports[i].retired[k];
			if (averages_is_nothing(&retired->stats))
				continue;
			memcpy(all[n].database, retired->database, sizeof(retired->database));
			all[n++].total = retired->stats;
		}
	qsort(all, n, sizeof(*all), averages_compare);
	for (size_t i = 0; i < n; i++) {
		if (kept > 0 && strcmp(all[kept - 1].database, all[i].database) == 0)
			stats_add(&all[kept - 1].total, &all[i].total);
		else
			all[kept++] = all[i];
	}
	*rows = all;
	return kept;
}

/* ---- periods -------------------------------------------------------------------------------- */

static struct averages_entry *averages_entry(struct averages *a, struct slice name)
{
	struct averages_entry *e = map_get(&a->entries, name);
	if (!e) { /* it has grown from nothing in this period */
		e = mem_zalloc(sizeof(*e));
		map_put(&a->entries, name, e);
	}
	return e;
}

/* What databases counted that are gone counts among the others now: that is no growth. */
static void averages_forget(struct averages *a, const struct show_stats *rows, size_t count)
{
	struct slice name;
	void *value;
	struct stats gone = { 0 };
	for (size_t i = 0; i < count; i++)
		averages_entry(a, slice_of(rows[i].database))->is_there = true;
	for (size_t at = 0; map_next(&a->entries, &at, &name, &value);) {
		struct averages_entry *e = value;
		if (e->is_there) {
			e->is_there = false;
			continue;
		}
		stats_add(&gone, &e->after);
		map_remove(&a->entries, name);
		free(e);
	}
	struct averages_entry *others = map_get(&a->entries, SLICE("*"));
	if (others)
		stats_add(&others->after, &gone);
}

void averages_turn(struct averages *a, const struct show_stats *rows, size_t count, usec_t now)
{
	averages_forget(a, rows, count);
	for (size_t i = 0; i < count; i++) {
		struct averages_entry *e = averages_entry(a, slice_of(rows[i].database));
		e->before = e->after;
		e->after = rows[i].total;
	}
	a->length_us = now - a->ended;
	a->ended = now;
}

static uint64_t averages_rate(uint64_t grown, usec_t length_us)
{
	return length_us > 0 ? (uint64_t)((double)grown * USEC_PER_SEC / (double)length_us) : 0;
}

/* All are per second, but for the two that are of one transaction, or query. */
static void averages_divide(const struct stats *grown, usec_t length_us, struct stats *out)
{
#define AVERAGES_RATE_(field, name, meaning) out->field = averages_rate(grown->field, length_us);
	STATS_FIELDS(AVERAGES_RATE_)
#undef AVERAGES_RATE_
	out->xact_us = grown->xacts ? grown->xact_us / grown->xacts : 0;
	out->query_us = grown->queries ? grown->query_us / grown->queries : 0;
}

static void averages_grown(const struct averages *a, const char *database, struct stats *out)
{
	const struct averages_entry *e = map_get(&a->entries, slice_of(database));
	*out = (struct stats){ 0 };
	if (!e)
		return;
#define AVERAGES_GROWN_(field, name, meaning) out->field = e->after.field - e->before.field;
	STATS_FIELDS(AVERAGES_GROWN_)
#undef AVERAGES_GROWN_
}

void averages_fill(const struct averages *a, struct show_stats *row)
{
	struct stats grown;
	averages_grown(a, row->database, &grown);
	averages_divide(&grown, a->length_us, &row->average);
}

void averages_total(const struct averages *a, const struct show_stats *rows, size_t count,
		    struct show_stats *out)
{
	struct stats sum = { 0 }, grown;
	*out = (struct show_stats){ .database = "" };
	for (size_t i = 0; i < count; i++) {
		stats_add(&out->total, &rows[i].total);
		averages_grown(a, rows[i].database, &grown);
		stats_add(&sum, &grown);
	}
	averages_divide(&sum, a->length_us, &out->average);
}

void averages_line(const struct stats *s, struct buf *out)
{
	buf_addf(out,
		 "stats: %" PRIu64 " xacts/s, %" PRIu64 " queries/s, %" PRIu64
		 " client parses/s, %" PRIu64 " server parses/s, %" PRIu64 " binds/s, in %" PRIu64
		 " B/s, out %" PRIu64 " B/s, xact %" PRIu64 " us, query %" PRIu64
		 " us, wait %" PRIu64 " us",
		 s->xacts, s->queries, s->client_parses, s->server_parses, s->binds,
		 s->received_bytes, s->sent_bytes, s->xact_us, s->query_us, s->wait_us);
}
