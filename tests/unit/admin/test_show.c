/*
 * test_show.c - the lines of each SHOW, from reports made by hand.
 */
#include <stdlib.h>
#include <string.h>

#include "admin/show.h"
#include "check_admin.h"

/* ---- a pooler of two workers ---------------------------------------------------------------- */

static struct setup setup;
static struct report reports[2];
static struct report_conn consoles[1];
static struct stats console_stats;
static struct averages *averages;
static struct buf out;

static bool is_paused(void *arg, const char *database)
{
	(void)arg;
	return database && strcmp(database, "shop") == 0;
}

static bool is_disabled(void *arg, const char *database)
{
	(void)arg;
	return strcmp(database, "bare") == 0;
}

static int four(void *arg, const char *name)
{
	(void)arg;
	return *name ? 4 : -1;
}

static const struct show_live live = {
	.is_paused = is_paused,
	.is_disabled = is_disabled,
	.database_servers = four,
	.database_clients = four,
	.user_servers = four,
	.user_clients = four,
};

static void add_pool(struct report *report, const char *database, const char *user,
		     const char *options, usec_t maxwait_us)
{
	struct report_pool *p = report_add_pool(report);
	report_copy(p->database, sizeof(p->database), database);
	report_copy(p->user, sizeof(p->user), user);
	report_copy(p->options, sizeof(p->options), options);
	p->cl_active = 3;
	p->cl_linked = 2;
	p->cl_waiting = 1;
	p->sv_active = 2;
	p->sv_idle = 1;
	p->sv_login = 1;
	p->maxwait_us = maxwait_us;
	p->pool_mode = "transaction";
	p->pool_size = 5;
	p->max_overflow = 20;
	p->stats.xacts = 10;
}

static void add_conn(struct report *report, bool is_server, uint64_t id, uint64_t link)
{
	struct report_conn *c = report_add_conn(report);
	c->is_server = is_server;
	c->id = id;
	c->link = link;
	report_copy(c->database, sizeof(c->database), "shop");
	report_copy(c->user, sizeof(c->user), "anna");
	report_copy(c->state, sizeof(c->state), "active");
}

static void make(void)
{
	setup_make(&setup,
		   "[databases]\n"
		   "shop = host=db1 port=5433 dbname=shop1 user=clerk password=sesame pool_size=3\n"
		   "bare =\n"
		   "* = host=db9\n"
		   "[users]\nberta = pool_size=8\ncarl = pool_mode=session\n"
		   "[pgweir]\nauth_type = trust\npool_size = 5\n",
		   "\"anna\" \"sesame\"\n\"berta\" \"sesame\"\n");
	for (int i = 0; i < 2; i++) {
		report_init(&reports[i], i);
		add_pool(&reports[i], "shop", "anna", "", 1500000 + i);
		add_conn(&reports[i], false, 10 + (uint64_t)i, (uint64_t)i);
		add_conn(&reports[i], true, 20 + (uint64_t)i, (uint64_t)i);
	}
	add_pool(&reports[0], "shop", "anna", "search_path=x", 0);
	add_pool(&reports[1], "auto", "anna", "", 0);
	reports[1].login_clients = 1;
	consoles[0] = (struct report_conn){ .database = "pgbouncer", .user = "root", .worker = -1 };
	console_stats = (struct stats){ .xacts = 77 };
	averages = averages_new(0);
}

static void drop(void)
{
	averages_free(averages);
	report_fini(&reports[0]);
	report_fini(&reports[1]);
	setup_drop(&setup);
	buf_fini(&out);
}

/* What SHOW says, as a simple query would have it. */
static void show(enum sheet_id id)
{
	struct show in = { .setup = &setup,
			   .live = &live,
			   .averages = averages,
			   .reports = reports,
			   .report_count = 2,
			   .consoles = consoles,
			   .console_count = 1,
			   .console_stats = &console_stats };
	struct answer answer;
	answer_init(&answer, id, 0);
	show_fill(&in, id, &answer);
	ck_assert(!answer_has_failed(&answer));
	ck_assert(!buf_failed(&answer.rows));
	buf_clear(&out);
	sheet_describe(answer.sheet, 0, &out);
	buf_add_slice(&out, buf_slice(&answer.rows));
	ck_assert_uint_eq(said_rows(&out), answer.row_count);
	answer_fini(&answer);
}

static const char *value(size_t row, const char *column)
{
	for (size_t i = 0; i < said_columns(&out); i++)
		if (strcmp(said_column(&out, i), column) == 0)
			return said_value(&out, row, i);
	ck_abort_msg("no column %s", column);
	return NULL;
}

