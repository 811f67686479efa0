/*
 * test_resets.c - what is reset of what a client came with, by its statements in order.
 */
#include "check_proxy.h"

#include <stdio.h>
#include <string.h>

#include "proxy/paramset.h"
#include "proxy/resets.h"
#include "sql/effect.h"

/* Who comes with my.tenant, role, TimeZone and work_mem. "work_mem": it is reset; "work_mem*": to
 * the end of the transaction; "?": that is doubtful; "-": nothing was ever reset. */
static const struct {
	const char *sql, *result;
} cases[] = {
	{ "reset work_mem", "work_mem" },
	{ "RESET Work_Mem", "work_mem" },
	{ "reset datestyle", "-" },
	{ "set work_mem to default", "work_mem" },
	{ "set local work_mem to default", "work_mem*" },
	{ "set time zone local; reset my.tenant", "my.tenant TimeZone" },
	{ "reset all", "my.tenant TimeZone work_mem" },
	{ "discard all", "my.tenant role TimeZone work_mem" },
	{ "reset role", "role" },
	{ "set role none", "-" },
	/* the last word counts */
	{ "set work_mem = '5MB'; reset work_mem", "work_mem" },
	{ "reset work_mem; set work_mem = '5MB'", "" },
	{ "reset all; set time zone 'UTC'", "my.tenant work_mem" },
	{ "set local work_mem to default; reset work_mem", "work_mem" },
	{ "reset work_mem; set local work_mem to default", "work_mem" },
	{ "set local work_mem to default; set local work_mem = '5MB'", "" },
	{ "set local work_mem to default; set work_mem = '5MB'", "" },
	{ "reset work_mem; set local work_mem = '5MB'", "work_mem ?" },
	{ "reset work_mem; set local time zone 'UTC'", "work_mem" },
	{ "set session authorization default", "role" },
	{ "reset role; reset session authorization", "role" },
	{ "reset role; set session authorization me", "" },
	/* a query in front leaves nothing open, one behind it does */
	{ "select f(); reset work_mem", "work_mem" },
	{ "close all; unlisten *; reset all", "my.tenant TimeZone work_mem" },
	{ "reset work_mem; unlisten *; notify c", "work_mem" },
	{ "reset work_mem; show work_mem", "work_mem" },
	{ "reset work_mem; select 1", "work_mem ?" },
	{ "reset work_mem; (select 1)", "work_mem ?" },
	{ "reset work_mem; do 'code'", "work_mem ?" },
	{ "reset work_mem; execute q", "work_mem ?" },
	{ "reset work_mem; discard temp", "work_mem ?" },
	{ "reset work_mem; select set_config('work_mem', '5MB', false)", "?" },
	{ "reset work_mem; set local u&\"w\" = 1", "work_mem ?" },
	{ "select set_config('work_mem', null, false)", "work_mem ?" },
	{ "select set_config('my.tenant', null, false)", "my.tenant ?" },
	/* what is rolled back was not said */
	{ "begin; reset work_mem", "work_mem" },
	{ "reset work_mem; rollback", "" },
	{ "reset work_mem; abort; begin; reset time zone", "TimeZone" },
	{ "set local work_mem to default; commit", "" },
	{ "reset work_mem; commit; begin; reset time zone; rollback", "work_mem" },
	{ "reset work_mem; commit and chain; set work_mem = '5MB'; rollback and chain",
	  "work_mem" },
	{ "savepoint a; reset work_mem; rollback to a", "" },
	{ "reset work_mem; rollback to a; reset time zone", "TimeZone" },
	{ "reset work_mem; savepoint a; release a", "work_mem" },
	{ "reset work_mem; savepoint a; reset time zone; rollback to a", "TimeZone work_mem ?" },
	{ "reset work_mem; savepoint a; rollback; begin; reset work_mem; rollback to a", "" },
	{ "reset work_mem; prepare transaction 'x'", "work_mem ?" },
};

static void add(char *out, const char *text)
{
	snprintf(out + strlen(out), 200 - strlen(out), "%s%s", *out && *text != '*' ? " " : "",
		 text);
}

/* Statements before the first that resets something are not noted, as restore.c does it. */
static void note(const struct paramset *came_with, const char *sql, char out[200])
{
	struct resets now = { 0 };
	struct effect_iter iter;
	struct effect effect;
	bool any = false;
	effect_init(&iter, slice_of(sql), (struct lexer_mode){ 0 });
	while (effect_next(&iter, &effect)) {
		struct resets next = now;
		any |= resets_note(&next, came_with, &effect);
		if (any)
			now = next;
	}
	out[0] = '\0';
	for (size_t i = 0; i < paramset_count(came_with); i++) {
		uint64_t bit = UINT64_C(1) << i;
		ck_assert(!(now.session & now.local & bit));
		if ((now.session | now.local) & bit)
			add(out, paramset_member(came_with, i)->name);
		if (now.local & bit)
			add(out, "*");
	}
	if (now.is_doubtful)
		add(out, "?");
	if (!any)
		add(out, "-");
}

START_TEST(test_last_word_about_each_setting)
{
	static const char pairs[] = "my.tenant\0red\0role\0me\0TimeZone\0UTC\0work_mem\0"
				    "9MB";
	struct paramset_table *table = paramset_table_new();
	struct paramset *empty = paramset_empty(table);
	struct paramset *came_with = paramset_of_pairs(empty, slice_make(pairs, sizeof(pairs)));
	char result[200];
	note(came_with, cases[_i].sql, result);
	ck_assert_msg(strcmp(result, cases[_i].result) == 0, "%s: \"%s\", wanted \"%s\"",
		      cases[_i].sql, result, cases[_i].result);
	paramset_unref(came_with);
	paramset_unref(empty);
	paramset_table_free(table);
}
END_TEST

/* Of a client that came with more settings than there are bits, some are not known. */
START_TEST(test_more_settings_than_bits)
{
	struct paramset_table *table = paramset_table_new();
	struct paramset *set = paramset_empty(table);
	char name[16];
	for (int i = 0; i < 70; i++) {
		snprintf(name, sizeof(name), "my.s%02d", i);
		paramset_replace(&set, paramset_with(set, slice_of(name), SLICE("x")));
	}
	struct resets resets = { 0 };
	struct effect_iter iter;
	struct effect effect;
	effect_init(&iter, SLICE("reset my.s63; reset my.s64"), (struct lexer_mode){ 0 });
	ck_assert(effect_next(&iter, &effect));
	ck_assert(resets_note(&resets, set, &effect));
	ck_assert(resets.session == UINT64_C(1) << 63 && !resets.is_doubtful);
	ck_assert(effect_next(&iter, &effect));
	ck_assert(resets_note(&resets, set, &effect));
	ck_assert(resets.is_doubtful);
	paramset_unref(set);
	paramset_table_free(table);
}
END_TEST

Suite *resets_suite(void)
{
	Suite *s = suite_create("resets");
	TCase *t = tcase_create("resets");
	tcase_add_loop_test(t, test_last_word_about_each_setting, 0, COUNT_OF(cases));
	tcase_add_test(t, test_more_settings_than_bits);
	suite_add_tcase(s, t);
	return s;
}
