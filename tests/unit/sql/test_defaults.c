/*
 * test_defaults.c - commands that change which settings sessions begin with.
 */
#include "base/bug.h"
#include "sql/defaults.h"
#include "suites.h"

static const struct {
	const char *sql;
	const char *role; /* NULL: it is no such command */
} rows[] = {
	{ "alter role a set work_mem = '9MB'", "a" },
	{ "ALTER USER Abc SET TIME ZONE 'UTC'", "abc" },
	{ "alter role \"A b\" reset all", "A b" },
	{ "alter /* x */ role a reset work_mem;", "a" },
	{ "alter role a in database b set work_mem to default", "a" },
	{ "alter role all set work_mem = '9MB'", "" },
	{ "alter role all in database b reset all", "" },
	{ "alter role \"all\" set work_mem = '9MB'", "all" },
	{ "alter user current_user set work_mem = '9MB'", "" },
	{ "alter role session_user set a.b = '9MB'", "" },
	{ "alter role current_role set a.b from current", "" },
	{ "alter database b set search_path = a, b", "" },
	{ "alter database b reset search_path", "" },
	{ "alter database b set tablespace c", NULL },
	{ "alter database b rename to c", NULL },
	{ "alter database b connection limit 5", NULL },
	{ "alter role a with login", NULL },
	{ "alter role a password 'set'", NULL },
	{ "alter role a rename to b", NULL },
	{ "alter user mapping for a server s options (set user 'x')", NULL },
	{ "alter table role set (fillfactor = 50)", NULL },
	{ "alter system set work_mem = '9MB'", NULL },
	{ "create role a", NULL },
	{ "set role a", NULL },
	{ "alter role", NULL },
	{ "", NULL },
};

START_TEST(test_commands)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char role[LITERAL_NAME_BYTES];
		bool is = defaults_altered(slice_of(rows[i].sql), (struct lexer_mode){ 0 }, role);
		ck_assert_msg(is == (rows[i].role != NULL), "%s", rows[i].sql);
		if (is)
			ck_assert_str_eq(role, rows[i].role);
	}
}
END_TEST

START_TEST(test_code)
{
	static const char *const has[] = { "alter role a set b = 1", "x ALTER\n USER y",
					   "execute 'alter database ' || d || ' set'" };
	static const char *const has_not[] = { "", "alter", "alter table role", "halter rol",
					       "drop role a" };
	for (size_t i = 0; i < COUNT_OF(has); i++)
		ck_assert_msg(defaults_are_in(slice_of(has[i])), "%s", has[i]);
	for (size_t i = 0; i < COUNT_OF(has_not); i++)
		ck_assert_msg(!defaults_are_in(slice_of(has_not[i])), "%s", has_not[i]);
}
END_TEST

Suite *defaults_suite(void)
{
	Suite *suite = suite_create("defaults");
	TCase *tc = tcase_create("defaults");
	tcase_add_test(tc, test_commands);
	tcase_add_test(tc, test_code);
	suite_add_tcase(suite, tc);
	return suite;
}
