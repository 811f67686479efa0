/*
 * test_namepat.c - /regex words: what they fit, and which are refused.
 */
#include "auth/namepat.h"

#include <string.h>

#include "check_auth.h"

/* "" as the group: none was asked for. */
static void assert_fits(const char *regex, const char *name, const char *group)
{
	struct err err;
	struct slice got;
	struct namepat *p = namepat_new(regex, &err);
	ck_assert_msg(p, "%s: %s", regex, err.text);
	ck_assert_msg(namepat_match(p, slice_of(name), &got) == NAMEPAT_YES, "%s: %s", regex, name);
	if (group)
		ck_assert_msg(slice_eq_str(got, group), "%s: %.*s", regex, SLICE_ARGS(got));
	else
		ck_assert_ptr_null(got.ptr);
	namepat_free(p);
}

static void assert_fits_not(const char *regex, const char *name)
{
	struct err err;
	struct namepat *p = namepat_new(regex, &err);
	ck_assert_msg(p, "%s: %s", regex, err.text);
	ck_assert_msg(namepat_match(p, slice_of(name), NULL) == NAMEPAT_NO, "%s: %s", regex, name);
	namepat_free(p);
}

START_TEST(what_fits)
{
	assert_fits("", "anything", NULL);
	assert_fits("b", "abc", NULL); /* anywhere, as in PostgreSQL */
	assert_fits_not("^b", "abc");
	assert_fits_not("b$", "abc");
	assert_fits("^abc$", "abc", NULL);
	assert_fits_not("^abc$", "ABC");
	assert_fits("^a.c$", "a-c", NULL);
	assert_fits("^db\\d{2,4}$", "db123", NULL);
	assert_fits_not("^db\\d{2,4}$", "db1");
	assert_fits_not("^db\\d{2,4}$", "db12345");
	assert_fits("^db\\d{2,}$", "db12345", NULL);
	assert_fits_not("^db\\d{3}$", "db12");
	assert_fits("^(.*)@example\\.com$", "joe@example.com", "joe");
	assert_fits_not("^(.*)@example\\.com$", "joe@exampleXcom");
	assert_fits("^(a|b)+$", "abba", "a");
	assert_fits("^x(y)?$", "x", NULL);
	assert_fits("^x(y*)$", "x", "");
}
END_TEST

START_TEST(escapes)
{
	assert_fits("^\\w\\s\\d$", "_ 1", NULL);
	assert_fits("^\\W\\S\\D$", "-xa", NULL);
	assert_fits_not("^\\W", "_");
	assert_fits_not("^\\S", " ");
	assert_fits_not("^\\D", "1");
	assert_fits("^\\^\\$\\.\\[\\]\\(\\)\\{\\}\\|\\*\\+\\?\\\\\\/\\-\\_$", "^$.[](){}|*+?\\/-_",
		    NULL);
}
END_TEST

START_TEST(sets)
{
	assert_fits("^[abc]$", "b", NULL);
	assert_fits_not("^[^abc]$", "b");
	assert_fits("^[a-c]+$", "cab", NULL);
	assert_fits("^[]a]$", "]", NULL);
	assert_fits_not("^[^]a]$", "]");
	assert_fits("^[a-]$", "-", NULL);
	assert_fits("^[-a]$", "-", NULL);
	assert_fits("^[\\w.-]+$", "a_b.c-9", NULL);
	assert_fits_not("^[\\w.-]+$", "a b");
	assert_fits("^[\\d]$", "7", NULL);
	assert_fits_not("^[\\d]$", "d");
	assert_fits_not("^[\\d]$", "\\");
	assert_fits("^[\\^]$", "^", NULL);
	assert_fits("^[\\^-]$", "^", NULL);
	assert_fits("^[\\^\\-]$", "-", NULL);
	assert_fits("^[x^]$", "^", NULL);
	assert_fits("^[\\]]$", "]", NULL);
	assert_fits("^[[]$", "[", NULL);
	assert_fits("^[[:alpha:][:digit:]]+$", "a1", NULL);
	assert_fits_not("^[[:upper:]]$", "a");
	assert_fits("^[\\\\]$", "\\", NULL);
	assert_fits("^[+--]$", ",", NULL); /* from + to - */
	assert_fits("^[*.[:space:]]+$", "* .", NULL);
}
END_TEST

