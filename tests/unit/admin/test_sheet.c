/*
 * test_sheet.c - the columns of each SHOW, held against PgBouncer's; and values in both formats.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admin/sheet.h"
#include "admin/show_rows.h"
#include "check_admin.h"
#include "wire/reader.h"

#define STATS                                                                                      \
	"database total_server_assignment_count total_xact_count total_query_count "               \
	"total_received total_sent total_xact_time total_query_time total_wait_time "              \
	"total_client_parse_count total_server_parse_count total_bind_count "                      \
	"total_client_login_count avg_server_assignment_count avg_xact_count avg_query_count "     \
	"avg_recv avg_sent avg_xact_time avg_query_time avg_wait_time avg_client_parse_count "     \
	"avg_server_parse_count avg_bind_count avg_client_login_count"
#define SUMS                                                                                       \
	"database server_assignment_count xact_count query_count bytes_received bytes_sent "       \
	"xact_time query_time wait_time client_parse_count server_parse_count bind_count "         \
	"client_login_count"
#define CONNS                                                                                      \
	"type user database replication state addr port local_addr local_port connect_time "       \
	"request_time wait wait_us close_needed ptr link remote_pid tls application_name "         \
	"prepared_statements id"
#define SOCKETS CONNS " recv_pos pkt_pos pkt_remain send_pos send_remain pkt_avail send_avail"

/* PgBouncer's, then ours. */
static const struct {
	enum sheet_id id;
	const char *theirs, *ours;
} columns[] = {
	{ SHEET_ID_VERSION, "version", "" },
	{ SHEET_ID_CONFIG, "key value default changeable", "" },
	{ SHEET_ID_DATABASES,
	  "name host port database force_user pool_size min_pool_size reserve_pool_size "
	  "server_lifetime pool_mode load_balance_hosts max_connections current_connections "
	  "max_client_connections current_client_connections paused disabled",
	  " max_overflow" },
	{ SHEET_ID_POOLS,
	  "database user cl_active cl_waiting cl_active_cancel_req cl_waiting_cancel_req "
	  "sv_active sv_active_cancel sv_being_canceled sv_idle sv_used sv_tested sv_login "
	  "maxwait maxwait_us pool_mode load_balance_hosts",
	  " pool_size max_overflow servers overflow cl_linked paused options" },
	{ SHEET_ID_CLIENTS, CONNS, " worker" },
	{ SHEET_ID_SERVERS, CONNS, " worker" },
	{ SHEET_ID_KEPT, "",
	  "database user addr port application_name id server_pid since reasons statement" },
	{ SHEET_ID_LISTENERS, "",
	  "database client_encoding user server_pid clients channels notifications since worker" },
	{ SHEET_ID_SOCKETS, SOCKETS, "" },
	{ SHEET_ID_ACTIVE_SOCKETS, SOCKETS, "" },
	{ SHEET_ID_STATS, STATS,
	  " total_server_login_count total_server_login_failure_count total_error_count "
	  "total_refusal_count total_cancel_count total_keep_count total_look_count "
	  "avg_server_login_count avg_server_login_failure_count avg_error_count avg_refusal_count "
	  "avg_cancel_count avg_keep_count avg_look_count" },
	{ SHEET_ID_STATS_TOTALS, SUMS,
	  " server_login_count server_login_failure_count error_count refusal_count "
	  "cancel_count keep_count look_count" },
	{ SHEET_ID_STATS_AVERAGES, SUMS,
	  " server_login_count server_login_failure_count error_count refusal_count "
	  "cancel_count keep_count look_count" },
	{ SHEET_ID_TOTALS, "name value", "" },
	{ SHEET_ID_LISTS, "list items", "" },
	{ SHEET_ID_USERS,
	  "name pool_size reserve_pool_size pool_mode max_user_connections current_connections "
	  "max_user_client_connections current_client_connections",
	  "" },
	{ SHEET_ID_WORKERS, "worker clients login_clients servers pools busy moved_in moved_out",
	  "" },
	{ SHEET_ID_MEM, "name size used free memtotal", "" },
	{ SHEET_ID_STATE, "key value", "" },
	{ SHEET_ID_DNS_HOSTS, "hostname ttl addrs", "" },
	{ SHEET_ID_DNS_ZONES, "zonename serial count", "" },
	{ SHEET_ID_PEERS, "peer_id host port pool_size", "" },
	{ SHEET_ID_PEER_POOLS,
	  "peer_id cl_active_cancel_req cl_waiting_cancel_req sv_active_cancel sv_login", "" },
	{ SHEET_ID_CLIENT_ENCODING, "client_encoding", "" },
	{ SHEET_ID_DEFAULT_ISOLATION, "default_transaction_isolation", "" },
	{ SHEET_ID_STANDARD_STRINGS, "standard_conforming_strings", "" },
	{ SHEET_ID_DATESTYLE, "DateStyle", "" },
	{ SHEET_ID_TIMEZONE, "TimeZone", "" },
	{ SHEET_ID_ISOLATION, "transaction_isolation", "" },
};

