/*
 * test_replication.c - who asks for physical replication, and which database's line is taken.
 */
#include "check_proxy.h"

#include <stdio.h>
#include <string.h>

#include "proxy/replication.h"
#include "wire/build.h"

static struct conf *conf_of(const char *databases)
{
	char text[512];
	struct conf_faults faults = { 0 };
	snprintf(text, sizeof(text), "[databases]\n%s\n[pgweir]\nauth_file = f\n", databases);
	struct conf *conf = conf_parse(slice_of(text), "test.ini", &faults);
	ck_assert_msg(conf != NULL, "%s", faults.count ? faults.items[0].text : "");
	conf_faults_fini(&faults);
	return conf;
}

static const struct {
	const char *databases;
	const char *chosen; /* NULL: none */
} lines[] = {
	{ "a = host=h", "a" },
	{ "b = host=h\na = host=h", "b" },
	{ "a = host=h\nb = host=h dbname=other pool_size=3 sslmode=disable", "a" },
	{ "a = host=h port=1\n* = host=h port=1", "a" },
	{ "a = host=h\nb = port=5432 host=h", "a" },
	{ "a =\nb =", "a" },
	{ "a = host=x,y port=1,2\nb = host=x,y port=1,2", "a" },
	{ "a = host=h user=u password=p\nb = host=h\nc = host=h", "b" },
	{ "a = host=h user=u\nb = host=h user=v", "a" },
	{ "", NULL },
	{ "a = host=h\nb = host=i", NULL },
	{ "a = host=h\nb =", NULL },
	{ "a = host=h port=1\nb = host=h port=2", NULL },
	{ "a = host=h\nb = host=h\n* = host=i", NULL },
	{ "a = host=h\nb = host=h hostaddr=10.0.0.1", NULL },
	{ "a = host=x,y\nb = host=x,y target_session_attrs=standby", NULL },
	{ "a = host=h user=u\nb = host=h\nc = host=i", NULL },
};

START_TEST(test_which_line_is_taken)
{
	struct conf *conf = conf_of(lines[_i].databases);
	const struct conf_database *db = replication_choose(conf);
	if (lines[_i].chosen) {
		ck_assert_ptr_nonnull(db);
		ck_assert_str_eq(db->name, lines[_i].chosen);
	} else {
		ck_assert_msg(!db, "%s", db->name);
	}
	conf_unref(conf);
}
END_TEST

static const struct {
	const char *replication; /* NULL: is not said */
	bool is_physical;
} words[] = {
	{ NULL, false }, { "true", true },   { "on", true },        { "1", true },
	{ "yes", true }, { "false", false }, { "database", false },
};

START_TEST(test_who_asks_for_it)
{
	struct conf *conf = conf_of("a = host=h");
	struct build_param params[] = { { SLICE("user"), SLICE("u") },
					{ SLICE("log_connections"), SLICE("on") },
					{ SLICE("replication"), SLICE("") } };
	struct buf packet = { 0 };
	struct startup startup;
	struct startparams p = { 0 };
	struct err err;
	if (words[_i].replication)
		params[2].value = slice_of(words[_i].replication);
	build_startup(&packet, STARTUP_VERSION(3, 0), params, words[_i].replication ? 3 : 2);
	ck_assert_int_gt(startup_read(buf_slice(&packet), &startup), 0);
	ck_assert(startparams_read(&p, &startup, conf, &err));
	ck_assert_int_eq(replication_is_physical(&p), words[_i].is_physical);
	startparams_fini(&p);
	buf_fini(&packet);
	conf_unref(conf);
}
END_TEST

START_TEST(test_nothing_said_is_not_physical)
{
	struct startparams p = { 0 };
	ck_assert(!replication_is_physical(&p));
}
END_TEST

Suite *replication_suite(void)
{
	Suite *s = suite_create("replication");
	TCase *t = tcase_create("replication");
	tcase_add_loop_test(t, test_which_line_is_taken, 0, COUNT_OF(lines));
	tcase_add_loop_test(t, test_who_asks_for_it, 0, COUNT_OF(words));
	tcase_add_test(t, test_nothing_said_is_not_physical);
	suite_add_tcase(s, t);
	return s;
}
