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
 * the end of the transaction; "work_mem/": a local value hides that; "?": that is doubtful; "-":
 * nothing was ever reset. Behind "|" all that is there is set again. */
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
	{ "reset work_mem; set local time zone 'UTC'", "work_mem" },
	{ "set session authorization default", "role" },
	{ "reset role; reset session authorization", "role" },
	{ "reset role; set session authorization me", "" },
	/* a local value goes with the transaction */
	{ "reset work_mem; set local work_mem = '5MB'", "work_mem/" },
	{ "reset work_mem; set local work_mem = '5MB'; commit", "work_mem" },
	{ "reset work_mem; set local work_mem = '5MB'; set local work_mem to default", "work_mem" },
	{ "reset work_mem; set local work_mem = '5MB'; reset all", "my.tenant TimeZone work_mem" },
	{ "reset work_mem; set local work_mem = '5MB'; set work_mem = '6MB'", "" },
	{ "reset work_mem; savepoint a; set local work_mem = '5MB'; rollback to a", "work_mem" },
	/* RESET ALL passes by what has its default already, as long as it was not set again */
	{ "set local work_mem to default; reset all", "my.tenant TimeZone work_mem*" },
	{ "set local work_mem to default; set local work_mem = '5MB'; reset all",
	  "my.tenant TimeZone work_mem" },
	{ "set local work_mem to default; savepoint a; reset all; rollback to a", "work_mem*" },
	/* a query in front leaves nothing open, one behind it does */
	{ "select f(); reset work_mem", "work_mem" },
	{ "close all; unlisten *; reset all", "my.tenant TimeZone work_mem" },
	{ "reset work_mem; unlisten *; notify c", "work_mem" },
	{ "reset work_mem; show work_mem", "work_mem" },
	{ "reset work_mem; set transaction isolation level serializable", "work_mem" },
	{ "reset work_mem; set local transaction_read_only = on", "work_mem" },
	{ "reset work_mem; select set_config('transaction_read_only', 'on', true)", "work_mem ?" },
	{ "reset work_mem; select 1", "work_mem ?" },
	{ "reset work_mem; (select 1)", "work_mem ?" },
	{ "reset work_mem; do 'code'", "work_mem ?" },
	{ "reset work_mem; execute q", "work_mem ?" },
	{ "reset work_mem; discard temp", "work_mem ?" },
	{ "reset work_mem; select set_config('work_mem', '5MB', false)", "?" },
	{ "reset work_mem; select set_config('work_mem', '5MB', true)", "work_mem/ ?" },
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
	{ "reset work_mem; commit and chain; | rollback", "work_mem" },
	{ "reset work_mem; | rollback", "" },
	{ "reset work_mem; prepare transaction 'x'", "work_mem ?" },
	/* to a savepoint, too */
	{ "savepoint a; reset work_mem; rollback to a", "" },
	{ "reset work_mem; rollback to a; reset time zone", "TimeZone" },
	{ "reset work_mem; savepoint a; release a", "work_mem" },
	{ "reset work_mem; savepoint a; reset time zone; rollback to a", "work_mem" },
	{ "reset work_mem; savepoint a; reset time zone; release a", "TimeZone work_mem" },
	{ "reset work_mem; savepoint a; reset time zone; savepoint b; reset all; rollback to \"b\"",
	  "TimeZone work_mem" },
	{ "reset work_mem; savepoint a; reset time zone; savepoint b; reset all; rollback to a",
	  "work_mem" },
	{ "reset work_mem; savepoint a; reset time zone; savepoint a; reset all; rollback to a",
	  "TimeZone work_mem" },
	{ "reset work_mem; savepoint a; reset time zone; savepoint a; reset all; rollback to a; "
	  "release a; rollback to A",
	  "work_mem" },
	{ "reset work_mem; savepoint b; savepoint a; release b; rollback to a", "" },
	{ "reset work_mem; savepoint a; rollback; begin; reset work_mem; rollback to a", "" },
	{ "reset work_mem; savepoint a; | rollback to a", "work_mem" },
	{ "reset work_mem; | savepoint a; rollback to a", "" },
	{ "reset work_mem; savepoint u&\"a\"; reset time zone; rollback to u&\"a\"", "work_mem ?" },
};

