/*
 * test_hba.c - HBA files: which rule a connection meets, what is a fault on which line, and the
 * files that a file names.
 */
#include "auth/hba.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check_auth.h"
#include "net/netblock.h"

/* What was reported, a line each: "F file:3 text" or "W file:3 text". */
static struct buf said;

static void on_report(void *arg, bool is_fault, const char *file, unsigned line, const char *text)
{
	(void)arg;
	buf_addf(&said, "%c %s:%u %s\n", is_fault ? 'F' : 'W', file, line, text);
}

static struct hba *parse(const char *text)
{
	buf_clear(&said);
	return hba_parse(slice_of(text), "hba", on_report, NULL);
}

static struct hba *parse_well(const char *text)
{
	struct hba *h = parse(text);
	ck_assert_msg(h && buf_len(&said) == 0, "%s\n%s", text, buf_cstr(&said));
	return h;
}

/* "10.0.0.1/tls/db/user", "local/-/db/user"; "repl" as the database: physical replication. */
static struct hba_query query(const char *text)
{
	static char host[100], tls[10], database[100], user[100];
	ck_assert_int_eq(sscanf(text, "%99[^/]/%9[^/]/%99[^/]/%99s", host, tls, database, user), 4);
	struct hba_query q = { .is_tls = strcmp(tls, "tls") == 0,
			       .is_replication = strcmp(database, "repl") == 0,
			       .database = slice_of(database),
			       .user = slice_of(user) };
	struct netblock n;
	if (strcmp(host, "local") == 0) {
		q.addr.kind = ADDR_UNIX;
		return q;
	}
	ck_assert(netblock_parse(slice_of(host), &n));
	q.addr = n.kind == ADDR_V4 ? addr_of_v4(n.ip, 7) : addr_of_v6(n.ip, 7);
	return q;
}

/* The number of the line that is met; 0: none. */
static void assert_met(const char *text, const char *who, unsigned line)
{
	struct hba *h = parse_well(text);
	struct hba_query q = query(who);
	const struct hba_rule *rule = hba_match(h, &q);
	ck_assert_msg((rule ? rule->line : 0) == line, "%s: %s: line %u", text, who,
		      rule ? rule->line : 0);
	hba_unref(h);
}

START_TEST(types)
{
	static const char text[] = "local all all trust\n"
				   "hostgssenc all all all trust\n"
				   "hostssl all all 10.0.0.0/8 trust\n"
				   "hostnossl all all 10.0.0.0/8 trust\n"
				   "hostnogssenc all all 11.0.0.0/8 trust\n"
				   "host all all all trust\n";
	assert_met(text, "local/-/d/u", 1);
	assert_met(text, "10.1.1.1/tls/d/u", 3);
	assert_met(text, "10.1.1.1/-/d/u", 4);
	assert_met(text, "11.1.1.1/-/d/u", 5);
	assert_met(text, "12.1.1.1/-/d/u", 6);
	assert_met(text, "::1/tls/d/u", 6);
	assert_met("local all all trust", "1.1.1.1/-/d/u", 0);
	assert_met("host all all all trust", "local/-/d/u", 0);
	assert_met("", "local/-/d/u", 0);
}
END_TEST

START_TEST(both_names_of_a_database_fit)
{
	struct hba *h = parse_well("local pgbouncer joe reject\nlocal /^pgw joe md5\n"
				   "local all all trust\n");
	struct hba_query q = query("local/-/pgweir/joe");
	ck_assert_uint_eq(hba_match(h, &q)->line, 2);
	q.alias = SLICE("pgbouncer");
	ck_assert_uint_eq(hba_match(h, &q)->line, 1);
	q.user = SLICE("jane");
	ck_assert_uint_eq(hba_match(h, &q)->line, 3);
	hba_unref(h);
}
END_TEST

START_TEST(nobody_at_the_other_end)
{
	struct hba *h = parse_well("host all all all trust\nlocal all all trust\n");
	struct hba_query q = { .database = SLICE("d"), .user = SLICE("u") };
	ck_assert_ptr_null(hba_match(h, &q));
	hba_unref(h);
}
END_TEST

