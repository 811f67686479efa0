/*
 * test_slowlog.c - lines in their three forms, and how many of them.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "advisor/slowlog.h"
#include "suites.h"

#define START_US ((usec_t)1795371661590600) /* 2026-11-22 18:21:01.590600 UTC */

static struct tap_record one_record(struct tap_texts *texts)
{
	return (struct tap_record){
		.started_wall_us = START_US,
		.wait_us = 12100,
		.first_byte_us = 1500200,
		.server_us = 1515000,
		.drain_us = 5300,
		.total_us = 1532401,
		.xact_age_us = 1600000,
		.rows = 1000,
		.bytes_in = 85,
		.bytes_out = 104233,
		.statements = 1,
		.protocol = RECORD_SIMPLE,
		.server_pid = 4711,
		.database = SLICE("shop"),
		.user = SLICE("app"),
		.client = SLICE("10.0.0.7:5123"),
		.application_name = SLICE("web"),
		.texts = texts_slice(texts),
	};
}

static void assert_line(const struct tap_record *r, enum slowlog_format format, const char *want)
{
	char filled[2048];
	struct buf out = { 0 };
	slowlog_format(r, format, &out);
	if (format == SLOWLOG_TEXT)
		snprintf(filled, sizeof(filled), want, (int)getpid());
	else
		snprintf(filled, sizeof(filled), "%s", want);
	ck_assert_str_eq(buf_cstr(&out), filled);
	buf_fini(&out);
}

START_TEST(test_simple_query)
{
	struct tap_texts texts = { 0 };
	texts_add(&texts, TEXTS_QUERY, SLICE("SELECT *\n FROM orders\n WHERE customer = 'secret'"));
	struct tap_record r = one_record(&texts);
	assert_line(&r, SLOWLOG_TEXT,
		    "2026-11-22 18:21:03.123 UTC [%d] SLOW 1532.4 ms  db=shop user=app "
		    "client=10.0.0.7:5123 app=web pid=4711  waited=12.1 first_byte=1500.2 "
		    "server=1515.0 client=5.3 ms  rows=1000 in=85 out=104233 xact=1.600 s  "
		    "SELECT * FROM orders WHERE customer = $1");
	assert_line(&r, SLOWLOG_LOGFMT,
		    "ts=2026-11-22T18:21:03.123Z event=slow db=shop user=app client=10.0.0.7:5123 "
		    "app=web server_pid=4711 protocol=simple total_ms=1532.401 wait_ms=12.100 "
		    "first_byte_ms=1500.200 server_ms=1515.000 client_ms=5.300 "
		    "xact_age_ms=1600.000 rows=1000 in_bytes=85 out_bytes=104233 statements=1 "
		    "errors=0 sqlstate=\"\" flags=\"\" cut=false "
		    "sql=\"SELECT * FROM orders WHERE customer = $1\"");
	assert_line(&r, SLOWLOG_JSON,
		    "{\"ts\":\"2026-11-22T18:21:03.123Z\",\"event\":\"slow\",\"db\":\"shop\","
		    "\"user\":\"app\",\"client\":\"10.0.0.7:5123\",\"app\":\"web\","
		    "\"server_pid\":4711,\"protocol\":\"simple\",\"total_ms\":1532.401,"
		    "\"wait_ms\":12.100,\"first_byte_ms\":1500.200,\"server_ms\":1515.000,"
		    "\"client_ms\":5.300,\"xact_age_ms\":1600.000,\"rows\":1000,\"in_bytes\":85,"
		    "\"out_bytes\":104233,\"statements\":1,\"errors\":0,\"sqlstate\":\"\","
		    "\"flags\":\"\",\"cut\":false,\"sql\":[{\"text\":\"SELECT * FROM orders WHERE "
		    "customer = $1\",\"times\":1,\"kind\":\"query\"}]}");
	texts_release(&texts);
}
END_TEST

