/*
 * test_talk.c - the console's side of both protocols, over byte strings.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/talk.h"
#include "check_admin.h"
#include "wire/reader.h"

/* ---- both ends ------------------------------------------------------------------------------ */

static struct talk talk;
static struct buf in, out, said; /* to the talk; from it; what it has said since the last time */
static size_t runs;
static bool fail_all;

static void make(void)
{
	talk_init(&talk, true);
	runs = 0;
	fail_all = false;
}

static void drop(void)
{
	talk_fini(&talk);
	buf_fini(&in);
	buf_fini(&out);
	buf_fini(&said);
}

/* A row of nothing, of any sheet. */
static const struct {
	_Alignas(8) char zeros[8192];
} nothing;

/* SHOW STATE has three rows here, all else that has a sheet one. */
static void answer(void)
{
	struct answer a;
	answer_init(&a, order_rule(talk.order.id)->sheet, talk.binary);
	struct sheet_count totals = { "x", 7 };
	bool is_state = talk.order.id == ORDER_SHOW_STATE;
	bool is_totals = talk.order.id == ORDER_SHOW_TOTALS;
	for (int i = 0; a.sheet && i < (is_state ? 3 : 1); i++)
		answer_row(&a, is_totals ? (const void *)&totals : nothing.zeros);
	if (fail_all)
		answer_fail(&a, ERROR_ADMIN_STATE, "no");
	runs++;
	talk_answer(&talk, &a, &out);
	answer_fini(&a);
}

static enum talk_step go_on(void)
{
	while (true) {
		enum talk_step step = talk_next(&talk, &in, &out);
		if (step == TALK_RUN)
			answer();
		buf_add_slice(&said, buf_slice(&out));
		buf_clear(&out);
		if (step == TALK_MORE || step == TALK_CLOSE)
			return step;
	}
}

/* Sends what `b` has, at once or byte by byte; says the kinds of what came back. */
static const char *send_all(struct buf *b, bool bytewise)
{
	enum talk_step step = TALK_MORE;
	buf_clear(&said);
	size_t n = buf_len(b), piece = bytewise ? 1 : n;
	for (size_t at = 0; at < n && step != TALK_CLOSE; at += piece) {
		buf_add_slice(&in, slice_make(b->data + b->start + at, piece));
		step = go_on();
	}
	buf_fini(b);
	*b = (struct buf){ .data = NULL };
	return said_kinds(&said);
}

static const char *query(const char *sql)
{
	struct buf b = { .data = NULL };
	build_query(&b, slice_of(sql));
	return send_all(&b, false);
}

static const char *sqlstate(void)
{
	return said_field(&said, 'E', 'C');
}

/* ---- simple --------------------------------------------------------------------------------- */

static const struct {
	const char *sql, *kinds;
	size_t runs;
} simple[] = {
	{ "show version", "TDCZ", 1 },
	{ "show version;", "TDCZ", 1 },
	{ " ; ;show version; -- so", "TDCZ", 1 },
	{ "show state", "TDDDCZ", 1 },
	{ "reload", "CZ", 1 },
	{ "show version; reload; show state", "TDCCTDDDCZ", 3 },
	{ "", "IZ", 0 },
	{ ";", "IZ", 0 },
	{ " -- nothing\n", "IZ", 0 },
	{ "nonsense", "EZ", 0 },
	{ "show version; nonsense; reload", "TDCEZ", 1 },
	{ "show 'version", "EZ", 0 },
};

START_TEST(simple_queries)
{
	ck_assert_str_eq(query(simple[_i].sql), simple[_i].kinds);
	ck_assert_uint_eq(runs, simple[_i].runs);
	ck_assert_str_eq(query("show version"), "TDCZ");
}
END_TEST

START_TEST(an_error_says_what_was_not_understood)
{
	query("nonsense \x01\xff");
	ck_assert_str_eq(sqlstate(), "42601");
	ck_assert_str_eq(said_field(&said, 'E', 'M'), "invalid command 'nonsense ?"
						      "?', use SHOW HELP;");
	ck_assert_str_eq(said_field(&said, 'E', 'S'), "ERROR");
}
END_TEST