static void check_columns(size_t i)
{
	struct buf out = { .data = NULL }, wanted = { .data = NULL };
	ck_assert_uint_eq(columns[i].id, i);
	sheet_describe(sheet_get(columns[i].id), 0, &out);
	buf_addf(&wanted, "%s%s", columns[i].theirs, columns[i].ours);
	ck_assert_str_eq(said_names(&out), buf_cstr(&wanted));
	buf_fini(&out);
	buf_fini(&wanted);
}

START_TEST(columns_are_pgbouncers_in_its_order)
{
	ck_assert_uint_eq(COUNT_OF(columns), SHEET_ID_COUNT);
	for (size_t i = 0; i < COUNT_OF(columns); i++)
		check_columns(i);
}
END_TEST

static void check_names(const struct sheet *sheet)
{
	ck_assert_uint_le(sheet->column_count, SHEET_MAX_COLUMNS);
	ck_assert(*sheet->text && *sheet->name);
	for (size_t i = 0; i < sheet->column_count; i++) {
		ck_assert(*sheet->columns[i].text);
		for (size_t k = 0; k < i; k++)
			ck_assert_str_ne(sheet->columns[i].column.name,
					 sheet->columns[k].column.name);
	}
}

START_TEST(no_name_is_there_twice_and_all_have_words)
{
	for (int id = 0; id < SHEET_ID_COUNT; id++)
		check_names(sheet_get((enum sheet_id)id));
}
END_TEST

START_TEST(nothing_has_no_sheet)
{
	ck_assert_ptr_null(sheet_get(SHEET_ID_NONE));
}
END_TEST

/* ---- values --------------------------------------------------------------------------------- */

/* The column of a sheet that has the name. */
static size_t column_at(enum sheet_id id, const char *name)
{
	const struct sheet *sheet = sheet_get(id);
	for (size_t i = 0; i < sheet->column_count; i++)
		if (strcmp(sheet->columns[i].column.name, name) == 0)
			return i;
	ck_abort_msg("no column %s", name);
	return 0;
}

static const char *written(enum sheet_id id, const void *row, const char *name, struct buf *out)
{
	buf_clear(out);
	sheet_write(sheet_get(id), 0, row, out);
	return said_value(out, 0, column_at(id, name));
}

START_TEST(a_connection_in_words)
{
	struct buf out = { .data = NULL };
	struct report_conn c = { .is_server = true,
				 .database = "shop",
				 .port = 5432,
				 .wait_us = 2500001,
				 .ptr = 0xabc,
				 .id = 77,
				 .tls = "TLSv1.3/X" };
	ck_assert_str_eq(written(SHEET_ID_SERVERS, &c, "type", &out), "S");
	ck_assert_str_eq(written(SHEET_ID_SERVERS, &c, "database", &out), "shop");
	ck_assert_str_eq(written(SHEET_ID_SERVERS, &c, "replication", &out), "none");
	ck_assert_str_eq(written(SHEET_ID_SERVERS, &c, "port", &out), "5432");
	ck_assert_str_eq(written(SHEET_ID_SERVERS, &c, "wait", &out), "2");
	ck_assert_str_eq(written(SHEET_ID_SERVERS, &c, "wait_us", &out), "500001");
	ck_assert_str_eq(written(SHEET_ID_SERVERS, &c, "close_needed", &out), "0");
	ck_assert_str_eq(written(SHEET_ID_SERVERS, &c, "ptr", &out), "0xabc");
	ck_assert_str_eq(written(SHEET_ID_SERVERS, &c, "link", &out), "");
	ck_assert_str_eq(written(SHEET_ID_SERVERS, &c, "tls", &out), "TLSv1.3/X");
	ck_assert_str_eq(written(SHEET_ID_SERVERS, &c, "prepared_statements", &out), "0");
	ck_assert_str_eq(written(SHEET_ID_SERVERS, &c, "id", &out), "77");
	ck_assert_str_eq(written(SHEET_ID_SERVERS, &c, "request_time", &out), "");
	c.is_server = false;
	c.tls[0] = '\0';
	ck_assert_str_eq(written(SHEET_ID_CLIENTS, &c, "type", &out), "C");
	ck_assert_str_eq(written(SHEET_ID_CLIENTS, &c, "tls", &out), "");
	buf_fini(&out);
}
END_TEST

START_TEST(times_are_local)
{
	struct buf out = { .data = NULL };
	struct report_conn c = { .connected_wall = 1700000000 * USEC_PER_SEC + 999999 };
	setenv("TZ", "UTC0", 1);
	tzset();
	ck_assert_str_eq(written(SHEET_ID_CLIENTS, &c, "connect_time", &out),
			 "2023-11-14 22:13:20 UTC");
	buf_fini(&out);
}
END_TEST