START_TEST(test_batch_lists_its_statements_and_one_time)
{
	struct tap_texts texts = { 0 };
	texts_add(&texts, TEXTS_EXECUTE, SLICE("BEGIN"));
	texts_add(&texts, TEXTS_PARSE, SLICE("INSERT INTO t VALUES ($1)"));
	for (int i = 0; i < 500; i++)
		texts_add(&texts, TEXTS_EXECUTE, SLICE("INSERT INTO t VALUES ($1)"));
	texts_add(&texts, TEXTS_PARSE, SLICE("SELECT \"q\""));
	texts_add(&texts, TEXTS_EXECUTE, SLICE("COMMIT"));
	struct tap_record r = one_record(&texts);
	r.protocol = RECORD_EXTENDED;
	r.statements = 502;
	r.xact_age_us = 0;
	assert_line(
		&r, SLOWLOG_TEXT,
		"2026-11-22 18:21:03.123 UTC [%d] SLOW 1532.4 ms  db=shop user=app "
		"client=10.0.0.7:5123 app=web pid=4711  waited=12.1 first_byte=1500.2 "
		"server=1515.0 client=5.3 ms  rows=1000 in=85 out=104233  "
		"502 statements: [1] BEGIN (parsed earlier) [2] INSERT INTO t VALUES ($1) (x500) "
		"[3] SELECT \"q\" (parsed only) [4] COMMIT (parsed earlier)");
	struct buf out = { 0 };
	slowlog_format(&r, SLOWLOG_JSON, &out);
	ck_assert_ptr_nonnull(strstr(
		buf_cstr(&out),
		"\"statements\":502,\"errors\":0,\"sqlstate\":\"\",\"flags\":\"\",\"cut\":false,"
		"\"sql\":[{\"text\":\"BEGIN\",\"times\":1,\"kind\":\"execute\"},"
		"{\"text\":\"INSERT INTO t VALUES ($1)\",\"times\":500,\"kind\":\"parse\"},"
		"{\"text\":\"SELECT \\\"q\\\"\",\"times\":0,\"kind\":\"parse\"},"
		"{\"text\":\"COMMIT\",\"times\":1,\"kind\":\"execute\"}]}"));
	buf_clear(&out);
	slowlog_format(&r, SLOWLOG_LOGFMT, &out);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out), " sql=\"502 statements: [1] BEGIN (parsed "));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "[3] SELECT \\\"q\\\" (parsed only)"));
	buf_fini(&out);
	texts_release(&texts);
}
END_TEST

START_TEST(test_errors_and_flags)
{
	struct tap_texts texts = { 0 };
	struct buf out = { 0 };
	texts_add(&texts, TEXTS_QUERY, SLICE("COPY t FROM STDIN"));
	struct tap_record r = one_record(&texts);
	memcpy(r.sqlstate, "57014", 6);
	r.errors = 2;
	r.server_pid = 0;
	r.flags = RECORD_COPY_IN | RECORD_CANCELLED | RECORD_CLIENT_GONE;
	slowlog_format(&r, SLOWLOG_TEXT, &out);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out), " pid=0  "));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out), " xact=1.600 s error=57014 copy_in cancelled "
						     "client_gone  COPY t FROM STDIN"));
	buf_clear(&out);
	slowlog_format(&r, SLOWLOG_LOGFMT, &out);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out), " errors=2 sqlstate=57014 "
						     "flags=copy_in,cancelled,client_gone cut="));
	buf_clear(&out);
	slowlog_format(&r, SLOWLOG_JSON, &out);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out),
				     "\"errors\":2,\"sqlstate\":\"57014\",\"flags\":"
				     "\"copy_in,cancelled,client_gone\""));
	buf_fini(&out);
	texts_release(&texts);
}
END_TEST

/* Names come from clients: none may forge a field or a line. */
START_TEST(test_names_cannot_break_out)
{
	struct tap_texts texts = { 0 };
	struct buf out = { 0 };
	texts_add(&texts, TEXTS_QUERY, SLICE("SELECT \"a\nb\"\x01"));
	struct tap_record r = one_record(&texts);
	r.application_name = SLICE("x\" user=root\n2026-11-22 LOG forged\xff");
	slowlog_format(&r, SLOWLOG_TEXT, &out);
	ck_assert_ptr_null(strchr(buf_cstr(&out), '\n'));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out),
				     "app=\"x\\\" user=root\\n2026-11-22 LOG forged\\xff\" pid="));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "SELECT \"a\\nb\"\\x01"));
	buf_clear(&out);
	slowlog_format(&r, SLOWLOG_JSON, &out);
	ck_assert_ptr_null(strchr(buf_cstr(&out), '\n'));
	ck_assert_ptr_nonnull(strstr(
		buf_cstr(&out), "\"app\":\"x\\\" user=root\\n2026-11-22 LOG forged\\\\xff\","));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "\"text\":\"SELECT \\\"a\\nb\\\"\\u0001\""));
	buf_fini(&out);
	texts_release(&texts);
}
END_TEST

START_TEST(test_what_is_not_shown_is_marked)
{
	struct tap_texts texts = { 0 };
	struct buf out = { 0 };
	texts_add(&texts, TEXTS_EXECUTE, SLICE("SELECT a"));
	texts_add(&texts, TEXTS_EXECUTE, SLICE("SELECT b"));
	struct tap_record r = one_record(&texts);
	r.protocol = RECORD_EXTENDED;
	r.statements = 9;
	slowlog_format(&r, SLOWLOG_TEXT, &out);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out),
				     "  9 statements: [1] SELECT a (parsed earlier) "
				     "[2] SELECT b (parsed earlier) ..."));
	buf_clear(&out);
	slowlog_format(&r, SLOWLOG_LOGFMT, &out);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out), " cut=true sql="));
	buf_fini(&out);
	texts_release(&texts);
}
END_TEST

START_TEST(test_batch_without_statements)
{
	struct tap_texts texts = { 0 };
	struct buf out = { 0 };
	struct tap_record r = one_record(&texts);
	r.protocol = RECORD_EXTENDED;
	r.statements = 0;
	slowlog_format(&r, SLOWLOG_JSON, &out);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out), "\"cut\":false,\"sql\":[]}"));
	buf_clear(&out);
	slowlog_format(&r, SLOWLOG_LOGFMT, &out);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out), " sql=\"\""));
	buf_fini(&out);
	texts_release(&texts);
}
END_TEST

