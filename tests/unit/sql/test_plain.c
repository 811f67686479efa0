/*
 * test_plain.c - what is taken for a plain SELECT is one, word by word too; and most that are, are.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/bug.h"
#include "sql/effect.h"
#include "sql/plain.h"
#include "suites.h"

static const struct lexer_mode backslashes = { .backslashes = true };
static const struct lexer_mode paired = { .encoding = LEXER_ENCODING_PAIRED };

static const char *const plain[] = {
	"select 1",
	"SELECT 1;",
	"Select abalance FROM pgbench_accounts WHERE aid = 1234567;",
	"select '3f9a7c'",
	"select 'it''s', '(currval;--'",
	"select id, total, customer_id from orders where state = 'open' limit 20",
	"select * from a_table_of_a_long_name where a = 'text of some length (and more)' and b = 17",
	"select 'x' '(' ;",
	"select $1",
	"select a from t where b = $1 and c = $12;",
};

static const char *const not_plain[] = {
	"",
	"select",
	"selecu 1",
	"selectx1",
	"select 1; select 2",
	"select f(x)",
	"select x.f",
	"select 1 into t",
	"select 1into t",
	"select a, b, c from x_y_z_and_more INTO TEMPORARY t",
	"select\t1",
	"select e'\\'(' , f'",
	"select E'a'",
	"select 'open",
	"select $",
	"select $a$ ( $a$",
	"select $1$a$ ( $a$",
	"select 1 -- (",
	"select \"into\"",
	"select \xc3\xa9",
};

START_TEST(test_taken)
{
	for (size_t i = 0; i < COUNT_OF(plain); i++)
		ck_assert_msg(plain_is_select(slice_of(plain[i]), (struct lexer_mode){ 0 }), "%s",
			      plain[i]);
}
END_TEST

START_TEST(test_denied)
{
	for (size_t i = 0; i < COUNT_OF(not_plain); i++)
		ck_assert_msg(!plain_is_select(slice_of(not_plain[i]), (struct lexer_mode){ 0 }),
			      "%s", not_plain[i]);
	ck_assert(!plain_is_select(SLICE_NONE, (struct lexer_mode){ 0 }));
	ck_assert(!plain_is_select(SLICE("select '\\' , f(x) , '"), backslashes));
	ck_assert(!plain_is_select(SLICE("select '\x81' , f(x) , '"), paired));
	ck_assert(plain_is_select(SLICE("select a_b, 17 from t"), backslashes));
}
END_TEST

/* The word-by-word reading of a text, which knows nothing of plain ones. */
static uint64_t read_it(struct slice sql, struct lexer_mode mode, size_t *statements)
{
	struct effect_iter iter;
	struct effect effect;
	uint64_t set = 0;
	effect_init(&iter, sql, mode);
	for (*statements = 0; effect_next(&iter, &effect); (*statements)++)
		set |= effect.set;
	return set;
}

/* Pieces that change how what is around them is read. */
static const char *const pieces[] = {
	"'",  "''",  "into",     "in", "to",  "INTO ", " t",   "o",       "e",
	"n'", "U&'", "x'0'",     "1",  "0x",  "1e5",   " ",    ",",       "*",
	"=",  "_",   "abcdefgh", "\n", "\t",  ";",     "f(x)", "currval", ".",
	"\"", "\\",  "$1",       "--", "$a$", "\x81",  "''(",  "'('",     "temp ",
};

START_TEST(test_what_is_taken_leaves_nothing)
{
	static const struct lexer_mode modes[] = { { 0 },
						   { .backslashes = true },
						   { .encoding = LEXER_ENCODING_SJIS } };
	struct buf sql = { 0 };
	size_t taken = 0, statements;
	srand(11);
	for (int i = 0; i < 300000; i++) {
		struct lexer_mode mode = modes[(size_t)rand() % COUNT_OF(modes)];
		/* the first two thirds of them are plain more often than not */
		size_t kinds = rand() % 4 ? COUNT_OF(pieces) * 2 / 3 : COUNT_OF(pieces);
		buf_consume(&sql, buf_len(&sql));
		buf_add_str(&sql, rand() % 2 ? "select " : "SELECT ");
		for (int n = rand() % 24; n >= 0; n--)
			buf_add_str(&sql, pieces[(size_t)rand() % kinds]);
		if (!plain_is_select(buf_slice(&sql), mode))
			continue;
		taken++;
		uint64_t set = read_it(buf_slice(&sql), mode, &statements);
		if (set != 0 || statements != 1)
			ck_abort_msg("%s", buf_cstr(&sql));
	}
	ck_assert_uint_gt(taken, 3000);
	buf_fini(&sql);
}
END_TEST

Suite *plain_suite(void)
{
	Suite *s = suite_create("plain");
	TCase *t = tcase_create("plain");
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_taken);
	tcase_add_test(t, test_denied);
	tcase_add_test(t, test_what_is_taken_leaves_nothing);
	suite_add_tcase(s, t);
	return s;
}