START_TEST(databases)
{
	assert_met("local a,b all trust", "local/-/b/u", 1);
	assert_met("local a, b all trust", "local/-/b/u", 1);
	assert_met("local a,b all trust", "local/-/c/u", 0);
	assert_met("local sameuser all trust", "local/-/joe/joe", 1);
	assert_met("local sameuser all trust", "local/-/joe/jane", 0);
	assert_met("local \"sameuser\" all trust", "local/-/joe/joe", 0);
	assert_met("local \"all\" all trust", "local/-/joe/joe", 0);
	assert_met("local \"all\" all trust", "local/-/all/joe", 1);
	assert_met("local a\"l\"l all trust", "local/-/joe/joe", 1); /* not quoted at its start */
	assert_met("local \"a b\",\"c\"\"d\" all trust", "local/-/c\"d/joe", 1);
	assert_met("local /^db[0-9]+$ all trust", "local/-/db17/joe", 1);
	assert_met("local /^db[0-9]+$ all trust", "local/-/db/joe", 0);
	assert_met("local \"/^db\\d{1,2}$\" all trust", "local/-/db17/joe", 1);
	assert_met("local x,/^db all trust", "local/-/db17/joe", 1);
}
END_TEST

START_TEST(replication)
{
	assert_met("local all all trust", "local/-/repl/joe", 0);
	assert_met("local replication all trust", "local/-/repl/joe", 1);
	assert_met("local replication joe trust", "local/-/repl/jane", 0);
	assert_met("local replication all trust", "local/-/replication/joe", 0);
	assert_met("local \"replication\" all trust", "local/-/repl/joe", 0);
	assert_met("local \"replication\" all trust", "local/-/replication/joe", 1);
	assert_met("local a,replication all trust", "local/-/repl/joe", 1);
}
END_TEST

START_TEST(users)
{
	assert_met("local all joe,jane trust", "local/-/d/jane", 1);
	assert_met("local all joe,jane trust", "local/-/d/Jane", 0);
	assert_met("local all \"all\" trust", "local/-/d/joe", 0);
	assert_met("local all \"+x\" trust", "local/-/d/+x", 1);
	assert_met("local all sameuser trust", "local/-/d/sameuser", 1); /* a name here */
	assert_met("local all /^j.*e$ trust", "local/-/d/jane", 1);
	assert_met("local all /^j.*e$ trust", "local/-/d/jan", 0);
}
END_TEST

START_TEST(addresses)
{
	assert_met("host all all 10.1.2.3/32 trust", "10.1.2.3/-/d/u", 1);
	assert_met("host all all 10.1.2.3 255.255.0.0 trust", "10.1.9.9/-/d/u", 1);
	assert_met("host all all 10.1.2.3 255.255.0.0 trust", "10.2.9.9/-/d/u", 0);
	assert_met("host all all ::1 ffff:: trust", "::2/-/d/u", 1);
	assert_met("host all all 0.0.0.0/0 trust", "::1/-/d/u", 0);
	assert_met("host all all ::/0 trust", "1.1.1.1/-/d/u", 0);
	assert_met("host all all all trust", "1.1.1.1/-/d/u", 1);
	assert_met("host all all samehost trust", "127.0.0.1/-/d/u", 1);
	assert_met("host all all samehost trust", "127.0.0.2/-/d/u", 0);
	assert_met("host all all samenet trust", "127.0.0.2/-/d/u", 1);
}
END_TEST

START_TEST(first_line_decides)
{
	static const char text[] = "# who may come in\n"
				   "\n"
				   "host all evil all reject # him not\n"
				   "  host  all\tall\t10.0.0.0/8   md5\r\n"
				   "host all all \\\n"
				   "  all scram-sha-256\n"
				   "host all all all reject";
	assert_met(text, "10.0.0.1/-/d/evil", 3);
	assert_met(text, "10.0.0.1/-/d/u", 4);
	assert_met(text, "11.0.0.1/-/d/u", 5); /* continued: its first line */
}
END_TEST

START_TEST(too_long_a_name_is_never_let_in)
{
	struct hba *h = parse_well("local all /^evil reject\nlocal all all trust\n");
	char name[5000];
	memset(name, 'x', sizeof(name));
	struct hba_query q = { .addr = { .kind = ADDR_UNIX },
			       .database = SLICE("d"),
			       .user = slice_make(name, sizeof(name)) };
	ck_assert_ptr_null(hba_match(h, &q));
	hba_unref(h);
}
END_TEST

