/*
 * test_protocols.c - versions of TLS in words.
 */
#include "check_conf.h"

#include "conf/protocols.h"

START_TEST(words_and_lists)
{
	static const struct {
		const char *text;
		unsigned set;
	} cases[] = {
		{ "", PROTOCOLS_SECURE },
		{ "secure", PROTOCOLS_SECURE },
		{ "Default", PROTOCOLS_SECURE },
		{ "all", PROTOCOLS_ALL },
		{ "legacy", PROTOCOLS_ALL },
		{ "tlsv1", PROTOCOLS_ALL },
		{ "tlsv1.2,tlsv1.3", PROTOCOLS_SECURE },
		{ "TLSv1.3", PROTOCOLS_13 },
		{ "tlsv1.0 : tlsv1.2", PROTOCOLS_10 | PROTOCOLS_12 },
		{ "all:!tlsv1.0", PROTOCOLS_ALL & ~PROTOCOLS_10 },
		{ "all,", PROTOCOLS_ALL },
		{ "sslv3", 0 },
		{ "tlsv1.2,tlsv1.4", 0 },
		{ "tlsv1.2,!", 0 },
		{ "!tlsv1.2", 0 },
		{ "tlsv1.2!", 0 },
		{ ",", 0 },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		ck_assert_msg(protocols_parse(slice_of(cases[i].text)) == cases[i].set, "%s",
			      cases[i].text);
}
END_TEST

START_TEST(ends_for_libpq)
{
	static const struct {
		unsigned set;
		const char *least, *most;
	} cases[] = {
		{ PROTOCOLS_SECURE, "TLSv1.2", "TLSv1.3" },
		{ PROTOCOLS_ALL, "TLSv1", "TLSv1.3" },
		{ PROTOCOLS_11, "TLSv1.1", "TLSv1.1" },
		{ PROTOCOLS_11 | PROTOCOLS_12, "TLSv1.1", "TLSv1.2" },
		{ PROTOCOLS_10 | PROTOCOLS_12, NULL, NULL },
		{ 0, NULL, NULL },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		ck_assert_pstr_eq(protocols_least(cases[i].set), cases[i].least);
		ck_assert_pstr_eq(protocols_most(cases[i].set), cases[i].most);
	}
}
END_TEST

Suite *suite_protocols(void)
{
	Suite *s = suite_create("protocols");
	TCase *tc = tcase_create("protocols");
	tcase_add_test(tc, words_and_lists);
	tcase_add_test(tc, ends_for_libpq);
	suite_add_tcase(s, tc);
	return s;
}
