/*
 * test_averages.c - sums by database, and how fast they grew.
 */
#include <stdlib.h>

#include "admin/averages.h"
#include "base/usec.h"
#include "check_admin.h"

static void add_pool(struct report *report, const char *database, uint64_t xacts)
{
	struct report_pool *pool = report_add_pool(report);
	report_copy(pool->database, sizeof(pool->database), database);
	pool->stats = (struct stats){ .xacts = xacts,
				      .queries = 2 * xacts,
				      .xact_us = 100 * xacts,
				      .query_us = 60 * xacts,
				      .wait_us = 1000 * xacts,
				      .sent_bytes = 10 * xacts };
}

static void report_two(struct report reports[2], uint64_t shop, uint64_t other)
{
	report_init(&reports[0], 0);
	report_init(&reports[1], 1);
	add_pool(&reports[0], "shop", shop / 2);
	add_pool(&reports[1], "other", other);
	add_pool(&reports[1], "shop", shop - shop / 2);
}

/* The period ends with these sums. */
static size_t turn(struct averages *a, uint64_t shop, uint64_t other, usec_t now,
		   struct show_stats **rows)
{
	struct report reports[2];
	report_two(reports, shop, other);
	size_t n = averages_sum(reports, 2, rows);
	averages_turn(a, *rows, n, now);
	report_fini(&reports[0]);
	report_fini(&reports[1]);
	return n;
}

START_TEST(workers_are_added_up_by_database)
{
	struct report reports[2];
	struct show_stats *rows;
	report_two(reports, 7, 5);
	ck_assert_uint_eq(averages_sum(reports, 2, &rows), 2);
	ck_assert_str_eq(rows[0].database, "other");
	ck_assert_uint_eq(rows[0].total.xacts, 5);
	ck_assert_str_eq(rows[1].database, "shop");
	ck_assert_uint_eq(rows[1].total.xacts, 7);
	ck_assert_uint_eq(rows[1].total.queries, 14);
	free(rows);
	report_fini(&reports[0]);
	report_fini(&reports[1]);
	ck_assert_uint_eq(averages_sum(NULL, 0, &rows), 0);
	free(rows);
}
END_TEST

START_TEST(averages_are_of_the_last_whole_period)
{
	struct averages *a = averages_new(USEC_PER_SEC);
	struct show_stats *rows, sum;
	turn(a, 100, 0, 11 * USEC_PER_SEC, &rows);
	free(rows);
	size_t n = turn(a, 400, 50, 21 * USEC_PER_SEC, &rows);
	averages_fill(a, &rows[1]);
	ck_assert_uint_eq(rows[1].average.xacts, 30);
	ck_assert_uint_eq(rows[1].average.queries, 60);
	ck_assert_uint_eq(rows[1].average.sent_bytes, 300);
	ck_assert_uint_eq(rows[1].average.xact_us, 100); /* of one */
	ck_assert_uint_eq(rows[1].average.query_us, 30);
	ck_assert_uint_eq(rows[1].average.wait_us, 30000); /* per second */
	averages_total(a, rows, n, &sum);
	ck_assert_uint_eq(sum.total.xacts, 450);
	ck_assert_uint_eq(sum.average.xacts, 35);
	ck_assert_uint_eq(sum.average.xact_us, 100);
	free(rows);
	averages_free(a);
}
END_TEST

START_TEST(what_is_gone_is_counted_on_and_is_no_growth)
{
	struct averages *a = averages_new(0);
	struct show_stats *rows, sum;
	struct report report;
	turn(a, 100, 40, 10 * USEC_PER_SEC, &rows);
	free(rows);
	report_init(&report, 0);
	add_pool(&report, "shop", 60); /* half of its pools are left, and made 10 more */
	struct report_retired *retired = report_add_retired(&report);
	report_copy(retired->database, sizeof(retired->database), "shop");
	retired->stats.xacts = 50;
	retired = report_add_retired(&report); /* "other" is gone, having made 5 more */
	report_copy(retired->database, sizeof(retired->database), "*");
	retired->stats.xacts = 45;
	report_copy(report_add_retired(&report)->database, REPORT_NAME_BYTES, "nothing");
	size_t n = averages_sum(&report, 1, &rows);
	ck_assert_uint_eq(n, 2);
	ck_assert_str_eq(rows[0].database, "*");
	ck_assert_uint_eq(rows[0].total.xacts, 45);
	ck_assert_uint_eq(rows[1].total.xacts, 110);
	averages_turn(a, rows, n, 15 * USEC_PER_SEC);
	averages_total(a, rows, n, &sum);
	ck_assert_uint_eq(sum.total.xacts, 155);
	ck_assert_uint_eq(sum.average.xacts, 3);
	averages_turn(a, rows, n, 20 * USEC_PER_SEC);
	averages_total(a, rows, n, &sum);
	ck_assert_uint_eq(sum.average.xacts, 0);
	free(rows);
	report_fini(&report);
	averages_free(a);
}
END_TEST

START_TEST(nothing_is_divided_by_nothing)
{
	struct averages *a = averages_new(5);
	struct show_stats *rows, sum;
	struct show_stats unknown = { .database = "shop", .average = { .xacts = 99 } };
	averages_fill(a, &unknown);
	ck_assert_uint_eq(unknown.average.xacts, 0);
	size_t n = turn(a, 10, 10, 5, &rows); /* a period of no length */
	averages_total(a, rows, n, &sum);
	ck_assert_uint_eq(sum.average.xacts, 0);
	free(rows);
	n = turn(a, 10, 10, USEC_PER_SEC, &rows); /* nothing has happened */
	averages_total(a, rows, n, &sum);
	ck_assert_uint_eq(sum.average.xact_us, 0);
	free(rows);
	averages_free(a);
}
END_TEST

START_TEST(the_line_for_the_log)
{
	struct buf line = { .data = NULL };
	struct stats s = { .xacts = 1,
			   .queries = 2,
			   .client_parses = 3,
			   .server_parses = 4,
			   .binds = 5,
			   .received_bytes = 6,
			   .sent_bytes = 7,
			   .xact_us = 8,
			   .query_us = 9,
			   .wait_us = 10 };
	averages_line(&s, &line);
	ck_assert_str_eq(buf_cstr(&line),
			 "stats: 1 xacts/s, 2 queries/s, 3 client parses/s, 4 server parses/s, "
			 "5 binds/s, in 6 B/s, out 7 B/s, xact 8 us, query 9 us, wait 10 us");
	buf_fini(&line);
}
END_TEST

Suite *suite_averages(void)
{
	Suite *s = suite_create("averages");
	TCase *t = tcase_create("averages");
	tcase_add_test(t, workers_are_added_up_by_database);
	tcase_add_test(t, averages_are_of_the_last_whole_period);
	tcase_add_test(t, what_is_gone_is_counted_on_and_is_no_growth);
	tcase_add_test(t, nothing_is_divided_by_nothing);
	tcase_add_test(t, the_line_for_the_log);
	suite_add_tcase(s, t);
	return s;
}
