/*
 * test_authrow.c - rows of auth_query, and PostgreSQL's time stamps.
 */
#include "auth/authrow.h"

#include "check_auth.h"
#include "wire/build.h"

/* 2026-11-22 18:21:03 UTC */
#define WALL ((usec_t)1795371663 * USEC_PER_SEC)

static const struct {
	const char *text;
	usec_t wall; /* in seconds; USEC_NEVER */
} times[] = {
	{ "1970-01-01 00:00:00+00", 0 },
	{ "1970-01-01", 0 },
	{ "1970-01-01 00:00:00", 0 },
	{ "2026-11-22 18:21:03+00", 1795371663 },
	{ "2026-11-22 19:21:03+01", 1795371663 },
	{ "2026-11-22 12:51:03-05:30", 1795371663 },
	{ "2026-11-22 18:21+00", 1795371660 },
	{ "2000-02-29 00:00:00+00", 951782400 },
	{ "1969-12-31 23:59:59+00", -1 },
	{ "0001-01-01 00:00:00+00", -62135596800 },
	{ "0001-12-31 00:00:00+00 BC", -62135683200 },
	{ "0001-12-31 BC", -62135683200 },
	{ "1900-01-01 00:00:00+00:17:30", -2208989850 },
	{ "infinity", USEC_NEVER },
	{ "294276-12-31 23:59:59+00", USEC_NEVER },
};

START_TEST(time_stamps)
{
	usec_t got;
	ck_assert(authrow_parse_time(slice_of(times[_i].text), &got));
	usec_t wanted = times[_i].wall == USEC_NEVER ? USEC_NEVER : times[_i].wall * USEC_PER_SEC;
	ck_assert_int_eq(got, wanted);
}
END_TEST

START_TEST(fractions)
{
	usec_t got;
	ck_assert(authrow_parse_time(SLICE("1970-01-01 00:00:00.5+00"), &got));
	ck_assert_int_eq(got, 500000);
	ck_assert(authrow_parse_time(SLICE("1970-01-01 00:00:01.000001+00"), &got));
	ck_assert_int_eq(got, 1000001);
	ck_assert(authrow_parse_time(SLICE("-infinity"), &got));
	ck_assert_int_lt(got, 0);
}
END_TEST

static const char *const no_times[] = {
	"",
	"now",
	"Infinity",
	"22.11.2026",
	"2026-11-22x",
	"2026-13-01",
	"2026-00-01",
	"2026-01-32",
	"2026-1-1",
	"2026-11-22 18",
	"2026-11-22 18:",
	"2026-11-22 25:00",
	"2026-11-22 18:60",
	"2026-11-22 18:00:61",
	"2026-11-22 18:00:00.",
	"2026-11-22 18:00:00.1234567",
	"2026-11-22 18:00:00+1",
	"2026-11-22 18:00:00+01:",
	"2026-11-22 18:00:00+01 AD",
	"2026-11-22 18:00:00+01 BC ",
	"11111111111111111111-11-22",
};

START_TEST(what_is_no_time_stamp)
{
	usec_t got;
	ck_assert(!authrow_parse_time(slice_of(no_times[_i]), &got));
}
END_TEST

/* A row as it comes: the two messages built and read. NULL is null. */
struct given {
	const char *name, *value;
};

static struct buf names, values;

static bool read_row(struct authrow *row, const struct given *given, size_t n)
{
	struct build_column columns[32];
	struct slice texts[32];
	buf_clear(&names);
	buf_clear(&values);
	for (size_t i = 0; i < n; i++) {
		columns[i] = (struct build_column){ given[i].name, BUILD_TEXT };
		texts[i] = slice_of(given[i].value);
	}
	build_row_description(&names, columns, n);
	build_data_row(&values, texts, n);
	return authrow_read_names(row, slice_skip(buf_slice(&names), 5)) &&
	       authrow_read_values(row, slice_skip(buf_slice(&values), 5));
}

static enum authrow_verdict judge(const struct given *given, size_t n, usec_t *until)
{
	struct authrow row;
	struct slice secret;
	const char *why;
	ck_assert(read_row(&row, given, n));
	enum authrow_verdict verdict =
		authrow_judge(&row, SLICE("bob"), WALL, &secret, until, &why);
	if (verdict == AUTHROW_USER)
		ck_assert(slice_eq_str(secret, "s3cret"));
	else
		ck_assert_str_ne(why, "");
	return verdict;
}

