/*
 * show.c - SHOW, but for what is about connections and pools, which is in show_traffic.c.
 */
#include "admin/show.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/show_rows.h"
#include "admin/show_traffic.h"
#include "auth/userlist.h"
#include "config.h"

/* ---- one line for drivers, and none --------------------------------------------------------- */

static void show_text(struct answer *out, const char *text)
{
	answer_row(out, &(struct sheet_pair){ .name = text });
}

static void show_version(const struct show *in, struct answer *out)
{
	(void)in;
	show_text(out, "pgweir " PACKAGE_VERSION);
}

static void show_utf8(const struct show *in, struct answer *out)
{
	(void)in;
	show_text(out, "UTF8");
}

static void show_read_committed(const struct show *in, struct answer *out)
{
	(void)in;
	show_text(out, "read committed");
}

static void show_on(const struct show *in, struct answer *out)
{
	(void)in;
	show_text(out, "on");
}

static void show_iso(const struct show *in, struct answer *out)
{
	(void)in;
	show_text(out, "ISO");
}

static void show_gmt(const struct show *in, struct answer *out)
{
	(void)in;
	show_text(out, "GMT");
}

static void show_none(const struct show *in, struct answer *out)
{
	(void)in;
	(void)out;
}

/* ---- the configuration ---------------------------------------------------------------------- */

static void show_config(const struct show *in, struct answer *out)
{
	const struct conf *conf = in->setup->conf;
	for (size_t i = 0; i < conf->show_count; i++)
		answer_row(out, &conf->show[i]);
}

static void show_database(const struct show *in, const struct conf_database *db, const char *name,
			  struct answer *out)
{
	const struct show_live *live = in->live;
	struct show_database row = {
		.name = name,
		.host = db->host,
		.port = *db->port ? atoi(db->port) : 5432,
		.database = *db->dbname ? db->dbname : name,
		.force_user = db->user,
		.servers = live->database_servers(live->arg, name),
		.clients = live->database_clients(live->arg, name),
		.paused = live->is_paused(live->arg, name),
		.disabled = live->is_disabled(live->arg, name),
	};
	conf_resolve(in->setup->conf, db, NULL, &row.pool);
	row.pool_mode = conf_pool_mode_name((enum conf_pool_mode)row.pool.pool_mode);
	answer_row(out, &row);
}

static void show_console_database(const struct show *in, struct answer *out)
{
	struct show_database row = { .name = SHOW_CONSOLE_DATABASE,
				     .port = in->setup->conf->global.listen_port,
				     .database = SHOW_CONSOLE_DATABASE,
				     .force_user = SHOW_CONSOLE_DATABASE,
				     .pool_mode = "statement",
				     .clients = (int)in->console_count };
	row.pool.pool_size = 2;
	answer_row(out, &row);
}

/* Those that are named, and those that somebody has used by way of "*". */
static void show_databases(const struct show *in, struct answer *out)
{
	const struct conf *conf = in->setup->conf;
	struct report_pool *pools;
	size_t n = show_pools(in->reports, in->report_count, &pools);
	for (size_t i = 0; i < conf->database_count; i++)
		if (strcmp(conf->databases[i].name, "*") != 0)
			show_database(in, &conf->databases[i], conf->databases[i].name, out);
	for (size_t i = 0; i < n; i++) {
		const char *name = pools[i].database;
		const struct conf_database *db = conf_find_database(conf, slice_of(name));
		if (i > 0 && strcmp(pools[i - 1].database, name) == 0)
			continue;
		if (db && strcmp(db->name, "*") == 0)
			show_database(in, db, name, out);
	}
	show_console_database(in, out);
	free(pools);
}

bool show_has_database(const struct conf *conf, const struct report *reports, size_t count,
		       const char *name)
{
	const struct conf_database *db = conf_find_database(conf, slice_of(name));
	if (!db || strcmp(db->name, "*") != 0 || strcmp(name, "*") == 0)
		return db != NULL && strcmp(name, "*") != 0;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < reports[i].pool_count; k++)
			if (strcmp(reports[i].pools[k].database, name) == 0)
				return true;
	return false;
}

static void show_user(const struct show *in, const char *name, struct answer *out)
{
	const struct conf *conf = in->setup->conf;
	const struct show_live *live = in->live;
	struct show_user row = { .name = name,
				 .servers = live->user_servers(live->arg, name),
				 .clients = live->user_clients(live->arg, name) };
	conf_resolve(conf, NULL, conf_find_user(conf, slice_of(name)), &row.pool);
	row.pool_mode = conf_pool_mode_name((enum conf_pool_mode)row.pool.pool_mode);
	answer_row(out, &row);
}

static void show_users(const struct show *in, struct answer *out)
{
	const struct conf *conf = in->setup->conf;
	const struct userlist *users = in->setup->users;
	for (size_t i = 0; i < userlist_count(users); i++) {
		char *name = slice_dup(userlist_name_at(users, i));
		show_user(in, name, out);
		free(name);
	}
	for (size_t i = 0; i < conf->user_count; i++)
		if (!userlist_get(users, slice_of(conf->users[i].name)))
			show_user(in, conf->users[i].name, out);
}

/* ---- the program ---------------------------------------------------------------------------- */