START_TEST(a_command_that_fails_ends_its_query)
{
	fail_all = true;
	ck_assert_str_eq(query("reload; show version"), "EZ");
	ck_assert_str_eq(sqlstate(), "55000");
	ck_assert_uint_eq(runs, 1);
}
END_TEST

static void check_right(int id)
{
	const struct order_rule *rule = order_rule((enum order_id)id);
	char sql[256];
	const char *argument = rule->argument == ORDER_ARGUMENT_DATABASE  ? " a"
			       : rule->argument == ORDER_ARGUMENT_NUMBER  ? " 1"
			       : rule->argument == ORDER_ARGUMENT_SETTING ? " a = 1"
									  : "";
	snprintf(sql, sizeof(sql), "%s%s", rule->pattern, argument);
	runs = 0;
	query(sql);
	ck_assert_uint_eq(runs, rule->right == ORDER_RIGHT_LOOK);
	if (rule->right == ORDER_RIGHT_RULE)
		ck_assert_str_eq(sqlstate(), "42501");
}

START_TEST(who_may_only_look)
{
	talk.is_admin = false;
	for (int id = 0; id < ORDER_COUNT; id++)
		check_right(id);
}
END_TEST

START_TEST(a_driver_may_believe_in_transactions)
{
	query("begin");
	ck_assert(slice_eq_str(said_body(&said, 'Z', 0), "T"));
	query("show version");
	ck_assert(slice_eq_str(said_body(&said, 'Z', 0), "T"));
	query("rollback");
	ck_assert(slice_eq_str(said_body(&said, 'Z', 0), "I"));
}
END_TEST

START_TEST(the_greeting)
{
	talk_greet(&talk, "anna", 42, SLICE("abcd"), &said);
	const char *kinds = said_kinds(&said);
	size_t n = strlen(kinds);
	ck_assert_uint_gt(n, 2);
	ck_assert_uint_eq(strspn(kinds, "S"), n - 2);
	ck_assert_str_eq(kinds + n - 2, "KZ");
	bool has_version = false;
	for (size_t i = 0; i + 2 < n; i++)
		has_version |= slice_starts(said_body(&said, 'S', i), "server_version");
	ck_assert(has_version);
	ck_assert(slice_eq(said_body(&said, 'K', 0), SLICE("\0\0\0\x2a"
							   "abcd")));
}
END_TEST

/* ---- extended ------------------------------------------------------------------------------- */

static struct buf b; /* messages to be sent */

static void parse(const char *name, const char *sql)
{
	build_parse(&b, slice_of(name), slice_of(sql), NULL, 0);
}

static void bind(const char *portal, const char *name)
{
	build_bind(&b, slice_of(portal), slice_of(name), NULL, 0);
}

/* Bind with these result formats. */
static void bind_formats(const uint16_t *formats, uint16_t n)
{
	size_t at = build_begin(&b, 'B');
	build_text(&b, SLICE(""));
	build_text(&b, SLICE(""));
	buf_u16(&b, 0);
	buf_u16(&b, 0);
	buf_u16(&b, n);
	for (uint16_t i = 0; i < n; i++)
		buf_u16(&b, formats[i]);
	build_end(&b, at);
}

START_TEST(the_whole_way)
{
	parse("", "show state");
	build_describe(&b, 'S', SLICE(""));
	bind("", "");
	build_describe(&b, 'P', SLICE(""));
	build_execute(&b, SLICE(""), 0);
	build_sync(&b);
	ck_assert_str_eq(send_all(&b, _i), "1tT2TDDDCZ");
}
END_TEST

START_TEST(named_statements_live_on)
{
	parse("s", "show version");
	build_sync(&b);
	ck_assert_str_eq(send_all(&b, _i), "1Z");
	for (int i = 0; i < 3; i++) {
		bind("", "s");
		build_execute(&b, SLICE(""), 0);
		build_sync(&b);
		ck_assert_str_eq(send_all(&b, _i), "2DCZ");
	}
	parse("s", "show version");
	build_sync(&b);
	ck_assert_str_eq(send_all(&b, _i), "EZ");
	ck_assert_str_eq(sqlstate(), "42P05");
	build_close(&b, 'S', SLICE("s"));
	build_close(&b, 'S', SLICE("never was"));
	bind("", "s");
	build_sync(&b);
	ck_assert_str_eq(send_all(&b, _i), "33EZ");
	ck_assert_str_eq(sqlstate(), "26000");
}
END_TEST

