/*
 * test_order.c - commands as they are typed.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "admin/order.h"
#include "check_admin.h"

static const char *argument_of(enum order_argument kind)
{
	switch (kind) {
	case ORDER_ARGUMENT_DATABASE:
	case ORDER_ARGUMENT_OPTIONAL:
		return " shop";
	case ORDER_ARGUMENT_NUMBER:
		return " 42";
	case ORDER_ARGUMENT_SETTING:
		return " pool_size = 7";
	case ORDER_ARGUMENT_ANY:
		return " work and so on";
	case ORDER_ARGUMENT_NONE:
		break;
	}
	return "";
}

static void check_row(int id)
{
	const struct order_rule *rule = order_rule((enum order_id)id);
	struct order order;
	char text[256], lower[256], spread[512];
	size_t n = 0;
	snprintf(text, sizeof(text), "%s%s", rule->pattern, argument_of(rule->argument));
	for (size_t i = 0; i <= strlen(text); i++)
		lower[i] = (char)tolower((unsigned char)text[i]);
	for (size_t i = 0; i <= strlen(text); i++) {
		spread[n++] = text[i];
		if (text[i] == ' ')
			n += (size_t)snprintf(spread + n, sizeof(spread) - n,
					      " /* so */\n\t-- or so\n");
	}
	const char *const dresses[] = { text, lower, spread };
	for (size_t i = 0; i < COUNT_OF(dresses); i++) {
		ck_assert_msg(order_parse(slice_of(dresses[i]), &order), "%s", dresses[i]);
		ck_assert_int_eq(order.id, id);
	}
	if (rule->argument == ORDER_ARGUMENT_DATABASE || rule->argument == ORDER_ARGUMENT_OPTIONAL)
		ck_assert_str_eq(order.name, "shop");
	if (rule->argument == ORDER_ARGUMENT_NUMBER)
		ck_assert_uint_eq(order.number, 42);
}

START_TEST(every_row_is_read_back)
{
	for (int id = 0; id < ORDER_COUNT; id++)
		check_row(id);
}
END_TEST

static void check_argument(int id)
{
	const struct order_rule *rule = order_rule((enum order_id)id);
	struct order order;
	char text[256];
	bool ok = order_parse(slice_of(rule->pattern), &order);
	bool needs = rule->argument == ORDER_ARGUMENT_DATABASE ||
		     rule->argument == ORDER_ARGUMENT_NUMBER ||
		     rule->argument == ORDER_ARGUMENT_SETTING;
	ck_assert_int_eq(ok, !needs);
	if (rule->argument == ORDER_ARGUMENT_ANY || rule->argument == ORDER_ARGUMENT_SETTING)
		return;
	snprintf(text, sizeof(text), "%s%s and more", rule->pattern, argument_of(rule->argument));
	ck_assert_msg(!order_parse(slice_of(text), &order), "%s", text);
}

START_TEST(what_it_must_have_and_may_not_have)
{
	for (int id = 0; id < ORDER_COUNT; id++)
		check_argument(id);
}
END_TEST

static const struct {
	const char *text;
	enum order_id id;
	const char *name, *value;
} good[] = {
	{ "select pools", ORDER_SHOW_POOLS, "", "" },
	{ "select version()", ORDER_SELECT_VERSION, "", "" },
	{ "pause \"my db\"", ORDER_PAUSE, "my db", "" },
	{ "pause 'my db'", ORDER_PAUSE, "my db", "" },
	{ "pause \"a\"\"b\"", ORDER_PAUSE, "a\"b", "" },
	{ "pause 'it''s'", ORDER_PAUSE, "it's", "" },
	{ "pause MyDb", ORDER_PAUSE, "MyDb", "" },
	{ "pause 2db", ORDER_PAUSE, "2db", "" },
	{ "shutdown", ORDER_SHUTDOWN, "", "" },
	{ "shutdown wait_for_clients", ORDER_SHUTDOWN_CLIENTS, "", "" },
	{ "set a=1", ORDER_SET, "a", "1" },
	{ "set a =-1", ORDER_SET, "a", "-1" },
	{ "set a to '10 s'", ORDER_SET, "a", "10 s" },
	{ "set a = 'it''s'", ORDER_SET, "a", "it's" },
	{ "set a = ''", ORDER_SET, "a", "" },
	{ "set admin_users = me, you", ORDER_SET, "admin_users", "me, you" },
	{ "set a = 10min", ORDER_SET, "a", "10min" },
	{ "set names 'utf8'", ORDER_SET, "names", "utf8" },
	{ "set session characteristics as transaction read only", ORDER_SET, "session",
	  "characteristics as transaction read only" },
	{ "kill", ORDER_KILL, "", "" },
	{ "kill shop", ORDER_KILL, "shop", "" },
};