START_TEST(braces_that_count_nothing)
{
	assert_fits("^a{b}$", "a{b}", NULL);
	assert_fits("^a\\{2}$", "a{2}", NULL);
	assert_fits("^]}$", "]}", NULL);
	assert_fits("^a{0}b$", "b", NULL);
}
END_TEST

START_TEST(bytes_beyond_ascii)
{
	assert_fits("^jos\xc3\xa9$", "jos\xc3\xa9", NULL);
	assert_fits("^[^@]+@", "jos\xc3\xa9@x", NULL);
	assert_fits_not("^\\w+$", "jos\xc3\xa9");
}
END_TEST

static void assert_refused(const char *regex, const char *why)
{
	struct err err = { "" };
	struct namepat *p = namepat_new(regex, &err);
	ck_assert_msg(!p, "%s", regex);
	ck_assert_msg(strstr(err.text, why), "%s: %s", regex, err.text);
}

START_TEST(what_is_refused)
{
	assert_refused("(", "a ( without its )");
	assert_refused(")", "a ) without its (");
	assert_refused("a)(", "a ) without its (");
	assert_refused("[", "a [ without its ]");
	assert_refused("[]", "a [ without its ]");
	assert_refused("[a", "a [ without its ]");
	assert_refused("[c-a]", "range");
	assert_refused("[\\d-z]", "range");
	assert_refused("[a-\\d]", "range");
	assert_refused("[[:nothing:]]", "no such class");
	assert_refused("[[:alpha", "no such class");
	assert_refused("[[.a.]]", "no such class");
	assert_refused("[[=a=]]", "no such class");
	assert_refused("[\xc3\xa9]", "only ASCII");
	assert_refused("[\\", "a [ without its ]");
	assert_refused("[\\D]", "is not for use in [ ]");
	assert_refused("\\", "backslash at the end");
	assert_refused("(a)\\1", "back references");
	assert_refused("\\y", "\\y is not possible");
	assert_refused("\\x41", "\\x is not possible");
	assert_refused("*a", "nothing in front of *");
	assert_refused("a|+", "nothing in front of +");
	assert_refused("^*", "nothing in front of *");
	assert_refused("(*)", "nothing in front of *");
	assert_refused("a**", "a repeat of a repeat");
	assert_refused("a*?", "non-greedy");
	assert_refused("a{2}{3}", "nothing in front of {");
	assert_refused("a{2}?", "non-greedy");
	assert_refused("a{2", "a { without");
	assert_refused("a{2,", "a { without");
	assert_refused("a{2,x}", "a { without");
	assert_refused("a{3,2}", "second is the smaller");
	assert_refused("a{256}", "above 255");
	assert_refused("a{99999999999999999999}", "above 255");
	assert_refused("(?:a)", "(?...)");
	assert_refused("(?i)a", "(?...)");
	assert_refused("***=a", "***");
	assert_refused("((a{255}){255}){255}", "too large");
}
END_TEST

START_TEST(sizes)
{
	char text[NAMEPAT_MAX_BYTES + 2];
	memset(text, 'a', sizeof(text));
	text[NAMEPAT_MAX_BYTES + 1] = '\0';
	assert_refused(text, "too long");
	memset(text, '(', 40);
	assert_refused(text + 1, "deep");

	struct err err;
	struct namepat *p = namepat_new("^a*$", &err);
	ck_assert(namepat_match(p, slice_make(text + 41, 900), NULL) == NAMEPAT_YES);
	char name[NAMEPAT_MAX_NAME_BYTES + 1] = "";
	ck_assert(namepat_match(p, slice_make(name, sizeof(name)), NULL) == NAMEPAT_ERROR);
	ck_assert(namepat_match(p, slice_make("a\0a", 3), NULL) == NAMEPAT_ERROR);
	namepat_free(p);
	namepat_free(NULL);
}
END_TEST

Suite *suite_namepat(void)
{
	Suite *s = suite_create("namepat");
	TCase *tc = tcase_create("expressions");
	tcase_add_test(tc, what_fits);
	tcase_add_test(tc, escapes);
	tcase_add_test(tc, sets);
	tcase_add_test(tc, braces_that_count_nothing);
	tcase_add_test(tc, bytes_beyond_ascii);
	tcase_add_test(tc, what_is_refused);
	tcase_add_test(tc, sizes);
	suite_add_tcase(s, tc);
	return s;
}
