/*
 * ring.h - a bounded queue of byte strings from one thread to one other.
 *
 * When it is full the newcomer is dropped and counted: the producer never waits. There is no
 * lock; who is to be woken, and how, is the caller's affair: RING_PUSHED_FIRST says that the
 * consumer may have found the ring empty and gone to sleep. A consumer that sleeps only after a
 * ring_drain that returned 0, and is woken on each RING_PUSHED_FIRST, misses nothing.
 *
 * Owned by whoever made it, who frees it after both threads are done with it.
 * Thread: producer (reserve, commit, push) | consumer (drain) | any (dropped).
 */
#ifndef TAP_RING_H
#define TAP_RING_H

#include <stddef.h>
#include <stdint.h>

#include "base/bug.h"
#include "base/slice.h"

struct tap_ring;

enum ring_pushed {
	RING_DROPPED, /* full, or an entry of more than half the ring; counted */
	RING_PUSHED,
	RING_PUSHED_FIRST, /* the ring was empty: wake the consumer */
};

/* `bytes` is rounded up to a power of two; it never grows. */
struct tap_ring *ring_new(size_t bytes) MUST_CHECK;
void ring_free(struct tap_ring *ring);

/* producer: room for an entry of n bytes, aligned to 8, to be filled and committed; NULL: dropped,
 * counted. */
char *ring_reserve(struct tap_ring *ring, size_t n) MUST_CHECK;
enum ring_pushed ring_commit(struct tap_ring *ring) MUST_CHECK;

/* producer: both at once. */
enum ring_pushed ring_push(struct tap_ring *ring, struct slice entry) MUST_CHECK;

/* consumer: hands over up to `max` entries, oldest first, and says how many. A slice dies when its
 * call returns. */
typedef void (*ring_fn)(void *arg, struct slice entry);
size_t ring_drain(struct tap_ring *ring, size_t max, ring_fn fn, void *arg);

uint64_t ring_dropped(const struct tap_ring *ring); /* entries, since the start */

#endif
