/*
 * test_varstack.c - settings over transactions, by scripts; tests/e2e/test_settings_model.py holds
 * the same against a server.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "sql/varstack.h"
#include "suites.h"

/* One Query whose statements all succeed. */
static void run(struct varstack *v, const char *sql, char status)
{
	struct effect_iter iter;
	struct effect e;
	effect_init(&iter, slice_of(sql), (struct lexer_mode){ 0 });
	while (effect_next(&iter, &e))
		varstack_apply(v, &e);
	varstack_ready(v, status);
}

static void broken(struct varstack *v, char status)
{
	varstack_fail(v);
	varstack_ready(v, status);
}

/* "!" default, "?" not known, or the value. */
static void assert_is(const struct varstack *v, const char *name, const char *now,
		      const char *stays)
{
	const char *expected[] = { stays, now };
	for (int i = 0; i < 2; i++) {
		struct slice value;
		enum varstack_state state = varstack_get(v, name, i == 1, &value);
		struct slice is = state == VARSTACK_DEFAULT ? SLICE("!")
				  : state == VARSTACK_ASK   ? SLICE("?")
							    : value;
		ck_assert_msg(slice_eq_str(is, expected[i]), "%s %d is %.*s, not %s", name, i,
			      SLICE_ARGS(is), expected[i]);
	}
}

START_TEST(test_outside_of_transactions)
{
	struct varstack *v = varstack_new();
	assert_is(v, "a.b", "!", "!");
	run(v, "set a.b = 1", 'I');
	assert_is(v, "a.b", "1", "1");
	run(v, "set local a.b = 2", 'I');
	assert_is(v, "a.b", "1", "1");
	run(v, "set a.b = 3; select 1; set local a.b = 4; set a.c = 5", 'I');
	assert_is(v, "a.b", "3", "3");
	run(v, "reset a.b", 'I');
	assert_is(v, "a.b", "!", "!");
	run(v, "reset all", 'I');
	assert_is(v, "a.c", "!", "!");
	run(v, "set a.b = 1; set a.c = 2", 'I');
	run(v, "set local a.b to default; reset all", 'I');
	assert_is(v, "a.b", "1", "1");
	assert_is(v, "a.c", "!", "!");
	run(v, "reset all", 'I');
	ck_assert(varstack_is_idle(v) && !varstack_is_lost(v));
	varstack_free(v);
	varstack_free(NULL);
}
END_TEST

START_TEST(test_blocks)
{
	struct varstack *v = varstack_new();
	run(v, "set a.b = 1", 'I');
	run(v, "begin", 'T');
	run(v, "set local a.b = 2", 'T');
	assert_is(v, "a.b", "2", "1");
	ck_assert(!varstack_is_idle(v));
	run(v, "set a.b = 3", 'T');
	assert_is(v, "a.b", "3", "3");
	run(v, "set local a.b = 4", 'T');
	assert_is(v, "a.b", "4", "3");
	run(v, "commit", 'I');
	assert_is(v, "a.b", "3", "3");
	run(v, "begin; set a.b = 5; set a.c = 6", 'T');
	run(v, "rollback", 'I');
	assert_is(v, "a.b", "3", "3");
	assert_is(v, "a.c", "!", "!");
	run(v, "begin; set a.b = 5", 'T');
	broken(v, 'E');
	run(v, "commit", 'I');
	assert_is(v, "a.b", "3", "3");
	run(v, "begin; set a.b = 7; commit and chain; set a.b = 8", 'T');
	run(v, "rollback and chain", 'T');
	assert_is(v, "a.b", "7", "7");
	run(v, "rollback", 'I');
	ck_assert(!varstack_is_lost(v));
	varstack_free(v);
}
END_TEST

START_TEST(test_errors_outside_of_blocks)
{
	struct varstack *v = varstack_new();
	struct effect_iter iter;
	struct effect e;
	effect_init(&iter, SLICE("set a.b = 1; set a.c = 2"), (struct lexer_mode){ 0 });
	ck_assert(effect_next(&iter, &e));
	varstack_apply(v, &e);
	broken(v, 'I');
	assert_is(v, "a.b", "!", "!");
	/* a COMMIT that fails, as one with deferred constraints does */
	run(v, "begin; set a.b = 3", 'T');
	broken(v, 'I');
	assert_is(v, "a.b", "!", "!");
	ck_assert(varstack_is_idle(v) && !varstack_is_lost(v));
	varstack_free(v);
}
END_TEST

