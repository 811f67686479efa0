/*
 * test_norm.c - a table of texts and their normal forms, and what holds for any text.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cases.h"
#include "sql/norm.h"
#include "suites.h"

static struct norm_options options_of(const struct one_case *c)
{
	return (struct norm_options){
		.mode = case_mode(c),
		.max_bytes = case_number(c, "max"),
		.cut = case_has(c, "cut"),
	};
}

static void check_cases(const struct one_case *c)
{
	struct norm_options options = options_of(c);
	struct buf out = { 0 };
	buf_add_str(&out, "before");
	bool cut = norm_write(case_input(c), &options, &out);
	ck_assert(slice_starts(buf_slice(&out), "before"));
	buf_consume(&out, strlen("before"));
	ck_assert_msg(strcmp(buf_cstr(&out), c->expected) == 0, "line %d: %s\n  is  %s\n  not %s",
		      c->line, c->input, buf_cstr(&out), c->expected);
	size_t len = strlen(c->expected);
	bool marked = len >= 3 && strcmp(c->expected + len - 3, "...") == 0;
	ck_assert(!cut || marked);
	ck_assert(options.max_bytes < 16 || len <= options.max_bytes);
	buf_fini(&out);
}

START_TEST(test_cases)
{
	cases_each("norm.cases", check_cases);
}
END_TEST

static void check_normal_form_is_its_own(const struct one_case *c)
{
	struct norm_options options = options_of(c);
	struct norm_options plain = { .mode = case_mode(c) };
	struct buf once = { 0 }, twice = { 0 };
	norm_write(case_input(c), &options, &once);
	norm_write(buf_slice(&once), &plain, &twice);
	ck_assert_msg(slice_eq(buf_slice(&once), buf_slice(&twice)), "line %d: %s then %s", c->line,
		      buf_cstr(&once), buf_cstr(&twice));
	buf_fini(&once);
	buf_fini(&twice);
}

START_TEST(test_normal_form_is_its_own)
{
	cases_each("norm.cases", check_normal_form_is_its_own);
}
END_TEST

static void assert_no_secret(const struct one_case *c, struct slice text,
			     const struct norm_options *options)
{
	struct buf out = { 0 };
	norm_write(text, options, &out);
	norm_write_key(text, options, &out);
	const char *shown = buf_cstr(&out);
	ck_assert_msg(strstr(shown, "sec") == NULL && strstr(shown, "ecr") == NULL, "line %d: %s",
		      c->line, shown);
	buf_fini(&out);
}

/* Wherever a text is cut, no part of a literal comes through. */
static void check_no_prefix_leaks(const struct one_case *c)
{
	struct slice text = case_input(c);
	for (size_t n = 0; n <= text.len; n++) {
		for (size_t max = 0; max <= 64; max += 32) {
			struct norm_options options = { .mode = case_mode(c),
							.max_bytes = max,
							.cut = n < text.len };
			assert_no_secret(c, slice_head(text, n), &options);
		}
	}
}

START_TEST(test_no_prefix_leaks)
{
	cases_each("norm.cases", check_no_prefix_leaks);
}
END_TEST

static void check_bound_holds_everywhere(const struct one_case *c)
{
	for (size_t max = 16; max < 80; max++) {
		struct norm_options options = { .mode = case_mode(c), .max_bytes = max };
		struct buf out = { 0 };
		bool cut = norm_write(case_input(c), &options, &out);
		ck_assert_uint_le(buf_len(&out), max);
		const char *text = buf_cstr(&out);
		size_t len = strlen(text);
		ck_assert(!cut || (len >= 3 && strcmp(text + len - 3, "...") == 0));
		buf_fini(&out);
	}
}

START_TEST(test_bound_holds_everywhere)
{
	cases_each("norm.cases", check_bound_holds_everywhere);
}
END_TEST

