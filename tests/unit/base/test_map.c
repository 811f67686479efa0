/*
 * test_map.c - the string map, against a table that is searched from end to end.
 */
#include "base/map.h"

#include <stdio.h>
#include <stdlib.h>

#include "check_base.h"

START_TEST(basics)
{
	struct map m = { .slots = NULL };
	int one, two;
	ck_assert_ptr_null(map_get(&m, SLICE("a")));
	ck_assert_ptr_null(map_remove(&m, SLICE("a")));
	ck_assert_ptr_null(map_put(&m, SLICE("a"), &one));
	ck_assert_ptr_null(map_put(&m, SLICE(""), &two));
	ck_assert_ptr_null(map_put(&m, SLICE("a\0b"), &two));
	ck_assert_ptr_eq(map_get(&m, SLICE("a")), &one);
	ck_assert_ptr_eq(map_get(&m, SLICE_NONE), &two);
	ck_assert_ptr_eq(map_get(&m, SLICE("a\0b")), &two);
	ck_assert_ptr_null(map_get(&m, SLICE("a\0c")));
	ck_assert_ptr_null(map_get(&m, SLICE("A")));
	ck_assert_ptr_eq(map_put(&m, SLICE("a"), &two), &one);
	ck_assert_uint_eq(map_count(&m), 3);
	ck_assert_ptr_eq(map_remove(&m, SLICE("a")), &two);
	ck_assert_ptr_null(map_remove(&m, SLICE("a")));
	ck_assert_uint_eq(map_count(&m), 2);
	map_fini(&m);
	ck_assert_uint_eq(map_count(&m), 0);
}
END_TEST

START_TEST(owns_its_keys)
{
	struct map m;
	char key[] = "key";
	map_init(&m);
	map_put(&m, slice_of(key), &m);
	key[0] = 'x';
	ck_assert_ptr_eq(map_get(&m, SLICE("key")), &m);
	ck_assert_ptr_null(map_get(&m, slice_of(key)));
	map_fini(&m);
}
END_TEST

#define KEYS 500

START_TEST(same_as_a_table)
{
	struct map m;
	static int cells[3];
	int *table[KEYS] = { NULL };
	size_t count = 0;
	map_init(&m);
	srand(11);
	for (int step = 0; step < 60000; step++) {
		/* Now and then nearly all go, so that marks pile up and are swept away. */
		int k = rand() % KEYS;
		bool removes = rand() % 100 < (step / 6000 % 2 ? 80 : 35);
		char key[16];
		snprintf(key, sizeof(key), "key-%d", k);
		if (removes) {
			ck_assert_ptr_eq(map_remove(&m, slice_of(key)), table[k]);
			count -= table[k] != NULL;
			table[k] = NULL;
		} else {
			int *value = &cells[rand() % 3];
			ck_assert_ptr_eq(map_put(&m, slice_of(key), value), table[k]);
			count += table[k] == NULL;
			table[k] = value;
		}
		ck_assert_uint_eq(map_count(&m), count);
	}
	for (int k = 0; k < KEYS; k++) {
		char key[16];
		snprintf(key, sizeof(key), "key-%d", k);
		ck_assert_ptr_eq(map_get(&m, slice_of(key)), table[k]);
	}
	ck_assert_uint_le(m.cap, 2048); /* removed entries do not make it grow */
	map_fini(&m);
}
END_TEST

START_TEST(walks_and_removes_on_the_way)
{
	struct map m;
	int seen[100] = { 0 }, values[100];
	map_init(&m);
	for (int i = 0; i < 100; i++) {
		char key[16];
		snprintf(key, sizeof(key), "%d", i);
		values[i] = i;
		map_put(&m, slice_of(key), &values[i]);
	}
	struct slice key;
	void *value;
	for (size_t at = 0; map_next(&m, &at, &key, &value);) {
		int i = *(int *)value;
		ck_assert_int_eq(i, atoi(key.ptr));
		seen[i]++;
		if (i % 2)
			map_remove(&m, key);
	}
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(seen[i], 1);
	ck_assert_uint_eq(map_count(&m), 50);
	for (size_t at = 0; map_next(&m, &at, &key, &value);)
		ck_assert_int_eq(*(int *)value % 2, 0);
	map_fini(&m);
}
END_TEST

Suite *suite_map(void)
{
	Suite *s = suite_create("map");
	TCase *tc = tcase_create("map");
	tcase_add_test(tc, basics);
	tcase_add_test(tc, owns_its_keys);
	tcase_add_test(tc, same_as_a_table);
	tcase_add_test(tc, walks_and_removes_on_the_way);
	suite_add_tcase(s, tc);
	return s;
}
