/*
 * test_reader.c - the bounded cursor: every read at every distance from the end.
 */
#include "check_wire.h"
#include "wire/reader.h"

START_TEST(reads_in_order)
{
	struct reader r;
	reader_init(&r, SLICE("\x01\x02\x03\x04\x05\x06\x07name\0xyz\0\0\0\2ab\xff\xff\xff\xff!"));
	ck_assert_uint_eq(reader_u8(&r), 1);
	ck_assert_uint_eq(reader_u16(&r), 0x0203);
	ck_assert_uint_eq(reader_u32(&r), 0x04050607);
	ck_assert(slice_eq_str(reader_cstr(&r), "name"));
	ck_assert(slice_eq_str(reader_bytes(&r, 3), "xyz"));
	ck_assert(slice_eq_str(reader_value(&r), "ab"));
	ck_assert_ptr_null(reader_value(&r).ptr);
	ck_assert(!reader_failed(&r));
	ck_assert(!reader_is_done(&r));
	ck_assert(slice_eq_str(reader_rest(&r), "!"));
	ck_assert(reader_is_done(&r));
}
END_TEST

START_TEST(numbers_are_unsigned)
{
	struct reader r;
	reader_init(&r, SLICE("\xff\xff\xff\xff\xff\xff\xff"));
	ck_assert_uint_eq(reader_u8(&r), 0xff);
	ck_assert_uint_eq(reader_u16(&r), 0xffff);
	ck_assert_uint_eq(reader_u32(&r), 0xffffffffu);
	ck_assert(reader_is_done(&r));
}
END_TEST

START_TEST(too_short_is_sticky)
{
	static const char bytes[] = "\1\1\1\1";
	for (size_t len = 0; len < 4; len++) {
		struct reader r;
		reader_init(&r, slice_make(bytes, len));
		ck_assert_uint_eq(reader_u32(&r), 0);
		ck_assert(reader_failed(&r));
		ck_assert_uint_eq(reader_u8(&r), 0); /* though a byte was there */
		ck_assert_uint_eq(reader_cstr(&r).len, 0);
		ck_assert_uint_eq(reader_rest(&r).len, 0);
		ck_assert(reader_failed(&r) && !reader_is_done(&r));
	}
}
END_TEST

START_TEST(strings_need_their_end)
{
	struct reader r;
	reader_init(&r, SLICE("abc"));
	ck_assert_ptr_null(reader_cstr(&r).ptr);
	ck_assert(reader_failed(&r));
	reader_init(&r, SLICE("\0"));
	struct slice empty = reader_cstr(&r);
	ck_assert(empty.ptr && empty.len == 0);
	ck_assert(reader_is_done(&r));
}
END_TEST

START_TEST(nothing_can_be_read_of_nothing)
{
	struct reader r;
	reader_init(&r, SLICE_NONE);
	ck_assert(reader_is_done(&r));
	ck_assert_uint_eq(reader_rest(&r).len, 0);
	ck_assert(reader_is_done(&r));
	ck_assert_ptr_null(reader_cstr(&r).ptr);
	ck_assert(reader_failed(&r));
}
END_TEST

START_TEST(values_do_not_trust_their_length)
{
	static const uint32_t lengths[] = { 4, 0x7fffffff, 0x80000000, 0xfffffffe };
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		uint32_t n = lengths[i];
		char bytes[7] = {
			(char)(n >> 24), (char)(n >> 16), (char)(n >> 8), (char)n, 'a', 'b', 'c'
		};
		struct reader r;
		reader_init(&r, slice_make(bytes, sizeof(bytes)));
		ck_assert_ptr_null(reader_value(&r).ptr);
		ck_assert(reader_failed(&r));
	}
	struct reader r;
	reader_init(&r, SLICE("\0\0\0\0"));
	struct slice empty = reader_value(&r);
	ck_assert(empty.ptr && empty.len == 0); /* empty is not null */
	ck_assert(reader_is_done(&r));
}
END_TEST

START_TEST(too_many_bytes)
{
	struct reader r;
	reader_init(&r, SLICE("ab"));
	ck_assert_ptr_null(reader_bytes(&r, SIZE_MAX).ptr);
	ck_assert(reader_failed(&r));
	reader_init(&r, SLICE("ab"));
	ck_assert_uint_eq(reader_bytes(&r, 0).len, 0);
	ck_assert_uint_eq(reader_bytes(&r, 2).len, 2);
	ck_assert(reader_is_done(&r));
}
END_TEST

Suite *suite_reader(void)
{
	Suite *s = suite_create("reader");
	TCase *tc = tcase_create("reader");
	tcase_add_test(tc, reads_in_order);
	tcase_add_test(tc, numbers_are_unsigned);
	tcase_add_test(tc, too_short_is_sticky);
	tcase_add_test(tc, strings_need_their_end);
	tcase_add_test(tc, nothing_can_be_read_of_nothing);
	tcase_add_test(tc, values_do_not_trust_their_length);
	tcase_add_test(tc, too_many_bytes);
	suite_add_tcase(s, tc);
	return s;
}
