/*
 * test_shape.c - which columns are the same.
 */
#include "check_proxy.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "proxy/shape.h"

/* One column of a RowDescription. */
struct column {
	const char *name;
	uint32_t type, modifier;
	uint16_t format;
};

static void describe(struct buf *out, const struct column *columns, uint16_t count)
{
	buf_clear(out);
	buf_u16(out, count);
	for (uint16_t i = 0; i < count; i++) {
		buf_add_cstr(out, columns[i].name);
		buf_u32(out, 1234u + columns[i].modifier); /* the table */
		buf_u16(out, (uint16_t)(i + columns[i].format));
		buf_u32(out, columns[i].type);
		buf_u16(out, 4);
		buf_u32(out, columns[i].modifier);
		buf_u16(out, columns[i].format);
	}
}

static struct shape *shape_of(const struct column *columns, uint16_t count)
{
	struct buf body = { 0 };
	struct shape *shape = shape_new(false);
	describe(&body, columns, count);
	shape_learn(shape, 'T', buf_slice(&body));
	buf_fini(&body);
	return shape;
}

static bool is_same(const struct column *a, uint16_t a_count, const struct column *b,
		    uint16_t b_count)
{
	struct shape *one = shape_of(a, a_count), *other = shape_of(b, b_count);
	bool same = shape_is_same(one, other);
	ck_assert(shape_is_known(one) && shape_is_known(other));
	shape_unref(one);
	shape_unref(other);
	return same;
}

START_TEST(names_and_types_count)
{
	struct column a[] = { { "x", 23, 0, 0 }, { "y", 25, 0, 0 } };
	struct column written_otherwise[] = { { "x", 23, 7, 1 }, { "y", 25, 9, 1 } };
	struct column renamed[] = { { "x", 23, 0, 0 }, { "z", 25, 0, 0 } };
	struct column retyped[] = { { "x", 20, 0, 0 }, { "y", 25, 0, 0 } };
	struct column turned[] = { { "y", 25, 0, 0 }, { "x", 23, 0, 0 } };
	ck_assert(is_same(a, 2, a, 2));
	ck_assert(is_same(a, 2, written_otherwise, 2));
	ck_assert(!is_same(a, 2, renamed, 2));
	ck_assert(!is_same(a, 2, retyped, 2));
	ck_assert(!is_same(a, 2, turned, 2));
	ck_assert(!is_same(a, 2, a, 1));
	ck_assert(!is_same(a, 2, a, 0));
}
END_TEST

START_TEST(what_is_not_known_is_the_same_as_nothing)
{
	struct shape *a = shape_new(false), *b = shape_new(false);
	ck_assert(!shape_is_known(NULL) && !shape_is_known(a));
	ck_assert(!shape_is_same(a, a) && !shape_is_same(a, b));
	ck_assert(!shape_is_same(NULL, a) && !shape_is_same(a, NULL) && !shape_is_same(NULL, NULL));
	shape_learn(a, 'n', SLICE_NONE);
	ck_assert(shape_is_known(a) && shape_is_same(a, a));
	ck_assert(!shape_is_same(a, b) && !shape_is_same(b, a) && !shape_is_same(a, NULL));
	shape_learn(b, 'n', SLICE_NONE);
	ck_assert(shape_is_same(a, b));
	shape_unref(a);
	shape_unref(b);
}
END_TEST

START_TEST(no_columns_are_not_no_result)
{
	struct shape *none = shape_new(false), *empty = shape_of(NULL, 0);
	shape_learn(none, 'n', SLICE_NONE);
	ck_assert(!shape_is_same(none, empty));
	shape_unref(none);
	shape_unref(empty);
}
END_TEST

/* A ParameterDescription of so many types. */
static void take(struct buf *out, const uint32_t *types, uint16_t count)
{
	buf_clear(out);
	buf_u16(out, count);
	for (uint16_t i = 0; i < count; i++)
		buf_u32(out, types[i]);
}

static struct shape *open_shape(uint32_t type)
{
	struct buf body = { 0 };
	struct shape *shape = shape_new(true);
	take(&body, &type, 1);
	shape_learn(shape, 't', buf_slice(&body));
	buf_fini(&body);
	return shape;
}

