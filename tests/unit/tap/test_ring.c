/*
 * test_ring.c - the ring alone, against a model, and between two threads.
 */
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "suites.h"
#include "tap/ring.h"

#define MODEL_MAX 4096

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* ---- entries that can be told apart: number n has a length and bytes of its own ------- */

static size_t entry_bytes(uint64_t n)
{
	return (size_t)(n * 2654435761U % 97);
}

static void entry_fill(char *to, uint64_t n)
{
	for (size_t i = 0; i < entry_bytes(n); i++)
		to[i] = (char)(n * 31 + i);
}

static bool entry_is(struct slice entry, uint64_t n)
{
	char want[128];
	entry_fill(want, n);
	return slice_eq(entry, slice_make(want, entry_bytes(n)));
}

static enum ring_pushed push_entry(struct tap_ring *ring, uint64_t n)
{
	char entry[128];
	entry_fill(entry, n);
	return ring_push(ring, slice_make(entry, entry_bytes(n)));
}

/* ---- one thread ------------------------------------------------------------------------ */

struct taken {
	uint64_t number[MODEL_MAX]; /* what is in the ring, oldest first */
	size_t first, count;
	bool wrong;
};

static void take(void *arg, struct slice entry)
{
	struct taken *model = arg;
	if (model->count == 0 || !entry_is(entry, model->number[model->first % MODEL_MAX])) {
		model->wrong = true;
		return;
	}
	model->first++;
	model->count--;
}

START_TEST(test_first_and_next)
{
	struct tap_ring *ring = ring_new(1024);
	struct taken model = { .number = { 5, 6 }, .count = 2 };
	ck_assert_int_eq(push_entry(ring, 5), RING_PUSHED_FIRST);
	ck_assert_int_eq(push_entry(ring, 6), RING_PUSHED);
	ck_assert_uint_eq(ring_drain(ring, 1, take, &model), 1);
	ck_assert_uint_eq(ring_drain(ring, 10, take, &model), 1);
	ck_assert_uint_eq(ring_drain(ring, 10, take, &model), 0);
	ck_assert(!model.wrong);
	ck_assert_int_eq(push_entry(ring, 7), RING_PUSHED_FIRST);
	ring_free(ring);
}
END_TEST

static void count(void *arg, struct slice entry)
{
	*(size_t *)arg += 1 + entry.len;
}

START_TEST(test_empty_entry)
{
	struct tap_ring *ring = ring_new(0);
	size_t seen = 0;
	ck_assert_int_eq(ring_push(ring, SLICE_NONE), RING_PUSHED_FIRST);
	ck_assert_uint_eq(ring_drain(ring, 10, count, &seen), 1);
	ck_assert_uint_eq(seen, 1);
	ring_free(ring);
	ring_free(NULL);
}
END_TEST

START_TEST(test_full_ring_drops_and_counts)
{
	struct tap_ring *ring = ring_new(1024);
	struct slice entry = SLICE("0123456789abcdef0123456789abcdef");
	size_t pushed = 0, seen = 0;
	while (ring_push(ring, entry) != RING_DROPPED)
		pushed++;
	ck_assert_uint_eq(pushed, 1024 / (32 + 8));
	ck_assert_uint_eq(ring_dropped(ring), 1);
	ck_assert_int_eq(ring_push(ring, entry), RING_DROPPED);
	ck_assert_uint_eq(ring_dropped(ring), 2);
	ck_assert_uint_eq(ring_drain(ring, 1, count, &seen), 1);
	ck_assert_uint_eq(ring_drain(ring, 1, count, &seen), 1);
	ck_assert_int_eq(ring_push(ring, entry), RING_PUSHED);
	ck_assert_uint_eq(ring_drain(ring, 1000, count, &seen), pushed - 1);
	ring_free(ring);
}
END_TEST

START_TEST(test_too_large_an_entry)
{
	struct tap_ring *ring = ring_new(1024);
	size_t seen = 0;
	char large[1024] = { 0 };
	ck_assert_ptr_null(ring_reserve(ring, 512 - 7));
	ck_assert_ptr_null(ring_reserve(ring, SIZE_MAX));
	ck_assert_uint_eq(ring_dropped(ring), 2);
	/* half of it always fits into an empty ring, wherever its head is */
	for (int i = 0; i < 200; i++) {
		ck_assert_int_eq(push_entry(ring, (uint64_t)i), RING_PUSHED_FIRST);
		ck_assert_uint_eq(ring_drain(ring, 10, count, &seen), 1);
		ck_assert_int_eq(ring_push(ring, slice_make(large, 512 - 8)), RING_PUSHED_FIRST);
		ck_assert_uint_eq(ring_drain(ring, 10, count, &seen), 1);
	}
	ring_free(ring);
}
END_TEST

