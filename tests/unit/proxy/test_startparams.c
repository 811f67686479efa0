/*
 * test_startparams.c - what of a start-up packet is whose.
 */
#include "check_proxy.h"

#include <stdio.h>
#include <string.h>

#include "proxy/paramset.h"
#include "proxy/startparams.h"
#include "wire/build.h"

static struct conf *conf_of(const char *ignored)
{
	char text[512];
	struct conf_faults faults = { 0 };
	snprintf(
		text, sizeof(text),
		"[databases]\na = host=h\n[pgweir]\nauth_file = f\nignore_startup_parameters = %s\n",
		ignored);
	struct conf *conf = conf_parse(slice_of(text), "test.ini", &faults);
	ck_assert_msg(conf != NULL, "%s", faults.count ? faults.items[0].text : "");
	conf_faults_fini(&faults);
	return conf;
}

/* Reads "name=value|name=value" as a packet. */
static bool read_packet(struct startparams *p, const char *text, const char *ignored,
			struct err *err)
{
	struct build_param params[32];
	struct conf *conf = conf_of(ignored);
	struct buf packet = { 0 };
	struct startup startup;
	size_t n = 0;
	for (; *text; n++) {
		size_t name = strcspn(text, "="), value = strcspn(text + name + 1, "|");
		params[n] = (struct build_param){ slice_make(text, name),
						  slice_make(text + name + 1, value) };
		text += name + 1 + value;
		text += *text == '|';
	}
	build_startup(&packet, STARTUP_VERSION(3, 0), params, n);
	ck_assert_int_gt(startup_read(buf_slice(&packet), &startup), 0);
	*p = (struct startparams){ 0 };
	bool ok = startparams_read(p, &startup, conf, err);
	buf_fini(&packet);
	conf_unref(conf);
	return ok;
}

static const char *shown(struct buf *pairs, char *out, size_t n)
{
	size_t i = 0;
	struct slice s = buf_slice(pairs);
	for (; i < s.len && i + 1 < n; i++)
		out[i] = s.ptr[i] ? s.ptr[i] : '|';
	out[i] = '\0';
	return out;
}

static const struct {
	const char *packet, *ignored, *database, *startup, *settings;
} packets[] = {
	{ "user=u", "", "u", "", "" },
	{ "user=u|database=", "", "u", "", "" },
	{ "user=u|database=d", "", "d", "", "" },
	{ "user=u|application_name=x|TimeZone=UTC", "", "u", "",
	  "application_name|x|TimeZone|UTC|" },
	{ "user=u|log_connections=on|work_mem=1MB", "", "u", "log_connections|on|",
	  "work_mem|1MB|" },
	{ "work_mem=1MB|user=u|options=-c work_mem=2MB --a-b=c", "", "u", "",
	  "work_mem|2MB|a_b|c|work_mem|1MB|" },
	{ "user=u|options=-c a=1|options=-c b=2", "", "u", "", "b|2|" },
	{ "user=u|options=-O -c a=1", "", "u", "options|-O|", "a|1|" },
	{ "user=u|options=x\\ y", "", "u", "options|x\\ y|", "" },
	{ "user=u|extra_float_digits=2|A=1", "extra_float_digits, a", "u", "", "" },
	{ "user=u|options=-c a=1", "options", "u", "", "" },
	{ "user=u|options=-c a=1 -c b=2", "a", "u", "", "b|2|" },
	{ "user=u|replication=off|a=1", "", "u", "", "a|1|" },
	{ "user=u|replication=database|a=1|options=-c b=2", "", "u",
	  "replication|database|a|1|options|-c b=2|", "" },
	{ "user=u|_pq_.x=1|a=1", "", "u", "", "a|1|" },
};

START_TEST(test_what_is_whose)
{
	struct startparams p;
	struct err err;
	char text[256];
	ck_assert(read_packet(&p, packets[_i].packet, packets[_i].ignored, &err));
	ck_assert_str_eq(p.user, "u");
	ck_assert_str_eq(p.database, packets[_i].database);
	ck_assert_str_eq(shown(&p.startup, text, sizeof(text)), packets[_i].startup);
	ck_assert_str_eq(shown(&p.settings, text, sizeof(text)), packets[_i].settings);
	startparams_fini(&p);
}
END_TEST

static const struct {
	const char *packet, *said;
} refused[] = {
	{ "database=d", "no user" },
	{ "user=|database=d", "no user" },
	{ "user=u|a b=1", "a b" },
	{ "user=u|a\"=1", "a\"" },
	{ "user=u|options=-c a'b=1", "a'b" },
	{ "user=u|replication=true|a;=1", "a;" },
	{ "user=u|0123456789012345678901234567890123456789012345678901234567890123456789=1",
	  "0123456789012345678901234567890123456789012345678901234567890123" },
};

START_TEST(test_what_is_refused)
{
	struct startparams p;
	struct err err;
	ck_assert(!read_packet(&p, refused[_i].packet, "", &err));
	ck_assert_str_eq(err.text, refused[_i].said);
	startparams_fini(&p);
}
END_TEST

START_TEST(test_set_has_the_last_of_each_name)
{
	struct startparams p;
	struct err err;
	struct paramset_table *table = paramset_table_new();
	struct paramset *empty = paramset_empty(table);
	ck_assert(read_packet(&p, "user=u|b=1|options=-c B=0 -c c=3|b=2", "", &err));
	struct paramset *set = startparams_make_set(&p, empty);
	ck_assert_uint_eq(paramset_count(set), 2);
	ck_assert_str_eq(paramset_get(set, SLICE("b")), "2");
	ck_assert_str_eq(paramset_get(set, SLICE("c")), "3");
	paramset_unref(set);
	paramset_unref(empty);
	paramset_table_free(table);
	startparams_fini(&p);
}
END_TEST

START_TEST(test_unknown_protocol_options_are_named)
{
	struct startparams p;
	struct err err;
	struct buf out = { 0 };
	static const char said[] = "v\0\0\0\x1a\0\3\0\0\0\0\0\2_pq_.a\0_pq_.b";
	ck_assert(read_packet(&p, "_pq_.a=1|user=u|_pq_.b=", "", &err));
	ck_assert_uint_eq(p.unknown_count, 2);
	startparams_build_negotiation(&p, &out);
	ck_assert_uint_eq(buf_len(&out), sizeof(said));
	ck_assert_mem_eq(buf_slice(&out).ptr, said, sizeof(said));
	buf_fini(&out);
	startparams_fini(&p);
}
END_TEST

Suite *startparams_suite(void)
{
	Suite *s = suite_create("startparams");
	TCase *t = tcase_create("startparams");
	tcase_add_loop_test(t, test_what_is_whose, 0, COUNT_OF(packets));
	tcase_add_loop_test(t, test_what_is_refused, 0, COUNT_OF(refused));
	tcase_add_test(t, test_set_has_the_last_of_each_name);
	tcase_add_test(t, test_unknown_protocol_options_are_named);
	suite_add_tcase(s, t);
	return s;
}