START_TEST(rows_in_portions)
{
	parse("", "show state");
	bind("p", "");
	build_execute(&b, SLICE("p"), 2);
	build_execute(&b, SLICE("p"), 2);
	build_execute(&b, SLICE("p"), 2);
	build_sync(&b);
	ck_assert_str_eq(send_all(&b, _i), "12DDsDCCZ");
	ck_assert_uint_eq(runs, 1);
	build_execute(&b, SLICE("p"), 0); /* the portal went with the Sync */
	build_sync(&b);
	ck_assert_str_eq(send_all(&b, _i), "EZ");
	ck_assert_str_eq(sqlstate(), "34000");
}
END_TEST

START_TEST(nothing_to_do_and_nothing_to_show)
{
	parse("", " ;");
	build_describe(&b, 'S', SLICE(""));
	bind("", "");
	build_describe(&b, 'P', SLICE(""));
	build_execute(&b, SLICE(""), 0);
	build_sync(&b);
	ck_assert_str_eq(send_all(&b, _i), "1tn2nIZ");
	parse("", "reload");
	build_describe(&b, 'S', SLICE(""));
	bind("", "");
	build_execute(&b, SLICE(""), 0);
	build_sync(&b);
	ck_assert_str_eq(send_all(&b, _i), "1tn2CZ");
}
END_TEST

START_TEST(after_an_error_nothing_is_heard_before_sync)
{
	parse("", "nonsense");
	bind("", "");
	build_execute(&b, SLICE(""), 0);
	build_flush(&b);
	parse("", "reload");
	build_sync(&b);
	parse("", "show version");
	build_sync(&b);
	ck_assert_str_eq(send_all(&b, _i), "EZ1Z");
	ck_assert_uint_eq(runs, 0);
	fail_all = true;
	bind("", "");
	build_execute(&b, SLICE(""), 0);
	build_execute(&b, SLICE(""), 0);
	build_sync(&b);
	ck_assert_str_eq(send_all(&b, _i), "2EZ");
	ck_assert_uint_eq(runs, 1);
}
END_TEST

START_TEST(what_the_console_cannot)
{
	const uint32_t oid = 23;
	const struct slice parameter = SLICE("1");
	build_parse(&b, SLICE(""), SLICE("show version"), &oid, 1);
	build_sync(&b);
	ck_assert_str_eq(send_all(&b, _i), "EZ");
	ck_assert_str_eq(sqlstate(), "0A000");
	parse("", "show version");
	build_bind(&b, SLICE(""), SLICE(""), &parameter, 1);
	build_sync(&b);
	ck_assert_str_eq(send_all(&b, _i), "1EZ");
	ck_assert_str_eq(sqlstate(), "0A000");
	parse("", "show version; show state");
	build_sync(&b);
	ck_assert_str_eq(send_all(&b, _i), "EZ");
	ck_assert_str_eq(sqlstate(), "0A000");
	build_end(&b, build_begin(&b, 'F'));
	ck_assert_str_eq(send_all(&b, _i), "EZ");
	ck_assert_str_eq(sqlstate(), "0A000");
}
END_TEST

START_TEST(results_in_binary)
{
	static const uint16_t all[] = { 1 }, second[] = { 0, 1 }, strange[] = { 2 };
	for (int i = 0; i < 2; i++) {
		parse("", "show totals");
		bind_formats(i ? all : second, i ? 1 : 2);
		build_execute(&b, SLICE(""), 0);
		build_sync(&b);
		ck_assert_str_eq(send_all(&b, _i), "12DCZ");
		ck_assert_str_eq(said_value(&said, 0, 0), "x");
		struct reader r;
		reader_init(&r, said_body(&said, 'D', 0));
		reader_u16(&r);
		reader_value(&r);
		ck_assert(slice_eq(reader_value(&r), SLICE("\0\1\0\0\0\0\0\0\0\7")));
	}
	static const uint16_t three[] = { 0, 0, 0 };
	for (int i = 0; i < 2; i++) {
		parse("", "show totals");
		bind_formats(i ? three : strange, i ? 3 : 1);
		build_sync(&b);
		ck_assert_str_eq(send_all(&b, _i), "1EZ");
		ck_assert_str_eq(sqlstate(), "0A000");
	}
}
END_TEST

