/*
 * test_ahead.c - the texts of requests that wait.
 */
#include "check_proxy.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "proxy/ahead.h"
#include "proxy/client.h"
#include "proxy/prepared_names.h"
#include "proxy/stmt.h"
#include "wire/build.h"

/* The texts of all that is to come, a "|" behind each that says something; '?' where nobody can
 * tell. */
static const char *tell(const struct client *c, struct buf *in, struct buf *out)
{
	struct ahead ahead = { .c = c, .rest = buf_slice(in) };
	struct slice sql;
	enum ahead_step step;
	buf_clear(out);
	while ((step = ahead_next(&ahead, &sql)) == AHEAD_TEXT) {
		buf_add_slice(out, sql);
		if (sql.len)
			buf_u8(out, '|');
	}
	if (step == AHEAD_UNKNOWN)
		buf_u8(out, '?');
	return buf_cstr(out);
}

static void add_batch(struct buf *in)
{
	build_parse(in, SLICE(""), SLICE("one"), NULL, 0);
	build_bind(in, SLICE(""), SLICE(""), NULL, 0);
	buf_add(in, "D\0\0\0\6P\0", 7);
	build_execute(in, SLICE(""), 0);
	build_flush(in);
}

START_TEST(test_texts_of_a_request)
{
	struct client c = { .prepared = NULL };
	struct buf in = { 0 }, out = { 0 };
	ck_assert_str_eq(tell(&c, &in, &out), "?");
	build_query(&in, SLICE("first"));
	build_query(&in, SLICE("second"));
	ck_assert_str_eq(tell(&c, &in, &out), "first|");
	buf_clear(&in);
	add_batch(&in);
	ck_assert_str_eq(tell(&c, &in, &out), "one|?");
	add_batch(&in);
	build_sync(&in);
	build_query(&in, SLICE("behind it"));
	ck_assert_str_eq(tell(&c, &in, &out), "one|one|");
	buf_clear(&in);
	add_batch(&in);
	buf_add(&in, "F\0\0\0\4", 5);
	ck_assert_str_eq(tell(&c, &in, &out), "one|?");
	buf_fini(&in);
	buf_fini(&out);
}
END_TEST

START_TEST(test_request_that_is_cut_short)
{
	struct client c = { .prepared = NULL };
	struct buf whole = { 0 }, out = { 0 };
	add_batch(&whole);
	build_sync(&whole);
	for (size_t n = 0; n < buf_len(&whole); n++) {
		struct buf in = { 0 };
		buf_add(&in, buf_slice(&whole).ptr, n);
		const char *told = tell(&c, &in, &out);
		ck_assert(told[strlen(told) - 1] == '?');
		buf_fini(&in);
	}
	buf_fini(&whole);
	buf_fini(&out);
}
END_TEST

START_TEST(test_what_was_prepared_earlier)
{
	struct stmt_table *table = stmt_table_new();
	static const char body[] = "prepared\0\0";
	struct prepared_name name = { .stmt = stmt_get(table, SLICE(""),
						       slice_make(body, sizeof(body))) };
	struct prepared_names names = { .text_bytes = 0 };
	struct client c = { .prepared = &names };
	struct buf in = { 0 }, out = { 0 };
	map_init(&names.map);
	(void)map_put(&names.map, SLICE("p"), &name);
	build_bind(&in, SLICE(""), SLICE("p"), NULL, 0);
	build_bind(&in, SLICE(""), SLICE("other"), NULL, 0);
	build_execute(&in, SLICE(""), 0);
	build_sync(&in);
	ck_assert_str_eq(tell(&c, &in, &out), "prepared|");
	buf_fini(&in);
	buf_fini(&out);
	map_fini(&names.map);
	stmt_unref(name.stmt);
	stmt_table_free(table);
}
END_TEST

Suite *ahead_suite(void)
{
	Suite *s = suite_create("ahead");
	TCase *t = tcase_create("ahead");
	tcase_add_test(t, test_texts_of_a_request);
	tcase_add_test(t, test_request_that_is_cut_short);
	tcase_add_test(t, test_what_was_prepared_earlier);
	suite_add_tcase(s, t);
	return s;
}
