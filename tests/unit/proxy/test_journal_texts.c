/*
 * test_journal_texts.c - which text a portal runs, and how much is remembered.
 */
#include "check_proxy.h"

#include <stdio.h>
#include <string.h>

#include "mallocs.h"
#include "proxy/journal_texts.h"
#include "tap/texts.h"

static void parse(struct journal_texts *t, const char *name, const char *sql)
{
	journal_texts_parse(t, slice_of(name), slice_of(sql), true);
}

static void bind(struct journal_texts *t, const char *portal, const char *statement)
{
	journal_texts_bind(t, slice_of(portal), slice_of(statement));
}

static void runs(struct journal_texts *t, const char *portal, const char *sql)
{
	bool is_whole;
	struct slice text = journal_texts_get(t, slice_of(portal), &is_whole);
	ck_assert_msg(slice_eq_str(text, sql), "%s runs \"%.*s\"", portal, SLICE_ARGS(text));
	ck_assert(is_whole);
}

START_TEST(test_portal_runs_its_statement)
{
	struct journal_texts t;
	journal_texts_init(&t);
	runs(&t, "", "");
	parse(&t, "", "unnamed");
	parse(&t, "one", "first");
	parse(&t, "two", "second");
	bind(&t, "", "");
	bind(&t, "p", "one");
	bind(&t, "q", "two");
	bind(&t, "r", "none");
	runs(&t, "", "unnamed");
	runs(&t, "p", "first");
	runs(&t, "q", "second");
	runs(&t, "r", "");
	runs(&t, "s", "");
	bind(&t, "", "two");
	bind(&t, "p", "two");
	runs(&t, "", "second");
	runs(&t, "p", "second");
	bind(&t, "", "none");
	runs(&t, "", "");
	journal_texts_fini(&t);
}
END_TEST

START_TEST(test_portal_outlives_its_statement)
{
	struct journal_texts t;
	journal_texts_init(&t);
	parse(&t, "", "unnamed");
	parse(&t, "one", "first");
	parse(&t, "two", "second");
	bind(&t, "", "");
	bind(&t, "p", "one");
	bind(&t, "q", "two");
	parse(&t, "", "another");
	parse(&t, "one", "again");
	journal_texts_close_statement(&t, SLICE("two"));
	journal_texts_close_statement(&t, SLICE("none"));
	runs(&t, "", "unnamed");
	runs(&t, "p", "first");
	runs(&t, "q", "second");
	bind(&t, "", "");
	bind(&t, "p", "one");
	bind(&t, "q", "two");
	runs(&t, "", "another");
	runs(&t, "p", "again");
	runs(&t, "q", "");
	journal_texts_fini(&t);
}
END_TEST

START_TEST(test_portals_end)
{
	struct journal_texts t;
	journal_texts_init(&t);
	parse(&t, "one", "first");
	bind(&t, "", "one");
	bind(&t, "p", "one");
	bind(&t, "q", "one");
	journal_texts_close_portal(&t, SLICE("p"));
	journal_texts_close_portal(&t, SLICE(""));
	journal_texts_close_portal(&t, SLICE("none"));
	runs(&t, "", "");
	runs(&t, "p", "");
	runs(&t, "q", "first");
	bind(&t, "", "one");
	journal_texts_end_portals(&t);
	runs(&t, "", "");
	runs(&t, "q", "");
	bind(&t, "p", "one");
	runs(&t, "p", "first");
	journal_texts_fini(&t);
}
END_TEST

START_TEST(test_unnamed_statement_ends)
{
	struct journal_texts t;
	journal_texts_init(&t);
	parse(&t, "", "unnamed");
	parse(&t, "one", "first");
	ck_assert(journal_texts_has_statements(&t));
	bind(&t, "p", "one");
	journal_texts_end_unnamed(&t);
	bind(&t, "", "");
	runs(&t, "", "");
	runs(&t, "p", "");
	bind(&t, "p", "one");
	runs(&t, "p", "first");
	journal_texts_close_statement(&t, SLICE("one"));
	ck_assert(!journal_texts_has_statements(&t));
	journal_texts_fini(&t);
	ck_assert_uint_eq(t.bytes, 0);
}
END_TEST

START_TEST(test_names_are_told_apart_by_their_first_63_bytes)
{
	char a[80], b[80];
	struct journal_texts t;
	memset(a, 'x', sizeof(a) - 1);
	a[sizeof(a) - 1] = '\0';
	strcpy(b, a);
	b[63] = 'y';
	journal_texts_init(&t);
	parse(&t, a, "first");
	bind(&t, a, b);
	runs(&t, b, "first");
	b[62] = 'y';
	bind(&t, b, b);
	runs(&t, b, "");
	journal_texts_close_statement(&t, slice_of(a));
	ck_assert(!journal_texts_has_statements(&t));
	journal_texts_fini(&t);
}
END_TEST

START_TEST(test_long_text_is_a_head)
{
	static char sql[TEXTS_ONE_MAX_BYTES + 100];
	struct journal_texts t;
	bool is_whole;
	memset(sql, 'x', sizeof(sql));
	journal_texts_init(&t);
	journal_texts_parse(&t, SLICE("a"), slice_make(sql, sizeof(sql)), true);
	journal_texts_parse(&t, SLICE(""), SLICE("select"), false);
	bind(&t, "", "a");
	struct slice text = journal_texts_get(&t, SLICE(""), &is_whole);
	ck_assert_uint_eq(text.len, TEXTS_ONE_MAX_BYTES - 1);
	ck_assert(!is_whole);
	bind(&t, "", "");
	text = journal_texts_get(&t, SLICE(""), &is_whole);
	ck_assert(slice_eq_str(text, "select") && !is_whole);
	journal_texts_fini(&t);
}
END_TEST

