/*
 * test_texts.c - the statements of a batch.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "suites.h"
#include "tap/texts.h"

static void assert_next(struct slice *rest, enum texts_kind kind, uint32_t times, const char *text)
{
	struct tap_text t;
	ck_assert(texts_next(rest, &t));
	ck_assert_int_eq(t.kind, kind);
	ck_assert_uint_eq(t.times, times);
	ck_assert(!t.cut);
	ck_assert(slice_eq_str(t.text, text));
}

static void add(struct tap_texts *texts, enum texts_kind kind, const char *text)
{
	texts_add(texts, kind, slice_of(text));
}

START_TEST(test_nothing)
{
	struct tap_texts texts = { 0 };
	struct tap_text t;
	struct slice rest = texts_slice(&texts);
	ck_assert_uint_eq(rest.len, 0);
	ck_assert(!texts_next(&rest, &t));
	texts_release(&texts);
}
END_TEST

START_TEST(test_simple_query)
{
	struct tap_texts texts = { 0 };
	add(&texts, TEXTS_QUERY, "select 1; select 2");
	add(&texts, TEXTS_QUERY, "select 1; select 2"); /* a Query is never counted with another */
	struct slice rest = texts_slice(&texts);
	assert_next(&rest, TEXTS_QUERY, 1, "select 1; select 2");
	assert_next(&rest, TEXTS_QUERY, 1, "select 1; select 2");
	ck_assert_uint_eq(rest.len, 0);
	texts_release(&texts);
}
END_TEST

START_TEST(test_executions_count_where_it_was_parsed)
{
	struct tap_texts texts = { 0 };
	add(&texts, TEXTS_PARSE, "a");
	add(&texts, TEXTS_PARSE, "b");
	add(&texts, TEXTS_PARSE, "never run");
	add(&texts, TEXTS_EXECUTE, "a");
	add(&texts, TEXTS_EXECUTE, "b");
	struct slice rest = texts_slice(&texts);
	assert_next(&rest, TEXTS_PARSE, 1, "a");
	assert_next(&rest, TEXTS_PARSE, 1, "b");
	assert_next(&rest, TEXTS_PARSE, 0, "never run");
	ck_assert_uint_eq(rest.len, 0);
	texts_release(&texts);
}
END_TEST

START_TEST(test_executions_in_a_row_are_one_entry)
{
	struct tap_texts texts = { 0 };
	add(&texts, TEXTS_EXECUTE, "begin");
	for (int i = 0; i < 500; i++)
		add(&texts, TEXTS_EXECUTE, "insert");
	add(&texts, TEXTS_EXECUTE, "commit");
	add(&texts, TEXTS_EXECUTE, "insert");
	struct slice rest = texts_slice(&texts);
	assert_next(&rest, TEXTS_EXECUTE, 1, "begin");
	assert_next(&rest, TEXTS_EXECUTE, 500, "insert");
	assert_next(&rest, TEXTS_EXECUTE, 1, "commit");
	assert_next(&rest, TEXTS_EXECUTE, 1, "insert");
	ck_assert_uint_eq(rest.len, 0);
	ck_assert_uint_eq(texts.entries, 4);
	texts_release(&texts);
}
END_TEST

START_TEST(test_parse_and_many_executions)
{
	struct tap_texts texts = { 0 };
	add(&texts, TEXTS_PARSE, "insert");
	for (int i = 0; i < 3; i++)
		add(&texts, TEXTS_EXECUTE, "insert");
	struct slice rest = texts_slice(&texts);
	assert_next(&rest, TEXTS_PARSE, 3, "insert");
	ck_assert_uint_eq(rest.len, 0);
	texts_release(&texts);
}
END_TEST