#define JUDGE(until, ...)                                                                          \
	judge((const struct given[]){ __VA_ARGS__ },                                               \
	      sizeof((const struct given[]){ __VA_ARGS__ }) / sizeof(struct given), until)

START_TEST(name_and_secret)
{
	usec_t until;
	ck_assert_int_eq(JUDGE(&until, { "usename", "bob" }, { "passwd", "s3cret" }), AUTHROW_USER);
	ck_assert_int_eq(until, USEC_NEVER);
	ck_assert_int_eq(JUDGE(&until, { "u", NULL }, { "p", "s3cret" }), AUTHROW_NOBODY);
	ck_assert_int_eq(JUDGE(&until, { "u", "bob" }, { "p", NULL }), AUTHROW_NOBODY);
	ck_assert_int_eq(JUDGE(&until, { "p", "s3cret" }), AUTHROW_MALFORMED);
}
END_TEST

START_TEST(another_name_is_nobody)
{
	usec_t until;
	ck_assert_int_eq(JUDGE(&until, { "u", "bo" }, { "p", "s3cret" }), AUTHROW_NOBODY);
	ck_assert_int_eq(JUDGE(&until, { "u", "Bob" }, { "p", "s3cret" }), AUTHROW_NOBODY);
	ck_assert_int_eq(JUDGE(&until, { "u", "bobb" }, { "p", "s3cret" }), AUTHROW_NOBODY);
	ck_assert_int_eq(JUDGE(&until, { "u", "" }, { "p", "s3cret" }), AUTHROW_NOBODY);
}
END_TEST

START_TEST(further_columns_are_held_to)
{
	usec_t until;
	struct given row[] = { { "u", "bob" },
			       { "p", "s3cret" },
			       { "rolvaliduntil", NULL },
			       { "RolCanLogin", "t" },
			       { "remark", "f" } };
	ck_assert_int_eq(judge(row, 5, &until), AUTHROW_USER);
	ck_assert_int_eq(until, USEC_NEVER);
	row[2].value = "2026-11-22 18:21:04+00";
	ck_assert_int_eq(judge(row, 5, &until), AUTHROW_USER);
	ck_assert_int_eq(until, WALL + USEC_PER_SEC);
	row[2].value = "2026-11-22 18:21:03+00";
	ck_assert_int_eq(judge(row, 5, &until), AUTHROW_NOBODY);
	row[2].value = "whenever";
	ck_assert_int_eq(judge(row, 5, &until), AUTHROW_MALFORMED);
	row[2].value = "infinity";
	row[3].value = "f";
	ck_assert_int_eq(judge(row, 5, &until), AUTHROW_NOBODY);
}
END_TEST

START_TEST(many_columns)
{
	struct authrow row;
	struct given given[32];
	for (size_t i = 0; i < 32; i++)
		given[i] = (struct given){ "c", "v" };
	ck_assert(read_row(&row, given, 32));
	ck_assert_uint_eq(row.count, AUTHROW_MAX_COLUMNS);
}
END_TEST

START_TEST(broken_messages)
{
	struct authrow row;
	const struct given given[] = { { "u", "bob" }, { "p", "s3cret" } };
	ck_assert(read_row(&row, given, 2));
	struct slice description = slice_skip(buf_slice(&names), 5);
	struct slice data = slice_skip(buf_slice(&values), 5);
	for (size_t n = 0; n < description.len; n++)
		ck_assert(!authrow_read_names(&row, slice_head(description, n)));
	ck_assert(authrow_read_names(&row, description));
	for (size_t n = 0; n < data.len; n++)
		ck_assert(!authrow_read_values(&row, slice_head(data, n)));
	row.count = 3; /* fewer values than were announced */
	ck_assert(!authrow_read_values(&row, data));
}
END_TEST

static void drop(void)
{
	buf_fini(&names);
	buf_fini(&values);
}

Suite *suite_authrow(void)
{
	Suite *s = suite_create("authrow");
	TCase *tc = tcase_create("authrow");
	tcase_add_checked_fixture(tc, NULL, drop);
	tcase_add_loop_test(tc, time_stamps, 0, COUNT_OF(times));
	tcase_add_test(tc, fractions);
	tcase_add_loop_test(tc, what_is_no_time_stamp, 0, COUNT_OF(no_times));
	tcase_add_test(tc, name_and_secret);
	tcase_add_test(tc, another_name_is_nobody);
	tcase_add_test(tc, further_columns_are_held_to);
	tcase_add_test(tc, many_columns);
	tcase_add_test(tc, broken_messages);
	suite_add_tcase(s, tc);
	return s;
}
