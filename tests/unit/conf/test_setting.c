/*
 * test_setting.c - the table of settings: every row whole, every name its own.
 */
#include "conf/setting.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/map.h"
#include "check_conf.h"
#include "conf/value.h"

/* All that PgBouncer 1.18 to 1.25 knows: in [pgbouncer], in [databases], in [users]. */
static const char *const pgbouncer_main[] = {
	"admin_users",
	"application_name_add_host",
	"auth_dbname",
	"auth_file",
	"auth_hba_file",
	"auth_ident_file",
	"auth_ldap_options",
	"auth_query",
	"auth_type",
	"auth_user",
	"autodb_idle_timeout",
	"cancel_wait_timeout",
	"client_idle_timeout",
	"client_login_timeout",
	"client_tls13_ciphers",
	"client_tls_ca_file",
	"client_tls_cert_file",
	"client_tls_ciphers",
	"client_tls_dheparams",
	"client_tls_ecdhcurve",
	"client_tls_key_file",
	"client_tls_protocols",
	"client_tls_sslmode",
	"conffile",
	"default_pool_size",
	"disable_pqexec",
	"dns_max_ttl",
	"dns_nxdomain_ttl",
	"dns_zone_check_period",
	"idle_transaction_timeout",
	"ignore_startup_parameters",
	"job_name",
	"listen_addr",
	"listen_backlog",
	"listen_port",
	"log_connections",
	"log_disconnections",
	"log_pooler_errors",
	"log_stats",
	"logfile",
	"login_notify_message",
	"max_client_conn",
	"max_db_client_connections",
	"max_db_connections",
	"max_packet_size",
	"max_prepared_statements",
	"max_user_client_connections",
	"max_user_connections",
	"min_pool_size",
	"peer_id",
	"pidfile",
	"pkt_buf",
	"pool_idle_timeout",
	"pool_mode",
	"query_timeout",
	"query_wait_notify",
	"query_wait_timeout",
	"reserve_pool_size",
	"reserve_pool_timeout",
	"resolv_conf",
	"sbuf_loopcnt",
	"scram_iterations",
	"server_check_delay",
	"server_check_query",
	"server_connect_timeout",
	"server_fast_close",
	"server_idle_timeout",
	"server_lifetime",
	"server_login_retry",
	"server_reset_query",
	"server_reset_query_always",
	"server_round_robin",
	"server_tls13_ciphers",
	"server_tls_ca_file",
	"server_tls_cert_file",
	"server_tls_ciphers",
	"server_tls_key_file",
	"server_tls_protocols",
	"server_tls_sslmode",
	"service_name",
	"so_reuseport",
	"stats_period",
	"stats_users",
	"suspend_timeout",
	"syslog",
	"syslog_facility",
	"syslog_ident",
	"tcp_defer_accept",
	"tcp_keepalive",
	"tcp_keepcnt",
	"tcp_keepidle",
	"tcp_keepintvl",
	"tcp_socket_buffer",
	"tcp_user_timeout",
	"track_extra_parameters",
	"transaction_timeout",
	"unix_socket_dir",
	"unix_socket_group",
	"unix_socket_mode",
	"user",
	"verbose",
};
static const char *const pgbouncer_database[] = {
	"auth_user",
	"auth_query",
	"auth_dbname",
	"pool_size",
	"min_pool_size",
	"reserve_pool_size",
	"reserve_pool",
	"connect_query",
	"pool_mode",
	"max_db_connections",
	"max_db_client_connections",
	"server_lifetime",
	"load_balance_hosts",
	"query_wait_timeout",
	"client_encoding",
	"datestyle",
	"timezone",
	"application_name",
};
static const char *const pgbouncer_user[] = {
	"pool_mode",           "max_user_connections",
	"pool_size",           "reserve_pool_size",
	"query_timeout",       "idle_transaction_timeout",
	"client_idle_timeout", "max_user_client_connections",
	"transaction_timeout", "query_wait_timeout",
};

START_TEST(knows_what_pgbouncer_knows)
{
	bool is_inverse;
	for (size_t i = 0; i < COUNT_OF(pgbouncer_main); i++)
		ck_assert_msg(setting_find(slice_of(pgbouncer_main[i]), SETTING_G, &is_inverse),
			      "%s", pgbouncer_main[i]);
	for (size_t i = 0; i < COUNT_OF(pgbouncer_database); i++)
		ck_assert_msg(setting_find(slice_of(pgbouncer_database[i]), SETTING_D, &is_inverse),
			      "%s", pgbouncer_database[i]);
	for (size_t i = 0; i < COUNT_OF(pgbouncer_user); i++)
		ck_assert_msg(setting_find(slice_of(pgbouncer_user[i]), SETTING_U, &is_inverse),
			      "%s", pgbouncer_user[i]);
}
END_TEST

static void take_name(struct map *names, struct slice name, const struct setting *s)
{
	ck_assert_msg(!map_put(names, name, (void *)s), "%.*s is there twice", SLICE_ARGS(name));
	for (size_t i = 0; i < name.len; i++)
		ck_assert(islower((unsigned char)name.ptr[i]) || name.ptr[i] == '_' ||
			  isdigit((unsigned char)name.ptr[i]));
}

START_TEST(every_name_once)
{
	struct map names;
	map_init(&names);
	for (size_t i = 0; i < setting_count; i++) {
		const struct setting *s = &setting_table[i];
		if (!s->name)
			continue;
		take_name(&names, slice_of(s->name), s);
		struct slice alias;
		for (const char *at = s->extras.alias; setting_next_word(&at, &alias);)
			take_name(&names, alias, s);
		if (s->extras.inverse)
			take_name(&names, slice_of(s->extras.inverse), s);
	}
	map_fini(&names);
}
END_TEST