/* ---- methods and options --------------------------------------------------------------------- */

START_TEST(methods)
{
	struct hba *h = parse_well("host all all all trust\n"
				   "host all all all reject\n"
				   "host all all all password\n"
				   "host all all all plain\n"
				   "host all all all md5\n"
				   "host all all all \"scram-sha-256\"\n"
				   "hostssl all all all cert\n"
				   "local all all peer\n"
				   "local all all ident\n"
				   "host all all all pam\n"
				   "host all all all ldap ldapserver=x ldapprefix=y\n"
				   "host all all all pass\n");
	static const char *const names[] = { "trust", "reject",        "password", "password",
					     "md5",   "scram-sha-256", "cert",     "peer",
					     "peer",  "pam",           "ldap",     "pass" };
	ck_assert_uint_eq(hba_count(h), 12);
	for (size_t i = 0; i < 12; i++)
		ck_assert_str_eq(hba_method_name(hba_rule_at(h, i)->method), names[i]);
	hba_unref(h);
}
END_TEST

START_TEST(options)
{
	struct hba *h =
		parse_well("hostssl all all all cert map=m clientname=DN clientcert=verify-full\n"
			   "hostssl all all all md5 clientcert=verify-ca clientname=CN\n"
			   "local all all peer map=\"a b\"\n"
			   "host all all all pam pamservice=p pam_use_hostname=1\n"
			   "host all all all ldap ldapserver=x \"ldapsuffix=, dc=x\" ldaptls=1\n"
			   "hostssl all all all trust\n");
	const struct hba_rule *r = hba_rule_at(h, 0);
	ck_assert_str_eq(r->map, "m");
	ck_assert(r->clientname_is_dn && r->clientcert == HBA_CLIENTCERT_FULL);
	r = hba_rule_at(h, 1);
	ck_assert(!r->clientname_is_dn && r->clientcert == HBA_CLIENTCERT_CA);
	ck_assert_str_eq(r->map, "");
	ck_assert_str_eq(hba_rule_at(h, 2)->map, "a b");
	r = hba_rule_at(h, 3);
	ck_assert_str_eq(r->pam_service, "p");
	ck_assert(r->pam_use_hostname);
	r = hba_rule_at(h, 4);
	ck_assert_str_eq(r->ldap.suffix, ", dc=x");
	ck_assert(r->ldap.starttls);
	ck_assert_int_eq(hba_rule_at(h, 5)->clientcert, HBA_CLIENTCERT_NONE);
	hba_unref(h);
}
END_TEST

static void assert_fault(const char *text, const char *fault)
{
	struct hba *h = parse(text);
	ck_assert_msg(!h, "%s", text);
	ck_assert_msg(strstr(buf_cstr(&said), fault), "%s\n%s", text, buf_cstr(&said));
	ck_assert_msg(strncmp(buf_cstr(&said), "F hba:1 ", 8) == 0, "%s", buf_cstr(&said));
	ck_assert_msg(strchr(buf_cstr(&said), '\n')[1] == '\0', "one fault: %s", buf_cstr(&said));
}