START_TEST(test_savepoints)
{
	struct varstack *v = varstack_new();
	run(v, "begin; set a.b = 1; savepoint s; set a.b = 2; savepoint \"S\"; set a.b = 3", 'T');
	broken(v, 'E');
	run(v, "rollback to s", 'T');
	assert_is(v, "a.b", "1", "1");
	run(v, "set local a.b = 4; savepoint s; set a.b = 5; rollback to S; set a.c = 6", 'T');
	assert_is(v, "a.b", "4", "1");
	run(v, "release s; release s; set a.d = 7", 'T');
	run(v, "commit", 'I');
	assert_is(v, "a.b", "1", "1");
	assert_is(v, "a.c", "6", "6");
	run(v, "begin; savepoint s; set a.b = 8; release s; rollback", 'I');
	assert_is(v, "a.b", "1", "1");
	ck_assert(!varstack_is_lost(v));
	varstack_free(v);
}
END_TEST

START_TEST(test_session_authorization_takes_the_role_along)
{
	struct varstack *v = varstack_new();
	run(v, "set role a", 'I');
	run(v, "begin; set session authorization b", 'T');
	assert_is(v, "role", "none", "none");
	run(v, "rollback", 'I');
	assert_is(v, "role", "a", "a");
	run(v, "reset all", 'I');
	assert_is(v, "role", "a", "a");
	run(v, "reset session authorization", 'I');
	assert_is(v, "role", "!", "!");
	run(v, "set role a; set x.y = 1", 'I');
	run(v, "discard all", 'I');
	assert_is(v, "role", "!", "!");
	assert_is(v, "x.y", "!", "!");
	varstack_free(v);
}
END_TEST

START_TEST(test_what_only_the_server_knows)
{
	struct varstack *v = varstack_new();
	run(v, "select set_config('a.b', $1, false)", 'I');
	assert_is(v, "a.b", "?", "?");
	varstack_note(v, SLICE("A.B"), SLICE("x"));
	assert_is(v, "a.b", "x", "x");
	varstack_note(v, SLICE("other"), SLICE("x"));
	assert_is(v, "other", "!", "!");
	run(v, "begin; set local a.b = 'y'", 'T');
	varstack_note(v, SLICE("a.b"), SLICE("Y"));
	assert_is(v, "a.b", "Y", "x");
	run(v, "commit", 'I');
	assert_is(v, "a.b", "x", "x");
	/* whether it happened cannot be told as long as the local value may be in force */
	run(v, "begin; set local a.b = 'z'; select set_config('a.b', 'w', false) from t", 'T');
	varstack_note(v, SLICE("a.b"), SLICE("z"));
	assert_is(v, "a.b", "z", "?");
	run(v, "commit", 'I');
	assert_is(v, "a.b", "?", "?");
	varstack_note(v, SLICE("a.b"), SLICE("x"));
	assert_is(v, "a.b", "x", "x");
	run(v, "prepare p as select set_config('a.b', '1', false)", 'I');
	assert_is(v, "a.b", "x", "x");
	varstack_free(v);
}
END_TEST

START_TEST(test_execute)
{
	struct varstack *v = varstack_new();
	struct effect_iter iter;
	struct effect e;
	effect_init(
		&iter,
		SLICE("prepare p as select set_config('a.b', $1, false), set_config('a.c', '1', "
		      "true); prepare q as select set_config($1, $2, false)"),
		(struct lexer_mode){ 0 });
	ck_assert(effect_next(&iter, &e));
	run(v, "begin", 'T');
	varstack_execute(v, &e);
	assert_is(v, "a.b", "?", "?");
	assert_is(v, "a.c", "?", "!");
	run(v, "rollback", 'I');
	assert_is(v, "a.b", "!", "!");
	varstack_execute(v, &e);
	varstack_ready(v, 'I');
	assert_is(v, "a.b", "?", "?");
	assert_is(v, "a.c", "!", "!");
	ck_assert(!varstack_is_lost(v));
	ck_assert(effect_next(&iter, &e));
	varstack_execute(v, &e);
	ck_assert(varstack_is_lost(v));
	varstack_fail(v);
	ck_assert(!varstack_is_lost(v));
	varstack_doubt(v);
	varstack_ready(v, 'I');
	ck_assert(varstack_is_lost(v));
	varstack_free(v);
}
END_TEST