START_TEST(every_row_is_whole)
{
	for (size_t i = 0; i < setting_count; i++) {
		const struct setting *s = &setting_table[i];
		ck_assert_ptr_nonnull(s->text);
		if (!s->name)
			continue;
		bool is_live = s->kind == SETTING_RELOAD || s->kind == SETTING_RESTART;
		ck_assert(s->text[strlen(s->text) - 1] == '.');
		ck_assert_int_eq(s->global_at >= 0, is_live && (s->scope & SETTING_G) != 0);
		ck_assert_int_eq(s->pool_at >= 0,
				 is_live && (s->scope & (SETTING_D | SETTING_U)) != 0);
		ck_assert_int_eq(s->type == SETTING_ENUM, s->word_count > 0);
		ck_assert(!s->extras.inverse || s->type == SETTING_BOOL);
		ck_assert(!s->extras.safe || s->kind == SETTING_REFUSED);
		ck_assert(!s->extras.never || s->type == SETTING_DURATION);
		/* Only what the process as a whole has can need a restart. */
		ck_assert(s->kind != SETTING_RESTART || s->scope == SETTING_G);
	}
}
END_TEST

/* A default is read, written and read again to the same. */
static void round_trip(const struct setting *s, const char *text)
{
	struct confmem mem = { .blocks = NULL };
	struct buf once = { .data = NULL }, twice = { .data = NULL };
	struct conf_list field;
	struct err err;
	ck_assert_msg(value_parse(s, slice_of(text), &field, &mem, &err), "%s: %s", s->name,
		      err.text);
	value_format(s, &field, &once);
	ck_assert_msg(value_parse(s, buf_slice(&once), &field, &mem, &err), "%s: %s", s->name,
		      err.text);
	value_format(s, &field, &twice);
	ck_assert(slice_eq(buf_slice(&once), buf_slice(&twice)));
	buf_fini(&once);
	buf_fini(&twice);
	confmem_fini(&mem);
}

START_TEST(every_row_reads_its_defaults)
{
	for (size_t i = 0; i < setting_count; i++)
		if (setting_table[i].name) {
			round_trip(&setting_table[i], setting_table[i].def);
			round_trip(&setting_table[i], setting_table[i].pgbouncer_def);
		}
}
END_TEST

START_TEST(finds_by_place_and_alias)
{
	bool inv;
	ck_assert_str_eq(setting_find(SLICE("default_pool_size"), SETTING_G, &inv)->name,
			 "pool_size");
	ck_assert(!inv);
	ck_assert_str_eq(setting_find(SLICE("reserve_pool"), SETTING_D, &inv)->name,
			 "max_overflow");
	ck_assert_str_eq(setting_find(SLICE("server_round_robin"), SETTING_G, &inv)->name,
			 "pool_use_lifo");
	ck_assert(inv);
	ck_assert_ptr_null(setting_find(SLICE("listen_port"), SETTING_D, &inv));
	ck_assert_ptr_null(setting_find(SLICE("connect_query"), SETTING_G, &inv));
	ck_assert_ptr_null(setting_find(SLICE("pool_siz"), SETTING_G, &inv));
	ck_assert_ptr_null(setting_find(SLICE(""), SETTING_G, &inv));
	ck_assert_ptr_null(setting_find(SLICE("reserve_pool_size reserve_pool"), SETTING_G, &inv));
}
END_TEST

START_TEST(hints)
{
	ck_assert_str_eq(setting_nearest(SLICE("pool_sise"), SETTING_G), "pool_size");
	ck_assert_str_eq(setting_nearest(SLICE("pool-size"), SETTING_G), "pool_size");
	ck_assert_str_eq(setting_nearest(SLICE("listen_addrs"), SETTING_G), "listen_addr");
	ck_assert_str_eq(setting_nearest(SLICE("workesr"), SETTING_G), "workers");
	ck_assert_ptr_null(setting_nearest(SLICE("wibble"), SETTING_G));
	ck_assert_ptr_null(setting_nearest(SLICE(""), SETTING_G));
	char big[300];
	memset(big, 'a', sizeof(big));
	ck_assert_ptr_null(setting_nearest(slice_make(big, sizeof(big)), SETTING_G));

	ck_assert_uint_eq(setting_distance(SLICE(""), SLICE(""), 9), 0);
	ck_assert_uint_eq(setting_distance(SLICE("abc"), SLICE(""), 9), 3);
	ck_assert_uint_eq(setting_distance(SLICE("abc"), SLICE("abc"), 9), 0);
	ck_assert_uint_eq(setting_distance(SLICE("abc"), SLICE("acb"), 9), 1);
	ck_assert_uint_eq(setting_distance(SLICE("kitten"), SLICE("sitting"), 9), 3);
	ck_assert_uint_eq(setting_distance(SLICE("kitten"), SLICE("sitting"), 2), 2);
}
END_TEST

Suite *suite_setting(void)
{
	Suite *s = suite_create("setting");
	TCase *tc = tcase_create("setting");
	tcase_add_test(tc, knows_what_pgbouncer_knows);
	tcase_add_test(tc, every_name_once);
	tcase_add_test(tc, every_row_is_whole);
	tcase_add_test(tc, every_row_reads_its_defaults);
	tcase_add_test(tc, finds_by_place_and_alias);
	tcase_add_test(tc, hints);
	suite_add_tcase(s, tc);
	return s;
}
