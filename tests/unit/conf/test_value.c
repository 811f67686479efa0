/*
 * test_value.c - what texts of settings mean, and which mean nothing.
 */
#include "conf/value.h"

#include <stdlib.h>

#include "check_conf.h"

static const struct setting *row(const char *name)
{
	bool is_inverse;
	const struct setting *s = setting_find(slice_of(name), SETTING_GDU, &is_inverse);
	ck_assert_msg(s != NULL, "%s", name);
	return s;
}

struct number {
	const char *setting;
	const char *text;
	int64_t value; /* BAD: it is refused */
};

#define BAD INT64_MIN

static const struct number numbers[] = {
	{ "listen_port", "1", 1 },
	{ "listen_port", "65535", 65535 },
	{ "listen_port", "0", BAD },
	{ "listen_port", "65536", BAD },
	{ "listen_port", "", BAD },
	{ "listen_port", "54x", BAD },
	{ "listen_port", "5 4", BAD },
	{ "listen_port", "5.4", BAD },
	{ "listen_port", "0x10", BAD },
	{ "listen_port", "+5", BAD },
	{ "listen_port", "-1", BAD },
	{ "listen_port", "99999999999999999999999999999", BAD },
	{ "max_overflow", "-1", -1 },
	{ "max_overflow", "-2", BAD },
	{ "max_overflow", "-", BAD },
	{ "unix_socket_mode", "0777", 0777 },
	{ "unix_socket_mode", "770", 0770 },
	{ "unix_socket_mode", "0", 0 },
	{ "unix_socket_mode", "07777", 07777 },
	{ "unix_socket_mode", "10000", BAD },
	{ "unix_socket_mode", "0800", BAD },
	{ "unix_socket_mode", "", BAD },
	{ "unix_socket_mode", "-1", BAD },
	{ "unix_socket_mode", "777777777777777777777", BAD },
	{ "tcp_keepalive", "1", true },
	{ "tcp_keepalive", "On", true },
	{ "tcp_keepalive", "yes", true },
	{ "tcp_keepalive", "TRUE", true },
	{ "tcp_keepalive", "0", false },
	{ "tcp_keepalive", "off", false },
	{ "tcp_keepalive", "no", false },
	{ "tcp_keepalive", "false", false },
	{ "tcp_keepalive", "2", BAD },
	{ "tcp_keepalive", "", BAD },
	{ "pool_timeout", "30", 30000000 },
	{ "pool_timeout", "0.5", 500000 },
	{ "pool_timeout", ".5", 500000 },
	{ "pool_timeout", "5.", 5000000 },
	{ "pool_timeout", "0.0000001", 1 },
	{ "pool_timeout", "250ms", 250000 },
	{ "pool_timeout", "250 MS", 250000 },
	{ "pool_timeout", "7us", 7 },
	{ "pool_timeout", "2min", 120000000 },
	{ "pool_timeout", "1.5h", 5400000000 },
	{ "pool_timeout", "2d", 172800000000 },
	{ "pool_timeout", "0", USEC_NEVER },
	{ "pool_timeout", "0s", USEC_NEVER },
	{ "pool_timeout", "0.0", USEC_NEVER },
	{ "pool_timeout", "-1", BAD },
	{ "pool_timeout", "5 weeks", BAD },
	{ "pool_timeout", "1e3", BAD },
	{ "pool_timeout", "inf", BAD },
	{ "pool_timeout", "nan", BAD },
	{ "pool_timeout", ".", BAD },
	{ "pool_timeout", "", BAD },
	{ "pool_timeout", "s", BAD },
	{ "pool_timeout", "40000d", BAD },
	{ "pool_timeout", "9999999999999999999999999999999999999999999999999", BAD },
	{ "pool_recycle", "0", 0 },
	{ "pool_recycle", "-1", USEC_NEVER },
	{ "pool_recycle", "-2", BAD },
	{ "overflow_delay", "0", 0 },
	{ "stats_period", "0.5", BAD },
	{ "stats_period", "1", 1000000 },
	{ "log_min_duration_statement", "250", 250000 },
	{ "log_min_duration_statement", "0.5", 500 },
	{ "log_min_duration_statement", "1s", 1000000 },
	{ "log_min_duration_statement", "0", 0 },
	{ "log_min_duration_statement", "-1", USEC_NEVER },
	{ "tcp_user_timeout", "1500", 1500000 },
	{ "max_packet_size", "2147483647", 2147483647 },
	{ "max_packet_size", "2147483648", BAD },
	{ "max_packet_size", "1023", BAD },
	{ "max_packet_size", "1kB", 1024 },
	{ "max_packet_size", "64 mb", 67108864 },
	{ "max_packet_size", "1GB", 1073741824 },
	{ "max_packet_size", "2GB", BAD },
	{ "max_packet_size", "1TB", BAD },
	{ "max_packet_size", "1.5MB", BAD },
	{ "max_packet_size", "4096B", 4096 },
	{ "pool_mode", "session", CONF_POOL_MODE_SESSION },
	{ "pool_mode", "Transaction", CONF_POOL_MODE_TRANSACTION },
	{ "pool_mode", "auto", CONF_POOL_MODE_AUTO },
	{ "pool_mode", "", BAD },
	{ "pool_mode", "sess", BAD },
	{ "auth_type", "md5", CONF_AUTH_TYPE_MD5 },
	{ "auth_type", "scram-sha-256", CONF_AUTH_TYPE_SCRAM },
	{ "auth_type", "hba", CONF_AUTH_TYPE_HBA },
	{ "auth_type", "!hba", BAD },
};