START_TEST(faults)
{
	static const char *const bad[][2] = {
		{ "hosts all all all trust", "no type \"hosts\"" },
		{ "local,host all all trust", "a list (\"local,host\")" },
		{ "local", "the database should be" },
		{ "local all", "the user should be" },
		{ "local all all", "the method should be" },
		{ "host all all", "the address should be" },
		{ "host all all all", "the method should be" },
		{ "host all all 10.0.0.0", "the mask should be" },
		{ "host all all 10.0.0.0 trust", "\"trust\" is not a mask" },
		{ "host all all 10.0.0.0 ffff:: trust", "is not a mask" },
		{ "host all all 10.0.0.0/33 trust", "is not an address" },
		{ "host all all db.example.com trust", "host names are not looked up" },
		{ "host all all .example.com trust", "host names are not looked up" },
		{ "host all all \"all\" trust", "is not an address" },
		{ "host all all 10.0.0.0/8,11.0.0.0/8 trust", "a list" },
		{ "local all all trust,md5", "a list" },
		{ "local all +dba trust", "+dba: who is a member" },
		{ "local all joe,+dba trust", "+dba: who is a member" },
		{ "local samerole all trust", "samerole: who is a member" },
		{ "local x,samegroup all trust", "samegroup: who is a member" },
		{ "local all /( trust", "the expression \"/(\": a ( without" },
		{ "local /[ all trust", "the expression" },
		{ "local all all nonsense", "no method \"nonsense\"" },
		{ "host all all all gss", "gss is not offered" },
		{ "host all all all ident", "ident is not offered" },
		{ "host all all all radius", "radius is not offered" },
		{ "host all all all peer", "local lines" },
		{ "host all all all cert", "hostssl lines" },
		{ "hostnossl all all all cert", "hostssl lines" },
		{ "local all all trust nonsense", "not NAME=VALUE" },
		{ "local all all trust nonsense=1", "no option \"nonsense\"" },
		{ "local all all trust map=x", "map is for peer and cert" },
		{ "host all all all md5 clientcert=verify-ca", "for hostssl lines" },
		{ "host all all all md5 clientname=DN", "for hostssl lines" },
		{ "hostssl all all all md5 clientcert=1", "verify-ca or verify-full" },
		{ "hostssl all all all md5 clientname=x", "CN or DN" },
		{ "hostssl all all all cert clientcert=verify-ca", "only be verify-full" },
		{ "host all all all md5 pamservice=x", "for pam" },
		{ "host all all all pam pam_use_hostname=yes", "1 or 0" },
		{ "host all all all md5 ldapserver=x", "ldapserver is for ldap" },
		{ "host all all all ldap", "ldap needs ldapserver" },
		{ "host all all all ldap ldapserver=x ldapport=x", "not a port" },
		{ "local \"all all trust", "a quote is not closed" },
		{ "include x", "include has no place here" },
		{ "include_dir x", "include_dir has no place here" },
		{ "include_if_exists x", "include_if_exists has no place here" },
		{ "include a b c", "no type \"include\"" },
		{ "local @x all trust", "@x has no place here" },
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_fault(bad[i][0], bad[i][1]);
	ck_assert_ptr_null(hba_parse(SLICE("local all\0 all trust"), "hba", on_report, NULL));
}
END_TEST

START_TEST(all_faults_are_told)
{
	ck_assert_ptr_null(parse("local all all trust\nx\n\nlocal all all y\nlocal all +z trust"));
	ck_assert_str_eq(buf_cstr(&said),
			 "F hba:2 there is no type \"x\": it is local, host, hostssl, hostnossl, "
			 "hostgssenc or hostnogssenc\n"
			 "F hba:4 there is no method \"y\"\n"
			 "F hba:5 +z: who is a member of which role is not known here; name the "
			 "users, or a file of them with @\n");
}
END_TEST

START_TEST(lines)
{
	assert_met("local all all trust # \\\nlocal all all reject", "local/-/d/u", 1);
	assert_met("local all all trust#x", "local/-/d/u", 1);
	assert_met("\xef\xbb\xbflocal all all trust", "local/-/d/u", 1);
	assert_met("\\\n\\\nlocal all all trust", "local/-/d/u", 1);
	assert_met("local all a\\\nll trust", "local/-/d/u", 1); /* joined as they are */
	assert_met("local all all tr\\\nu\\\r\nst", "local/-/d/u", 1);
	/* two backslashes: the second continues the line, and the first is then left */
	assert_met("local all u\\\\\n,u trust", "local/-/d/u", 1);
	assert_met("local ,all,x ,all ,trust", "local/-/d/u", 1);
	assert_met("local all all trust\\", "local/-/d/u", 1);
}
END_TEST

/* ---- what it says ---------------------------------------------------------------------------- */

static void assert_refusal(const char *text, const char *who, const char *words)
{
	struct hba *h = parse_well(text);
	struct hba_query q = query(who);
	struct buf out = { 0 };
	hba_refusal(hba_match(h, &q), &q, &out);
	ck_assert_str_eq(buf_cstr(&out), words);
	buf_fini(&out);
	hba_unref(h);
}

START_TEST(last_words)
{
	assert_refusal("", "10.0.0.1/-/d/u",
		       "no pg_hba.conf entry for host \"10.0.0.1\", user \"u\", database \"d\", no "
		       "encryption");
	assert_refusal("", "::1/tls/d/u",
		       "no pg_hba.conf entry for host \"::1\", user \"u\", database \"d\", SSL "
		       "encryption");
	assert_refusal("", "local/-/d/u",
		       "no pg_hba.conf entry for host \"[local]\", user \"u\", database \"d\", no "
		       "encryption");
	assert_refusal(
		"", "10.0.0.1/-/repl/u",
		"no pg_hba.conf entry for replication connection from host \"10.0.0.1\", user "
		"\"u\", no encryption");
	assert_refusal("host all all all reject", "10.0.0.1/-/d/u",
		       "pg_hba.conf rejects connection for host \"10.0.0.1\", user \"u\", database "
		       "\"d\", no encryption");
	assert_refusal(
		"host replication all all reject", "10.0.0.1/-/repl/u",
		"pg_hba.conf rejects replication connection for host \"10.0.0.1\", user \"u\", "
		"no encryption");
}
END_TEST

START_TEST(description)
{
	static const char text[] =
		"local all all trust\n"
		"hostssl a,\"b c\",\"all\" /^x,\"@y\" 10.0.0.1/8 cert map=m\n"
		"host \"\" all 10.0.0.0 255.0.255.0 md5\n"
		"host all all samenet ldap ldapserver=x ldapbasedn=y ldapbindpasswd=*\n";
	struct hba *h = parse_well(text);
	struct buf out = { 0 };
	for (size_t i = 0; i < hba_count(h); i++) {
		hba_describe(hba_rule_at(h, i), &out);
		buf_u8(&out, '\n');
	}
	ck_assert_str_eq(buf_cstr(&out), text);
	hba_unref(h);
	buf_clear(&out);
	h = parse_well(
		"host all all all ldap ldapserver=x ldapbasedn=y \"ldapbindpasswd=geheim\"\n");
	hba_describe(hba_rule_at(h, 0), &out);
	ck_assert_msg(!strstr(buf_cstr(&out), "geheim"), "%s", buf_cstr(&out));
	buf_fini(&out);
	ck_assert_ptr_eq(hba_ref(h), h);
	hba_unref(h);
	hba_unref(h);
	hba_unref(NULL);
	ck_assert_ptr_null(hba_ref(NULL));
}
END_TEST

/* ---- files ----------------------------------------------------------------------------------- */

static char dir[] = "/tmp/check_hba.XXXXXX";

static void make_dir(void)
{
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void remove_dir(void)
{
	char command[100];
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

static void put(const char *name, const char *text)
{
	char path[200];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, 0640), 0);
}

static void make_sub(const char *name)
{
	char path[200];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	ck_assert_int_eq(mkdir(path, 0700), 0);
}

static struct hba *load(const char *name)
{
	char path[200];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	buf_clear(&said);
	return hba_load(path, on_report, NULL);
}

/* The rules that were read: "file:line", with blanks between. */
static void assert_loaded(const char *rules)
{
	struct hba *h = load("hba");
	struct buf out = { 0 };
	ck_assert_msg(h, "%s", buf_cstr(&said));
	for (size_t i = 0; i < hba_count(h); i++)
		buf_addf(&out, "%s%s:%u", i ? " " : "", hba_rule_at(h, i)->file + strlen(dir) + 1,
			 hba_rule_at(h, i)->line);
	ck_assert_str_eq(buf_cstr(&out), rules);
	buf_fini(&out);
	hba_unref(h);
}

START_TEST(includes)
{
	make_sub("sub");
	make_sub("sub/d");
	put("hba", "local a all trust\ninclude sub/one\nlocal b all trust\n"
		   "include_if_exists nowhere\ninclude_if_exists sub/two\n");
	put("sub/one", "local c all trust\ninclude two\n");
	put("sub/two", "\ninclude_dir \"d\"");
	put("sub/d/b.conf", "local d all trust\n");
	put("sub/d/a.conf", "local e all trust\nlocal f all trust");
	put("sub/d/.conf", "nonsense");
	put("sub/d/.x.conf", "nonsense");
	put("sub/d/x.confx", "nonsense");
	assert_loaded("hba:1 sub/one:1 sub/d/a.conf:1 sub/d/a.conf:2 sub/d/b.conf:1 hba:3 "
		      "sub/d/a.conf:1 sub/d/a.conf:2 sub/d/b.conf:1");
}
END_TEST

START_TEST(lists_in_files)
{
	make_sub("sub");
	put("hba", "local x,@sub/dbs,y @users trust\n");
	put("sub/dbs", "a b,c # d\n@more\n");
	put("sub/more", "e\\\nf\n");
	put("users", "\"all\"");
	struct hba *h = load("hba");
	ck_assert_msg(h, "%s", buf_cstr(&said));
	struct buf out = { 0 };
	hba_describe(hba_rule_at(h, 0), &out);
	ck_assert_str_eq(buf_cstr(&out), "local x,a,b,c,ef,y \"all\" trust");
	buf_fini(&out);
	hba_unref(h);
	put("users", ""); /* an empty list is no field, as in PostgreSQL */
	ck_assert_ptr_null(load("hba"));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&said), "hba:1 the line ends where the method"));
}
END_TEST