START_TEST(test_reserve_gives_aligned_room)
{
	struct tap_ring *ring = ring_new(1024);
	size_t seen = 0;
	for (size_t n = 0; n < 100; n++) {
		char *room = ring_reserve(ring, n);
		ck_assert_ptr_nonnull(room);
		ck_assert_uint_eq((uintptr_t)room % 8, 0);
		memset(room, 'x', n);
		ck_assert_int_eq(ring_commit(ring), RING_PUSHED_FIRST);
		ck_assert_uint_eq(ring_drain(ring, 2, count, &seen), 1);
	}
	ring_free(ring);
}
END_TEST

/* Random pushes and drains; the model says what must come out, and when a wake-up is due. */
START_TEST(test_against_a_model)
{
	uint64_t seed = 0x9e3779b97f4a7c15ULL;
	for (size_t size = 256; size <= 4096; size *= 2) {
		struct tap_ring *ring = ring_new(size);
		struct taken model = { .count = 0 };
		uint64_t number = 0, dropped = 0, wrong_wakes = 0;
		for (int step = 0; step < 20000; step++) {
			if (next_random(&seed) % 3 == 0) {
				ring_drain(ring, next_random(&seed) % 4, take, &model);
				continue;
			}
			enum ring_pushed pushed = push_entry(ring, ++number);
			if (pushed == RING_DROPPED) {
				dropped++;
				continue;
			}
			wrong_wakes += (pushed == RING_PUSHED_FIRST) != (model.count == 0);
			model.number[(model.first + model.count++) % MODEL_MAX] = number;
		}
		ring_drain(ring, SIZE_MAX, take, &model);
		ck_assert(!model.wrong);
		ck_assert_uint_eq(model.count, 0);
		ck_assert_uint_eq(wrong_wakes, 0);
		ck_assert_uint_gt(dropped, 0);
		ck_assert_uint_eq(ring_dropped(ring), dropped);
		ring_free(ring);
	}
}
END_TEST

/* ---- two threads -------------------------------------------------------------------------- */

#define THREAD_ENTRIES 200000

struct pair {
	struct tap_ring *ring;
	int wake_fd;
	uint64_t pushed, dropped; /* the producer's */
	uint64_t next, taken;     /* the consumer's */
	bool wrong, ended;
};

static void wake(struct pair *p)
{
	uint64_t one = 1;
	ssize_t n = write(p->wake_fd, &one, sizeof(one));
	(void)n;
}

/* Pushes 8-byte numbers; the last one, pushed until it gets in, is the end. */
static void *produce(void *arg)
{
	struct pair *p = arg;
	for (uint64_t n = 1; n <= THREAD_ENTRIES;) {
		enum ring_pushed pushed = ring_push(p->ring, slice_make(&n, sizeof(n)));
		if (pushed == RING_PUSHED_FIRST)
			wake(p);
		p->pushed += pushed != RING_DROPPED;
		p->dropped += pushed == RING_DROPPED;
		if (pushed != RING_DROPPED || n < THREAD_ENTRIES)
			n++;
	}
	return NULL;
}

static void consume_one(void *arg, struct slice entry)
{
	struct pair *p = arg;
	uint64_t n = 0;
	if (entry.len == sizeof(n))
		memcpy(&n, entry.ptr, sizeof(n));
	p->wrong |= n < p->next; /* in order, none twice */
	p->next = n + 1;
	p->taken++;
	p->ended = n == THREAD_ENTRIES;
}

/* Sleeps for good whenever the ring is empty: a lost wake-up hangs the test. */
static void consume(struct pair *p)
{
	while (!p->ended) {
		if (ring_drain(p->ring, 16, consume_one, p) > 0)
			continue;
		struct pollfd pfd = { .fd = p->wake_fd, .events = POLLIN };
		uint64_t wakes;
		poll(&pfd, 1, -1);
		ssize_t n = read(p->wake_fd, &wakes, sizeof(wakes));
		(void)n;
	}
}

START_TEST(test_two_threads)
{
	for (size_t size = 256; size <= 65536; size *= 16) {
		struct pair p = { .ring = ring_new(size),
				  .wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) };
		pthread_t producer;
		ck_assert_int_ge(p.wake_fd, 0);
		ck_assert_int_eq(pthread_create(&producer, NULL, produce, &p), 0);
		consume(&p);
		pthread_join(producer, NULL);
		ck_assert(!p.wrong);
		ck_assert_uint_eq(p.taken, p.pushed);
		ck_assert_uint_eq(ring_dropped(p.ring), p.dropped);
		ck_assert_uint_ge(p.taken + p.dropped, THREAD_ENTRIES);
		close(p.wake_fd);
		ring_free(p.ring);
	}
}
END_TEST

Suite *ring_suite(void)
{
	Suite *suite = suite_create("ring");
	TCase *tc = tcase_create("ring");
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, test_first_and_next);
	tcase_add_test(tc, test_empty_entry);
	tcase_add_test(tc, test_full_ring_drops_and_counts);
	tcase_add_test(tc, test_too_large_an_entry);
	tcase_add_test(tc, test_reserve_gives_aligned_room);
	tcase_add_test(tc, test_against_a_model);
	tcase_add_test(tc, test_two_threads);
	suite_add_tcase(suite, tc);
	return suite;
}