START_TEST(types_of_an_open_one_count)
{
	struct shape *a = open_shape(23), *same = open_shape(23), *other = open_shape(25);
	ck_assert(shape_has_types(a) && !shape_is_known(a));
	struct shape *all[] = { a, same, other };
	for (size_t i = 0; i < 3; i++)
		shape_learn(all[i], 'n', SLICE_NONE);
	ck_assert(shape_is_same(a, same) && !shape_takes_other(a, same));
	ck_assert(!shape_is_same(a, other) && shape_takes_other(a, other));
	for (size_t i = 0; i < 3; i++)
		shape_unref(all[i]);
}
END_TEST

START_TEST(an_open_one_is_not_known_without_its_types)
{
	struct shape *a = shape_new(true);
	shape_learn(a, 'n', SLICE_NONE);
	ck_assert(!shape_is_known(a) && !shape_has_types(a) && !shape_types(a).ptr);
	shape_learn(a, 't', slice_make("\0\1\0\0\0", 5)); /* not all of it */
	shape_learn(a, 'n', SLICE_NONE);
	ck_assert(!shape_is_known(a));
	shape_learn(a, 't', slice_make("\0\1\0\0\0\x17", 6));
	shape_learn(a, 'n', SLICE_NONE);
	ck_assert(shape_is_known(a) && shape_types(a).len == 6);
	shape_unref(a);
}
END_TEST

START_TEST(of_others_types_do_not_count)
{
	struct shape *a = shape_new(false), *b = shape_new(false), *open = open_shape(23);
	shape_learn(a, 't', slice_make("\0\1\0\0\0\x17", 6));
	shape_learn(a, 'n', SLICE_NONE);
	shape_learn(b, 'n', SLICE_NONE);
	shape_learn(open, 'n', SLICE_NONE);
	ck_assert(shape_is_same(a, b) && !shape_takes_other(a, open));
	struct shape *closed = shape_new_closed(open); /* it names what the other takes */
	ck_assert(shape_is_same(closed, a) && !shape_is_same(closed, open));
	shape_unref(a);
	shape_unref(b);
	shape_unref(open);
	shape_unref(closed);
}
END_TEST

START_TEST(columns_that_are_forgotten_leave_the_types)
{
	struct shape *a = open_shape(23);
	shape_learn(a, 'n', SLICE_NONE);
	struct shape *like = shape_new_like(a), *none = shape_new(true),
		     *as_little = shape_new_like(none);
	ck_assert(!shape_is_known(like) && slice_eq(shape_types(like), shape_types(a)));
	ck_assert(!shape_types(as_little).ptr && as_little->is_open);
	shape_forget_columns(a);
	ck_assert(!shape_is_known(a) && slice_eq(shape_types(like), shape_types(a)));
	shape_unref(a);
	shape_unref(like);
	shape_unref(none);
	shape_unref(as_little);
}
END_TEST

/* A server may send anything, and of much only the beginning is in hand. */
START_TEST(any_bytes)
{
	struct column a[] = { { "x", 23, 0, 0 }, { "y", 25, 0, 0 } };
	struct buf body = { 0 };
	describe(&body, a, 2);
	for (size_t n = 0; n <= buf_len(&body); n++) {
		struct shape *one = shape_new(false), *other = shape_new(false);
		char *copy = malloc(n + 1); /* of its very length, for the sanitizer */
		memcpy(copy, buf_slice(&body).ptr, n);
		shape_learn(one, 'T', slice_make(copy, n));
		shape_learn(other, 'T', slice_head(buf_slice(&body), n));
		ck_assert(shape_is_same(one, other));
		shape_unref(one);
		shape_unref(other);
		free(copy);
	}
	buf_fini(&body);
}
END_TEST

Suite *shape_suite(void)
{
	Suite *suite = suite_create("shape");
	TCase *tcase = tcase_create("shape");
	tcase_add_test(tcase, names_and_types_count);
	tcase_add_test(tcase, what_is_not_known_is_the_same_as_nothing);
	tcase_add_test(tcase, no_columns_are_not_no_result);
	tcase_add_test(tcase, types_of_an_open_one_count);
	tcase_add_test(tcase, an_open_one_is_not_known_without_its_types);
	tcase_add_test(tcase, of_others_types_do_not_count);
	tcase_add_test(tcase, columns_that_are_forgotten_leave_the_types);
	tcase_add_test(tcase, any_bytes);
	suite_add_tcase(suite, tcase);
	return suite;
}
