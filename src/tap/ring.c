/*
 * ring.c - one producer, one consumer, entries of any length in a circle of bytes.
 *
 *   | 8 bytes: length | entry, padded to 8 | 8 bytes: length | ...
 *
 * An entry is never split: where one would not fit before the end of the circle, a length of
 * RING_SKIP sends the reader to its start. `head` and `tail` only grow; their difference is what
 * lies between them, and the circle's size is a power of two.
 *
 * Falling asleep: the producer publishes head and then reads tail, the consumer publishes tail and
 * then reads head, all sequentially consistent. So at least one of them sees what the other did:
 * the consumer finds the entry, or the producer finds that the ring was empty before it.
 */
#include "tap/ring.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define RING_ALIGN ((size_t)8)
#define RING_MIN_BYTES ((size_t)256)
#define RING_SKIP UINT64_MAX
#define RING_LINE 64 /* keeps what the two sides write to in different cache lines */

struct tap_ring {
	char *data; /* owned */
	size_t size;
	char pad_producer[RING_LINE];

	atomic_size_t head; /* written by the producer alone */
	size_t reserved; /* the producer's: what head becomes at the commit; 0: nothing reserved */
	atomic_uint_fast64_t dropped;
	char pad_consumer[RING_LINE];

	atomic_size_t tail; /* written by the consumer alone */
};

struct tap_ring *ring_new(size_t bytes)
{
	size_t size = RING_MIN_BYTES;
	while (size < bytes)
		size *= 2;
	struct tap_ring *ring = mem_zalloc(sizeof(*ring));
	ring->data = mem_zalloc(size);
	ring->size = size;
	atomic_init(&ring->head, 0);
	atomic_init(&ring->tail, 0);
	atomic_init(&ring->dropped, 0);
	return ring;
}

void ring_free(struct tap_ring *ring)
{
	if (!ring)
		return;
	free(ring->data);
	free(ring);
}

static void put_length(struct tap_ring *ring, size_t at, uint64_t length)
{
	memcpy(ring->data + (at & (ring->size - 1)), &length, sizeof(length));
}

static uint64_t get_length(const struct tap_ring *ring, size_t at)
{
	uint64_t length;
	memcpy(&length, ring->data + (at & (ring->size - 1)), sizeof(length));
	return length;
}

static size_t padded(size_t n)
{
	return (n + RING_ALIGN - 1) & ~(RING_ALIGN - 1);
}

/* ---- producer ------------------------------------------------------------------ */

static char *ring_drop(struct tap_ring *ring)
{
	atomic_fetch_add_explicit(&ring->dropped, 1, memory_order_relaxed);
	return NULL;
}

char *ring_reserve(struct tap_ring *ring, size_t n)
{
	BUG_ON(ring->reserved != 0);
	if (n > ring->size / 2 - RING_ALIGN)
		return ring_drop(ring);
	size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	size_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
	size_t need = RING_ALIGN + padded(n);
	size_t to_end = ring->size - (head & (ring->size - 1));
	size_t skip = need > to_end ? to_end : 0;
	if (skip + need > ring->size - (head - tail))
		return ring_drop(ring);
	if (skip)
		put_length(ring, head, RING_SKIP);
	put_length(ring, head + skip, n);
	ring->reserved = head + skip + need;
	return ring->data + ((head + skip) & (ring->size - 1)) + RING_ALIGN;
}

enum ring_pushed ring_commit(struct tap_ring *ring)
{
	BUG_ON(ring->reserved == 0);
	size_t before = atomic_load_explicit(&ring->head, memory_order_relaxed);
	atomic_store(&ring->head, ring->reserved);
	ring->reserved = 0;
	size_t tail = atomic_load(&ring->tail);
	return tail == before ? RING_PUSHED_FIRST : RING_PUSHED;
}

enum ring_pushed ring_push(struct tap_ring *ring, struct slice entry)
{
	char *to = ring_reserve(ring, entry.len);
	if (!to)
		return RING_DROPPED;
	if (entry.len > 0)
		memcpy(to, entry.ptr, entry.len);
	return ring_commit(ring);
}

/* ---- consumer -------------------------------------------------------------------- */

size_t ring_drain(struct tap_ring *ring, size_t max, ring_fn fn, void *arg)
{
	size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	size_t count = 0;
	while (count < max) {
		size_t head = atomic_load(&ring->head);
		if (tail == head)
			break;
		uint64_t length = get_length(ring, tail);
		if (length == RING_SKIP) {
			tail += ring->size - (tail & (ring->size - 1));
			length = get_length(ring, tail);
		}
		BUG_ON(length > ring->size / 2);
		fn(arg,
		   slice_make(ring->data + (tail & (ring->size - 1)) + RING_ALIGN, (size_t)length));
		tail += RING_ALIGN + padded((size_t)length);
		atomic_store(&ring->tail, tail);
		count++;
	}
	return count;
}

uint64_t ring_dropped(const struct tap_ring *ring)
{
	return atomic_load_explicit(&ring->dropped, memory_order_relaxed);
}
