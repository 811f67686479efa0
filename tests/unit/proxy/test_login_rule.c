/*
 * test_login_rule.c - which method a login is judged by, and whose certificate is good for it.
 */
#include "check_proxy.h"

#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "proxy/login_rule.h"

static void no_fault(void *arg, bool is_fault, const char *file, unsigned line, const char *text)
{
	(void)arg;
	ck_assert_msg(!is_fault, "%s:%u: %s", file, line, text);
}

#define BASE                                                                                       \
	"[databases]\nown = host=x auth_type=cert\nplain = host=x\n"                               \
	"[pgweir]\nlisten_addr = 127.0.0.1\nauth_pam_service = logins\n"

/* A configuration, and rules for auth_type hba; the caller's to free. */
static void make(struct setup *s, const char *conf, const char *rules)
{
	struct conf_faults faults = { 0 };
	struct buf text = { 0 };
	*s = (struct setup){ 0 };
	buf_addf(&text, "%s%s", BASE, conf);
	s->conf = conf_parse(buf_slice(&text), "test.ini", &faults);
	ck_assert_msg(s->conf != NULL, "%s", faults.count ? faults.items[0].text : "");
	if (*rules) {
		s->hba = hba_parse(slice_of(rules), "test.hba", no_fault, NULL);
		ck_assert_ptr_nonnull(s->hba);
	}
	conf_faults_fini(&faults);
	buf_fini(&text);
}

static void drop(struct setup *s)
{
	conf_unref(s->conf);
	hba_unref(s->hba);
	ident_unref(s->ident);
}

static struct hba_query query(const char *database, const char *user)
{
	struct hba_query q = { .database = slice_of(database), .user = slice_of(user) };
	q.addr = (struct addr){ .kind = ADDR_V4, .ip = { 10, 0, 0, 1 } };
	return q;
}

/* Finds a rule that has to be there. */
static struct login_rule find(const struct setup *s, const char *database, bool is_console)
{
	struct login_rule rule;
	struct buf refusal = { 0 };
	struct hba_query q = query(database, "u");
	ck_assert(login_rule_find(s, &q, is_console, &rule, &refusal));
	ck_assert_uint_eq(buf_len(&refusal), 0);
	return rule;
}

START_TEST(every_word_has_its_method)
{
	static const struct {
		const char *word;
		enum hba_method method;
	} words[] = {
		{ "trust", HBA_METHOD_TRUST },         { "any", HBA_METHOD_TRUST },
		{ "plain", HBA_METHOD_PASSWORD },      { "md5", HBA_METHOD_MD5 },
		{ "scram-sha-256", HBA_METHOD_SCRAM }, { "cert", HBA_METHOD_CERT },
		{ "ldap", HBA_METHOD_LDAP },           { "pam", HBA_METHOD_PAM },
		{ "peer", HBA_METHOD_PEER },           { "pass", HBA_METHOD_PASS },
	};
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		struct setup s;
		char line[64];
		snprintf(line, sizeof(line), "auth_type = %s\n", words[i].word);
		make(&s, line, "");
		struct login_rule rule = find(&s, "plain", false);
		ck_assert_int_eq(rule.method, words[i].method);
		ck_assert_int_eq(rule.is_any, strcmp(words[i].word, "any") == 0);
		ck_assert_int_eq(rule.clientcert, rule.method == HBA_METHOD_CERT
							  ? HBA_CLIENTCERT_FULL
							  : HBA_CLIENTCERT_NONE);
		ck_assert_str_eq(rule.pam_service, "logins");
		ck_assert_str_eq(rule.map, "");
		drop(&s);
	}
}
END_TEST

START_TEST(a_database_has_its_own_word_and_the_console_has_not)
{
	struct setup s;
	make(&s, "auth_type = md5\n", "");
	ck_assert_int_eq(find(&s, "own", false).method, HBA_METHOD_CERT);
	ck_assert_int_eq(find(&s, "plain", false).method, HBA_METHOD_MD5);
	ck_assert_int_eq(find(&s, "nowhere", false).method, HBA_METHOD_MD5);
	ck_assert_int_eq(find(&s, "own", true).method, HBA_METHOD_MD5);
	drop(&s);
}
END_TEST

START_TEST(replication_is_judged_by_the_word_of_where_it_leads)
{
	struct setup s;
	struct login_rule rule;
	struct buf refusal = { 0 };
	struct hba_query q = query("repl", "repl");
	make(&s, "auth_type = trust\n", "");
	q.is_replication = true;
	ck_assert(login_rule_find(&s, &q, false, &rule, &refusal));
	ck_assert_int_eq(rule.method, HBA_METHOD_CERT);
	q.is_replication = false;
	ck_assert(login_rule_find(&s, &q, false, &rule, &refusal));
	ck_assert_int_eq(rule.method, HBA_METHOD_TRUST);
	drop(&s);
}
END_TEST

START_TEST(rules_decide_under_hba)
{
	struct setup s;
	struct login_rule rule;
	struct buf refusal = { 0 };
	make(&s, "auth_type = hba\n",
	     "host plain u 10.0.0.0/8 pam pamservice=theirs\n"
	     "host other u 10.0.0.0/8 pam\n"
	     "host no    u 10.0.0.0/8 reject\n");
	ck_assert_str_eq(find(&s, "plain", false).pam_service, "theirs");
	ck_assert_str_eq(find(&s, "other", false).pam_service, "logins");
	ck_assert_int_eq(find(&s, "own", false).method, HBA_METHOD_CERT);
	struct hba_query q = query("no", "u");
	ck_assert(!login_rule_find(&s, &q, false, &rule, &refusal));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&refusal), "pg_hba.conf rejects connection"));
	buf_clear(&refusal);
	q = query("plain", "v");
	ck_assert(!login_rule_find(&s, &q, false, &rule, &refusal));
	ck_assert_str_eq(buf_cstr(&refusal),
			 "no pg_hba.conf entry for host \"10.0.0.1\", user \"v\", database "
			 "\"plain\", no encryption");
	buf_fini(&refusal);
	drop(&s);
}
END_TEST

