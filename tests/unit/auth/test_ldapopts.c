/*
 * test_ldapopts.c - LDAP's options, one by one and as a line, and which go together.
 */
#include "auth/ldapopts.h"

#include <string.h>

#include "check_auth.h"

static struct confmem mem;

static void fini(void)
{
	confmem_fini(&mem);
}

/* "": all is well. */
static struct ldapopts read_line(const char *line, const char *why)
{
	struct ldapopts o;
	struct err err = { "" };
	ldapopts_init(&o);
	bool ok = ldapopts_parse(&o, slice_of(line), &mem, &err) && ldapopts_check(&o, &err);
	ck_assert_msg(ok == !*why, "%s: %s", line, err.text);
	ck_assert_msg(strstr(err.text, why), "%s: %s", line, err.text);
	return o;
}

START_TEST(simple_bind)
{
	struct ldapopts o = read_line("ldapserver=l.example ldapprefix=\"cn=\" "
				      "ldapsuffix=\", dc=example, dc=net\"",
				      "");
	ck_assert_str_eq(o.server, "l.example");
	ck_assert_str_eq(o.prefix, "cn=");
	ck_assert_str_eq(o.suffix, ", dc=example, dc=net");
	ck_assert_str_eq(o.basedn, "");
	ck_assert_int_eq(o.port, 0);
	ck_assert(!o.is_ldaps && !o.starttls);

	o = read_line("  ldapserver=\"a b\" ldapport=1389 ldaptls=1 \"ldapsuffix=x \"\"y\"\"\" \n",
		      "");
	ck_assert_str_eq(o.server, "a b");
	ck_assert_str_eq(o.suffix, "x \"y\"");
	ck_assert_int_eq(o.port, 1389);
	ck_assert(o.starttls);
}
END_TEST

START_TEST(search_and_bind)
{
	struct ldapopts o =
		read_line("ldapserver=l ldapscheme=ldaps ldapbasedn=\"dc=x\" "
			  "ldapbinddn=cn=admin ldapbindpasswd=p=w ldapsearchattribute=uid",
			  "");
	ck_assert(o.is_ldaps);
	ck_assert_str_eq(o.binddn, "cn=admin");
	ck_assert_str_eq(o.bindpasswd, "p=w");
	ck_assert_str_eq(o.searchattribute, "uid");
	ck_assert_int_eq(o.scope, LDAPOPTS_SUB);
	o = read_line(
		"ldapserver=l ldapbasedn=dc=x ldapsearchfilter=(|(uid=$username)(mail=$username))",
		"");
	ck_assert_str_eq(o.searchfilter, "(|(uid=$username)(mail=$username))");
}
END_TEST

START_TEST(urls)
{
	struct ldapopts o =
		read_line("ldapurl=ldap://ldap.example.net/dc=example,dc=net?uid?sub", "");
	ck_assert_str_eq(o.server, "ldap.example.net");
	ck_assert_str_eq(o.basedn, "dc=example,dc=net");
	ck_assert_str_eq(o.searchattribute, "uid");
	ck_assert_int_eq(o.scope, LDAPOPTS_SUB);
	ck_assert(!o.is_ldaps);

	o = read_line("ldapurl=ldaps://[::1]:636/dc=a%20b??one?(x=%3f)", "");
	ck_assert(o.is_ldaps);
	ck_assert_str_eq(o.server, "::1");
	ck_assert_int_eq(o.port, 636);
	ck_assert_str_eq(o.basedn, "dc=a b");
	ck_assert_str_eq(o.searchattribute, "");
	ck_assert_str_eq(o.searchfilter, "(x=?)");
	ck_assert_int_eq(o.scope, LDAPOPTS_ONE);

	o = read_line("ldapurl=ldap://h ldapprefix=x", "");
	ck_assert_str_eq(o.server, "h");
	ck_assert_int_eq(read_line("ldapurl=ldap://h/b", "").scope, LDAPOPTS_BASE);
}
END_TEST

START_TEST(what_is_refused)
{
	static const char *const bad[][2] = {
		{ "ldapprefix=x", "needs ldapserver" },
		{ "ldapserver=l", "needs ldapbasedn" },
		{ "ldapserver=l ldapprefix=x ldapbasedn=y", "do not go together" },
		{ "ldapserver=l ldapsuffix=x ldapbinddn=y", "do not go together" },
		{ "ldapserver=l ldapbasedn=x ldapsearchattribute=a ldapsearchfilter=(b=c)",
		  "do not go together" },
		{ "ldapserver=l ldapbasedn=x ldapscheme=ldaps ldaptls=1", "not ldaps" },
		{ "ldapserver=l ldapbasedn=x ldapscheme=ldapi", "ldap or ldaps" },
		{ "ldapserver=l ldapbasedn=x ldaptls=yes", "1 or 0" },
		{ "ldapserver=l ldapbasedn=x ldapport=0", "not a port" },
		{ "ldapserver=l ldapbasedn=x ldapport=65536", "not a port" },
		{ "ldapserver=l ldapbasedn=x ldapport=999999999999999", "not a port" },
		{ "ldapserver=l ldapbasedn=x ldapport=1x", "not a port" },
		{ "ldapserver=l ldapbasedn=x ldapport=", "not a port" },
		{ "ldapserver=l nothing=x", "no option \"nothing\"" },
		{ "ldapserver", "not NAME=VALUE" },
		{ "ldapserver=\"l", "a quote is not closed" },
		{ "ldapurl=ldap:/h/b", "ldapurl is" },
		{ "ldapurl=http://h/b", "ldap or ldaps" },
		{ "ldapurl=ldap://[::1/b", "address" },
		{ "ldapurl=ldap://[::1]x/b", "address" },
		{ "ldapurl=ldap://h:x/b", "not a port" },
		{ "ldapurl=ldap://h%/b", "host" },
		{ "ldapurl=ldap://h/b%0", "two hex digits" },
		{ "ldapurl=ldap://h/b%zz", "two hex digits" },
		{ "ldapurl=ldap://h/b%00", "two hex digits" },
		{ "ldapurl=ldap://h/b?a,b", "one attribute" },
		{ "ldapurl=ldap://h/b?a?tree", "scope" },
		{ "ldapurl=ldap://h/b?a?sub??e", "extensions" },
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		read_line(bad[i][0], bad[i][1]);
}
END_TEST

START_TEST(names)
{
	ck_assert(ldapopts_is_name(SLICE("ldapserver")) && ldapopts_is_name(SLICE("ldapurl")));
	ck_assert(!ldapopts_is_name(SLICE("ldap")) && !ldapopts_is_name(SLICE("map")));
}
END_TEST

Suite *suite_ldapopts(void)
{
	Suite *s = suite_create("ldapopts");
	TCase *tc = tcase_create("options");
	tcase_add_checked_fixture(tc, NULL, fini);
	tcase_add_test(tc, simple_bind);
	tcase_add_test(tc, search_and_bind);
	tcase_add_test(tc, urls);
	tcase_add_test(tc, what_is_refused);
	tcase_add_test(tc, names);
	suite_add_tcase(s, tc);
	return s;
}