/* asyncpg names a format for its parameters even where it has none. */
START_TEST(formats_of_no_parameters)
{
	parse("", "show version");
	size_t at = build_begin(&b, 'B');
	build_text(&b, SLICE(""));
	build_text(&b, SLICE(""));
	buf_u16(&b, 1);
	buf_u16(&b, 1);
	buf_u16(&b, 0);
	buf_u16(&b, 1);
	buf_u16(&b, 1);
	build_end(&b, at);
	build_execute(&b, SLICE(""), 0);
	build_sync(&b);
	ck_assert_str_eq(send_all(&b, _i), "12DCZ");
}
END_TEST

START_TEST(statements_are_forgotten_when_asked)
{
	static const char *const how[] = { "deallocate s", "DEALLOCATE ALL", "discard all" };
	for (size_t i = 0; i < COUNT_OF(how); i++) {
		parse("s", "show version");
		build_sync(&b);
		ck_assert_str_eq(send_all(&b, false), "1Z");
		ck_assert_str_eq(query(how[i]), "CZ");
	}
}
END_TEST

START_TEST(names_are_bounded_in_number_and_length)
{
	char name[ORDER_NAME_BYTES + 1];
	for (int i = 0; i < TALK_MAX_NAMED + 1; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		parse(name, "show version");
	}
	build_sync(&b);
	send_all(&b, false);
	ck_assert_str_eq(sqlstate(), "0A000");
	ck_assert_uint_eq(map_count(&talk.statements), TALK_MAX_NAMED);
	query("deallocate all");
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	parse(name, "show version");
	build_sync(&b);
	ck_assert_str_eq(send_all(&b, false), "EZ");
}
END_TEST

/* ---- the hostile ---------------------------------------------------------------------------- */

static const struct {
	struct slice bytes;
	const char *kinds;
} hostile[] = {
	{ { "Q\0\0\0\3", 5 }, "E" },               /* a length that does not cover itself */
	{ { "Q\xff\xff\xff\xff", 5 }, "E" },       /* one below zero */
	{ { "Q\0\2\0\0", 5 }, "E" },               /* one beyond what is taken */
	{ { "Q\0\0\0\4", 5 }, "E" },               /* no zero byte */
	{ { "Q\0\0\0\7a\0b", 8 }, "E" },           /* bytes behind it */
	{ { "?\0\0\0\4", 5 }, "E" },               /* no such message */
	{ { "p\0\0\0\5\0", 6 }, "E" },             /* a password that nobody asked for */
	{ { "P\0\0\0\6\0\0", 7 }, "E" },           /* cut short */
	{ { "P\0\0\0\x08\0\0\xff\xff", 9 }, "E" }, /* 65535 types that are not there */
	{ { "B\0\0\0\x0a\0\0\0\0\xff\xff", 11 }, "E" },
	{ { "D\0\0\0\6Q\0", 7 }, "E" }, /* neither statement nor portal */
	{ { "C\0\0\0\6Q\0", 7 }, "E" },
	{ { "E\0\0\0\5\0", 6 }, "E" },
	{ { "S\0\0\0\5\0", 6 }, "E" },
	{ { "H\0\0\0\5\0", 6 }, "E" },
	{ { "X\0\0\0\4", 5 }, "" }, /* not hostile: good-bye */
};

START_TEST(hostile_messages_end_the_session)
{
	buf_add_slice(&in, hostile[_i].bytes);
	ck_assert_int_eq(go_on(), TALK_CLOSE);
	ck_assert_str_eq(said_kinds(&said), hostile[_i].kinds);
	if (*hostile[_i].kinds) {
		ck_assert_str_eq(said_field(&said, 'E', 'S'), "FATAL");
		ck_assert_str_eq(sqlstate(), "08P01");
	}
	ck_assert_uint_eq(runs, 0);
}
END_TEST