static void add(char *out, const char *text)
{
	snprintf(out + strlen(out), 200 - strlen(out), "%s%s",
		 *out && !strchr("*/", *text) ? " " : "", text);
}

static void describe(const struct resets_state *now, const struct paramset *came_with,
		     char out[200])
{
	out[0] = '\0';
	for (size_t i = 0; i < paramset_count(came_with); i++) {
		uint64_t bit = UINT64_C(1) << i;
		ck_assert(!(now->session & now->local & bit));
		if ((now->session | now->local) & bit)
			add(out, paramset_member(came_with, i)->name);
		if (now->local & bit)
			add(out, "*");
		if (now->session & now->covered & bit)
			add(out, "/");
	}
	if (now->is_doubtful)
		add(out, "?");
}

static bool note(struct resets *now, const struct paramset *came_with, const char *sql)
{
	struct effect_iter iter;
	struct effect effect;
	bool any = false;
	effect_init(&iter, slice_of(sql), (struct lexer_mode){ 0 });
	while (effect_next(&iter, &effect))
		any |= resets_note(now, came_with, &effect);
	return any;
}

static struct paramset *came_with_four(struct paramset *empty)
{
	static const char pairs[] = "my.tenant\0red\0role\0me\0TimeZone\0UTC\0work_mem\0"
				    "9MB";
	return paramset_of_pairs(empty, slice_make(pairs, sizeof(pairs)));
}

START_TEST(test_last_word_about_each_setting)
{
	struct paramset_table *table = paramset_table_new();
	struct paramset *empty = paramset_empty(table);
	struct paramset *came_with = came_with_four(empty);
	struct resets resets = { .mark_count = 0 };
	char first[200], result[200];
	size_t len = strcspn(cases[_i].sql, "|");
	snprintf(first, sizeof(first), "%.*s", (int)len, cases[_i].sql);
	bool any = note(&resets, came_with, first);
	if (cases[_i].sql[len]) {
		resets.now.session = resets.now.local = 0;
		any |= note(&resets, came_with, cases[_i].sql + len + 1);
	}
	describe(&resets.now, came_with, result);
	if (!any)
		add(result, "-");
	ck_assert_msg(strcmp(result, cases[_i].result) == 0, "%s: \"%s\", wanted \"%s\"",
		      cases[_i].sql, result, cases[_i].result);
	resets_fini(&resets);
	ck_assert(resets_is_clean(&resets) && !resets.marks);
	paramset_unref(came_with);
	paramset_unref(empty);
	paramset_table_free(table);
}
END_TEST

/* What has failed, in one request; and what is left of it when the transaction has. */
static const struct {
	const char *before, *fails, *after, *result;
} failures[] = {
	{ "", "reset work_mem", "", "work_mem ?" },
	{ "", "reset work_mem", "rollback", "" },
	{ "", "reset work_mem", "commit", "" },
	{ "", "reset work_mem; commit and chain; reset time zone", "rollback", "work_mem ?" },
	{ "reset work_mem; savepoint a", "reset all", "rollback to a", "work_mem" },
	{ "reset work_mem; savepoint a", "reset all; savepoint a", "rollback to a",
	  "my.tenant TimeZone work_mem ?" },
	{ "reset work_mem; savepoint a", "reset all; release a", "rollback to a", "" },
	{ "reset work_mem; savepoint a", "reset all", "reset all; rollback to a",
	  "my.tenant TimeZone work_mem ?" },
	{ "reset work_mem; savepoint a", "reset all", "rollback to a; reset time zone",
	  "TimeZone work_mem" },
	{ "", "savepoint a; commit and chain; set work_mem = '5MB'", "rollback", "" },
	{ "reset work_mem; commit and chain", "reset all", "commit and chain; reset time zone",
	  "TimeZone work_mem" },
};