/* The row whose first column says so. */
static size_t row_of(const char *first)
{
	for (size_t i = 0; i < said_rows(&out); i++)
		if (strcmp(said_value(&out, i, 0), first) == 0)
			return i;
	ck_abort_msg("no row %s", first);
	return 0;
}

/* ---- the sheets ----------------------------------------------------------------------------- */

START_TEST(pools_of_several_workers_are_one)
{
	show(SHEET_ID_POOLS);
	ck_assert_uint_eq(said_rows(&out), 4);
	ck_assert_str_eq(value(0, "database"), "auto");
	ck_assert_str_eq(value(1, "database"), "shop");
	ck_assert_str_eq(value(1, "cl_active"), "6");
	ck_assert_str_eq(value(1, "cl_waiting"), "2");
	ck_assert_str_eq(value(1, "cl_linked"), "4");
	ck_assert_str_eq(value(1, "sv_active"), "4");
	ck_assert_str_eq(value(1, "sv_idle"), "2");
	ck_assert_str_eq(value(1, "maxwait"), "1");
	ck_assert_str_eq(value(1, "maxwait_us"), "500001");
	ck_assert_str_eq(value(1, "pool_size"), "5"); /* of the pool, not a sum */
	ck_assert_str_eq(value(1, "servers"), "8");
	ck_assert_str_eq(value(1, "overflow"), "3");
	ck_assert_str_eq(value(1, "load_balance_hosts"), "NULL");
	ck_assert_str_eq(value(2, "options"), "search_path=x");
	ck_assert_str_eq(value(2, "overflow"), "0");
	ck_assert_str_eq(value(3, "database"), "pgbouncer");
	ck_assert_str_eq(value(3, "cl_active"), "1");
	ck_assert_str_eq(value(3, "pool_mode"), "statement");
}
END_TEST

START_TEST(databases_say_where_they_lead)
{
	show(SHEET_ID_DATABASES);
	ck_assert_uint_eq(said_rows(&out), 4); /* shop, bare, auto by way of *, the console */
	size_t shop = row_of("shop"), bare = row_of("bare"), used = row_of("auto");
	ck_assert_str_eq(value(shop, "host"), "db1");
	ck_assert_str_eq(value(shop, "port"), "5433");
	ck_assert_str_eq(value(shop, "database"), "shop1");
	ck_assert_str_eq(value(shop, "force_user"), "clerk");
	ck_assert_str_eq(value(shop, "pool_size"), "3");
	ck_assert_str_eq(value(shop, "paused"), "1");
	ck_assert_str_eq(value(shop, "disabled"), "0");
	ck_assert_str_eq(value(shop, "current_connections"), "4");
	ck_assert_str_eq(value(bare, "host"), "NULL");
	ck_assert_str_eq(value(bare, "port"), "5432");
	ck_assert_str_eq(value(bare, "database"), "bare");
	ck_assert_str_eq(value(bare, "force_user"), "NULL");
	ck_assert_str_eq(value(bare, "pool_size"), "5");
	ck_assert_str_eq(value(bare, "disabled"), "1");
	ck_assert_str_eq(value(used, "host"), "db9");
	ck_assert_str_eq(value(used, "database"), "auto");
	row_of("pgbouncer");
}
END_TEST

START_TEST(clients_and_servers)
{
	show(SHEET_ID_CLIENTS);
	ck_assert_uint_eq(said_rows(&out), 3);
	ck_assert_str_eq(value(0, "id"), "10");
	ck_assert_str_eq(value(1, "worker"), "1");
	ck_assert_str_eq(value(2, "database"), "pgbouncer");
	ck_assert_str_eq(value(2, "worker"), "-1");
	show(SHEET_ID_SERVERS);
	ck_assert_uint_eq(said_rows(&out), 2);
	ck_assert_str_eq(value(0, "id"), "20");
	show(SHEET_ID_SOCKETS);
	ck_assert_uint_eq(said_rows(&out), 5);
	show(SHEET_ID_ACTIVE_SOCKETS);
	ck_assert_uint_eq(said_rows(&out), 3);
}
END_TEST

