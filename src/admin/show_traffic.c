/*
 * show_traffic.c - what the workers report, added up and as lines.
 */
#include "admin/show_traffic.h"

#include <stdlib.h>
#include <string.h>

#include "admin/show.h"
#include "admin/show_rows.h"
#include "proxy/keep.h"

/* ---- pools ---------------------------------------------------------------------------------- */

static int show_traffic_servers_of(const struct report_pool *p)
{
	return p->sv_active + p->sv_being_canceled + p->sv_idle + p->sv_used + p->sv_tested +
	       p->sv_login;
}

static void show_traffic_pool(const struct report_pool *pool, struct answer *out)
{
	struct show_pool row = { .row = *pool, .used = show_traffic_servers_of(pool) };
	row.overflow = row.used > pool->pool_size ? row.used - pool->pool_size : 0;
	answer_row(out, &row);
}

void show_traffic_pools(const struct show *in, struct answer *out)
{
	struct report_pool *pools;
	size_t n = show_pools(in->reports, in->report_count, &pools);
	for (size_t i = 0; i < n; i++)
		show_traffic_pool(&pools[i], out);
	free(pools);

	struct report_pool console = { .database = SHOW_CONSOLE_DATABASE,
				       .user = SHOW_CONSOLE_DATABASE,
				       .cl_active = (int)in->console_count,
				       .pool_mode = "statement",
				       .pool_size = 2 };
	show_traffic_pool(&console, out);
}

/* ---- connections ---------------------------------------------------------------------------- */

static void show_traffic_conns(const struct show *in, bool servers, bool active_only,
			       struct answer *out)
{
	for (size_t i = 0; i < in->report_count; i++)
		for (size_t k = 0; k < in->reports[i].conn_count; k++) {
			const struct report_conn *c = &in->reports[i].conns[k];
			bool is_active = c->link || c->wait_us > 0;
			if (c->is_server == servers && (is_active || !active_only))
				answer_row(out, c);
		}
	for (size_t i = 0; !servers && i < in->console_count; i++)
		answer_row(out, &in->consoles[i]);
}

void show_traffic_clients(const struct show *in, struct answer *out)
{
	show_traffic_conns(in, false, false, out);
}

void show_traffic_servers(const struct show *in, struct answer *out)
{
	show_traffic_conns(in, true, false, out);
}

void show_traffic_kept(const struct show *in, struct answer *out)
{
	for (size_t i = 0; i < in->report_count; i++)
		for (size_t k = 0; k < in->reports[i].conn_count; k++)
			if (in->reports[i].conns[k].kept)
				answer_row(out, &in->reports[i].conns[k]);
}

void show_traffic_listeners(const struct show *in, struct answer *out)
{
	for (size_t i = 0; i < in->report_count; i++)
		for (size_t k = 0; k < in->reports[i].conn_count; k++)
			if (in->reports[i].conns[k].is_listener)
				answer_row(out, &in->reports[i].conns[k]);
}

void show_traffic_sockets(const struct show *in, struct answer *out)
{
	show_traffic_conns(in, false, false, out);
	show_traffic_conns(in, true, false, out);
}

void show_traffic_active_sockets(const struct show *in, struct answer *out)
{
	show_traffic_conns(in, false, true, out);
	show_traffic_conns(in, true, true, out);
}

/* ---- counters ------------------------------------------------------------------------------- */

void show_traffic_stats(const struct show *in, struct answer *out)
{
	struct show_stats *rows;
	size_t n = averages_sum(in->reports, in->report_count, &rows);
	for (size_t i = 0; i < n; i++) {
		averages_fill(in->averages, &rows[i]);
		answer_row(out, &rows[i]);
	}
	free(rows);

	struct show_stats console = { .database = SHOW_CONSOLE_DATABASE,
				      .total = *in->console_stats };
	answer_row(out, &console);
}

/* The columns of SHOW STATS, but for the database, each as a line. */
void show_traffic_totals(const struct show *in, struct answer *out)
{
	const struct sheet *stats = sheet_get(SHEET_ID_STATS);
	struct show_stats *rows, sum;
	size_t n = averages_sum(in->reports, in->report_count, &rows);
	averages_total(in->averages, rows, n, &sum);
	free(rows);
	for (size_t i = 1; i < stats->column_count; i++) {
		const struct sheet_column *c = &stats->columns[i];
		answer_row(out, &(struct sheet_count){ c->column.name, sheet_u64(c, &sum) });
	}
	const struct sheet_count reasons[] = {
#define SHOW_TRAFFIC_REASON_(state, shown, counter, from, until)                                   \
	{ "total_" #counter, sum.total.counter },
		KEEP_STATES(SHOW_TRAFFIC_REASON_)
#undef SHOW_TRAFFIC_REASON_
	};
	for (size_t i = 0; i < COUNT_OF(reasons); i++)
		answer_row(out, &reasons[i]);
}

/* ---- counts --------------------------------------------------------------------------------- */

struct show_traffic_counts {
	uint64_t pools, clients, logging_in, servers_used, servers_free;
};

static void show_traffic_count(const struct show *in, struct show_traffic_counts *n)
{
	struct report_pool *pools;
	*n = (struct show_traffic_counts){ .clients = in->console_count };
	n->pools = show_pools(in->reports, in->report_count, &pools);
	for (size_t i = 0; i < n->pools; i++) {
		n->servers_free += (uint64_t)(pools[i].sv_idle + pools[i].sv_used);
		n->servers_used += (uint64_t)(show_traffic_servers_of(&pools[i]) -
					      pools[i].sv_idle - pools[i].sv_used);
	}
	free(pools);
	for (size_t i = 0; i < in->report_count; i++) {
		n->logging_in += in->reports[i].login_clients;
		for (size_t k = 0; k < in->reports[i].conn_count; k++)
			n->clients += !in->reports[i].conns[k].is_server;
	}
	n->clients -= n->logging_in < n->clients ? n->logging_in : n->clients;
}

void show_traffic_lists(const struct show *in, struct answer *out)
{
	const struct conf *conf = in->setup->conf;
	struct show_traffic_counts n;
	uint64_t users = userlist_count(in->setup->users);
	for (size_t i = 0; i < conf->user_count; i++)
		users += !userlist_get(in->setup->users, slice_of(conf->users[i].name));
	show_traffic_count(in, &n);

	const struct sheet_count rows[] = {
		{ "databases", conf->database_count + 1 },
		{ "users", users },
		{ "peers", 0 },
		{ "pools", n.pools + 1 },
		{ "peer_pools", 0 },
		{ "free_clients", 0 },
		{ "used_clients", n.clients },
		{ "login_clients", n.logging_in },
		{ "free_servers", n.servers_free },
		{ "used_servers", n.servers_used },
		{ "dns_names", 0 },
		{ "dns_zones", 0 },
		{ "dns_queries", 0 },
		{ "dns_pending", 0 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		answer_row(out, &rows[i]);
}

void show_traffic_workers(const struct show *in, struct answer *out)
{
	for (size_t i = 0; i < in->report_count; i++) {
		const struct report *r = &in->reports[i];
		struct show_worker row = { .worker = r->worker,
					   .logging_in = (int)r->login_clients,
					   .pools = (int)r->pool_count,
					   .busy = r->busy_percent,
					   .moved_in = r->moved_in,
					   .moved_out = r->moved_out };
		for (size_t k = 0; k < r->conn_count; k++) {
			row.servers += r->conns[k].is_server;
			row.clients += !r->conns[k].is_server;
		}
		answer_row(out, &row);
	}
}
