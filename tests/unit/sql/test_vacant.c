/*
 * test_vacant.c - commands for which nobody may be connected to a database.
 */
#include "base/bug.h"
#include "sql/vacant.h"
#include "suites.h"

/* A statement, and the database that it wants to be left; NULL: none. */
static const struct {
	const char *sql, *name;
} rows[] = {
	{ "drop database shop", "shop" },
	{ "DROP DATABASE Shop;", "shop" },
	{ "drop /* it */ database if exists \"Sh op\" with (force)", "Sh op" },
	{ "drop database if", "if" },
	{ "drop database \"if\"", "if" },
	{ "drop database", NULL },
	{ "drop database shop;;", "shop" },
	{ "drop database shop; select 1", NULL },
	{ "select 1; drop database shop", NULL },
	{ "create database shop; select template", NULL },
	{ "create database shop;", "template1" },
	{ "create database shop template x; select 1", NULL },
	{ "drop database 'x'", NULL },
	{ "drop table database", NULL },
	{ "drop table x", NULL },
	{ "alter database shop rename to store", "shop" },
	{ "alter database shop set tablespace fast", "shop" },
	{ "alter database shop set work_mem = 1", NULL },
	{ "alter database shop owner to me", NULL },
	{ "alter database", NULL },
	{ "create database shop", "template1" },
	{ "create database shop owner me encoding 'utf8'", "template1" },
	{ "create database shop with template = empty owner me", "empty" },
	{ "create database shop template empty", "empty" },
	{ "create database shop template 'Emp''ty'", "Emp'ty" },
	{ "create database shop template default", "template1" },
	{ "create database template template x", "x" },
	{ "create database shop template", NULL },
	{ "create database", NULL },
	{ "comment on database x is 'y'", NULL },
	{ "", NULL },
};

START_TEST(test_rows)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char name[LITERAL_NAME_BYTES] = "";
		bool is = vacant_database(slice_of(rows[i].sql), (struct lexer_mode){ 0 }, name);
		ck_assert_msg(is == (rows[i].name != NULL), "%s", rows[i].sql);
		if (is)
			ck_assert_str_eq(name, rows[i].name);
	}
}
END_TEST

Suite *vacant_suite(void)
{
	Suite *suite = suite_create("vacant");
	TCase *tc = tcase_create("vacant");
	tcase_add_test(tc, test_rows);
	suite_add_tcase(suite, tc);
	return suite;
}