START_TEST(test_failed_transaction)
{
	struct paramset_table *table = paramset_table_new();
	struct paramset *empty = paramset_empty(table);
	struct paramset *came_with = came_with_four(empty);
	struct resets resets = { .mark_count = 0 };
	char result[200];
	(void)note(&resets, came_with, failures[_i].before);
	resets.has_reset = resets.has_marked = resets.has_committed = false;
	(void)note(&resets, came_with, failures[_i].fails);
	resets_fail(&resets);
	resets.has_failed = *failures[_i].after;
	(void)note(&resets, came_with, failures[_i].after);
	describe(&resets.now, came_with, result);
	ck_assert_msg(strcmp(result, failures[_i].result) == 0,
		      "%s | %s | %s: \"%s\", wanted \"%s\"", failures[_i].before,
		      failures[_i].fails, failures[_i].after, result, failures[_i].result);
	resets_fini(&resets);
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
	struct resets resets = { .mark_count = 0 };
	struct effect_iter iter;
	struct effect effect;
	effect_init(&iter, SLICE("reset my.s63; reset my.s64"), (struct lexer_mode){ 0 });
	ck_assert(effect_next(&iter, &effect));
	ck_assert(resets_note(&resets, set, &effect));
	ck_assert(resets.now.session == UINT64_C(1) << 63 && !resets.now.is_doubtful);
	ck_assert(effect_next(&iter, &effect));
	ck_assert(resets_note(&resets, set, &effect));
	ck_assert(resets.now.is_doubtful);
	resets_fini(&resets);
	paramset_unref(set);
	paramset_table_free(table);
}
END_TEST

/* Of more savepoints than are minded, none is known any more. */
START_TEST(test_more_savepoints_than_are_minded)
{
	struct paramset_table *table = paramset_table_new();
	struct paramset *empty = paramset_empty(table);
	struct paramset *came_with = came_with_four(empty);
	struct resets resets = { .mark_count = 0 };
	(void)note(&resets, came_with, "reset work_mem; savepoint a; reset time zone");
	for (int i = 0; i < 300; i++)
		(void)note(&resets, came_with, "savepoint b");
	ck_assert_uint_le(resets.mark_count, 256);
	(void)note(&resets, came_with, "rollback to b");
	ck_assert(!resets.now.is_doubtful);
	(void)note(&resets, came_with, "rollback to a");
	ck_assert(resets.now.is_doubtful);
	resets_fini(&resets);
	paramset_unref(came_with);
	paramset_unref(empty);
	paramset_table_free(table);
}
END_TEST

/* Who asks how a search_path is spelt? */
static const struct {
	const char *sql;
	bool may_tell, chooses;
} tellers[] = {
	{ "show search_path", true, false },
	{ "SHOW Search_Path", true, false },
	{ "show \"search_path\"", true, false },
	{ "show all", true, false },
	{ "show work_mem", false, false },
	{ "select 1", true, false },
	{ "(table t)", true, false },
	{ "set work_mem = '5MB'", false, false },
	{ "savepoint a", false, false },
	{ "set transaction isolation level serializable", false, true },
	{ "SET SESSION Transaction_Isolation TO 'serializable'", false, true },
	{ "set /* at */ local transaction_read_only = on", false, true },
	{ "set session characteristics as transaction read only", false, false },
	{ "set local search_path = transaction", false, false },
	{ "select set_config('transaction_isolation', 'serializable', true)", true, false },
};

START_TEST(test_who_asks_how_it_is_spelt)
{
	static const char pairs[] = "a\0b\0search_path\0c";
	struct paramset_table *table = paramset_table_new();
	struct paramset *empty = paramset_empty(table);
	struct paramset *came_with = paramset_of_pairs(empty, slice_make(pairs, sizeof(pairs)));
	struct effect_iter iter;
	struct effect effect;
	effect_init(&iter, slice_of(tellers[_i].sql), (struct lexer_mode){ 0 });
	ck_assert(effect_next(&iter, &effect));
	ck_assert_int_eq(resets_may_tell(&effect, came_with, 0x2), tellers[_i].may_tell);
	ck_assert_int_eq(resets_chooses_modes(&effect), tellers[_i].chooses);
	paramset_unref(came_with);
	paramset_unref(empty);
	paramset_table_free(table);
}
END_TEST

Suite *resets_suite(void)
{
	Suite *s = suite_create("resets");
	TCase *t = tcase_create("resets");
	tcase_add_loop_test(t, test_last_word_about_each_setting, 0, COUNT_OF(cases));
	tcase_add_loop_test(t, test_failed_transaction, 0, COUNT_OF(failures));
	tcase_add_test(t, test_more_settings_than_bits);
	tcase_add_test(t, test_more_savepoints_than_are_minded);
	tcase_add_loop_test(t, test_who_asks_how_it_is_spelt, 0, COUNT_OF(tellers));
	suite_add_tcase(s, t);
	return s;
}
