/*
 * test_manual.c - what is printed of the tables.
 */
#include <string.h>

#include "admin/manual.h"
#include "admin/order.h"
#include "check_admin.h"

START_TEST(help_names_the_commands)
{
	struct buf text = { .data = NULL };
	manual_help(&text);
	const char *help = buf_cstr(&text);
	static const char *const there[] = {
		"\tSHOW HELP|VERSION|", "STATS_AVERAGES|",
		"\n\tRELOAD",           "\n\tPAUSE [<db>]",
		"\n\tDISABLE <db>",     "\n\tKILL_CLIENT <id>",
		"\n\tSET key = value",  "\n\tSHUTDOWN WAIT_FOR_CLIENTS"
	};
	static const char *const not_there[] = { "FDS", "SUSPEND", "BEGIN", "TIMEZONE" };
	for (size_t i = 0; i < COUNT_OF(there); i++)
		ck_assert_msg(strstr(help, there[i]) != NULL, "%s in %s", there[i], help);
	for (size_t i = 0; i < COUNT_OF(not_there); i++)
		ck_assert_msg(strstr(help, not_there[i]) == NULL, "%s in %s", not_there[i], help);
	buf_fini(&text);
}
END_TEST

START_TEST(the_manual_has_every_command_and_column)
{
	struct buf text = { .data = NULL };
	manual_roff(&text);
	const char *roff = buf_cstr(&text);
	for (enum order_id id = 0; id < ORDER_SELECT_VERSION; id++) {
		const struct order_rule *rule = order_rule(id);
		const struct sheet *sheet = sheet_get(rule->sheet);
		ck_assert_msg(strstr(roff, rule->pattern) != NULL, "%s", rule->pattern);
		ck_assert(sheet || *rule->text);
		for (size_t i = 0; sheet && i < sheet->column_count; i++)
			ck_assert_ptr_nonnull(strstr(roff, sheet->columns[i].column.name));
	}
	ck_assert_ptr_nonnull(strstr(roff, "\\-1: no bound"));
	ck_assert_ptr_null(strstr(roff, " -1"));
	buf_fini(&text);
}
END_TEST

Suite *suite_manual(void)
{
	Suite *s = suite_create("manual");
	TCase *t = tcase_create("manual");
	tcase_add_test(t, help_names_the_commands);
	tcase_add_test(t, the_manual_has_every_command_and_column);
	suite_add_tcase(s, t);
	return s;
}