START_TEST(left_over_copy_is_passed_over)
{
	build_copy_done(&b);
	build_copy_fail(&b, SLICE("no"));
	build_query(&b, SLICE("show version"));
	ck_assert_str_eq(send_all(&b, _i), "TDCZ");
}
END_TEST

/* Small questions with big answers: what is to be sent stays bounded. */
START_TEST(much_to_say_is_said_in_portions)
{
	parse("", "show stats");
	for (int i = 0; i < 2000; i++)
		build_describe(&b, 'S', SLICE(""));
	buf_add_slice(&in, buf_slice(&b));
	size_t most = 0, portions = 0;
	enum talk_step step;
	do {
		step = talk_next(&talk, &in, &out);
		most = buf_len(&out) > most ? buf_len(&out) : most;
		buf_clear(&out);
		portions++;
	} while (step == TALK_SEND);
	ck_assert_int_eq(step, TALK_MORE);
	ck_assert_uint_gt(portions, 10);
	ck_assert_uint_lt(most, TALK_ENOUGH_BYTES + 8192);
	buf_fini(&b);
	b = (struct buf){ .data = NULL };
}
END_TEST

START_TEST(bent_bytes_harm_nobody)
{
	struct buf good = { .data = NULL };
	srand((unsigned)_i + 1);
	parse("s", "show state");
	bind("p", "s");
	build_describe(&b, 'P', SLICE("p"));
	build_execute(&b, SLICE("p"), 1);
	build_close(&b, 'S', SLICE("s"));
	build_sync(&b);
	build_query(&b, SLICE("show version; set a = 'b'; kill_client 12"));
	buf_add_slice(&good, buf_slice(&b));
	for (int round = 0; round < 300; round++) {
		buf_clear(&in);
		buf_clear(&said);
		buf_add_slice(&in, buf_slice(&good));
		for (int i = 0; i < 3; i++)
			in.data[in.start + (size_t)rand() % buf_len(&in)] = (char)rand();
		go_on();
		ck_assert_uint_lt(buf_len(&said), 1 << 20);
		talk_fini(&talk);
		talk_init(&talk, true);
	}
	buf_fini(&good);
	buf_fini(&b);
	b = (struct buf){ .data = NULL };
}
END_TEST

Suite *suite_talk(void)
{
	Suite *s = suite_create("talk");
	TCase *t = tcase_create("talk");
	tcase_add_checked_fixture(t, make, drop);
	tcase_add_loop_test(t, simple_queries, 0, COUNT_OF(simple));
	tcase_add_test(t, an_error_says_what_was_not_understood);
	tcase_add_test(t, a_command_that_fails_ends_its_query);
	tcase_add_test(t, who_may_only_look);
	tcase_add_test(t, a_driver_may_believe_in_transactions);
	tcase_add_test(t, the_greeting);
	/* 0: all at once, 1: byte by byte */
	tcase_add_loop_test(t, the_whole_way, 0, 2);
	tcase_add_loop_test(t, named_statements_live_on, 0, 2);
	tcase_add_loop_test(t, rows_in_portions, 0, 2);
	tcase_add_loop_test(t, nothing_to_do_and_nothing_to_show, 0, 2);
	tcase_add_loop_test(t, after_an_error_nothing_is_heard_before_sync, 0, 2);
	tcase_add_loop_test(t, what_the_console_cannot, 0, 2);
	tcase_add_loop_test(t, results_in_binary, 0, 2);
	tcase_add_loop_test(t, formats_of_no_parameters, 0, 2);
	tcase_add_test(t, statements_are_forgotten_when_asked);
	tcase_add_test(t, names_are_bounded_in_number_and_length);
	tcase_add_loop_test(t, hostile_messages_end_the_session, 0, COUNT_OF(hostile));
	tcase_add_loop_test(t, left_over_copy_is_passed_over, 0, 2);
	tcase_add_test(t, much_to_say_is_said_in_portions);
	tcase_add_loop_test(t, bent_bytes_harm_nobody, 0, 8);
	suite_add_tcase(s, t);
	return s;
}
