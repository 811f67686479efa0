/*
 * test_rename.c - statements' names read from messages and put into others.
 */
#include "base/buf.h"
#include "check_wire.h"
#include "wire/rename.h"

static void assert_bytes(struct buf *out, struct slice expected)
{
	ck_assert(!buf_failed(out));
	ck_assert_msg(slice_eq(buf_slice(out), expected), "%zu bytes, not %zu", buf_len(out),
		      expected.len);
	buf_clear(out);
}

START_TEST(test_parse)
{
	struct rename_parse parse;
	struct buf out = { 0 };
	struct slice body = SLICE("s1\0select $1\0\0\1\0\0\0\x17");
	ck_assert(rename_read_parse(body, &parse));
	ck_assert(slice_eq_str(parse.name, "s1"));
	ck_assert(slice_eq_str(parse.text, "select $1"));
	ck_assert(slice_eq(parse.types, SLICE("\0\1\0\0\0\x17")));
	rename_write_parse(&out, SLICE("p_2a"), &parse);
	assert_bytes(&out, SLICE("P\0\0\0\x19p_2a\0select $1\0\0\1\0\0\0\x17"));
	for (size_t n = 0; n < body.len; n++)
		ck_assert(!rename_read_parse(slice_head(body, n), &parse));
	ck_assert(!rename_read_parse(SLICE("s1\0select $1\0\0\0x"), &parse));
	ck_assert(rename_read_parse(SLICE("\0\0\0\0"), &parse));
	buf_fini(&out);
}
END_TEST

START_TEST(test_targets)
{
	struct rename_target target;
	struct buf out = { 0 };
	ck_assert(rename_read_target(SLICE("Ss1\0"), &target));
	ck_assert_int_eq(target.kind, 'S');
	ck_assert(slice_eq_str(target.name, "s1"));
	ck_assert(rename_read_target(SLICE("P\0"), &target));
	ck_assert_int_eq(target.kind, 'P');
	ck_assert_uint_eq(target.name.len, 0);
	ck_assert(!rename_read_target(SLICE("X\0"), &target));
	ck_assert(!rename_read_target(SLICE(""), &target));
	ck_assert(!rename_read_target(SLICE("S"), &target));
	ck_assert(!rename_read_target(SLICE("Sabc"), &target));
	ck_assert(!rename_read_target(SLICE("Sabc\0x"), &target));
	rename_write_target(&out, 'D', SLICE("p_2a"));
	assert_bytes(&out, SLICE("D\0\0\0\x0aSp_2a\0"));
	rename_write_target(&out, 'C', SLICE("p"));
	assert_bytes(&out, SLICE("C\0\0\0\7Sp\0"));
	buf_fini(&out);
}
END_TEST

START_TEST(test_bind)
{
	struct rename_bind bind;
	struct buf out = { 0 };
	struct slice body = SLICE("c\0s1\0\0\0\0\1\0\0\0\1x\0\0");
	size_t names = 5;
	for (size_t n = 0; n <= body.len; n++)
		ck_assert_int_eq(rename_read_bind(slice_head(body, n), body.len, &bind),
				 n >= names);
	ck_assert(slice_eq_str(bind.portal, "c"));
	ck_assert(slice_eq_str(bind.statement, "s1"));
	ck_assert_uint_eq(bind.used, names);
	rename_bind_head(&out, SLICE("p_2a"), &bind, body.len);
	buf_add_slice(&out, slice_skip(body, bind.used));
	assert_bytes(&out, SLICE("B\0\0\0\x16"
				 "c\0p_2a\0\0\0\0\1\0\0\0\1x\0\0"));
	/* the names may not go beyond the body, whatever lies behind it */
	ck_assert_int_lt(rename_read_bind(SLICE("c\0s1\0"), 4, &bind), 0);
	ck_assert_int_lt(rename_read_bind(SLICE("c"), 1, &bind), 0);
	ck_assert_int_lt(rename_read_bind(SLICE(""), 0, &bind), 0);
	ck_assert_int_eq(rename_read_bind(SLICE(""), 2, &bind), 0);
	buf_fini(&out);
}
END_TEST

Suite *suite_rename(void)
{
	Suite *suite = suite_create("rename");
	TCase *tc = tcase_create("rename");
	tcase_add_test(tc, test_parse);
	tcase_add_test(tc, test_targets);
	tcase_add_test(tc, test_bind);
	suite_add_tcase(suite, tc);
	return suite;
}