static void assert_load_fault(const char *fault)
{
	ck_assert_ptr_null(load("hba"));
	ck_assert_msg(strstr(buf_cstr(&said), fault), "%s", buf_cstr(&said));
}

START_TEST(faults_of_files)
{
	assert_load_fault("/hba:0 cannot be opened: No such file");
	put("hba", "\ninclude x\n");
	assert_load_fault("/hba:2 ");
	assert_load_fault("/x: cannot be opened: No such file");
	put("x", "local all all trust\nlocal all nonsense\n");
	assert_load_fault("/x:2 the line ends where the method");
	put("hba", "local @x all trust\n");
	put("x", "a \"b");
	assert_load_fault("/x:1 a quote is not closed");
	ck_assert_msg(!strstr(buf_cstr(&said), "/hba:1"), "%s", buf_cstr(&said));
	put("hba", "local @nowhere all trust\n");
	assert_load_fault("/hba:1 ");
	put("hba", "include_dir nowhere\n");
	assert_load_fault("/hba:1 cannot read the directory");
	put("hba", "include hba\n");
	assert_load_fault("it includes itself");
	put("hba", "include 1\n");
	for (int i = 1; i < 12; i++) {
		char name[10], text[20];
		snprintf(name, sizeof(name), "%d", i);
		snprintf(text, sizeof(text), "include %d\n", i + 1);
		put(name, text);
	}
	assert_load_fault("/9:1 ");
	assert_load_fault("more than 10 files deep");
}
END_TEST

