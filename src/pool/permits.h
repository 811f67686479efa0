/*
 * permits.h - an exact limit that all workers share.
 *
 * A permit stands for one server connection, from the moment its login starts until
 * it is gone. `used` never passes the limit by taking; a limit lowered while more are
 * in use lets the surplus drain as connections are closed. `leaving` counts permits
 * whose connection is being closed already, so that nobody closes two where one was
 * too many.
 *
 * Owned by whoever embeds it. Thread: any; C11 atomics, sequentially consistent,
 * because the pool's promise that no wake-up is lost is a promise about their order.
 */
#ifndef POOL_PERMITS_H
#define POOL_PERMITS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bug.h"

#define PERMITS_UNLIMITED INT32_MAX

struct permits {
	_Atomic uint64_t state; /* used in the low half, of those leaving in the high half */
	_Atomic int32_t limit;
};

void permits_init(struct permits *p, int32_t limit);

/* Any time, from any thread. Lowering takes nothing away from who holds one. */
void permits_set_limit(struct permits *p, int32_t limit);

/* One permit, if fewer than both `bound` and the limit are used. */
bool permits_take(struct permits *p, int32_t bound) MUST_CHECK;

/* Its connection is gone, or was never made. */
void permits_give(struct permits *p);

/* Its connection is being closed; permits_give_left when it is gone. */
void permits_leave(struct permits *p);
void permits_give_left(struct permits *p);

/* permits_leave, but only where more than `floor` would stay; false: nothing done. */
bool permits_leave_above(struct permits *p, int32_t floor) MUST_CHECK;

/*
 * permits_leave, but only where fewer than `wanted` will be free once those leaving are
 * gone: that many wait for this limit and for nothing else. False: nothing done.
 */
bool permits_leave_for(struct permits *p, int32_t wanted) MUST_CHECK;
bool permits_is_wanting(const struct permits *p, int32_t wanted); /* would it? */

static inline int32_t permits_limit(const struct permits *p)
{
	return atomic_load(&p->limit);
}

static inline int32_t permits_used(const struct permits *p)
{
	return (int32_t)(uint32_t)atomic_load(&p->state);
}

/* Used by connections that are there to stay. */
static inline int32_t permits_staying(const struct permits *p)
{
	uint64_t state = atomic_load(&p->state);
	return (int32_t)(uint32_t)state - (int32_t)(state >> 32);
}

static inline bool permits_is_free(const struct permits *p, int32_t bound)
{
	int32_t used = permits_used(p);
	return used < bound && used < permits_limit(p);
}

#endif
