/*
 * test_words.c - what the proxy asks of a text.
 */
#include "base/bug.h"
#include "sql/words.h"
#include "suites.h"

static const struct lexer_mode mode;

static const struct {
	const char *sql;
	const char *first;
	bool has_begin;
	bool empty;
} rows[] = {
	{ "", "", false, true },
	{ " ; -- x", "", false, true },
	{ "/* begin */", "", false, true },
	{ "select 1", "select", false, false },
	{ "((select 1))", "select", false, false },
	{ ";; /* x */ Vacuum", "Vacuum", false, false },
	{ "'begin'", "", false, false },
	{ "\"begin\"", "", false, false },
	{ "begin", "begin", true, false },
	{ "BEGIN", "BEGIN", true, false },
	{ " -- x\n Begin Work", "Begin", true, false },
	{ "begin isolation level serializable", "begin", true, false },
	{ "begin;", "begin", true, false },
	{ "start transaction", "start", true, false },
	{ "START /* x */ TRANSACTION read only", "START", true, false },
	{ "start", "start", false, false },
	{ "start_x transaction", "start_x", false, false },
	{ "beginning", "beginning", false, false },
	{ "select 1; begin", "select", true, false },
	{ "select ';begin'", "select", false, false },
	{ "select 1; -- begin\n commit", "select", false, false },
	{ "select begin", "select", false, false },
	{ "create function f() returns int begin atomic select 1; end", "create", false, false },
	{ "create function f() returns int begin atomic select 1; end; begin", "create", true,
	  false },
	{ "do $$ begin; end $$", "do", false, false },
	{ "commit; start transaction", "commit", true, false },
};

static const struct {
	const char *sql;
	bool are_analyzed;
} readings[] = {
	{ "select 1", true },
	{ " /* x */ ((Select 1) union select 2)", true },
	{ "WITH a AS (select 1) delete from b", true },
	{ "table t", true },
	{ "explain select 1", true },
	{ "create table t as select 1", true },
	{ "Create unlogged TABLE t as select 1", true },
	{ "create local temp table t as select 1", true },
	{ "; create table t as select 1", true },
	{ "create materialized view v as select 1", true },
	{ "create index concurrently on t (a)", false },
	{ "create database d", false },
	{ "create temp view v as select 1", false },
	{ "create", false },
	{ "declare c cursor for select 1", true },
	{ "set transaction isolation level serializable", false },
	{ "/* select */ lock table t", false },
	{ "rollback", false },
	{ "copy (select 1) to stdout", false },
	{ "prepare p as select 1", false },
	{ "'select'", true },
	{ "", true },
};

START_TEST(test_readings)
{
	for (size_t i = 0; i < COUNT_OF(readings); i++) {
		struct slice sql = slice_of(readings[i].sql);
		ck_assert_msg(words_are_analyzed(sql, mode) == readings[i].are_analyzed, "%s",
			      sql.ptr);
	}
}
END_TEST

START_TEST(test_rows)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct slice sql = slice_of(rows[i].sql);
		ck_assert_msg(slice_eq_str(words_first(sql, mode), rows[i].first), "%s", sql.ptr);
		ck_assert_msg(words_has_begin(sql, mode) == rows[i].has_begin, "%s", sql.ptr);
		ck_assert_msg(words_is_empty(sql, mode) == rows[i].empty, "%s", sql.ptr);
	}
}
END_TEST

Suite *words_suite(void)
{
	Suite *suite = suite_create("words");
	TCase *tc = tcase_create("words");
	tcase_add_test(tc, test_rows);
	tcase_add_test(tc, test_readings);
	suite_add_tcase(suite, tc);
	return suite;
}
