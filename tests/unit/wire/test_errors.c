/*
 * test_errors.c - the table of the pooler's own errors: every row is sound and can be said.
 */
#include <stdio.h>
#include <string.h>

#include "base/bug.h"
#include "check_wire.h"
#include "wire/errors.h"
#include "wire/frame.h"
#include "wire/notice.h"

/* ---- the rows ----------------------------------------------------------------------------- */

/* The letters of a format's arguments, in the order in which it takes them. */
static void formats_args(const char *format, char out[8])
{
	size_t n = 0;
	for (const char *c = strchr(format, '%'); c; c = strchr(c, '%')) {
		c += 1 + strspn(c + 1, "0123456789.");
		if (*c == '%') {
			c++;
			continue;
		}
		ck_assert_msg(n < 7 && *c && strchr("dsfu", *c), "'%s' at '%s'", format, c);
		out[n++] = *c;
	}
	out[n] = '\0';
}

START_TEST(a_row_is_sound)
{
	enum error_id id = (enum error_id)_i;
	const char *severity = errors_severity(id), *state = errors_sqlstate(id);
	char args[8];

	ck_assert(strcmp(severity, "ERROR") == 0 || strcmp(severity, "FATAL") == 0);
	ck_assert_int_eq(errors_is_fatal(id), strcmp(severity, "FATAL") == 0);
	ck_assert_uint_eq(strlen(state), 5);
	ck_assert_uint_eq(strspn(state, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 5);
	ck_assert_str_ne(state, "00000");
	formats_args(errors_format(id), args);
	ck_assert_msg(strcmp(args, errors_args(id)) == 0, "%s takes '%s'", errors_name(id), args);
	ck_assert_uint_gt(strlen(errors_manual(id)), 20);
	ck_assert(errors_manual(id)[strlen(errors_manual(id)) - 1] == '.');
	ck_assert(!errors_hint(id) || strlen(errors_hint(id)) > 10);
}
END_TEST

/* ---- saying them ---------------------------------------------------------------------------- */

/* Says a row, with arguments of its kinds. */
static void say(struct buf *b, enum error_id id, const char *detail, const char *hint)
{
	const char *args = errors_args(id);

	if (strcmp(args, "") == 0)
		errors_build(b, id, detail, hint);
	else if (strcmp(args, "d") == 0)
		errors_build(b, id, detail, hint, 11);
	else if (strcmp(args, "s") == 0)
		errors_build(b, id, detail, hint, "one");
	else if (strcmp(args, "ss") == 0)
		errors_build(b, id, detail, hint, "one", "two");
	else if (strcmp(args, "uu") == 0)
		errors_build(b, id, detail, hint, 2u, 1u);
	else if (strcmp(args, "f") == 0)
		errors_build(b, id, detail, hint, 1.5);
	else if (strcmp(args, "ddf") == 0)
		errors_build(b, id, detail, hint, 11, 22, 1.5);
	else
		ck_abort_msg("%s: teach this test '%s'", errors_name(id), args);
}

static void check_said(enum error_id id, const char *detail, const char *hint)
{
	struct buf b = { 0 };
	struct frame f;
	char state[6];

	say(&b, id, detail, hint);
	ck_assert_int_eq(frame_read(buf_slice(&b), FRAME_MAX_BODY_BYTES, &f), FRAME_HEAD_BYTES);
	ck_assert(frame_is_whole(&f) && frame_bytes(&f) == buf_len(&b) && f.type == 'E');
	notice_sqlstate(f.body, state);
	ck_assert_str_eq(state, errors_sqlstate(id));
	ck_assert_int_eq(notice_is_fatal(f.body), errors_is_fatal(id));
	ck_assert_uint_gt(notice_get(f.body, NOTICE_MESSAGE).len, 0);
	ck_assert(slice_eq(notice_get(f.body, NOTICE_DETAIL), slice_of(detail)));
	const char *want = hint ? hint : errors_hint(id);
	ck_assert(slice_eq(notice_get(f.body, NOTICE_HINT), slice_of(want)));
	buf_fini(&b);
}

START_TEST(a_row_can_be_said)
{
	check_said((enum error_id)_i, NULL, NULL);
	check_said((enum error_id)_i, "a detail", "another hint");
}
END_TEST

START_TEST(the_words_that_people_search_for)
{
	struct buf b = { 0 };
	struct frame f;
	errors_build(&b, ERROR_POOL_TIMEOUT, "4 active", NULL, 10, 20, 30.0);
	ck_assert_int_eq(frame_read(buf_slice(&b), FRAME_MAX_BODY_BYTES, &f), FRAME_HEAD_BYTES);
	ck_assert(slice_eq_str(notice_get(f.body, NOTICE_MESSAGE),
			       "pool limit of size 10 overflow 20 reached, connection timed out, "
			       "timeout 30.00"));
	buf_fini(&b);

	char message[128];
	errors_message(ERROR_AUTH_FAILED, message, sizeof(message), "ann");
	ck_assert_str_eq(message, "password authentication failed for user \"ann\"");
	errors_message(ERROR_TOO_MANY_CLIENTS, message, sizeof(message));
	ck_assert_str_eq(message, "no more connections allowed (max_client_conn)");
	ck_assert_str_eq(errors_name(ERROR_POOL_TIMEOUT), "POOL_TIMEOUT");
}
END_TEST

/* What a client calls itself may be long: the message is cut, and nothing is overrun. */
START_TEST(long_arguments_are_cut)
{
	static char name[100000];
	struct buf b = { 0 };
	struct frame f;
	char message[16];

	memset(name, 'n', sizeof(name) - 1);
	errors_build(&b, ERROR_AUTH_FAILED, NULL, NULL, name);
	ck_assert_int_eq(frame_read(buf_slice(&b), FRAME_MAX_BODY_BYTES, &f), FRAME_HEAD_BYTES);
	ck_assert(frame_is_whole(&f));
	ck_assert_uint_lt(notice_get(f.body, NOTICE_MESSAGE).len, 2000);
	buf_fini(&b);
	errors_message(ERROR_AUTH_FAILED, message, sizeof(message), name);
	ck_assert_str_eq(message, "password authen");
}
END_TEST

START_TEST(names_differ)
{
	for (int i = 0; i < ERROR_COUNT_; i++)
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(errors_name((enum error_id)i),
					 errors_name((enum error_id)j));
}
END_TEST

Suite *suite_errors(void)
{
	Suite *s = suite_create("errors");
	TCase *tc = tcase_create("errors");
	tcase_add_loop_test(tc, a_row_is_sound, 0, ERROR_COUNT_);
	tcase_add_loop_test(tc, a_row_can_be_said, 0, ERROR_COUNT_);
	tcase_add_test(tc, the_words_that_people_search_for);
	tcase_add_test(tc, long_arguments_are_cut);
	tcase_add_test(tc, names_differ);
	suite_add_tcase(s, tc);
	return s;
}
