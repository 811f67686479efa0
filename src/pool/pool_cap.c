/*
 * pool_cap.c - a cap, its workers' lines, and whom to wake when a permit is free.
 *
 * Why no wake-up is lost: who finds no permit first puts its bit into a wanted set and
 * then looks again; who gives a permit back first gives it and then looks at the set.
 * All of it is sequentially consistent, so one of the two sees the other. The bit is
 * taken off by who wakes; a woken worker that does not use the permit passes the wake
 * on. It puts its bit back only after it found no permit, so that this ends.
 */
#include "pool/pool_cap.h"

#include <stdlib.h>
#include <string.h>

void pool_cap_init(struct pool_cap *cap, unsigned workers, int32_t limit)
{
	BUG_ON(workers == 0 || workers > POOL_CAP_MAX_WORKERS);
	permits_init(&cap->permits, limit);
	atomic_init(&cap->held, limit);
	atomic_init(&cap->wanted, 0);
	atomic_init(&cap->wanted_held, 0);
	atomic_init(&cap->hungry, 0);
	atomic_init(&cap->outsider_since, USEC_NEVER);
	cap->pool = NULL;
	cap->workers = workers;
	cap->lines = aligned_alloc(POOL_CAP_LINE_BYTES, workers * sizeof(*cap->lines));
	BUG_ON(!cap->lines);
	memset(cap->lines, 0, workers * sizeof(*cap->lines));
	for (unsigned i = 0; i < workers; i++)
		atomic_init(&cap->lines[i].since, USEC_NEVER);
}

void pool_cap_fini(struct pool_cap *cap)
{
	BUG_ON(permits_used(&cap->permits) != 0);
	free(cap->lines);
	cap->lines = NULL;
}

void pool_cap_set_limit(struct pool_cap *cap, int32_t limit)
{
	permits_set_limit(&cap->permits, limit);
	atomic_store(&cap->held, limit);
}

bool pool_cap_is_ready(struct pool_cap *cap, unsigned worker, int32_t bound)
{
	if (permits_is_free(&cap->permits, bound))
		return true;
	bool is_held = bound < permits_limit(&cap->permits);
	atomic_fetch_or(is_held ? &cap->wanted_held : &cap->wanted, (uint64_t)1 << worker);
	return permits_is_free(&cap->permits, bound);
}

void pool_cap_want(struct pool_cap *cap, unsigned worker)
{
	atomic_fetch_or(&cap->wanted, (uint64_t)1 << worker);
}

static uint64_t who_could_take(const struct pool_cap *cap)
{
	uint64_t set = 0;
	if (permits_is_free(&cap->permits, PERMITS_UNLIMITED))
		set |= atomic_load(&cap->wanted);
	if (permits_is_free(&cap->permits, atomic_load(&cap->held)))
		set |= atomic_load(&cap->wanted_held);
	return set;
}

/* False: none of the set waits since before that time. */
static bool longest_waiting(const struct pool_cap *cap, uint64_t set, usec_t before,
			    unsigned *found)
{
	usec_t since = before;
	if (before == USEC_NEVER && set)
		*found = (unsigned)__builtin_ctzll(set);
	for (uint64_t rest = set; rest; rest &= rest - 1) {
		unsigned i = (unsigned)__builtin_ctzll(rest);
		usec_t t = atomic_load(&cap->lines[i].since);
		if (t < since) {
			since = t;
			*found = i;
		}
	}
	return before == USEC_NEVER ? set != 0 : since < before;
}

bool pool_cap_next_wanted(struct pool_cap *cap, usec_t before, unsigned *worker)
{
	unsigned i = 0;
	while (longest_waiting(cap, who_could_take(cap), before, &i)) {
		uint64_t bit = (uint64_t)1 << i;
		uint64_t had = atomic_fetch_and(&cap->wanted, ~bit);
		had |= atomic_fetch_and(&cap->wanted_held, ~bit);
		if (had & bit) {
			*worker = i;
			return true;
		}
	}
	return false;
}

bool pool_cap_claim_eviction(struct pool_cap *cap)
{
	return permits_leave_for(&cap->permits, atomic_load(&cap->hungry));
}

bool pool_cap_is_hungry(const struct pool_cap *cap)
{
	int32_t hungry = atomic_load(&cap->hungry);
	return hungry > 0 && permits_is_wanting(&cap->permits, hungry);
}

int32_t pool_cap_idle(const struct pool_cap *cap)
{
	int32_t sum = 0;
	for (unsigned i = 0; i < cap->workers; i++)
		sum += atomic_load(&cap->lines[i].idle);
	return sum;
}

int32_t pool_cap_returning(const struct pool_cap *cap)
{
	int32_t sum = 0;
	for (unsigned i = 0; i < cap->workers; i++)
		sum += atomic_load(&cap->lines[i].returning);
	return sum;
}

usec_t pool_cap_since(const struct pool_cap *cap)
{
	usec_t since = atomic_load(&cap->outsider_since);
	for (unsigned i = 0; i < cap->workers; i++)
		since = usec_min(since, atomic_load(&cap->lines[i].since));
	return since;
}