static void show_pair(struct answer *out, const char *name, bool yes)
{
	answer_row(out, &(struct sheet_pair){ .name = name, .value = yes ? "yes" : "no" });
}

static void show_state(const struct show *in, struct answer *out)
{
	bool paused = in->live->is_paused(in->live->arg, NULL);
	show_pair(out, "active", !paused);
	show_pair(out, "paused", paused);
	show_pair(out, "suspended", false);
}

static void show_mem(const struct show *in, struct answer *out)
{
	(void)in;
	struct mallinfo2 m = mallinfo2();
	answer_row(out, &(struct show_memory){ .name = "heap",
					       .size = 1,
					       .used = m.uordblks,
					       .free = m.fordblks,
					       .total = m.arena });
	answer_row(out, &(struct show_memory){
				.name = "mapped", .size = 1, .used = m.hblkhd, .total = m.hblkhd });
}

/* ---- the table ------------------------------------------------------------------------------ */

typedef void (*show_fn)(const struct show *in, struct answer *out);

static const show_fn show_table[SHEET_ID_COUNT] = {
	[SHEET_ID_VERSION] = show_version,
	[SHEET_ID_CONFIG] = show_config,
	[SHEET_ID_DATABASES] = show_databases,
	[SHEET_ID_POOLS] = show_traffic_pools,
	[SHEET_ID_CLIENTS] = show_traffic_clients,
	[SHEET_ID_SERVERS] = show_traffic_servers,
	[SHEET_ID_KEPT] = show_traffic_kept,
	[SHEET_ID_LISTENERS] = show_traffic_listeners,
	[SHEET_ID_SOCKETS] = show_traffic_sockets,
	[SHEET_ID_ACTIVE_SOCKETS] = show_traffic_active_sockets,
	[SHEET_ID_STATS] = show_traffic_stats,
	[SHEET_ID_STATS_TOTALS] = show_traffic_stats,
	[SHEET_ID_STATS_AVERAGES] = show_traffic_stats,
	[SHEET_ID_TOTALS] = show_traffic_totals,
	[SHEET_ID_LISTS] = show_traffic_lists,
	[SHEET_ID_WORKERS] = show_traffic_workers,
	[SHEET_ID_USERS] = show_users,
	[SHEET_ID_MEM] = show_mem,
	[SHEET_ID_STATE] = show_state,
	[SHEET_ID_DNS_HOSTS] = show_none,
	[SHEET_ID_DNS_ZONES] = show_none,
	[SHEET_ID_PEERS] = show_none,
	[SHEET_ID_PEER_POOLS] = show_none,
	[SHEET_ID_CLIENT_ENCODING] = show_utf8,
	[SHEET_ID_DEFAULT_ISOLATION] = show_read_committed,
	[SHEET_ID_STANDARD_STRINGS] = show_on,
	[SHEET_ID_DATESTYLE] = show_iso,
	[SHEET_ID_TIMEZONE] = show_gmt,
	[SHEET_ID_ISOLATION] = show_read_committed,
};

void show_fill(const struct show *in, enum sheet_id id, struct answer *out)
{
	BUG_ON(id >= SHEET_ID_COUNT || !show_table[id]);
	show_table[id](in, out);
}

/* ---- pools ---------------------------------------------------------------------------------- */

static int show_compare_pools(const void *a, const void *b)
{
	const struct report_pool *x = a, *y = b;
	int order = strcmp(x->database, y->database);
	if (order == 0)
		order = strcmp(x->user, y->user);
	return order ? order : strcmp(x->options, y->options);
}

static void show_add_pool(struct report_pool *sum, const struct report_pool *one)
{
	sum->cl_active += one->cl_active;
	sum->cl_linked += one->cl_linked;
	sum->cl_waiting += one->cl_waiting;
	sum->cl_active_cancel_req += one->cl_active_cancel_req;
	sum->cl_waiting_cancel_req += one->cl_waiting_cancel_req;
	sum->sv_active += one->sv_active;
	sum->sv_active_cancel += one->sv_active_cancel;
	sum->sv_being_canceled += one->sv_being_canceled;
	sum->sv_idle += one->sv_idle;
	sum->sv_used += one->sv_used;
	sum->sv_tested += one->sv_tested;
	sum->sv_login += one->sv_login;
	sum->paused |= one->paused;
	if (one->maxwait_us > sum->maxwait_us)
		sum->maxwait_us = one->maxwait_us;
	stats_add(&sum->stats, &one->stats);
}

size_t show_pools(const struct report *reports, size_t count, struct report_pool **rows)
{
	struct report all;
	size_t kept = 0;
	report_init(&all, 0);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < reports[i].pool_count; k++)
			*report_add_pool(&all) = reports[i].pools[k];
	if (all.pool_count > 0)
		qsort(all.pools, all.pool_count, sizeof(*all.pools), show_compare_pools);
	for (size_t i = 0; i < all.pool_count; i++) {
		if (kept > 0 && show_compare_pools(&all.pools[kept - 1], &all.pools[i]) == 0)
			show_add_pool(&all.pools[kept - 1], &all.pools[i]);
		else
			all.pools[kept++] = all.pools[i];
	}
	*rows = all.pools;
	return kept;
}
