/*
 * test_effect.c - a table of texts and their effects, and what holds for each of them.
 */
#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "cases.h"
#include "effect_text.h"
#include "sql/calls.h"
#include "suites.h"

static void check_cases(const struct one_case *c)
{
	struct buf out = { 0 };
	effect_text(case_input(c), case_mode(c), &out);
	ck_assert_msg(strcmp(buf_cstr(&out), c->expected) == 0, "line %d: %s\n  is  %s\n  not %s",
		      c->line, c->input, buf_cstr(&out), c->expected);
	buf_fini(&out);
}

START_TEST(test_cases)
{
	cases_each("effect.cases", check_cases);
}
END_TEST

/* Words in capitals, and between any two tokens more space and a comment. */
static void rewrite(struct slice sql, struct lexer_mode mode, struct buf *out)
{
	struct lexer lex;
	lexer_init(&lex, sql, mode);
	for (;;) {
		struct lexer_token t = lexer_any(&lex);
		if (t.kind == LEXER_END)
			return;
		size_t at = buf_len(out);
		buf_add_slice(out, t.text);
		for (size_t i = at; t.kind == LEXER_WORD && i < buf_len(out); i++)
			out->data[out->start + i] =
				(char)toupper((unsigned char)out->data[out->start + i]);
		if (!t.open && t.kind != LEXER_STRING)
			buf_add_str(out, " /* (; */\n");
	}
}

static void check_rewritten(const struct one_case *c)
{
	struct buf sql = { 0 }, before = { 0 }, after = { 0 };
	rewrite(case_input(c), case_mode(c), &sql);
	effect_text(case_input(c), case_mode(c), &before);
	effect_text(buf_slice(&sql), case_mode(c), &after);
	ck_assert_msg(slice_eq(buf_slice(&before), buf_slice(&after)),
		      "line %d: %s\n  is  %s\n  not %s", c->line, buf_cstr(&sql), buf_cstr(&after),
		      buf_cstr(&before));
	buf_fini(&sql);
	buf_fini(&before);
	buf_fini(&after);
}

START_TEST(test_space_and_case_make_no_difference)
{
	cases_each("effect.cases", check_rewritten);
}
END_TEST

static void check_of(const struct one_case *c)
{
	struct effect_iter iter;
	struct effect effect;
	uint64_t set = 0;
	effect_init(&iter, case_input(c), case_mode(c));
	while (effect_next(&iter, &effect)) {
		set |= effect.set;
		ck_assert(effect.text.ptr >= c->input);
		ck_assert(effect.text.ptr + effect.text.len <= c->input + c->input_len);
		ck_assert_uint_gt(effect.text.len, 0);
	}
	ck_assert(!effect_next(&iter, &effect));
	ck_assert_uint_eq(effect_of(case_input(c), case_mode(c)), set);
}

START_TEST(test_of_is_all_of_them)
{
	cases_each("effect.cases", check_of);
	ck_assert_uint_eq(effect_of(SLICE_NONE, (struct lexer_mode){ 0 }), 0);
}
END_TEST

START_TEST(test_texts_are_the_statements)
{
	struct effect_iter iter;
	struct effect e;
	effect_init(&iter, SLICE(" /*a*/ select 1;; set a.b = 2 ;(select 3)"),
		    (struct lexer_mode){ 0 });
	ck_assert(effect_next(&iter, &e));
	ck_assert(slice_eq_str(e.text, "select 1"));
	ck_assert(effect_next(&iter, &e));
	ck_assert(slice_eq_str(e.text, "set a.b = 2"));
	ck_assert(effect_next(&iter, &e));
	ck_assert(slice_eq_str(e.text, "(select 3)"));
	ck_assert(!effect_next(&iter, &e));
}
END_TEST

START_TEST(test_path_is_temp)
{
	static const char *const yes[] = { "pg_temp",   "a, pg_temp", "\"pg_temp\", a",
					   "PG_TEMP_3", "'pg_temp'",  "u&\"x\"" };
	static const char *const no[] = {
		"", "a, b", "\"$user\", public", "\"PG_TEMP\"", "\"pg_temp, x\"", "my_pg_temp"
	};
	for (size_t i = 0; i < COUNT_OF(yes); i++)
		ck_assert_msg(effect_path_is_temp(slice_of(yes[i])), "%s", yes[i]);
	for (size_t i = 0; i < COUNT_OF(no); i++)
		ck_assert_msg(!effect_path_is_temp(slice_of(no[i])), "%s", no[i]);
}
END_TEST

START_TEST(test_names_of_kinds_differ)
{
	for (unsigned a = 0; a < EFFECT_KIND_COUNT; a++)
		for (unsigned b = 0; b < a; b++)
			ck_assert_str_ne(effect_kind_name((enum effect_kind)a),
					 effect_kind_name((enum effect_kind)b));
}
END_TEST

/* ---- calls.def ---- */

#define X(kind, name) { #name, CALLS_##kind },
static const struct {
	const char *name;
	enum calls_kind kind;
} known[] = {
#include "sql/calls.def"
};
#undef X

START_TEST(test_known_names_are_in_order)
{
	for (size_t i = 1; i < COUNT_OF(known); i++) {
		const char *a = known[i - 1].name, *b = known[i].name;
		bool shorter = strlen(a) < strlen(b);
		ck_assert_msg(shorter || (strlen(a) == strlen(b) && strcmp(a, b) < 0), "%s %s", a,
			      b);
	}
}
END_TEST

START_TEST(test_known_names_are_found)
{
	for (size_t i = 0; i < COUNT_OF(known); i++)
		ck_assert_int_eq(calls_find(slice_of(known[i].name)), known[i].kind);
	ck_assert_int_eq(calls_find(SLICE("")), CALLS_NONE);
	ck_assert_int_eq(calls_find(SLICE("coun")), CALLS_NONE);
	ck_assert_int_eq(calls_find(SLICE("countx")), CALLS_NONE);
	ck_assert_int_eq(calls_find(SLICE("zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz")),
			 CALLS_NONE);
}
END_TEST

START_TEST(test_which_names_need_quotes)
{
	static const char *const yes[] = { "",     "A",       "a b",  "1a",       "select",
					   "left", "between", "join", "\xc3\xa9", "$user" };
	static const char *const no[] = { "a", "_a", "a1", "abort", "count", "public" };
	for (size_t i = 0; i < COUNT_OF(yes); i++)
		ck_assert_msg(calls_needs_quotes(slice_of(yes[i])), "%s", yes[i]);
	for (size_t i = 0; i < COUNT_OF(no); i++)
		ck_assert_msg(!calls_needs_quotes(slice_of(no[i])), "%s", no[i]);
}
END_TEST

Suite *effect_suite(void)
{
	Suite *suite = suite_create("effect");
	TCase *tc = tcase_create("effect");
	tcase_add_test(tc, test_cases);
	tcase_add_test(tc, test_space_and_case_make_no_difference);
	tcase_add_test(tc, test_of_is_all_of_them);
	tcase_add_test(tc, test_texts_are_the_statements);
	tcase_add_test(tc, test_path_is_temp);
	tcase_add_test(tc, test_names_of_kinds_differ);
	tcase_add_test(tc, test_known_names_are_in_order);
	tcase_add_test(tc, test_known_names_are_found);
	tcase_add_test(tc, test_which_names_need_quotes);
	suite_add_tcase(suite, tc);
	return suite;
}
