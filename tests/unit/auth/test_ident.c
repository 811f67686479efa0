/*
 * test_ident.c - ident files: who may be whom.
 */
#include "auth/ident.h"

#include <string.h>

#include "check_auth.h"

static struct buf said;

static void on_report(void *arg, bool is_fault, const char *file, unsigned line, const char *text)
{
	(void)arg;
	buf_addf(&said, "%c %s:%u %s\n", is_fault ? 'F' : 'W', file, line, text);
}

static struct ident *parse(const char *text)
{
	buf_clear(&said);
	return ident_parse(slice_of(text), "ident", on_report, NULL);
}

static bool allows(const char *text, const char *system, const char *user)
{
	struct ident *d = parse(text);
	ck_assert_msg(d && buf_len(&said) == 0, "%s", buf_cstr(&said));
	bool is_allowed = ident_allows(d, "m", slice_of(system), slice_of(user));
	ident_unref(d);
	return is_allowed;
}

START_TEST(names_as_they_are)
{
	ck_assert(allows("m joe jane", "joe", "jane"));
	ck_assert(!allows("m joe jane", "jane", "joe"));
	ck_assert(!allows("m joe jane", "joe", "joe"));
	ck_assert(!allows("n joe jane", "joe", "jane"));
	ck_assert(!allows("", "joe", "joe"));
	ck_assert(allows("m joe x\nm joe jane\n", "joe", "jane"));
	ck_assert(allows("m \"joe doe\" \"all\"", "joe doe", "all"));
	ck_assert(!allows("m \"joe doe\" \"all\"", "joe doe", "x"));
	ck_assert(allows("m joe all", "joe", "whoever"));
	ck_assert(allows("m all jane", "all", "jane")); /* a name here, as in PostgreSQL */
	ck_assert(!allows("m all jane", "joe", "jane"));
	ck_assert(allows("include x y", "x", "y") == false);
}
END_TEST

START_TEST(expressions)
{
	static const char map[] = "m /^(.*)@example\\.com$ \\1";
	ck_assert(allows(map, "joe@example.com", "joe"));
	ck_assert(!allows(map, "joe@example.com", "jane"));
	ck_assert(!allows(map, "joe@example.org", "joe"));
	ck_assert(!allows(map, "@example.com", "x"));
	ck_assert(allows("m /^(.*)@x$ app_\\1_rw", "joe@x", "app_joe_rw"));
	ck_assert(!allows("m /^(.*)@x$ app_\\1_rw", "joe@x", "app_joe_r"));
	ck_assert(!allows("m /^(.*)@x$ app_\\1_rw", "joe@x", "app__rw"));
	ck_assert(allows("m /^(.*)@x$ \\1\\1", "joe@x", "joe\\1")); /* the first only */
	ck_assert(allows("m /@x$ guest", "joe@x", "guest"));
	ck_assert(!allows("m /^a(b)?c$ u\\1", "ac", "u")); /* ( ) took nothing */
	ck_assert(allows("m /^a(b*)c$ u\\1", "ac", "u"));
	ck_assert(allows("m /^(.*)@x$ /^app_", "joe@x", "app_1"));
	ck_assert(!allows("m /^(.*)@x$ /^app_", "joe@x", "ap_1"));
	ck_assert(allows("m joe /^app_", "joe", "app_1"));
	ck_assert(allows("m joe u\\1", "joe", "u\\1")); /* no expression: as it is */
	ck_assert(allows("m /^(.*)@x$ all", "joe@x", "y"));
}
END_TEST

START_TEST(what_a_certificate_says_is_no_pattern)
{
	ck_assert(allows("m /^(.*)@x$ \\1", "all@x", "all"));
	ck_assert(!allows("m /^(.*)@x$ \\1", "all@x", "joe"));
	ck_assert(!allows("m /^(.*)@x$ \\1", "/.*@x", "joe"));
}
END_TEST

START_TEST(without_a_map)
{
	ck_assert(ident_allows(NULL, NULL, SLICE("joe"), SLICE("joe")));
	ck_assert(ident_allows(NULL, "", SLICE("joe"), SLICE("joe")));
	ck_assert(!ident_allows(NULL, "", SLICE("joe"), SLICE("Joe")));
	ck_assert(!ident_allows(NULL, "", SLICE(""), SLICE("")));
	ck_assert(!ident_allows(NULL, "m", SLICE("joe"), SLICE("joe")));
	struct ident *d = parse("m a b");
	ck_assert(ident_has_map(d, "m") && !ident_has_map(d, "n") && !ident_has_map(NULL, "m"));
	ck_assert_ptr_eq(ident_ref(d), d);
	ident_unref(d);
	ident_unref(d);
	ident_unref(NULL);
	ck_assert_ptr_null(ident_ref(NULL));
}
END_TEST

START_TEST(faults)
{
	static const char *const bad[][2] = {
		{ "m joe", "has 2 fields" },
		{ "m", "has 1 fields" },
		{ "m a b c", "has 4 fields" },
		{ "m a,b c", "a list (\"a,b\")" },
		{ "m /( c", "the expression \"/(\"" },
		{ "m a /(", "the expression \"/(\"" },
		{ "m /^.*$ \\1", "has no ( )" },
		{ "m a +dba", "who is a member" },
		{ "m \"a b", "a quote is not closed" },
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		ck_assert_msg(!parse(bad[i][0]), "%s", bad[i][0]);
		ck_assert_msg(strstr(buf_cstr(&said), bad[i][1]), "%s", buf_cstr(&said));
		ck_assert_msg(strncmp(buf_cstr(&said), "F ident:1 ", 10) == 0, "%s",
			      buf_cstr(&said));
	}
	ck_assert_ptr_null(ident_load("/nowhere/at/all", on_report, NULL));
}
END_TEST

START_TEST(description)
{
	struct ident *d = parse("m   \"a b\" \"all\"\nn /^x all # y\n");
	struct buf out = { 0 };
	ck_assert_uint_eq(ident_count(d), 2);
	ident_describe(d, 0, &out);
	buf_u8(&out, '\n');
	ident_describe(d, 1, &out);
	ck_assert_str_eq(buf_cstr(&out), "m \"a b\" \"all\"\nn /^x all");
	buf_fini(&out);
	ident_unref(d);
}
END_TEST

Suite *suite_ident(void)
{
	Suite *s = suite_create("ident");
	TCase *tc = tcase_create("maps");
	tcase_add_test(tc, names_as_they_are);
	tcase_add_test(tc, expressions);
	tcase_add_test(tc, what_a_certificate_says_is_no_pattern);
	tcase_add_test(tc, without_a_map);
	tcase_add_test(tc, faults);
	tcase_add_test(tc, description);
	suite_add_tcase(s, tc);
	return s;
}