START_TEST(who_may_touch_them)
{
	char path[200];
	put("hba", "include x\n");
	put("x", "host all all all ldap ldapserver=x ldapbasedn=y ldapbindpasswd=z\n");
	snprintf(path, sizeof(path), "%s/x", dir);
	struct hba *h = load("hba");
	ck_assert_msg(h && buf_len(&said) == 0, "%s", buf_cstr(&said));
	hba_unref(h);
	ck_assert_int_eq(chmod(path, 0644), 0);
	h = load("hba");
	ck_assert_msg(h && strstr(buf_cstr(&said), "/x:1 ldapbindpasswd is in a file that anybody"),
		      "%s", buf_cstr(&said));
	hba_unref(h);
	ck_assert_int_eq(chmod(path, 0666), 0);
	assert_load_fault("x: can be written to by anybody");
}
END_TEST

Suite *suite_hba(void)
{
	Suite *s = suite_create("hba");
	TCase *tc = tcase_create("rules");
	tcase_add_test(tc, types);
	tcase_add_test(tc, both_names_of_a_database_fit);
	tcase_add_test(tc, nobody_at_the_other_end);
	tcase_add_test(tc, databases);
	tcase_add_test(tc, replication);
	tcase_add_test(tc, users);
	tcase_add_test(tc, addresses);
	tcase_add_test(tc, first_line_decides);
	tcase_add_test(tc, too_long_a_name_is_never_let_in);
	tcase_add_test(tc, methods);
	tcase_add_test(tc, options);
	tcase_add_test(tc, faults);
	tcase_add_test(tc, all_faults_are_told);
	tcase_add_test(tc, lines);
	tcase_add_test(tc, last_words);
	tcase_add_test(tc, description);
	suite_add_tcase(s, tc);

	tc = tcase_create("files");
	tcase_add_checked_fixture(tc, make_dir, remove_dir);
	tcase_add_test(tc, includes);
	tcase_add_test(tc, lists_in_files);
	tcase_add_test(tc, faults_of_files);
	tcase_add_test(tc, who_may_touch_them);
	suite_add_tcase(s, tc);
	return s;
}
