/*
 * test_hub.c - which hub is whose, and how channels are named to a server.
 */
#include "check_proxy.h"

#include "base/buf.h"
#include "proxy/hub.h"
#include "proxy/hub_sql.h"
#include "proxy/hub_table.h"

START_TEST(names_are_quoted)
{
	struct buf sql = { 0 };
	hub_sql_add(&sql, "LISTEN", SLICE("a"));
	hub_sql_add(&sql, "UNLISTEN", SLICE("q\"; drop"));
	ck_assert_str_eq(buf_cstr(&sql), "LISTEN \"a\";UNLISTEN \"q\"\"; drop\";");
	buf_fini(&sql);
}
END_TEST

START_TEST(a_hub_is_for_a_database_and_an_encoding)
{
	struct hub_table *table = hub_table_new();
	struct hub *one = hub_table_get(table, SLICE("db"), SLICE("UTF8"));
	struct hub *same = hub_table_get(table, SLICE("db"), SLICE("UTF8"));
	struct hub *latin = hub_table_get(table, SLICE("db"), SLICE("LATIN1"));
	struct hub *other = hub_table_get(table, SLICE("other"), SLICE("UTF8"));
	ck_assert_ptr_eq(one, same);
	ck_assert_ptr_ne(one, latin);
	ck_assert_ptr_ne(one, other);
	ck_assert_str_ne(one->marker, latin->marker);
	ck_assert(hub_claim(one, 2));
	ck_assert(!hub_claim(same, 1));

	hub_table_retire(table, "db"); /* who is in stays, others get a new one */
	struct hub *next = hub_table_get(table, SLICE("db"), SLICE("UTF8"));
	struct hub *kept = hub_table_get(table, SLICE("other"), SLICE("UTF8"));
	ck_assert_ptr_ne(next, one);
	ck_assert_ptr_eq(kept, other);
	hub_unref(one);
	hub_unref(same);
	ck_assert(hub_claim(next, 1));
	hub_unref(next);
	hub_unref(kept);
	hub_unref(latin);
	hub_unref(other);
	hub_table_free(table);
}
END_TEST

Suite *hub_suite(void)
{
	Suite *s = suite_create("hub");
	TCase *t = tcase_create("hub");
	tcase_add_test(t, names_are_quoted);
	tcase_add_test(t, a_hub_is_for_a_database_and_an_encoding);
	suite_add_tcase(s, t);
	return s;
}
