/*
 * permits.c - the two counts in one word, so that every decision is one exchange.
 *
 *   take         used < bound and used < limit      used + 1
 *   leave                                           leaving + 1
 *   give_left                                       used - 1, leaving - 1
 *   give         never said to be leaving           used - 1
 */
#include "pool/permits.h"

#define ONE_USED ((uint64_t)1)
#define ONE_LEAVING ((uint64_t)1 << 32)

static int32_t used_of(uint64_t state)
{
	return (int32_t)(uint32_t)state;
}

static int32_t leaving_of(uint64_t state)
{
	return (int32_t)(state >> 32);
}

void permits_init(struct permits *p, int32_t limit)
{
	atomic_init(&p->state, 0);
	atomic_init(&p->limit, limit);
}

void permits_set_limit(struct permits *p, int32_t limit)
{
	atomic_store(&p->limit, limit);
}

bool permits_take(struct permits *p, int32_t bound)
{
	uint64_t state = atomic_load(&p->state);
	do {
		if (used_of(state) >= bound || used_of(state) >= permits_limit(p))
			return false;
	} while (!atomic_compare_exchange_weak(&p->state, &state, state + ONE_USED));
	return true;
}

void permits_give(struct permits *p)
{
	uint64_t state = atomic_fetch_sub(&p->state, ONE_USED);
	BUG_ON(used_of(state) <= leaving_of(state));
}

void permits_leave(struct permits *p)
{
	uint64_t state = atomic_fetch_add(&p->state, ONE_LEAVING);
	BUG_ON(used_of(state) <= leaving_of(state));
}

void permits_give_left(struct permits *p)
{
	uint64_t state = atomic_fetch_sub(&p->state, ONE_LEAVING | ONE_USED);
	BUG_ON(leaving_of(state) <= 0);
}

bool permits_leave_above(struct permits *p, int32_t floor)
{
	uint64_t state = atomic_load(&p->state);
	do {
		if (used_of(state) - leaving_of(state) <= floor)
			return false;
	} while (!atomic_compare_exchange_weak(&p->state, &state, state + ONE_LEAVING));
	return true;
}

/* Once those leaving are gone, is there less room than wanted? */
static bool is_wanting(const struct permits *p, uint64_t state, int32_t wanted)
{
	int32_t staying = used_of(state) - leaving_of(state);
	int64_t room = (int64_t)permits_limit(p) - staying;
	return staying > 0 && wanted > (room > 0 ? room : 0);
}

bool permits_leave_for(struct permits *p, int32_t wanted)
{
	uint64_t state = atomic_load(&p->state);
	do {
		if (!is_wanting(p, state, wanted))
			return false;
	} while (!atomic_compare_exchange_weak(&p->state, &state, state + ONE_LEAVING));
	return true;
}

bool permits_is_wanting(const struct permits *p, int32_t wanted)
{
	return is_wanting(p, atomic_load(&p->state), wanted);
}
