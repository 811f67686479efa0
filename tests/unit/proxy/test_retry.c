/*
 * test_retry.c - which batches may be sent twice.
 */
#include "check_proxy.h"

#include "base/buf.h"
#include "proxy/retry.h"
#include "wire/build.h"

/* A Bind with a value, one that is NULL, and so many words on how columns are wanted. */
static void bind_to(struct buf *out, const char *portal, unsigned columns)
{
	struct buf body = { 0 };
	buf_add_cstr(&body, portal);
	buf_add_cstr(&body, "statement");
	buf_u16(&body, 2);
	buf_u16(&body, 1);
	buf_u16(&body, 0);
	buf_u16(&body, 2);
	buf_u32(&body, 3);
	buf_add_str(&body, "abc");
	buf_u32(&body, UINT32_MAX);
	buf_u16(&body, (uint16_t)columns);
	for (unsigned i = 0; i < columns; i++)
		buf_u16(&body, 1);
	buf_u8(out, 'B');
	buf_u32(out, (uint32_t)buf_len(&body) + 4);
	buf_add_slice(out, buf_slice(&body));
	buf_fini(&body);
}

static void batch_of(struct buf *out, const char *portal, unsigned columns, const char *described)
{
	buf_clear(out);
	bind_to(out, portal, columns);
	build_describe(out, 'P', slice_of(described));
	build_execute(out, slice_of(portal), 0);
	build_sync(out);
}

START_TEST(one_batch_and_all_of_it)
{
	struct buf out = { 0 };
	batch_of(&out, "", 1, "");
	struct slice whole = buf_slice(&out);
	ck_assert(retry_is_batch(whole));
	for (size_t n = 0; n < whole.len; n++)
		ck_assert(!retry_is_batch(slice_head(whole, n)));
	build_sync(&out); /* something is behind it */
	ck_assert(!retry_is_batch(buf_slice(&out)));
	buf_fini(&out);
}
END_TEST

START_TEST(no_other_batch)
{
	struct buf out = { 0 };
	bind_to(&out, "", 0);
	build_execute(&out, SLICE(""), 0);
	build_sync(&out);
	ck_assert(!retry_is_batch(buf_slice(&out))); /* nothing is described */
	buf_clear(&out);
	bind_to(&out, "", 0);
	build_describe(&out, 'S', SLICE("statement"));
	build_execute(&out, SLICE(""), 0);
	build_sync(&out);
	ck_assert(!retry_is_batch(buf_slice(&out))); /* not what is bound */
	ck_assert(!retry_is_batch(SLICE_NONE));
	buf_fini(&out);
}
END_TEST

START_TEST(other_portals_and_rows)
{
	struct buf out = { 0 };
	batch_of(&out, "p", 1, "p");
	ck_assert(!retry_is_batch(buf_slice(&out)));
	batch_of(&out, "p", 1, "");
	ck_assert(!retry_is_batch(buf_slice(&out)));
	buf_clear(&out);
	bind_to(&out, "", 1);
	build_describe(&out, 'P', SLICE(""));
	build_execute(&out, SLICE(""), 10);
	build_sync(&out);
	ck_assert(!retry_is_batch(buf_slice(&out)));
	buf_fini(&out);
}
END_TEST

START_TEST(columns)
{
	struct buf out = { 0 };
	for (unsigned n = 0; n < 4; n++) {
		batch_of(&out, "", n, "");
		ck_assert(retry_is_batch(buf_slice(&out)));
		ck_assert_int_eq(retry_takes_any_columns(buf_slice(&out)), n <= 1);
	}
	buf_fini(&out);
}
END_TEST

/* A Bind that ends too early is for the server to judge. */
START_TEST(cut_binds)
{
	struct buf out = { 0 };
	batch_of(&out, "", 1, "");
	size_t bind_bytes = buf_len(&out) - 7 - 10 - 5;
	for (size_t body = 1; body + 5 < bind_bytes; body++) {
		struct buf cut = { 0 };
		buf_u8(&cut, 'B');
		buf_u32(&cut, (uint32_t)body + 4);
		buf_add_slice(&cut, slice_head(slice_skip(buf_slice(&out), 5), body));
		buf_add_slice(&cut, slice_skip(buf_slice(&out), bind_bytes));
		ck_assert(retry_is_batch(buf_slice(&cut)));
		ck_assert(!retry_takes_any_columns(buf_slice(&cut)));
		buf_fini(&cut);
	}
	buf_fini(&out);
}
END_TEST

Suite *retry_suite(void)
{
	Suite *s = suite_create("retry");
	TCase *t = tcase_create("retry");
	tcase_add_test(t, one_batch_and_all_of_it);
	tcase_add_test(t, no_other_batch);
	tcase_add_test(t, other_portals_and_rows);
	tcase_add_test(t, columns);
	tcase_add_test(t, cut_binds);
	suite_add_tcase(s, t);
	return s;
}
