/*
 * test_slab.c - objects of one size: apart from each other, cleared, given back.
 */
#include "base/slab.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check_base.h"

#define OBJECTS 2000

static bool is_clear(const unsigned char *object, size_t n)
{
	return object[0] == 0 && memcmp(object, object + 1, n - 1) == 0;
}

static void walk(size_t object_bytes)
{
	struct slab s;
	unsigned char *held[OBJECTS] = { NULL };
	size_t live = 0;
	slab_init(&s, object_bytes);
	srand(3);
	for (int step = 0; step < 60000; step++) {
		int i = rand() % OBJECTS;
		unsigned char mark = (unsigned char)(i % 255 + 1);
		if (!held[i]) {
			held[i] = slab_take(&s);
			ck_assert_uint_eq((uintptr_t)held[i] % 16, 0);
			ck_assert(is_clear(held[i], object_bytes));
			memset(held[i], mark, object_bytes);
			live++;
		} else {
			/* nobody else wrote here */
			ck_assert_int_eq(held[i][0], mark);
			ck_assert_int_eq(held[i][object_bytes - 1], mark);
			slab_give(&s, held[i]);
			held[i] = NULL;
			live--;
		}
		ck_assert_uint_eq(s.live, live);
	}
	for (int i = 0; i < OBJECTS; i++)
		if (held[i])
			slab_give(&s, held[i]);
	ck_assert_uint_eq(s.live, 0);
	ck_assert_uint_le(s.blocks, 1);
	slab_fini(&s);
	ck_assert_uint_eq(s.blocks, 0);
}

START_TEST(many_sizes)
{
	walk(1);
	walk(40);
	walk(200);
	walk(1000);
	walk(5000);
}
END_TEST

START_TEST(free_blocks_go_back)
{
	struct slab s;
	void *held[OBJECTS];
	slab_init(&s, 200);
	for (int i = 0; i < OBJECTS; i++)
		held[i] = slab_take(&s);
	size_t most = s.blocks;
	ck_assert_uint_ge(most, OBJECTS / s.per_block);
	for (int i = 0; i < OBJECTS; i++)
		slab_give(&s, held[i]);
	ck_assert_uint_eq(s.blocks, 1);
	/* One that comes and goes asks the system for nothing. */
	for (int i = 0; i < 100; i++) {
		slab_give(&s, slab_take(&s));
		ck_assert_uint_eq(s.blocks, 1);
	}
	slab_fini(&s);
}
END_TEST

static size_t resident_bytes(void)
{
	size_t all = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	ck_assert(f && fscanf(f, "%zu %zu", &all, &resident) == 2);
	fclose(f);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* Ten thousand idle clients are that many objects: blocks are not to take more than these, and are
 * to be the system's again when they are empty. */
START_TEST(blocks_take_no_more_memory_than_their_objects)
{
	enum { MANY = 20000, BYTES = 560 };
	static void *held[MANY];
	struct slab s;
	slab_init(&s, BYTES);
	slab_give(&s, slab_take(&s));
	size_t before = resident_bytes();
	for (int i = 0; i < MANY; i++)
		held[i] = slab_take(&s);
	size_t most = resident_bytes() - before;
	ck_assert_uint_le(most, (size_t)MANY * BYTES / 100 * 106);
	for (int i = 0; i < MANY; i++)
		slab_give(&s, held[i]);
	ck_assert_uint_le(resident_bytes() - before, most / 10);
	slab_fini(&s);
}
END_TEST

Suite *suite_slab(void)
{
	Suite *s = suite_create("slab");
	TCase *tc = tcase_create("slab");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, many_sizes);
	tcase_add_test(tc, free_blocks_go_back);
#if !defined(__SANITIZE_ADDRESS__) &&                                                              \
	!defined(__SANITIZE_THREAD__) /* which have memory beside it */
	tcase_add_test(tc, blocks_take_no_more_memory_than_their_objects);
#else
	(void)blocks_take_no_more_memory_than_their_objects;
#endif
	suite_add_tcase(s, tc);
	return s;
}