static int64_t as_number(const struct setting *s, const void *field)
{
	if (s->type == SETTING_BOOL)
		return *(const bool *)field;
	return value_size(s->type) == sizeof(int) ? *(const int *)field : *(const int64_t *)field;
}

START_TEST(reads_numbers)
{
	struct confmem mem = { .blocks = NULL };
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		const struct number *n = &numbers[i];
		const struct setting *s = row(n->setting);
		int64_t field = 0;
		struct err err = { .text = "" };
		bool ok = value_parse(s, slice_of(n->text), &field, &mem, &err);
		ck_assert_msg(ok == (n->value != BAD), "%s = %s: %s", s->name, n->text, err.text);
		if (ok)
			ck_assert_msg(as_number(s, &field) == n->value, "%s = %s: %lld", s->name,
				      n->text, (long long)as_number(s, &field));
		else
			ck_assert(field == 0 && err.text[0] != '\0');
	}
	confmem_fini(&mem);
}
END_TEST

static void writes(const char *setting, const char *text, const char *written)
{
	struct confmem mem = { .blocks = NULL };
	struct conf_list field;
	struct err err;
	struct buf out = { .data = NULL };
	ck_assert(value_parse(row(setting), slice_of(text), &field, &mem, &err));
	value_format(row(setting), &field, &out);
	ck_assert_str_eq(buf_cstr(&out), written);
	buf_fini(&out);
	confmem_fini(&mem);
}

START_TEST(writes_as_pgbouncer_shows)
{
	writes("pool_timeout", "2min", "120");
	writes("pool_timeout", "0.25", "0.25");
	writes("pool_timeout", "7us", "0.000007");
	writes("pool_timeout", "0", "0");
	writes("pool_recycle", "-1", "-1");
	writes("pool_recycle", "0", "0");
	writes("log_min_duration_statement", "1s", "1000");
	writes("log_min_duration_statement", "1500us", "1.5");
	writes("log_min_duration_statement", "-1", "-1");
	writes("unix_socket_mode", "770", "0770");
	writes("tcp_keepalive", "yes", "1");
	writes("max_packet_size", "64kB", "65536");
	writes("auth_type", "SCRAM-SHA-256", "scram-sha-256");
	writes("admin_users", " a ,, b,\"c d\" ", "a, b, \"c d\"");
	writes("admin_users", "", "");
	writes("server_check_query", "<empty>", "");
	writes("server_check_query", "select 1", "select 1");
}
END_TEST

START_TEST(says_what_is_wrong)
{
	struct confmem mem = { .blocks = NULL };
	struct conf_list field;
	struct err err;
	ck_assert(!value_parse(row("listen_port"), SLICE("70000"), &field, &mem, &err));
	ck_assert_str_eq(err.text, "out of range: it must be between 1 and 65535");
	ck_assert(!value_parse(row("stats_period"), SLICE("0"), &field, &mem, &err));
	ck_assert_str_eq(err.text, "out of range: it must be between 1 and 86400");
	ck_assert(!value_parse(row("pool_mode"), SLICE("x"), &field, &mem, &err));
	ck_assert_str_eq(err.text, "\"x\" is none of auto, session, transaction, statement");
	ck_assert(!value_parse(row("syslog_facility"), SLICE("local9"), &field, &mem, &err));
	confmem_fini(&mem);
}
END_TEST

START_TEST(long_lists)
{
	struct confmem mem = { .blocks = NULL };
	struct conf_list list;
	struct err err;
	struct buf text = { .data = NULL };
	for (int i = 0; i < 1000; i++)
		buf_addf(&text, "user%d,", i);
	ck_assert(value_parse(row("admin_users"), buf_slice(&text), &list, &mem, &err));
	ck_assert_uint_eq(list.count, 1000);
	ck_assert_str_eq(list.items[0], "user0");
	ck_assert_str_eq(list.items[999], "user999");
	ck_assert(conf_list_has(&list, SLICE("user500")));
	ck_assert(!conf_list_has(&list, SLICE("USER500")));
	ck_assert(conf_list_has_nocase(&list, SLICE("USER500")));
	ck_assert(!conf_list_has(&list, SLICE("user")));
	buf_fini(&text);
	confmem_fini(&mem);
}
END_TEST

Suite *suite_value(void)
{
	Suite *s = suite_create("value");
	TCase *tc = tcase_create("value");
	tcase_add_test(tc, reads_numbers);
	tcase_add_test(tc, writes_as_pgbouncer_shows);
	tcase_add_test(tc, says_what_is_wrong);
	tcase_add_test(tc, long_lists);
	suite_add_tcase(s, tc);
	return s;
}