START_TEST(a_database_in_words)
{
	struct buf out = { .data = NULL };
	struct show_database d = { .name = "shop", .host = "", .port = 5432, .paused = true };
	d.pool.pool_recycle_us = USEC_NEVER;
	ck_assert_str_eq(written(SHEET_ID_DATABASES, &d, "host", &out), "NULL");
	ck_assert_str_eq(written(SHEET_ID_DATABASES, &d, "force_user", &out), "NULL");
	ck_assert_str_eq(written(SHEET_ID_DATABASES, &d, "server_lifetime", &out), "0");
	ck_assert_str_eq(written(SHEET_ID_DATABASES, &d, "paused", &out), "1");
	d.pool.pool_recycle_us = 90 * USEC_PER_SEC;
	ck_assert_str_eq(written(SHEET_ID_DATABASES, &d, "server_lifetime", &out), "90");
	buf_fini(&out);
}
END_TEST

/* What PostgreSQL's numeric_send makes of it. */
static const struct {
	uint64_t number;
	size_t bytes;
	const uint8_t wire[24];
} numerics[] = {
	{ 0, 8, { 0, 0, 0, 0, 0, 0, 0, 0 } },
	{ 1, 10, { 0, 1, 0, 0, 0, 0, 0, 0, 0, 1 } },
	{ 9999, 10, { 0, 1, 0, 0, 0, 0, 0, 0, 0x27, 0x0f } },
	{ 10000, 10, { 0, 1, 0, 1, 0, 0, 0, 0, 0, 1 } },
	{ 10001, 12, { 0, 2, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1 } },
	{ 123456789, 14, { 0, 3, 0, 2, 0, 0, 0, 0, 0, 1, 0x09, 0x29, 0x1a, 0x85 } },
	{ 100000000, 10, { 0, 1, 0, 2, 0, 0, 0, 0, 0, 1 } },
};

START_TEST(numerics_in_binary)
{
	struct buf out = { .data = NULL };
	struct reader r;
	struct sheet_count row = { "x", numerics[_i].number };
	sheet_write(sheet_get(SHEET_ID_TOTALS), 2, &row, &out);
	reader_init(&r, said_body(&out, 'D', 0));
	ck_assert_uint_eq(reader_u16(&r), 2);
	ck_assert(slice_eq_str(reader_value(&r), "x"));
	struct slice value = reader_value(&r);
	ck_assert(slice_eq(value, slice_make(numerics[_i].wire, numerics[_i].bytes)));
	ck_assert(reader_is_done(&r));
	buf_fini(&out);
}
END_TEST

START_TEST(integers_in_binary)
{
	struct buf out = { .data = NULL };
	struct report_conn c = { .worker = -1, .id = UINT64_C(0x102030405060708) };
	size_t worker = column_at(SHEET_ID_CLIENTS, "worker");
	size_t id = column_at(SHEET_ID_CLIENTS, "id");
	const struct sheet *sheet = sheet_get(SHEET_ID_CLIENTS);
	struct slice value = SLICE_NONE;
	struct reader r;
	sheet_write(sheet, UINT64_C(1) << worker | UINT64_C(1) << id, &c, &out);
	reader_init(&r, said_body(&out, 'D', 0));
	reader_u16(&r);
	for (size_t i = 0; i < sheet->column_count; i++) {
		value = reader_value(&r);
		if (i == id)
			ck_assert(slice_eq(value, SLICE("\1\2\3\4\5\6\7\x8")));
	}
	ck_assert(slice_eq(value, SLICE("\xff\xff\xff\xff")));
	buf_fini(&out);
}
END_TEST

START_TEST(descriptions_say_which_format)
{
	struct buf out = { .data = NULL };
	struct reader r;
	buf_add_str(&out, ""); /* it may not stand at the beginning */
	sheet_describe(sheet_get(SHEET_ID_STATE), 0, &out);
	size_t second = buf_len(&out);
	sheet_describe(sheet_get(SHEET_ID_STATE), 2, &out);
	buf_consume(&out, second);
	reader_init(&r, said_body(&out, 'T', 0));
	ck_assert_uint_eq(reader_u16(&r), 2);
	for (unsigned i = 0; i < 2; i++) {
		reader_cstr(&r);
		reader_bytes(&r, 16);
		ck_assert_uint_eq(reader_u16(&r), i);
	}
	ck_assert(reader_is_done(&r));
	buf_fini(&out);
}
END_TEST

Suite *suite_sheet(void)
{
	Suite *s = suite_create("sheet");
	TCase *t = tcase_create("sheet");
	tcase_add_test(t, columns_are_pgbouncers_in_its_order);
	tcase_add_test(t, no_name_is_there_twice_and_all_have_words);
	tcase_add_test(t, nothing_has_no_sheet);
	tcase_add_test(t, a_connection_in_words);
	tcase_add_test(t, times_are_local);
	tcase_add_test(t, a_database_in_words);
	tcase_add_loop_test(t, numerics_in_binary, 0, COUNT_OF(numerics));
	tcase_add_test(t, integers_in_binary);
	tcase_add_test(t, descriptions_say_which_format);
	suite_add_tcase(s, t);
	return s;
}