static void assert_head(const char *sql, const char *head)
{
	struct norm_options options = { .max_bytes = 0 };
	struct buf out = { 0 };
	norm_head(slice_of(sql), &options, &out);
	ck_assert_str_eq(buf_cstr(&out), head);
	buf_fini(&out);
}

START_TEST(test_head_shows_the_first_word_alone)
{
	assert_head("SELECT 'it's secret'", "SELECT ...");
	assert_head(" /* x */ ((select 1", "select ...");
	assert_head("; ; begin", "begin ...");
	assert_head("'secret'", "...");
	assert_head("", "...");
}
END_TEST

static const struct {
	const char *sql;
	bool doubtful, when_cut;
} quotes[] = {
	{ "SELECT 'a', \"b\".\"c\", E'd\\'e', $$f$$, 'g'::text", false, false },
	{ "SELECT f('a')||'b'", false, false },
	{ "SELECT 'a'\n'b' -- it's\n, /* it's */ 1", false, false },
	{ "SELECT 'a' FROM t WHERE b='c'", false, false },
	{ "SELECT 'it's a secret'", true, true },
	{ "SELECT 'it's Bob's secret'", true, true },
	{ "SELECT 'the boys' secret'", true, true },
	{ "SELECT 'boys' and girls' secret'", true, true },
	{ "SELECT 'a'5'", true, true },
	{ "SELECT \"a\"b", true, true },
	{ "SELECT 'the boys' secret, 'secret", true, false },
	{ "SELECT 'secret", true, false },
	{ "SELECT $$secret", true, false },
	{ "SELECT /* secret", true, false },
	{ "SELECT \\secret", true, false },
};

START_TEST(test_odd_quotes_are_doubtful)
{
	for (size_t i = 0; i < COUNT_OF(quotes); i++) {
		struct norm_options options = { .cut = false };
		struct slice sql = slice_of(quotes[i].sql);
		ck_assert_msg(norm_is_doubtful(sql, &options) == quotes[i].doubtful, "%s", sql.ptr);
		options.cut = true;
		ck_assert_msg(norm_is_doubtful(sql, &options) == quotes[i].when_cut, "%s", sql.ptr);
	}
}
END_TEST

static void assert_key(const char *sql, const char *key)
{
	struct norm_options options = { .max_bytes = 0 };
	struct buf out = { 0 };
	norm_write_key(slice_of(sql), &options, &out);
	ck_assert_str_eq(buf_cstr(&out), key);
	buf_fini(&out);
}

START_TEST(test_key_has_one_spelling)
{
	assert_key("SELECT A,b FROM \"T\" WHERE c=-1;", "select a , b from \"T\" where c = ?");
	assert_key("select 1 WHERE a IN ($1)", "select ? where a in ( ? , ... )");
	assert_key("select 1 WHERE a IN (1,2)", "select ? where a in ( ? , ... )");
	assert_key("insert into t values (1)", "insert into t values ( ? ) , ...");
	assert_key("BEGIN;;COMMIT;", "begin ; commit");
}
END_TEST

START_TEST(test_full_buffer_is_no_leak)
{
	struct norm_options options = { .max_bytes = 0 };
	struct buf out;
	buf_init(&out, 16);
	norm_write(SLICE("SELECT aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, 'secret'"), &options,
		   &out);
	ck_assert(buf_failed(&out));
	buf_fini(&out);
}
END_TEST

Suite *norm_suite(void)
{
	Suite *suite = suite_create("norm");
	TCase *tc = tcase_create("norm");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_cases);
	tcase_add_test(tc, test_normal_form_is_its_own);
	tcase_add_test(tc, test_no_prefix_leaks);
	tcase_add_test(tc, test_bound_holds_everywhere);
	tcase_add_test(tc, test_head_shows_the_first_word_alone);
	tcase_add_test(tc, test_odd_quotes_are_doubtful);
	tcase_add_test(tc, test_key_has_one_spelling);
	tcase_add_test(tc, test_full_buffer_is_no_leak);
	suite_add_tcase(suite, tc);
	return suite;
}
