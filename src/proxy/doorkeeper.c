/*
 * doorkeeper.c - a map of addresses, and a list of them with the one that failed last at its end.
 */
#include "proxy/doorkeeper.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

#define DOORKEEPER_V6_BYTES 8 /* of an address: who has one of a /64 has them all */

struct doorkeeper_key {
	char bytes[1 + DOORKEEPER_V6_BYTES];
	size_t len;
};

struct doorkeeper_entry {
	struct list link;
	struct doorkeeper_key key;
	struct addr addr; /* the last one */
	unsigned failures;
	unsigned hushed;    /* of these, not logged */
	usec_t failed_at;   /* the last */
	usec_t reported_at; /* the last line about it */
};

struct doorkeeper {
	pthread_mutex_t lock;
	struct map entries; /* owned */
	struct list order;  /* by the last failure */
	unsigned forgotten; /* failures that were not logged, of entries that had to go */
	atomic_size_t count;
};

struct doorkeeper *doorkeeper_new(void)
{
	struct doorkeeper *d = mem_zalloc(sizeof(*d));
	pthread_mutex_init(&d->lock, NULL);
	list_init(&d->order);
	return d;
}

static void doorkeeper_drop(struct doorkeeper *d, struct doorkeeper_entry *e)
{
	map_remove(&d->entries, slice_make(e->key.bytes, e->key.len));
	list_remove(&e->link);
	atomic_store(&d->count, map_count(&d->entries));
	free(e);
}

void doorkeeper_free(struct doorkeeper *d)
{
	if (!d)
		return;
	LIST_EACH (node, tmp, &d->order)
		doorkeeper_drop(d, LIST_ENTRY(node, struct doorkeeper_entry, link));
	map_fini(&d->entries);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

/* False: who comes from there is not counted. */
static bool doorkeeper_make_key(const struct addr *a, struct doorkeeper_key *key)
{
	if (a->kind != ADDR_V4 && a->kind != ADDR_V6)
		return false;
	key->bytes[0] = (char)a->kind;
	key->len = 1 + (a->kind == ADDR_V4 ? 4 : DOORKEEPER_V6_BYTES);
	memcpy(key->bytes + 1, a->ip, key->len - 1);
	return true;
}

static struct doorkeeper_entry *doorkeeper_get(struct doorkeeper *d,
					       const struct doorkeeper_key *key)
{
	return map_get(&d->entries, slice_make(key->bytes, key->len));
}

static bool doorkeeper_is_over(const struct doorkeeper_entry *e,
			       const struct doorkeeper_policy *policy, usec_t now)
{
	return usec_after(e->failed_at, policy->memory_us) <= now;
}

static usec_t doorkeeper_delay_of(const struct doorkeeper_entry *e,
				  const struct doorkeeper_policy *policy)
{
	usec_t delay = DOORKEEPER_FIRST_DELAY_US;
	if (e->failures < DOORKEEPER_FREE_FAILURES)
		return 0;
	for (unsigned n = DOORKEEPER_FREE_FAILURES; n < e->failures && delay < policy->max_delay_us;
	     n++)
		delay *= 2;
	return delay < policy->max_delay_us ? delay : policy->max_delay_us;
}

usec_t doorkeeper_delay(struct doorkeeper *d, const struct addr *a,
			const struct doorkeeper_policy *policy, usec_t now)
{
	struct doorkeeper_key key;
	if (atomic_load(&d->count) == 0 || !doorkeeper_make_key(a, &key))
		return 0;
	pthread_mutex_lock(&d->lock);
	const struct doorkeeper_entry *e = doorkeeper_get(d, &key);
	usec_t delay =
		e && !doorkeeper_is_over(e, policy, now) ? doorkeeper_delay_of(e, policy) : 0;
	pthread_mutex_unlock(&d->lock);
	return delay;
}

static struct doorkeeper_entry *doorkeeper_add(struct doorkeeper *d,
					       const struct doorkeeper_key *key)
{
	if (map_count(&d->entries) == DOORKEEPER_MAX_ADDRESSES) {
		struct doorkeeper_entry *oldest =
			LIST_FIRST(&d->order, struct doorkeeper_entry, link);
		d->forgotten += oldest->hushed;
		doorkeeper_drop(d, oldest);
	}
	struct doorkeeper_entry *e = mem_zalloc(sizeof(*e));
	e->key = *key;
	list_init(&e->link);
	map_put(&d->entries, slice_make(e->key.bytes, e->key.len), e);
	atomic_store(&d->count, map_count(&d->entries));
	return e;
}

bool doorkeeper_failed(struct doorkeeper *d, const struct addr *a,
		       const struct doorkeeper_policy *policy, usec_t now)
{
	struct doorkeeper_key key;
	if (!doorkeeper_make_key(a, &key))
		return true;
	pthread_mutex_lock(&d->lock);
	struct doorkeeper_entry *e = doorkeeper_get(d, &key);
	if (!e)
		e = doorkeeper_add(d, &key);
	else if (doorkeeper_is_over(e, policy, now))
		e->failures = 0;
	e->addr = *a;
	e->failures++;
	e->failed_at = now;
	list_remove(&e->link);
	list_push_back(&d->order, &e->link);
	bool is_told = e->failures <= DOORKEEPER_FREE_FAILURES;
	if (is_told)
		e->reported_at = now;
	else
		e->hushed++;
	pthread_mutex_unlock(&d->lock);
	return is_told;
}

void doorkeeper_passed(struct doorkeeper *d, const struct addr *a)
{
	struct doorkeeper_key key;
	if (atomic_load(&d->count) == 0 || !doorkeeper_make_key(a, &key))
		return;
	pthread_mutex_lock(&d->lock);
	struct doorkeeper_entry *e = doorkeeper_get(d, &key);
	if (e && e->hushed)
		e->failures = 0; /* it goes with the line that is still owed */
	else if (e)
		doorkeeper_drop(d, e);
	pthread_mutex_unlock(&d->lock);
}

bool doorkeeper_report(struct doorkeeper *d, const struct doorkeeper_policy *policy, usec_t now,
		       doorkeeper_fn fn, void *arg)
{
	bool has_more = false;
	pthread_mutex_lock(&d->lock);
	LIST_EACH (node, tmp, &d->order) {
		struct doorkeeper_entry *e = LIST_ENTRY(node, struct doorkeeper_entry, link);
		if (e->hushed && usec_after(e->reported_at, policy->memory_us) <= now) {
			fn(arg, &e->addr, e->hushed);
			e->hushed = 0;
			e->reported_at = now;
		}
		has_more |= e->hushed > 0;
		if (!e->hushed && (e->failures == 0 || doorkeeper_is_over(e, policy, now)))
			doorkeeper_drop(d, e);
	}
	if (d->forgotten) {
		struct addr nobody = { .kind = ADDR_NONE };
		fn(arg, &nobody, d->forgotten);
		d->forgotten = 0;
	}
	pthread_mutex_unlock(&d->lock);
	return has_more;
}

size_t doorkeeper_count(struct doorkeeper *d)
{
	return atomic_load(&d->count);
}
