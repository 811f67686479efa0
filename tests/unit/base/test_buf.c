/*
 * test_buf.c - the growable buffer: order, the cap, the sticky failure.
 */
#include "base/buf.h"

#include <stdlib.h>

#include "base/mem.h"
#include "check_base.h"

START_TEST(appends_and_consumes)
{
	struct buf b;
	buf_init(&b, 0);
	ck_assert_uint_eq(buf_len(&b), 0);
	buf_add_str(&b, "ab");
	buf_add_cstr(&b, "c");
	buf_u8(&b, 1);
	buf_u16(&b, 0x0203);
	buf_u32(&b, 0x04050607);
	ck_assert(slice_eq(buf_slice(&b), SLICE("abc\0\1\2\3\4\5\6\7")));
	buf_consume(&b, 4);
	ck_assert(slice_eq(buf_slice(&b), SLICE("\1\2\3\4\5\6\7")));
	buf_put_u32(&b, 3, 0x41424344);
	ck_assert(slice_eq(buf_slice(&b), SLICE("\1\2\3ABCD")));
	buf_truncate(&b, 3);
	buf_addf(&b, "%s-%d", "x", 42);
	ck_assert(slice_eq(buf_slice(&b), SLICE("\1\2\3x-42")));
	buf_consume(&b, 3);
	ck_assert_str_eq(buf_cstr(&b), "x-42");
	ck_assert_uint_eq(buf_len(&b), 4);
	ck_assert(!buf_failed(&b));
	buf_release(&b);
	ck_assert_ptr_null(b.data);
	buf_fini(&b);
}
END_TEST

START_TEST(failure_is_sticky)
{
	struct buf b;
	buf_init(&b, 8);
	buf_add_str(&b, "12345678");
	ck_assert(!buf_failed(&b));
	buf_consume(&b, 1);
	buf_u8(&b, '9'); /* what was consumed makes room */
	ck_assert(!buf_failed(&b));
	buf_u8(&b, 'x');
	ck_assert(buf_failed(&b));
	ck_assert_ptr_null(buf_reserve(&b, 1));
	buf_consume(&b, 4);
	buf_u8(&b, 'x');
	ck_assert(buf_failed(&b));
	ck_assert(slice_eq(buf_slice(&b), SLICE("6789")));
	buf_clear(&b);
	buf_u8(&b, 'x');
	ck_assert(!buf_failed(&b));
	ck_assert_ptr_null(buf_reserve(&b, SIZE_MAX));
	buf_fini(&b);
}
END_TEST

/* A random walk against an array that never moves. */
START_TEST(same_as_a_plain_array)
{
	static char plain[1 << 18];
	size_t from = 0, to = 0;
	struct buf b;
	buf_init(&b, 0);
	srand(7);
	while (to + 600 < sizeof(plain)) {
		size_t n = (size_t)rand() % 600;
		for (size_t i = 0; i < n; i++)
			plain[to + i] = (char)rand();
		char *room = buf_reserve(&b, n);
		ck_assert(n == 0 || room);
		if (n > 0)
			memcpy(room, plain + to, n);
		buf_commit(&b, n);
		to += n;
		size_t gone = (size_t)rand() % (buf_len(&b) + 1);
		buf_consume(&b, gone);
		from += gone;
		ck_assert(slice_eq(buf_slice(&b), slice_make(plain + from, to - from)));
	}
	buf_fini(&b);
}
END_TEST

START_TEST(memory_helpers)
{
	char *copy = mem_strdup("abc");
	ck_assert_str_eq(copy, "abc");
	ck_assert_ptr_null(mem_strdup(NULL));
	copy = mem_realloc(copy, 100);
	ck_assert_str_eq(copy, "abc");
	mem_wipe(copy, 3);
	ck_assert_mem_eq(copy, "\0\0\0", 3);
	mem_wipe(NULL, 3);
	free(copy);
	unsigned char *zeros = mem_zalloc(64);
	for (int i = 0; i < 64; i++)
		ck_assert_int_eq(zeros[i], 0);
	free(zeros);
}
END_TEST

Suite *suite_buf(void)
{
	Suite *s = suite_create("buf");
	TCase *tc = tcase_create("buf");
	tcase_add_test(tc, appends_and_consumes);
	tcase_add_test(tc, failure_is_sticky);
	tcase_add_test(tc, same_as_a_plain_array);
	tcase_add_test(tc, memory_helpers);
	suite_add_tcase(s, tc);
	return s;
}
