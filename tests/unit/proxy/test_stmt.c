/*
 * test_stmt.c - statements, and what a Parse leaves to the server.
 */
#include "check_proxy.h"

#include "base/buf.h"
#include "proxy/stmt.h"

/* What a Parse says behind the name. */
static struct slice body_of(struct buf *out, const char *sql, unsigned count, const uint32_t *types)
{
	buf_clear(out);
	buf_add_cstr(out, sql);
	buf_u16(out, (uint16_t)count);
	for (unsigned i = 0; i < count; i++)
		buf_u32(out, types[i]);
	return buf_slice(out);
}

static const struct {
	const char *sql;
	unsigned count;
	uint32_t types[2];
	bool is_open;
} stmt_cases[] = {
	{ "select 1", 0, { 0, 0 }, false },
	{ "select $1", 0, { 0, 0 }, true },
	{ "select $1", 1, { 23, 0 }, false },
	{ "select $1", 1, { 0, 0 }, true },
	{ "select $1", 1, { 705, 0 }, true },
	{ "select $2, $1", 1, { 23, 0 }, true },
	{ "select $2, $1", 2, { 23, 25 }, false },
	{ "select $2, $1", 2, { 23, 0 }, true },
	{ "select $1", 2, { 23, 0 }, false },
	{ "select $$ a $$, '$'", 0, { 0, 0 }, false },
	{ "select $99999999999999999999", 2, { 23, 23 }, true },
	{ "$", 0, { 0, 0 }, false },
	{ "", 0, { 0, 0 }, false },
};

START_TEST(types_left_to_the_server)
{
	struct buf body = { 0 };
	struct slice slice =
		body_of(&body, stmt_cases[_i].sql, stmt_cases[_i].count, stmt_cases[_i].types);
	ck_assert_msg(stmt_is_open(slice) == stmt_cases[_i].is_open, "%s", stmt_cases[_i].sql);
	for (size_t n = 0; n < slice.len; n++) /* whatever a client sends */
		(void)stmt_is_open(slice_head(slice, n));
	buf_fini(&body);
}
END_TEST

START_TEST(one_that_names_its_types)
{
	struct stmt_table *table = stmt_table_new();
	struct buf open = { 0 }, typed = { 0 };
	struct slice types = slice_make("\0\1\0\0\0\x17", 6);
	body_of(&open, "select $1", 0, NULL);
	body_of(&typed, "select $1", 1, (uint32_t[]){ 23 });
	struct stmt *a = stmt_get(table, SLICE("s1"), buf_slice(&open));
	struct stmt *b = stmt_get_typed(a, types);
	struct stmt *same = stmt_get(table, SLICE("s1"), buf_slice(&typed));
	ck_assert(a->is_open && !b->is_open);
	ck_assert_ptr_ne(a, b);
	ck_assert_ptr_eq(b, same);
	ck_assert(slice_eq(b->body, buf_slice(&typed)));
	stmt_unref(a);
	stmt_unref(b);
	stmt_unref(same);
	ck_assert_uint_eq(stmt_count(table), 0);
	stmt_table_free(table);
	buf_fini(&open);
	buf_fini(&typed);
}
END_TEST

Suite *stmt_suite(void)
{
	Suite *suite = suite_create("stmt");
	TCase *tcase = tcase_create("stmt");
	tcase_add_loop_test(tcase, types_left_to_the_server, 0, COUNT_OF(stmt_cases));
	tcase_add_test(tcase, one_that_names_its_types);
	suite_add_tcase(suite, tcase);
	return suite;
}