/* ---- how many -------------------------------------------------------------------------------- */

static unsigned admitted(struct slowlog *log, unsigned n, usec_t now)
{
	unsigned count = 0;
	for (unsigned i = 0; i < n; i++)
		count += slowlog_admit(log, now);
	return count;
}

static void assert_report(struct slowlog *log, enum slowlog_format format, usec_t now,
			  const char *end)
{
	struct buf out = { 0 };
	ck_assert(slowlog_report(log, format, START_US, now, false, &out));
	size_t len = strlen(buf_cstr(&out));
	ck_assert_uint_ge(len, strlen(end));
	ck_assert_str_eq(buf_cstr(&out) + len - strlen(end), end);
	buf_fini(&out);
}

START_TEST(test_rate)
{
	struct slowlog log = { .rate = 10 };
	usec_t now = 5 * USEC_PER_SEC;
	ck_assert_uint_eq(admitted(&log, 3, now), 3);
	ck_assert_int_eq(slowlog_due(&log), USEC_NEVER);
	ck_assert_uint_eq(admitted(&log, 44, now + 100000), 7);
	ck_assert_int_eq(slowlog_due(&log), now + 100000 + USEC_PER_SEC);
	ck_assert_uint_eq(admitted(&log, 5, now + USEC_PER_SEC - 1), 0);
	ck_assert_uint_eq(admitted(&log, 15, now + USEC_PER_SEC), 10);
	assert_report(&log, SLOWLOG_TEXT, now + 100000 + USEC_PER_SEC,
		      "] LOG slow-query log: 47 statements left out in the last 1.0 s, 0 lost");
	ck_assert_int_eq(slowlog_due(&log), USEC_NEVER);
}
END_TEST

START_TEST(test_no_rate_is_no_bound)
{
	struct slowlog log = { .rate = 0 };
	ck_assert_uint_eq(admitted(&log, 1000, 0), 1000);
	ck_assert_int_eq(slowlog_due(&log), USEC_NEVER);
}
END_TEST

START_TEST(test_report_comes_when_it_is_due_and_once)
{
	struct slowlog log = { .rate = 1 };
	struct buf out = { 0 };
	ck_assert_uint_eq(admitted(&log, 3, 0), 1);
	ck_assert(!slowlog_report(&log, SLOWLOG_TEXT, START_US, USEC_PER_SEC - 1, false, &out));
	ck_assert_uint_eq(buf_len(&out), 0);
	assert_report(&log, SLOWLOG_LOGFMT, 2500000,
		      "event=slow_left_out left_out=2 lost=0 seconds=2.5");
	ck_assert(!slowlog_report(&log, SLOWLOG_TEXT, START_US, 9 * USEC_PER_SEC, true, &out));
	ck_assert_uint_eq(admitted(&log, 2, 9 * USEC_PER_SEC), 1);
	ck_assert(slowlog_report(&log, SLOWLOG_TEXT, START_US, 9 * USEC_PER_SEC, true, &out));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&out), ": 1 statements left out in the last 0.0 s"));
	buf_fini(&out);
}
END_TEST

START_TEST(test_lost_records_are_said_too)
{
	struct slowlog log = { .rate = 0 };
	slowlog_lost(&log, 0, 0);
	ck_assert_int_eq(slowlog_due(&log), USEC_NEVER);
	slowlog_lost(&log, 5, 0);
	slowlog_lost(&log, 2, 10);
	ck_assert_int_eq(slowlog_due(&log), USEC_PER_SEC);
	assert_report(&log, SLOWLOG_JSON, USEC_PER_SEC,
		      "\"event\":\"slow_left_out\",\"left_out\":0,\"lost\":7,\"seconds\":1.0}");
}
END_TEST

START_TEST(test_formats_have_names)
{
	ck_assert_str_eq(slowlog_format_name(SLOWLOG_TEXT), "text");
	ck_assert_str_eq(slowlog_format_name(SLOWLOG_LOGFMT), "logfmt");
	ck_assert_str_eq(slowlog_format_name(SLOWLOG_JSON), "json");
}
END_TEST

Suite *slowlog_suite(void)
{
	Suite *suite = suite_create("slowlog");
	TCase *tc = tcase_create("slowlog");
	tcase_add_test(tc, test_simple_query);
	tcase_add_test(tc, test_batch_lists_its_statements_and_one_time);
	tcase_add_test(tc, test_errors_and_flags);
	tcase_add_test(tc, test_names_cannot_break_out);
	tcase_add_test(tc, test_what_is_not_shown_is_marked);
	tcase_add_test(tc, test_batch_without_statements);
	tcase_add_test(tc, test_rate);
	tcase_add_test(tc, test_no_rate_is_no_bound);
	tcase_add_test(tc, test_report_comes_when_it_is_due_and_once);
	tcase_add_test(tc, test_lost_records_are_said_too);
	tcase_add_test(tc, test_formats_have_names);
	suite_add_tcase(suite, tc);
	return suite;
}