START_TEST(test_what_was_used_longest_ago_is_forgotten_first)
{
	static char sql[8000];
	struct journal_texts t;
	char name[16];
	size_t many = 3 * JOURNAL_TEXTS_MAX_BYTES / sizeof(sql), known = 0;
	memset(sql, 'x', sizeof(sql) - 1);
	journal_texts_init(&t);
	parse(&t, "often", "often");
	for (size_t i = 0; i < many; i++) {
		snprintf(name, sizeof(name), "s%zu", i);
		parse(&t, name, sql);
		bind(&t, "", "often");
		ck_assert_uint_le(t.bytes, JOURNAL_TEXTS_MAX_BYTES);
	}
	runs(&t, "", "often");
	for (size_t i = 0; i < many; i++) {
		bool is_whole, is_known;
		snprintf(name, sizeof(name), "s%zu", i);
		bind(&t, "", name);
		is_known = journal_texts_get(&t, SLICE(""), &is_whole).len > 0;
		ck_assert_msg(is_known || !known, "%s is forgotten, older ones are not", name);
		known += is_known;
	}
	ck_assert_uint_gt(known, many / 3 - many / 20);
	journal_texts_fini(&t);
}
END_TEST

/* Thousands of names with next to no text, as an application makes that names its statements anew
 * each time and closes none. */
START_TEST(test_names_count_too)
{
	struct journal_texts t;
	char name[64];
	journal_texts_init(&t);
	for (int i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "statement_%050d", i);
		parse(&t, name, "");
		ck_assert_uint_le(t.bytes, JOURNAL_TEXTS_MAX_BYTES);
	}
	ck_assert_uint_le(map_count(&t.statements) * (2 * strlen(name)), JOURNAL_TEXTS_MAX_BYTES);
	journal_texts_fini(&t);
}
END_TEST

/* What portals hold counts, though their statements were parsed anew or closed. */
START_TEST(test_portals_hold_no_more_than_that_either)
{
	static char sql[TEXTS_ONE_MAX_BYTES];
	static const char *const names[] = { "", "one" };
	struct journal_texts t;
	char portal[16];
	memset(sql, 'x', sizeof(sql) - 1);
	journal_texts_init(&t);
	for (unsigned i = 0; i < 2000; i++) {
		const char *name = names[i % 2];
		parse(&t, name, sql);
		snprintf(portal, sizeof(portal), "p%u", i);
		bind(&t, portal, name);
		if (i % 3 == 0)
			journal_texts_close_statement(&t, slice_of(name));
		ck_assert_uint_le(t.bytes, JOURNAL_TEXTS_MAX_BYTES);
		ck_assert_uint_le(t.portal_count, JOURNAL_TEXTS_MAX_PORTALS);
	}
	journal_texts_fini(&t);
	ck_assert_uint_eq(t.bytes, 0);
}
END_TEST

START_TEST(test_oldest_portal_gives_way)
{
	struct journal_texts t;
	char portal[16];
	journal_texts_init(&t);
	parse(&t, "one", "first");
	for (unsigned i = 0; i < JOURNAL_TEXTS_MAX_PORTALS + 10; i++) {
		snprintf(portal, sizeof(portal), "p%u", i);
		bind(&t, portal, "one");
		runs(&t, portal, "first");
	}
	runs(&t, "p9", "");
	runs(&t, "p10", "first");
	journal_texts_fini(&t);
}
END_TEST

START_TEST(test_steady_work_asks_for_no_memory)
{
	struct journal_texts t;
	unsigned long before = 0;
	journal_texts_init(&t);
	parse(&t, "one", "select a from b where c = $1");
	for (int i = 0; i < 1000; i++) {
		if (i == 1)
			before = mallocs_count();
		parse(&t, "", i % 2 ? "select 1" : "select x from y where z = $1 and w = $2");
		bind(&t, "", "");
		bind(&t, "", "one");
		bind(&t, i % 2 ? "p" : "q", "one");
		if (i % 10)
			journal_texts_end_portals(&t);
		else
			journal_texts_end_unnamed(&t);
	}
	unsigned long after = mallocs_count();
	ck_assert_uint_gt(before, 0);
	ck_assert_uint_eq(after - before, 0);
	journal_texts_fini(&t);
}
END_TEST

Suite *journal_texts_suite(void)
{
	Suite *s = suite_create("journal_texts");
	TCase *t = tcase_create("names");
	tcase_add_test(t, test_portal_runs_its_statement);
	tcase_add_test(t, test_portal_outlives_its_statement);
	tcase_add_test(t, test_portals_end);
	tcase_add_test(t, test_unnamed_statement_ends);
	tcase_add_test(t, test_names_are_told_apart_by_their_first_63_bytes);
	tcase_add_test(t, test_long_text_is_a_head);
	suite_add_tcase(s, t);
	t = tcase_create("memory");
	tcase_add_test(t, test_what_was_used_longest_ago_is_forgotten_first);
	tcase_add_test(t, test_names_count_too);
	tcase_add_test(t, test_portals_hold_no_more_than_that_either);
	tcase_add_test(t, test_oldest_portal_gives_way);
	tcase_add_test(t, test_steady_work_asks_for_no_memory);
	suite_add_tcase(s, t);
	return s;
}
