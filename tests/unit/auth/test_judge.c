/*
 * test_judge.c - names in DNs and filters, where a directory is, and what a system user is called.
 */
#include "auth/judge.h"

#include <stdlib.h>
#include <unistd.h>

#include "auth/judge_ldap.h"
#include "base/vault.h"
#include "check_auth.h"
#include "config.h"

static struct ldapopts options(void)
{
	struct ldapopts o;
	ldapopts_init(&o);
	o.server = "ldap.example.com";
	return o;
}

/* ---- names as part of a DN -------------------------------------------------------------- */

static void assert_dn(const char *prefix, const char *suffix, const char *user, const char *dn)
{
	struct ldapopts o = options();
	struct buf out = { 0 };
	o.prefix = prefix;
	o.suffix = suffix;
	bool ok = judge_ldap_dn(&o, slice_of(user), &out);
	ck_assert_msg(ok == (dn != NULL), "%s%s%s", prefix, user, suffix);
	if (dn)
		ck_assert_msg(slice_eq_str(buf_slice(&out), dn), "%.*s, not %s",
			      SLICE_ARGS(buf_slice(&out)), dn);
	buf_fini(&out);
}

START_TEST(names_in_a_dn_are_escaped)
{
	static const char *const cases[][2] = {
		{ "alice", "uid=alice,dc=x" },
		{ "", "uid=,dc=x" },
		{ "a b", "uid=a b,dc=x" },
		{ " a ", "uid=\\20a\\20,dc=x" },
		{ " ", "uid=\\20,dc=x" },
		{ "#a#", "uid=\\23a#,dc=x" },
		{ "a,ou=admins", "uid=a\\2cou\\3dadmins,dc=x" },
		{ "a+b", "uid=a\\2bb,dc=x" },
		{ "\"a\"", "uid=\\22a\\22,dc=x" },
		{ "a\\b", "uid=a\\5cb,dc=x" },
		{ "<a;b>", "uid=\\3ca\\3bb\\3e,dc=x" },
		{ "a\nb\x7f", "uid=a\\0ab\\7f,dc=x" },
		{ "\xc3\xa4", "uid=\xc3\xa4,dc=x" },
		{ "*", "uid=*,dc=x" },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_dn("uid=", ",dc=x", cases[i][0], cases[i][1]);
}
END_TEST

/* user@example.com and EXAMPLE\user have no way to escape: such a name is refused. */
START_TEST(names_elsewhere_are_taken_or_refused)
{
	assert_dn("", "@example.com", "alice", "alice@example.com");
	assert_dn("", "@example.com", "alice.b-c_d", "alice.b-c_d@example.com");
	assert_dn("", "@example.com", "alice@elsewhere.org", NULL);
	assert_dn("EXAMPLE\\", "", "alice", "EXAMPLE\\alice");
	assert_dn("EXAMPLE\\", "", "alice@example.com", "EXAMPLE\\alice@example.com");
	static const char bad[] = ",+\"\\<>;=/\n\t";
	for (size_t i = 0; bad[i]; i++) {
		char name[] = "a?b";
		name[1] = bad[i];
		assert_dn("", "@example.com", name, NULL);
		assert_dn("EXAMPLE\\", "", name, NULL);
	}
}
END_TEST

/* ---- names as part of a filter ------------------------------------------------------------ */

static void assert_filter(const char *attribute, const char *filter, const char *user,
			  const char *wanted)
{
	struct ldapopts o = options();
	struct buf out = { 0 };
	o.searchattribute = attribute;
	o.searchfilter = filter;
	judge_ldap_filter(&o, slice_of(user), &out);
	ck_assert_msg(slice_eq_str(buf_slice(&out), wanted), "%.*s, not %s",
		      SLICE_ARGS(buf_slice(&out)), wanted);
	buf_fini(&out);
}

START_TEST(filters)
{
	assert_filter("", "", "alice", "(uid=alice)");
	assert_filter("cn", "", "alice", "(cn=alice)");
	assert_filter("", "(|(uid=$username)(mail=$username))", "alice",
		      "(|(uid=alice)(mail=alice))");
	assert_filter("", "(uid=$user)", "alice", "(uid=$user)");
	assert_filter("", "$username", "$username", "$username");
	assert_filter("", "", "*", "(uid=\\2a)");
	assert_filter("", "", "a)(uid=*", "(uid=a\\29\\28uid=\\2a)");
	assert_filter("", "", "a\\2a", "(uid=a\\5c2a)");
	assert_filter("", "", "a\nb", "(uid=a\\0ab)");
	assert_filter("", "(uid=$username)", "*)(cn=*", "(uid=\\2a\\29\\28cn=\\2a)");
	assert_filter("", "", "\xc3\xa4", "(uid=\xc3\xa4)");
}
END_TEST

/* ---- where the server is -------------------------------------------------------------------- */

static void assert_uris(const char *servers, int port, bool is_ldaps, const char *wanted)
{
	struct ldapopts o = options();
	struct buf out = { 0 };
	o.server = servers;
	o.port = port;
	o.is_ldaps = is_ldaps;
	judge_ldap_uris(&o, &out);
	ck_assert_msg(slice_eq_str(buf_slice(&out), wanted), "%.*s, not %s",
		      SLICE_ARGS(buf_slice(&out)), wanted);
	buf_fini(&out);
}

START_TEST(uris)
{
	assert_uris("a", 0, false, "ldap://a");
	assert_uris("a", 0, true, "ldaps://a");
	assert_uris("  a   b ", 636, true, "ldaps://a:636 ldaps://b:636");
	assert_uris("::1", 389, false, "ldap://[::1]:389");
	assert_uris("[::1]", 389, false, "ldap://[::1]:389");
}
END_TEST

/* ---- cases ------------------------------------------------------------------------------------
 */

START_TEST(system_users_have_names)
{
	struct judge_case c = { .kind = JUDGE_PEER, .uid = 0 };
	judge_run(&c);
	ck_assert(c.is_right);
	ck_assert_str_eq(c.system_name, "root");
	judge_fini(&c);
	c = (struct judge_case){ .kind = JUDGE_PEER, .uid = 3999999999u };
	judge_run(&c);
	ck_assert(!c.is_right);
	ck_assert_ptr_null(c.system_name);
	ck_assert_str_eq(c.why, "no system user has the uid 3999999999");
	judge_fini(&c);
}
END_TEST

static bool ask_ldap(struct ldapopts *o, const char *user, const char *password, const char *words)
{
	struct judge_case c = { .kind = JUDGE_LDAP,
				.user = strdup(user),
				.password = vault_dup(slice_of(password)),
				.ldap = o,
				.deadline = usec_now() + 20 * USEC_PER_SEC };
	judge_run(&c);
	bool is_right = c.is_right;
	ck_assert_msg(is_right || strstr(c.why, words), "%s", c.why);
	judge_fini(&c);
	ck_assert_ptr_null(c.password);
	return is_right;
}

/* What a directory takes for a visitor's name, or for another's, it is never asked about. */
START_TEST(what_no_directory_is_asked)
{
	struct ldapopts o = options();
	o.server = "127.0.0.1";
	o.port = 1; /* nobody listens there */
	o.prefix = "uid=";
	if (!judge_has(JUDGE_LDAP)) {
		ck_assert(!ask_ldap(&o, "a", "b", "this build has no LDAP"));
		return;
	}
	ck_assert(!ask_ldap(&o, "alice", "", "empty password"));
	ck_assert(!ask_ldap(&o, "", "secret", "blanks"));
	ck_assert(!ask_ldap(&o, " alice", "secret", "blanks"));
	ck_assert(!ask_ldap(&o, "alice ", "secret", "blanks"));
	ck_assert(!ask_ldap(&o, "al  ice", "secret", "blanks"));
	ck_assert(!ask_ldap(&o, "alice", "secret", "bind as the user"));
	o.prefix = "";
	o.suffix = "@example.com";
	ck_assert(!ask_ldap(&o, "alice@example.com", "secret", "letters"));
}
END_TEST

START_TEST(no_time_is_left)
{
	struct ldapopts o = options();
	struct judge_case c = { .kind = JUDGE_LDAP,
				.user = strdup("alice"),
				.password = vault_dup(SLICE("secret")),
				.ldap = &o,
				.deadline = 1 };
	judge_run(&c);
	ck_assert(!c.is_right);
	judge_fini(&c);
}
END_TEST

START_TEST(service_that_is_not_there)
{
	struct judge_case c = { .kind = JUDGE_PAM,
				.user = strdup("alice"),
				.password = vault_dup(SLICE("secret")),
				.host = strdup("[local]"),
				.service = strdup("pgweir-no-such-service") };
	judge_run(&c);
	ck_assert(!c.is_right);
	ck_assert_str_ne(c.why, "");
	judge_fini(&c);
}
END_TEST

Suite *suite_judge(void)
{
	Suite *s = suite_create("judge");
	TCase *tc = tcase_create("judge");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, names_in_a_dn_are_escaped);
	tcase_add_test(tc, names_elsewhere_are_taken_or_refused);
	tcase_add_test(tc, filters);
	tcase_add_test(tc, uris);
	tcase_add_test(tc, system_users_have_names);
	tcase_add_test(tc, what_no_directory_is_asked);
	tcase_add_test(tc, no_time_is_left);
	tcase_add_test(tc, service_that_is_not_there);
	suite_add_tcase(s, tc);
	return s;
}