/* ---- certificates ------------------------------------------------------------------------------
 */

static const char idents[] = "web \"CN=w,O=Example\" u\n"
			     "web w                  u\n"
			     "web /^(.*)@x$          \\1\n";

static enum login_rule_cert judge(enum hba_clientcert asked, bool is_dn, const char *map,
				  const struct tls_peer *peer)
{
	struct ident *ident = ident_parse(slice_of(idents), "test.ident", no_fault, NULL);
	struct login_rule rule = { .clientcert = asked, .clientname_is_dn = is_dn, .map = map };
	ck_assert_ptr_nonnull(ident);
	enum login_rule_cert verdict = login_rule_judge_cert(&rule, ident, peer, SLICE("u"));
	ident_unref(ident);
	return verdict;
}

START_TEST(names_of_certificates)
{
	char u[] = "u", w[] = "w", x[] = "x", mail[] = "u@x", dn[] = "CN=w,O=Example", none[] = "";
	struct tls_peer_san sans[] = { { TLS_PEER_DNS, x }, { TLS_PEER_EMAIL, mail } };
	struct tls_peer_san own[] = { { TLS_PEER_DNS, x }, { TLS_PEER_URI, u } };
	const struct tls_peer peers[] = {
		[0] = { .common_name = u, .dn = dn },
		[1] = { .common_name = w, .dn = dn },
		[2] = { .common_name = NULL, .dn = dn },
		[3] = { .common_name = none, .dn = none },
		[4] = { .common_name = x, .dn = x, .sans = sans, .san_count = 2 },
		[5] = { .common_name = x, .dn = x, .sans = own, .san_count = 2 },
	};
	static const struct {
		enum hba_clientcert asked;
		bool is_dn;
		const char *map;
		int peer; /* -1: none that was verified */
		enum login_rule_cert verdict;
	} cases[] = {
		{ HBA_CLIENTCERT_NONE, false, "", -1, LOGIN_RULE_CERT_FITS },
		{ HBA_CLIENTCERT_NONE, false, "", 1, LOGIN_RULE_CERT_FITS },
		{ HBA_CLIENTCERT_CA, false, "", -1, LOGIN_RULE_CERT_MISSING },
		{ HBA_CLIENTCERT_CA, false, "", 1, LOGIN_RULE_CERT_FITS },
		{ HBA_CLIENTCERT_CA, false, "", 3, LOGIN_RULE_CERT_FITS },
		{ HBA_CLIENTCERT_FULL, false, "", -1, LOGIN_RULE_CERT_MISSING },
		{ HBA_CLIENTCERT_FULL, false, "", 0, LOGIN_RULE_CERT_FITS },
		{ HBA_CLIENTCERT_FULL, false, "", 1, LOGIN_RULE_CERT_ELSES_NAME },
		{ HBA_CLIENTCERT_FULL, false, "", 2, LOGIN_RULE_CERT_ELSES_NAME },
		{ HBA_CLIENTCERT_FULL, false, "", 3, LOGIN_RULE_CERT_ELSES_NAME },
		{ HBA_CLIENTCERT_FULL, false, "", 4, LOGIN_RULE_CERT_ELSES_NAME },
		{ HBA_CLIENTCERT_FULL, false, "", 5, LOGIN_RULE_CERT_FITS },
		{ HBA_CLIENTCERT_FULL, false, "web", 0, LOGIN_RULE_CERT_ELSES_NAME },
		{ HBA_CLIENTCERT_FULL, false, "web", 1, LOGIN_RULE_CERT_FITS },
		{ HBA_CLIENTCERT_FULL, false, "web", 4, LOGIN_RULE_CERT_FITS },
		{ HBA_CLIENTCERT_FULL, false, "no such map", 1, LOGIN_RULE_CERT_ELSES_NAME },
		{ HBA_CLIENTCERT_FULL, true, "", 0, LOGIN_RULE_CERT_ELSES_NAME },
		{ HBA_CLIENTCERT_FULL, true, "web", 0, LOGIN_RULE_CERT_FITS },
		{ HBA_CLIENTCERT_FULL, true, "web", 4, LOGIN_RULE_CERT_ELSES_NAME },
		{ HBA_CLIENTCERT_FULL, true, "", 5, LOGIN_RULE_CERT_ELSES_NAME },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		ck_assert_msg(judge(cases[i].asked, cases[i].is_dn, cases[i].map,
				    cases[i].peer < 0 ? NULL : &peers[cases[i].peer]) ==
				      cases[i].verdict,
			      "case %zu", i);
}
END_TEST

Suite *login_rule_suite(void)
{
	Suite *s = suite_create("login_rule");
	TCase *t = tcase_create("login_rule");
	tcase_add_test(t, every_word_has_its_method);
	tcase_add_test(t, a_database_has_its_own_word_and_the_console_has_not);
	tcase_add_test(t, replication_is_judged_by_the_word_of_where_it_leads);
	tcase_add_test(t, rules_decide_under_hba);
	tcase_add_test(t, names_of_certificates);
	suite_add_tcase(s, t);
	return s;
}
