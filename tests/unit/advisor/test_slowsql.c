/*
 * test_slowsql.c - which part of a statement may be shown.
 */
#include <string.h>

#include "advisor/slowsql.h"
#include "suites.h"

struct shown {
	struct tap_texts texts;
	struct tap_record record;
	struct buf all; /* what was shown, with | between */
	bool cut;
};

static void show(struct shown *s)
{
	struct slowsql sql;
	struct tap_text t;
	struct buf one = { 0 };
	s->record.texts = texts_slice(&s->texts);
	slowsql_begin(&sql, &s->record);
	while (slowsql_next(&sql, &t, &one)) {
		if (buf_len(&s->all) > 0)
			buf_add_str(&s->all, "|");
		buf_add_slice(&s->all, buf_slice(&one));
	}
	s->cut = slowsql_is_cut(&sql);
	buf_fini(&one);
}

static void done(struct shown *s)
{
	texts_release(&s->texts);
	buf_fini(&s->all);
}

START_TEST(test_normal_form_unless_values_are_asked_for)
{
	struct shown s = { .record = { .protocol = RECORD_SIMPLE } };
	texts_add(&s.texts, TEXTS_QUERY, SLICE("SELECT  'secret' -- secret"));
	show(&s);
	ck_assert_str_eq(buf_cstr(&s.all), "SELECT $1");
	ck_assert(!s.cut);
	buf_clear(&s.all);
	s.record.policy.show_values = true;
	show(&s);
	ck_assert_str_eq(buf_cstr(&s.all), "SELECT  'secret' -- secret");
	ck_assert(!s.cut);
	done(&s);
}
END_TEST

START_TEST(test_session_says_how_strings_read)
{
	struct shown s = { .record = { .policy.backslashes = true } };
	texts_add(&s.texts, TEXTS_QUERY, SLICE("SELECT 'a\\'secret', 'b'"));
	show(&s);
	ck_assert_str_eq(buf_cstr(&s.all), "SELECT $1, $2");
	done(&s);

	struct shown wide = { .record = { .policy.encoding = 2 } }; /* SJIS */
	texts_add(&wide.texts, TEXTS_QUERY, SLICE("SELECT E'\x95\\', 'secret'"));
	show(&wide);
	ck_assert_str_eq(buf_cstr(&wide.all), "SELECT $1, $2");
	done(&wide);
}
END_TEST

START_TEST(test_what_the_server_could_not_read_is_not_shown)
{
	struct shown s = { .record = { .protocol = RECORD_EXTENDED, .sqlstate = "42601" } };
	texts_add(&s.texts, TEXTS_EXECUTE, SLICE("SELECT 'fine'"));
	texts_add(&s.texts, TEXTS_PARSE, SLICE("SELECT 'it's secret'"));
	texts_add(&s.texts, TEXTS_QUERY, SLICE("INSERT 'its secret'"));
	show(&s);
	ck_assert_str_eq(buf_cstr(&s.all), "SELECT $1|SELECT ...|INSERT ...");
	ck_assert(s.cut);
	buf_clear(&s.all);
	memcpy(s.record.sqlstate, "42703", 6);
	show(&s);
	ck_assert(strstr(buf_cstr(&s.all), "INSERT $1") != NULL);
	buf_clear(&s.all);
	memcpy(s.record.sqlstate, "42601", 6);
	s.record.policy.show_values = true;
	show(&s);
	ck_assert(strstr(buf_cstr(&s.all), "INSERT 'its secret'") != NULL);
	done(&s);
}
END_TEST

static void assert_shown(const struct tap_record *record, const char *sql, const char *want)
{
	struct shown s = { .record = *record };
	texts_add(&s.texts, TEXTS_QUERY, slice_of(sql));
	show(&s);
	ck_assert_str_eq(buf_cstr(&s.all), want);
	done(&s);
}

/* Refused while it waited, say: whether it is SQL at all nobody knows. */
START_TEST(test_what_the_server_did_not_read_is_doubted)
{
	struct tap_record waited = { .sqlstate = "53300" };
	assert_shown(&waited, "SELECT 'it's secret'", "SELECT ...");
	assert_shown(&waited, "SELECT 'its secret'", "SELECT $1");
	struct tap_record cancelled = { .server_pid = 1, .flags = RECORD_CANCELLED };
	assert_shown(&cancelled, "SELECT 'it's secret'", "SELECT ...");
	struct tap_record gone = { .server_pid = 1, .flags = RECORD_COPY_IN | RECORD_CLIENT_GONE };
	assert_shown(&gone, "SELECT 'it's secret'", "SELECT ...");
	struct tap_record read = { .server_pid = 1, .flags = RECORD_COPY_OUT };
	assert_shown(&read, "SELECT date'2026-11-22'", "SELECT date $1");
}
END_TEST