START_TEST(stats_of_databases_and_the_console)
{
	show(SHEET_ID_STATS);
	ck_assert_uint_eq(said_rows(&out), 3);
	ck_assert_str_eq(value(row_of("shop"), "total_xact_count"), "30");
	ck_assert_str_eq(value(row_of("auto"), "total_xact_count"), "10");
	ck_assert_str_eq(value(row_of("pgbouncer"), "total_xact_count"), "77");
	show(SHEET_ID_STATS_TOTALS);
	ck_assert_str_eq(value(row_of("shop"), "xact_count"), "30");
	show(SHEET_ID_STATS_AVERAGES);
	ck_assert_str_eq(value(row_of("shop"), "xact_count"), "0");
	show(SHEET_ID_TOTALS);
	ck_assert_str_eq(value(row_of("total_xact_count"), "value"), "40");
	ck_assert_str_eq(value(row_of("avg_xact_count"), "value"), "0");
}
END_TEST

START_TEST(lists_count)
{
	show(SHEET_ID_LISTS);
	ck_assert_str_eq(value(row_of("databases"), "items"), "4");
	ck_assert_str_eq(value(row_of("users"), "items"), "3");
	ck_assert_str_eq(value(row_of("pools"), "items"), "4");
	ck_assert_str_eq(value(row_of("used_clients"), "items"), "2");
	ck_assert_str_eq(value(row_of("login_clients"), "items"), "1");
	ck_assert_str_eq(value(row_of("free_servers"), "items"), "4");
	ck_assert_str_eq(value(row_of("used_servers"), "items"), "12");
}
END_TEST

START_TEST(users_of_both_files)
{
	show(SHEET_ID_USERS);
	ck_assert_uint_eq(said_rows(&out), 3);
	ck_assert_str_eq(value(row_of("anna"), "pool_size"), "5");
	ck_assert_str_eq(value(row_of("berta"), "pool_size"), "8");
	ck_assert_str_eq(value(row_of("carl"), "pool_mode"), "session");
	ck_assert_str_eq(value(row_of("carl"), "current_connections"), "4");
}
END_TEST

START_TEST(the_rest)
{
	show(SHEET_ID_VERSION);
	ck_assert(slice_starts(slice_of(value(0, "version")), "pgweir "));
	show(SHEET_ID_CONFIG);
	ck_assert_str_eq(value(row_of("pool_size"), "value"), "5");
	ck_assert_str_eq(value(row_of("listen_port"), "changeable"), "no");
	show(SHEET_ID_STATE);
	ck_assert_str_eq(value(row_of("active"), "value"), "yes");
	ck_assert_str_eq(value(row_of("paused"), "value"), "no");
	show(SHEET_ID_WORKERS);
	ck_assert_uint_eq(said_rows(&out), 2);
	ck_assert_str_eq(value(1, "clients"), "1");
	ck_assert_str_eq(value(1, "servers"), "1");
	ck_assert_str_eq(value(1, "login_clients"), "1");
	show(SHEET_ID_MEM);
	ck_assert_str_eq(value(0, "name"), "heap");
	show(SHEET_ID_PEERS);
	ck_assert_uint_eq(said_rows(&out), 0);
}
END_TEST

START_TEST(no_sheet_shows_a_password)
{
	for (int id = 0; id < SHEET_ID_COUNT; id++) {
		show((enum sheet_id)id);
		ck_assert_ptr_null(memmem(out.data + out.start, buf_len(&out), "sesame", 6));
	}
}
END_TEST

START_TEST(which_databases_there_are)
{
	const struct conf *conf = setup.conf;
	struct setup closed;
	ck_assert(show_has_database(conf, NULL, 0, "shop"));
	ck_assert(show_has_database(conf, reports, 2, "auto"));
	ck_assert(!show_has_database(conf, NULL, 0, "auto"));
	ck_assert(!show_has_database(conf, reports, 2, "nowhere"));
	ck_assert(!show_has_database(conf, reports, 2, "*"));
	setup_make(&closed, "[databases]\nshop =\n[pgweir]\nauth_type = trust\n", "");
	ck_assert(show_has_database(closed.conf, NULL, 0, "shop"));
	ck_assert(!show_has_database(closed.conf, reports, 2, "auto"));
	setup_drop(&closed);
}
END_TEST

Suite *suite_show(void)
{
	Suite *s = suite_create("show");
	TCase *t = tcase_create("show");
	tcase_add_checked_fixture(t, make, drop);
	tcase_add_test(t, pools_of_several_workers_are_one);
	tcase_add_test(t, databases_say_where_they_lead);
	tcase_add_test(t, clients_and_servers);
	tcase_add_test(t, stats_of_databases_and_the_console);
	tcase_add_test(t, lists_count);
	tcase_add_test(t, users_of_both_files);
	tcase_add_test(t, the_rest);
	tcase_add_test(t, no_sheet_shows_a_password);
	tcase_add_test(t, which_databases_there_are);
	suite_add_tcase(s, t);
	return s;
}
