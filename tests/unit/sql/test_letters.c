/*
 * test_letters.c - letters of each encoding.
 */
#include "base/bug.h"
#include "sql/letters.h"
#include "suites.h"

static const struct {
	const char *client, *server, *text;
	size_t letters;
} rows[] = {
	{ "UTF8", "UTF8", "", 0 },
	{ "UTF8", "UTF8", "abc", 3 },
	{ "utf8", "EUC_JP", "a\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80z", 5 },
	{ "UTF8", "SQL_ASCII", "\xc3\xa9", 2 },
	{ "SQL_ASCII", "UTF8", "\xc3\xa9", 1 },
	{ "SQL_ASCII", "SQL_ASCII", "\xc3\xa9", 2 },
	{ "LATIN1", "UTF8", "\xc3\xa9", 2 },
	{ "EUC_JP", "UTF8", "a\xc6\xfc\x8e\xb1\x8f\xb0\xa1z", 5 },
	{ "EUC_JIS_2004", "UTF8", "\xc6\xfc\x8e\xb1", 2 },
	/* two letters of UTF8 each, but for those around them */
	{ "EUC_JIS_2004", "UTF8", "\xa4\xf6\xa4\xf7\xa4\xfb\xa4\xfc", 6 },
	{ "EUC_JIS_2004", "UTF8",
	  "\xa5\xf7\xa5\xfe\xa6\xf8\xab\xc4\xab\xc8\xab\xcf\xab\xe5\xab\xe6", 16 },
	{ "EUC_JIS_2004", "EUC_JIS_2004", "\xa4\xf7", 1 },
	{ "SHIFT_JIS_2004", "UTF8", "\x82\xf4\x82\xf5\x82\xf9\x82\xfa", 6 },
	{ "SHIFT_JIS_2004", "UTF8",
	  "\x83\x97\x83\x9e\x83\xf6\x86\x63\x86\x67\x86\x6e\x86\x85\x86\x86", 16 },
	{ "SHIFT_JIS_2004", "EUC_JIS_2004", "\x82\xf5", 1 },
	{ "EUC_KR", "UTF8", "\xc7\xd1z", 2 },
	{ "EUC_CN", "UTF8", "\xd6\xd0\xb9\xfa", 2 },
	{ "EUC_TW", "EUC_TW", "\xc4\xa1\x8e\xa1\xc4\xa1z", 3 },
	{ "SJIS", "UTF8", "\x93\xfa\xb1\xb2\x95\x5cz", 5 },
	{ "SHIFT_JIS_2004", "UTF8", "\x93\xfa\xb1", 2 },
	{ "BIG5", "UTF8", "\xa4\xa4\xb0\xea", 2 },
	{ "GBK", "UTF8", "\xd6\xd0\x87\xf8z", 3 },
	{ "UHC", "UTF8", "\xc7\xd1\xb0\xa1", 2 },
	{ "JOHAB", "UTF8", "\xd0\x65z", 2 },
	{ "GB18030", "UTF8", "\xd6\xd0\x81\x30\x8a\x33z", 3 },
	{ "MULE_INTERNAL", "EUC_JP", "\x92\xc6\xfc\x81\xe9\x9a\xe0\xa1\x9c\xf0\xa1\xa1z", 5 },
	{ "UTF8", "UTF8", "\xc3", 1 }, /* cut in two */
};

START_TEST(test_rows)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		ck_assert_msg(letters_count(slice_of(rows[i].text), slice_of(rows[i].client),
					    slice_of(rows[i].server)) == rows[i].letters,
			      "row %zu", i);
}
END_TEST

Suite *letters_suite(void)
{
	Suite *suite = suite_create("letters");
	TCase *tc = tcase_create("letters");
	tcase_add_test(tc, test_rows);
	suite_add_tcase(suite, tc);
	return suite;
}