START_TEST(names_and_values)
{
	struct order order;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		ck_assert_msg(order_parse(slice_of(good[i].text), &order), "%s", good[i].text);
		ck_assert_int_eq(order.id, good[i].id);
		ck_assert_str_eq(order.name, good[i].name);
		ck_assert_str_eq(order.value, good[i].value);
		ck_assert_int_eq(order.has_name, *good[i].name != '\0');
	}
}
END_TEST

static const char *const bad[] = {
	"",
	"show",
	"select",
	"select 1",
	"select 1 +",
	"shows pools",
	"show pools pools",
	"show nothing",
	"\"show\" pools extra",
	"pause ''",
	"pause \"\"",
	"pause 'a",
	"pause \"a",
	"pause E'a'",
	"pause U&\"a\"",
	"pause $$a$$",
	"pause a b",
	"pause a;",
	"pause (",
	"kill_client",
	"kill_client x",
	"kill_client -1",
	"kill_client 1.5",
	"kill_client 18446744073709551616",
	"kill_client 1 2",
	"reload now please",
	"set",
	"set a",
	"set a 1",
	"set a =",
	"set a = 'x",
	"set a = 'x' y",
	"set = 1",
	"disable",
	"shutdown now",
	"\\",
	"'",
	"\"",
	"*",
	"--",
};

START_TEST(junk_is_no_command)
{
	struct order order;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		ck_assert_msg(!order_parse(slice_of(bad[i]), &order), "%s", bad[i]);
}
END_TEST

START_TEST(names_and_values_have_a_longest)
{
	char text[ORDER_VALUE_BYTES + 100];
	struct order order;
	for (int quoted = 0; quoted < 2; quoted++)
		for (size_t n = ORDER_NAME_BYTES - 2; n <= ORDER_NAME_BYTES + 1; n++) {
			char name[ORDER_NAME_BYTES + 2];
			memset(name, 'a', n);
			name[n] = '\0';
			snprintf(text, sizeof(text), quoted ? "pause \"%s\"" : "pause %s", name);
			ck_assert_int_eq(order_parse(slice_of(text), &order), n < ORDER_NAME_BYTES);
		}
	snprintf(text, sizeof(text), "set a = %0*d", ORDER_VALUE_BYTES - 1, 1);
	ck_assert(order_parse(slice_of(text), &order));
	snprintf(text, sizeof(text), "set a = %0*d", ORDER_VALUE_BYTES, 1);
	ck_assert(!order_parse(slice_of(text), &order));
	ck_assert(!order_parse(SLICE("pause \"a\0b\""), &order));
	ck_assert(order_parse(SLICE("kill_client 18446744073709551615"), &order));
	ck_assert_uint_eq(order.number, UINT64_MAX);
}
END_TEST

START_TEST(what_drivers_set_is_known)
{
	ck_assert(order_is_driver_setting(SLICE("extra_float_digits")));
	ck_assert(order_is_driver_setting(SLICE("Application_Name")));
	ck_assert(!order_is_driver_setting(SLICE("pool_size")));
	ck_assert(!order_is_driver_setting(SLICE("")));
}
END_TEST

Suite *suite_order(void)
{
	Suite *s = suite_create("order");
	TCase *t = tcase_create("order");
	tcase_add_test(t, every_row_is_read_back);
	tcase_add_test(t, what_it_must_have_and_may_not_have);
	tcase_add_test(t, names_and_values);
	tcase_add_test(t, junk_is_no_command);
	tcase_add_test(t, names_and_values_have_a_longest);
	tcase_add_test(t, what_drivers_set_is_known);
	suite_add_tcase(s, t);
	return s;
}