START_TEST(test_lost)
{
	struct varstack *v = varstack_new();
	run(v, "begin; select set_config($1, $2, false)", 'T');
	ck_assert(varstack_is_lost(v));
	run(v, "rollback", 'I');
	ck_assert(!varstack_is_lost(v));
	run(v, "select set_config($1, $2, false)", 'I');
	run(v, "begin; select set_config($1, $2, false); rollback", 'I');
	ck_assert(varstack_is_lost(v));
	run(v, "discard all", 'I');
	ck_assert(!varstack_is_lost(v));
	run(v, "begin; rollback to never", 'T');
	run(v, "rollback", 'I');
	ck_assert(varstack_is_lost(v));
	run(v, "discard all", 'I');
	/* a block that ends without a word */
	run(v, "begin", 'T');
	run(v, "select 1", 'I');
	ck_assert(varstack_is_lost(v));
	varstack_free(v);
}
END_TEST

START_TEST(test_bounds)
{
	struct varstack *v = varstack_new();
	char sql[256];
	for (int i = 0; i < VARSTACK_VARS_MAX; i++) {
		snprintf(sql, sizeof(sql), "set a.v%d = 1", i);
		run(v, sql, 'I');
	}
	ck_assert(!varstack_is_lost(v));
	run(v, "set a.more = 1", 'I');
	ck_assert(varstack_is_lost(v));
	run(v, "discard all", 'I');
	ck_assert(!varstack_is_lost(v));
	ck_assert_uint_lt(varstack_bytes(v), 16384);
	struct buf big = { 0 };
	buf_add_str(&big, "set a.b = '");
	for (size_t i = 0; i < VARSTACK_TEXT_BYTES_MAX; i++)
		buf_add_str(&big, "x");
	buf_add_str(&big, "'");
	run(v, buf_cstr(&big), 'I');
	ck_assert(varstack_is_lost(v));
	buf_fini(&big);
	run(v, "discard all", 'I');
	run(v, "begin", 'T');
	for (int i = 0; i <= VARSTACK_MARKS_MAX; i++) {
		ck_assert(!varstack_is_lost(v));
		run(v, "savepoint s", 'T');
	}
	ck_assert(varstack_is_lost(v));
	run(v, "rollback", 'I');
	run(v, "discard all; begin", 'T');
	for (int i = 0; i < VARSTACK_UNDO_MAX && !varstack_is_lost(v); i++)
		run(v, "savepoint s; set a.b = 1; set a.c = 2", 'T');
	ck_assert(varstack_is_lost(v));
	run(v, "rollback", 'I');
	assert_is(v, "a.b", "!", "!");
	run(v, "discard all", 'I');
	ck_assert_uint_lt(varstack_bytes(v), 16384);
	varstack_free(v);
}
END_TEST

START_TEST(test_next)
{
	struct varstack *v = varstack_new();
	run(v, "set a.b = 1", 'I');
	run(v, "select set_config('a.c', $1, false)", 'I');
	run(v, "begin; set local a.d = 3; set local a.b = 2", 'T');
	size_t at = 0, n = 0;
	const char *name;
	enum varstack_state state;
	struct slice value;
	while (varstack_next(v, &at, &name, &state, &value)) {
		bool b = strcmp(name, "a.b") == 0 && state == VARSTACK_TEXT &&
			 slice_eq_str(value, "1");
		bool c = strcmp(name, "a.c") == 0 && state == VARSTACK_ASK;
		ck_assert_msg(b || c, "%s", name);
		n++;
	}
	ck_assert_uint_eq(n, 2);
	varstack_free(v);
}
END_TEST

Suite *varstack_suite(void)
{
	Suite *suite = suite_create("varstack");
	TCase *tc = tcase_create("varstack");
	tcase_add_test(tc, test_outside_of_transactions);
	tcase_add_test(tc, test_blocks);
	tcase_add_test(tc, test_errors_outside_of_blocks);
	tcase_add_test(tc, test_savepoints);
	tcase_add_test(tc, test_session_authorization_takes_the_role_along);
	tcase_add_test(tc, test_what_only_the_server_knows);
	tcase_add_test(tc, test_execute);
	tcase_add_test(tc, test_lost);
	tcase_add_test(tc, test_bounds);
	tcase_add_test(tc, test_next);
	suite_add_tcase(suite, tc);
	return suite;
}
