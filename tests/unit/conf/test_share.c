/*
 * test_share.c - a number of something, or a percentage of it.
 */
#include "check_conf.h"

#include "conf/share.h"

START_TEST(so_many_of_all)
{
	static const struct {
		const char *text;
		int all, is;
	} cases[] = {
		{ "0", 10, -1 },  { "7", 10, 7 },    { "12", 10, 12 }, { "80%", 10, 8 },
		{ "80%", 1, 1 },  { "80%", 2, 2 },   { "50%", 3, 2 },  { "100%", 5, 5 },
		{ "0%", 10, -1 }, { "80%", -1, -1 }, { "7", -1, 7 },   { "1%", 1000000, 10000 },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		ck_assert_msg(share_of(slice_of(cases[i].text), cases[i].all) == cases[i].is,
			      "%s of %d", cases[i].text, cases[i].all);
}
END_TEST

START_TEST(what_is_none)
{
	static const char *const bad[] = { "",  "%",    "-1",      "101%", "1.5",
					   "x", "80%%", "1000001", "8 %" };
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		ck_assert_msg(!share_is_valid(slice_of(bad[i])), "%s", bad[i]);
	ck_assert(share_is_valid(SLICE("1000000")));
	ck_assert(share_is_valid(SLICE("100%")));
}
END_TEST

Suite *suite_share(void)
{
	Suite *s = suite_create("share");
	TCase *tc = tcase_create("share");
	tcase_add_test(tc, so_many_of_all);
	tcase_add_test(tc, what_is_none);
	suite_add_tcase(s, tc);
	return s;
}