START_TEST(test_bound_is_for_all_together)
{
	struct shown s = { .record = { .protocol = RECORD_EXTENDED, .policy.text_max_bytes = 40 } };
	texts_add(&s.texts, TEXTS_PARSE, SLICE("SELECT a FROM t"));
	texts_add(&s.texts, TEXTS_PARSE, SLICE("SELECT b, c, d FROM t WHERE e = 'secret'"));
	texts_add(&s.texts, TEXTS_PARSE, SLICE("SELECT f FROM t"));
	show(&s);
	ck_assert_str_eq(buf_cstr(&s.all), "SELECT a FROM t|SELECT b, c, d FROM t ...");
	ck_assert(s.cut);
	done(&s);
}
END_TEST

START_TEST(test_values_are_cut_between_characters)
{
	struct shown s = { .record = { .policy = { .show_values = true, .text_max_bytes = 16 } } };
	texts_add(&s.texts, TEXTS_QUERY, SLICE("SELECT 'abcdef\xc3\xb6\xc3\xb6'"));
	for (uint32_t max = 16; max < 19; max++) {
		buf_clear(&s.all);
		s.record.policy.text_max_bytes = max;
		show(&s);
		ck_assert_str_eq(buf_cstr(&s.all), max < 18 ? "SELECT 'abcdef\xc3\xb6 ..."
							    : "SELECT 'abcdef\xc3\xb6\xc3\xb6 ...");
		ck_assert(s.cut);
	}
	done(&s);
}
END_TEST

START_TEST(test_head_of_a_statement_says_so)
{
	struct shown s = { .record = { .protocol = RECORD_SIMPLE } };
	texts_add_head(&s.texts, TEXTS_QUERY, SLICE("SELECT 'secr"));
	show(&s);
	ck_assert_str_eq(buf_cstr(&s.all), "SELECT $1 ...");
	ck_assert(s.cut);
	buf_clear(&s.all);
	s.record.policy.show_values = true;
	show(&s);
	ck_assert_str_eq(buf_cstr(&s.all), "SELECT 'secr ...");
	ck_assert(s.cut);
	done(&s);
}
END_TEST

START_TEST(test_statements_without_a_text_are_missed)
{
	struct shown s = { .record = { .protocol = RECORD_EXTENDED, .statements = 3 } };
	texts_add(&s.texts, TEXTS_EXECUTE, SLICE("SELECT a"));
	texts_add(&s.texts, TEXTS_EXECUTE, SLICE("SELECT a"));
	show(&s);
	ck_assert(s.cut);
	s.record.statements = 2;
	show(&s);
	ck_assert(!s.cut);
	done(&s);
}
END_TEST

START_TEST(test_statements_of_a_simple_query_are_counted)
{
	struct shown s = { .record = { .protocol = RECORD_SIMPLE, .statements = 1 } };
	texts_add(&s.texts, TEXTS_QUERY, SLICE("SELECT 1; SELECT ';'; COMMIT;"));
	show(&s);
	ck_assert_uint_eq(slowsql_statements(&s.record), 3);
	s.record.policy.backslashes = true;
	s.record.statements = 7;
	ck_assert_uint_eq(slowsql_statements(&s.record), 7);
	s.record.protocol = RECORD_EXTENDED;
	s.record.statements = 1;
	ck_assert_uint_eq(slowsql_statements(&s.record), 1);
	done(&s);
}
END_TEST

START_TEST(test_function_call_has_no_literals)
{
	struct shown s = { .record = { .protocol = RECORD_FUNCTION, .statements = 1 } };
	texts_add(&s.texts, TEXTS_FUNCTION, SLICE("function 957"));
	show(&s);
	ck_assert_str_eq(buf_cstr(&s.all), "function 957");
	ck_assert(!s.cut);
	done(&s);
}
END_TEST

START_TEST(test_no_statement)
{
	struct shown s = { .record = { .protocol = RECORD_EXTENDED } };
	show(&s);
	ck_assert_uint_eq(buf_len(&s.all), 0);
	ck_assert(!s.cut);
	done(&s);
}
END_TEST

Suite *slowsql_suite(void)
{
	Suite *suite = suite_create("slowsql");
	TCase *tc = tcase_create("slowsql");
	tcase_add_test(tc, test_normal_form_unless_values_are_asked_for);
	tcase_add_test(tc, test_session_says_how_strings_read);
	tcase_add_test(tc, test_what_the_server_could_not_read_is_not_shown);
	tcase_add_test(tc, test_what_the_server_did_not_read_is_doubted);
	tcase_add_test(tc, test_bound_is_for_all_together);
	tcase_add_test(tc, test_values_are_cut_between_characters);
	tcase_add_test(tc, test_head_of_a_statement_says_so);
	tcase_add_test(tc, test_statements_without_a_text_are_missed);
	tcase_add_test(tc, test_statements_of_a_simple_query_are_counted);
	tcase_add_test(tc, test_function_call_has_no_literals);
	tcase_add_test(tc, test_no_statement);
	suite_add_tcase(suite, tc);
	return suite;
}