/* More than are looked through: the oldest are shown once as parsed and once as run. */
START_TEST(test_many_parsed_before_they_are_run)
{
	struct tap_texts texts = { 0 };
	char text[16];
	for (int i = 0; i < TEXTS_UNRUN + 2; i++) {
		snprintf(text, sizeof(text), "s%d", i);
		add(&texts, TEXTS_PARSE, text);
	}
	for (int i = 0; i < TEXTS_UNRUN + 2; i++) {
		snprintf(text, sizeof(text), "s%d", i);
		add(&texts, TEXTS_EXECUTE, text);
	}
	struct slice rest = texts_slice(&texts);
	for (int i = 0; i < TEXTS_UNRUN + 2; i++) {
		snprintf(text, sizeof(text), "s%d", i);
		assert_next(&rest, TEXTS_PARSE, i < 2 ? 0 : 1, text);
	}
	assert_next(&rest, TEXTS_EXECUTE, 1, "s0");
	assert_next(&rest, TEXTS_EXECUTE, 1, "s1");
	ck_assert_uint_eq(rest.len, 0);
	texts_release(&texts);
}
END_TEST

START_TEST(test_another_text_is_another_entry)
{
	struct tap_texts texts = { 0 };
	add(&texts, TEXTS_EXECUTE, "abc");
	add(&texts, TEXTS_EXECUTE, "ab");
	add(&texts, TEXTS_EXECUTE, "abd");
	add(&texts, TEXTS_EXECUTE, "");
	add(&texts, TEXTS_FUNCTION, "function 5");
	struct slice rest = texts_slice(&texts);
	assert_next(&rest, TEXTS_EXECUTE, 1, "abc");
	assert_next(&rest, TEXTS_EXECUTE, 1, "ab");
	assert_next(&rest, TEXTS_EXECUTE, 1, "abd");
	assert_next(&rest, TEXTS_EXECUTE, 1, "");
	assert_next(&rest, TEXTS_FUNCTION, 1, "function 5");
	texts_release(&texts);
}
END_TEST

START_TEST(test_long_text_is_cut)
{
	struct tap_texts texts = { 0 };
	char *text = mem_alloc(TEXTS_ONE_MAX_BYTES * 2);
	memset(text, 'x', TEXTS_ONE_MAX_BYTES * 2);
	texts_add(&texts, TEXTS_PARSE, slice_make(text, TEXTS_ONE_MAX_BYTES * 2));
	/* run by what was kept of it: the same statement */
	texts_add(&texts, TEXTS_EXECUTE, slice_make(text, TEXTS_ONE_MAX_BYTES));
	texts_add(&texts, TEXTS_EXECUTE, slice_make(text, TEXTS_ONE_MAX_BYTES - 1));
	struct slice rest = texts_slice(&texts);
	struct tap_text t;
	ck_assert(texts_next(&rest, &t));
	ck_assert(t.cut);
	ck_assert_uint_eq(t.times, 2);
	ck_assert_uint_eq(t.text.len, TEXTS_ONE_MAX_BYTES - 1);
	ck_assert_uint_eq(rest.len, 0);
	texts_release(&texts);
	texts_add(&texts, TEXTS_QUERY, slice_make(text, TEXTS_ONE_MAX_BYTES - 1));
	rest = texts_slice(&texts);
	ck_assert(texts_next(&rest, &t));
	ck_assert(!t.cut);
	texts_release(&texts);
	free(text);
}
END_TEST

START_TEST(test_head_is_cut)
{
	struct tap_texts texts = { 0 };
	struct tap_text t;
	texts_add_head(&texts, TEXTS_QUERY, SLICE("select"));
	struct slice rest = texts_slice(&texts);
	ck_assert(texts_next(&rest, &t));
	ck_assert(t.cut);
	ck_assert(slice_eq_str(t.text, "select"));
	texts_release(&texts);
}
END_TEST

