/*
 * test_conninfo.c - connection strings: quoting as libpq's, and as PgBouncer's.
 */
#include "conf/conninfo.h"

#include <stdlib.h>

#include "base/buf.h"
#include "check_conf.h"

/* The pairs as KEY<VALUE> one behind the other, or "! " and the fault. */
static void parses(const char *text, bool with_backslash, const char *wanted)
{
	struct confmem mem = { .blocks = NULL };
	struct conf_param *pairs;
	struct err err;
	size_t count;
	struct buf out = { .data = NULL };

	if (conninfo_parse(slice_of(text), with_backslash, &mem, &pairs, &count, &err)) {
		for (size_t i = 0; i < count; i++)
			buf_addf(&out, "%s<%s>", pairs[i].key, pairs[i].value);
	} else {
		buf_addf(&out, "! %s", err.text);
	}
	ck_assert_msg(strncmp(buf_cstr(&out), wanted, strlen(wanted)) == 0 &&
			      (*wanted == '!' || buf_len(&out) == strlen(wanted)),
		      "%s: %s", text, buf_cstr(&out));
	buf_fini(&out);
	confmem_fini(&mem);
}

START_TEST(pairs)
{
	parses("", true, "");
	parses("   ", true, "");
	parses("host=a", true, "host<a>");
	parses(" host = a  port\t=\t5 ", true, "host<a>port<5>");
	parses("a=b=c d=", true, "a<b=c>d<>");
	parses("password= x", true, "password<x>");
	parses("host=/run/pg,@x,::1 port=1,2", true, "host</run/pg,@x,::1>port<1,2>");
	parses("a=1 a=2", true, "a<1>a<2>");
	parses("options='-c a=b ; c'", true, "options<-c a=b ; c>");
}
END_TEST

START_TEST(quotes)
{
	parses("p='it''s'", true, "p<it's>");
	parses("p=''", true, "p<>");
	parses("p='' q='x'", true, "p<>q<x>");
	parses("p=''''", true, "p<'>");
	parses("p='a\\'b\\\\'", true, "p<a'b\\>");
	parses("p=a\\ b\\\\c", true, "p<a b\\c>");
	parses("p=it's", true, "p<it's>");
	parses("p=\"x\"", true, "p<\"x\">");
	parses("p=x\\", true, "p<x\\>");
	/* PgBouncer takes a backslash as it is. */
	parses("p='a\\b' q=c\\d", false, "p<a\\b>q<c\\d>");
	parses("p='a\\'", false, "p<a\\>");
}
END_TEST

START_TEST(wrong)
{
	parses("host", true, "! a word without");
	parses("host=a b", true, "! a word without");
	parses("=a", true, "! a = without a name");
	parses("host=a =b", true, "! a = without a name");
	parses("p='abc", true, "! a quoted value without");
	parses("p='abc\\'", true, "! a quoted value without");
	parses("p='", true, "! a quoted value without");
	parses("p='a'b=c", true, "! something right behind");
	parses("postgresql://u@h/d", true, "! a URI");
	/* Pieces of what may be a password are not repeated. */
	struct confmem mem = { .blocks = NULL };
	struct conf_param *got;
	struct err err;
	size_t count;
	ck_assert(!conninfo_parse(SLICE("password=se cret"), true, &mem, &got, &count, &err));
	ck_assert_ptr_null(strstr(err.text, "cret"));
	confmem_fini(&mem);
}
END_TEST

START_TEST(many_pairs)
{
	struct confmem mem = { .blocks = NULL };
	struct conf_param *got;
	struct err err;
	size_t count;
	struct buf text = { .data = NULL };
	for (int i = 0; i < 100; i++)
		buf_addf(&text, "k%d='v%d' ", i, i);
	ck_assert(conninfo_parse(buf_slice(&text), true, &mem, &got, &count, &err));
	ck_assert_uint_eq(count, 100);
	ck_assert_str_eq(got[99].key, "k99");
	ck_assert_str_eq(got[99].value, "v99");
	ck_assert_str_eq(got[7].value, "v7");
	buf_fini(&text);
	confmem_fini(&mem);
}
END_TEST

START_TEST(keywords)
{
	ck_assert(conninfo_is_keyword(SLICE("host")));
	ck_assert(conninfo_is_keyword(SLICE("target_session_attrs")));
	ck_assert(conninfo_is_keyword(SLICE("sslmode")));
	ck_assert(!conninfo_is_keyword(SLICE("HOST")));
	ck_assert(!conninfo_is_keyword(SLICE("replication")));
	ck_assert(!conninfo_is_keyword(SLICE("gssencmode")));
	ck_assert(!conninfo_is_keyword(SLICE("krbsrvname")));
	ck_assert(!conninfo_is_keyword(SLICE("service")));
	ck_assert(!conninfo_is_keyword(SLICE("")));
	ck_assert_str_eq(conninfo_nearest(SLICE("sslmod")), "sslmode");
	ck_assert_str_eq(conninfo_nearest(SLICE("pasword")), "password");
	ck_assert_ptr_null(conninfo_nearest(SLICE("wibble")));
}
END_TEST

Suite *suite_conninfo(void)
{
	Suite *s = suite_create("conninfo");
	TCase *tc = tcase_create("conninfo");
	tcase_add_test(tc, pairs);
	tcase_add_test(tc, quotes);
	tcase_add_test(tc, wrong);
	tcase_add_test(tc, many_pairs);
	tcase_add_test(tc, keywords);
	suite_add_tcase(s, tc);
	return s;
}
