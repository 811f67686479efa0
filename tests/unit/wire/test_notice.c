/*
 * test_notice.c - fields of errors and notices: all optional, anything may come.
 */
#include "check_wire.h"
#include "wire/frame.h"
#include "wire/notice.h"

static const char body[] = "SFEHLER\0VERROR\0C42P01\0Mrelation \"x\" does not exist\0P15\0Mtwice\0";

START_TEST(finds_fields)
{
	struct slice s = slice_make(body, sizeof(body));
	ck_assert(slice_eq_str(notice_get(s, NOTICE_SEVERITY), "FEHLER"));
	ck_assert(slice_eq_str(notice_get(s, NOTICE_SEVERITY_EN), "ERROR"));
	ck_assert(slice_eq_str(notice_get(s, NOTICE_SQLSTATE), "42P01"));
	ck_assert(slice_eq_str(notice_get(s, NOTICE_MESSAGE), "relation \"x\" does not exist"));
	ck_assert(slice_eq_str(notice_get(s, NOTICE_POSITION), "15"));
	ck_assert_ptr_null(notice_get(s, NOTICE_DETAIL).ptr);
	ck_assert_ptr_null(notice_get(s, NOTICE_HINT).ptr);
	ck_assert_ptr_null(notice_get(s, '\0').ptr);
}
END_TEST

/* A field is told only where it has its end; a cut body never tells another's value. */
START_TEST(every_prefix)
{
	static const char fields[] = "SVCMP";
	struct slice whole = slice_make(body, sizeof(body));
	for (size_t n = 0; n < sizeof(body); n++) {
		for (const char *f = fields; *f; f++) {
			struct slice got = notice_get(slice_make(body, n), *f);
			ck_assert(!got.ptr || slice_eq(got, notice_get(whole, *f)));
		}
	}
}
END_TEST

START_TEST(hostile_bodies)
{
	ck_assert_ptr_null(notice_get(SLICE_NONE, 'M').ptr);
	ck_assert_ptr_null(notice_get(SLICE("\0"), 'M').ptr);
	ck_assert_ptr_null(notice_get(SLICE("M"), 'M').ptr);
	ck_assert_ptr_null(notice_get(SLICE("Mno end"), 'M').ptr);
	ck_assert_ptr_null(notice_get(SLICE("S\0\0Mbehind the end\0"), 'M').ptr);
	struct slice empty = notice_get(SLICE("M\0\0"), 'M');
	ck_assert(empty.ptr && empty.len == 0);
	ck_assert(slice_eq_str(notice_get(SLICE("\x80one\0Mtwo\0\0"), 'M'), "two"));
}
END_TEST

/* Whatever language the server speaks; and nobody else's error of that code. */
START_TEST(stale_plans)
{
	ck_assert(notice_is_stale_plan(SLICE("SFEHLER\0VERROR\0C0A000\0Mgeht nicht\0Fplancache.c\0"
					     "L720\0RRevalidateCachedQuery\0\0")));
	ck_assert(!notice_is_stale_plan(SLICE("C0A000\0RExecCreateTableAs\0\0")));
	ck_assert(!notice_is_stale_plan(SLICE("C42P01\0RRevalidateCachedQuery\0\0")));
	ck_assert(!notice_is_stale_plan(SLICE("C0A000\0Mcached plan must not change\0\0")));
	ck_assert(!notice_is_stale_plan(SLICE_NONE));
}
END_TEST

START_TEST(sqlstates)
{
	char code[6];
	notice_sqlstate(slice_make(body, sizeof(body)), code);
	ck_assert_str_eq(code, "42P01");
	notice_sqlstate(SLICE("SERROR\0Mno code\0\0"), code);
	ck_assert_str_eq(code, "XX000");
	notice_sqlstate(SLICE("C4200\0\0"), code);
	ck_assert_str_eq(code, "XX000");
	notice_sqlstate(SLICE("C420000\0\0"), code);
	ck_assert_str_eq(code, "XX000");
	notice_sqlstate(SLICE("C42\n01\0\0"), code);
	ck_assert_str_eq(code, "XX000");
	notice_sqlstate(SLICE("C42p01\0\0"), code);
	ck_assert_str_eq(code, "XX000");
	notice_sqlstate(SLICE_NONE, code);
	ck_assert_str_eq(code, "XX000");
}
END_TEST

START_TEST(fatal)
{
	ck_assert(!notice_is_fatal(slice_make(body, sizeof(body))));
	ck_assert(notice_is_fatal(SLICE("SFATAL\0VFATAL\0\0")));
	ck_assert(notice_is_fatal(SLICE("SPANIC\0\0"))); /* before 9.6 */
	ck_assert(notice_is_fatal(SLICE("STODLICH\0VFATAL\0\0")));
	ck_assert(!notice_is_fatal(SLICE("SFATAL\0VERROR\0\0")));
	ck_assert(!notice_is_fatal(SLICE("SFATALITY\0\0")));
	ck_assert(!notice_is_fatal(SLICE_NONE));
}
END_TEST

/* The server's words for somebody else: what a client is not to see (its source) stays behind. */
START_TEST(retold)
{
	const struct {
		struct slice body, told;
	} cases[] = {
		{ SLICE("SFEHLER\0VERROR\0C22023\0Mbad\0Dbecause\0Htry this\0P7\0Fguc.c\0L9\0Rf\0\0"),
		  SLICE("SFATAL\0VFATAL\0C22023\0Mbad\0Dbecause\0Htry this\0\0") },
		{ SLICE("C22023\0Mbad\0Dcut off her"), SLICE("SFATAL\0VFATAL\0C22023\0Mbad\0\0") },
		{ SLICE("C22023\0Mcut off her"),
		  SLICE("SFATAL\0VFATAL\0C22023\0M(no message)\0\0") },
		{ SLICE_NONE, SLICE("SFATAL\0VFATAL\0CXX000\0M(no message)\0\0") },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out = { 0 };
		struct frame f;
		notice_retell(cases[i].body, "FATAL", &out);
		ck_assert_int_gt(frame_read(buf_slice(&out), UINT32_MAX, &f), 0);
		ck_assert_int_eq(f.type, 'E');
		ck_assert(frame_is_whole(&f));
		ck_assert(slice_eq(f.body, cases[i].told));
		buf_fini(&out);
	}
}
END_TEST

Suite *suite_notice(void)
{
	Suite *s = suite_create("notice");
	TCase *tc = tcase_create("notice");
	tcase_add_test(tc, finds_fields);
	tcase_add_test(tc, every_prefix);
	tcase_add_test(tc, hostile_bodies);
	tcase_add_test(tc, stale_plans);
	tcase_add_test(tc, sqlstates);
	tcase_add_test(tc, fatal);
	tcase_add_test(tc, retold);
	suite_add_tcase(s, tc);
	return s;
}