START_TEST(test_executions_of_a_head_are_one_entry)
{
	struct tap_texts texts = { 0 };
	struct tap_text t;
	texts_add_head(&texts, TEXTS_PARSE, SLICE("select"));
	for (int i = 0; i < 3; i++)
		texts_add_head(&texts, TEXTS_EXECUTE, SLICE("select"));
	texts_add_head(&texts, TEXTS_EXECUTE, SLICE("insert"));
	struct slice rest = texts_slice(&texts);
	ck_assert(texts_next(&rest, &t));
	ck_assert_uint_eq(t.times, 3);
	ck_assert(texts_next(&rest, &t));
	ck_assert(t.cut && t.times == 1 && slice_eq_str(t.text, "insert"));
	ck_assert(!texts_next(&rest, &t));
	texts_release(&texts);
}
END_TEST

START_TEST(test_no_room_is_counted)
{
	struct tap_texts texts = { 0 };
	char text[1000];
	uint32_t added = 0;
	for (; added < 100; added++) {
		memset(text, 'a' + (int)(added % 26), sizeof(text));
		texts_add(&texts, TEXTS_PARSE, slice_make(text, sizeof(text)));
	}
	ck_assert_uint_le(texts_slice(&texts).len, TEXTS_ALL_MAX_BYTES);
	ck_assert_uint_eq(texts.entries + texts.left_out, added);
	ck_assert_uint_gt(texts.left_out, 0);
	struct slice rest = texts_slice(&texts);
	struct tap_text t;
	uint32_t read = 0;
	for (; texts_next(&rest, &t); read++)
		ck_assert(t.cut == (t.text.len < sizeof(text)));
	ck_assert_uint_eq(read, texts.entries);
	ck_assert_uint_eq(rest.len, 0);
	texts_clear(&texts);
	ck_assert_uint_eq(texts.left_out, 0);
	add(&texts, TEXTS_QUERY, "again");
	rest = texts_slice(&texts);
	assert_next(&rest, TEXTS_QUERY, 1, "again");
	texts_release(&texts);
	ck_assert_ptr_null(texts.bytes.data);
}
END_TEST

START_TEST(test_bytes_that_are_no_entries)
{
	struct tap_texts texts = { 0 };
	struct tap_text t;
	add(&texts, TEXTS_QUERY, "select 1");
	for (size_t n = 0; n < texts_slice(&texts).len; n++) {
		struct slice part = slice_head(texts_slice(&texts), n);
		ck_assert(!texts_next(&part, &t));
		ck_assert_uint_eq(part.len, n);
	}
	struct slice junk = SLICE("\x7f\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00");
	ck_assert(!texts_next(&junk, &t));
	texts_release(&texts);
}
END_TEST

START_TEST(test_kinds_have_names)
{
	for (enum texts_kind kind = 0; kind < TEXTS_KIND_COUNT; kind++)
		ck_assert_uint_gt(strlen(texts_kind_name(kind)), 0);
	ck_assert_str_eq(texts_kind_name(TEXTS_EXECUTE), "execute");
}
END_TEST

Suite *texts_suite(void)
{
	Suite *suite = suite_create("texts");
	TCase *tc = tcase_create("texts");
	tcase_add_test(tc, test_nothing);
	tcase_add_test(tc, test_simple_query);
	tcase_add_test(tc, test_executions_count_where_it_was_parsed);
	tcase_add_test(tc, test_executions_in_a_row_are_one_entry);
	tcase_add_test(tc, test_parse_and_many_executions);
	tcase_add_test(tc, test_many_parsed_before_they_are_run);
	tcase_add_test(tc, test_another_text_is_another_entry);
	tcase_add_test(tc, test_long_text_is_cut);
	tcase_add_test(tc, test_head_is_cut);
	tcase_add_test(tc, test_executions_of_a_head_are_one_entry);
	tcase_add_test(tc, test_no_room_is_counted);
	tcase_add_test(tc, test_bytes_that_are_no_entries);
	tcase_add_test(tc, test_kinds_have_names);
	suite_add_tcase(suite, tc);
	return suite;
}
