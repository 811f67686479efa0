/*
 * worker_report.c - a worker describes itself: its pools, clients and servers, as rows.
 */
#include <stdlib.h>
#include <string.h>

#include "proxy/client.h"
#include "proxy/hub.h"
#include "proxy/keep.h"
#include "proxy/localpool.h"
#include "proxy/login.h"
#include "proxy/paramset.h"
#include "proxy/prepared_names.h"
#include "proxy/prepared_set.h"
#include "proxy/registry.h"
#include "proxy/route.h"
#include "proxy/server.h"
#include "proxy/worker.h"

#define COPY(field, text) report_copy(field, sizeof(field), text)

static void worker_report_addr(struct report_conn *row, const struct addr *peer, int fd)
{
	char text[ADDR_HOST_BYTES];
	struct addr local = addr_local(fd);
	COPY(row->addr, addr_host(peer, text));
	row->port = peer->port;
	COPY(row->local_addr, addr_host(&local, text));
	row->local_port = local.port;
}

static usec_t worker_report_wall(usec_t at, usec_t now)
{
	return at ? usec_wall() - (now - at) : 0;
}

static void worker_report_kept(struct report_conn *row, const struct client *c, usec_t now)
{
	const struct keep *keep = c->keep;
	if (!keep || !keep->kept || !c->server)
		return;
	row->kept = keep->kept;
	row->kept_wall = worker_report_wall(keep->kept_since, now);
	row->kept_pid = c->server ? c->server->pid : 0;
	keep_describe(keep->kept, row->kept_states, sizeof(row->kept_states));
	COPY(row->kept_cause, keep->cause);
}

static void worker_report_client(struct report *report, struct client *c, usec_t now)
{
	struct report_conn *row = report_add_conn(report);
	const char *app = paramset_get(c->params, SLICE("application_name"));
	bool waits = c->state == CLIENT_WAITING || c->state == CLIENT_ADMITTED;

	COPY(row->database, c->pool    ? c->pool->route->database
			    : c->login ? login_database(c->login)
				       : "");
	COPY(row->user, c->user);
	COPY(row->state, client_state_shown(c->state));
	if (c->conn.fd >= 0)
		worker_report_addr(row, &c->peer, c->conn.fd);
	row->connected_wall = c->connected_wall;
	row->request_wall = worker_report_wall(c->request_at, now);
	row->wait_us = waits ? now - c->request_at : 0;
	row->close_needed = c->state == CLIENT_CLOSING;
	row->ptr = (uint64_t)(uintptr_t)c;
	row->link = (uint64_t)(uintptr_t)c->server;
	row->remote_pid = c->peer.kind == ADDR_UNIX ? c->peer.peer.pid : 0;
	tls_info(c->conn.ssl, row->tls);
	row->replication = c->pool && c->pool->route->is_replication;
	COPY(row->application_name, app);
	row->id = c->id;
	row->prepared = (int)prepared_names_count(c);
	worker_report_kept(row, c, now);
}

static void worker_report_listener(struct report_conn *row, const struct server *s, usec_t now)
{
	const struct hub *hub = s->hub;
	if (!hub || hub->server != s)
		return;
	row->is_listener = true;
	COPY(row->encoding, hub_encoding(hub).ptr);
	row->listeners = atomic_load(&hub->listeners);
	row->channels = (int)map_count(&hub->channels);
	row->notes = hub->notes;
	row->listens_wall = worker_report_wall(hub->since, now);
}

static void worker_report_server(struct report *report, struct server *s, usec_t now)
{
	struct report_conn *row = report_add_conn(report);
	const char *app = s->params ? paramset_get(s->params, SLICE("application_name")) : NULL;
	const char *base = s->base ? paramset_get(s->base, SLICE("application_name")) : NULL;

	row->is_server = true;
	COPY(row->database, s->pool->route->database);
	COPY(row->user, s->pool->route->user);
	COPY(row->state, server_state_shown(s->state));
	struct addr peer =
		s->wire.is_unix ? (struct addr){ .kind = ADDR_UNIX } : addr_peer(s->conn.fd);
	if (s->conn.fd >= 0)
		worker_report_addr(row, &peer, s->conn.fd);
	row->connected_wall = s->connected_wall;
	row->request_wall = worker_report_wall(s->linked_at, now);
	row->close_needed = s->is_doomed;
	row->ptr = (uint64_t)(uintptr_t)s;
	row->link = (uint64_t)(uintptr_t)s->client;
	row->remote_pid = s->pid;
	tls_info(s->wire.ssl, row->tls);
	row->replication = s->pool->route->is_replication;
	row->prepared = (int)prepared_set_count(s);
	worker_report_listener(row, s, now);
	COPY(row->application_name, app ? app : base);
	row->id = s->id;
}

static void worker_report_client_counts(const struct localpool *lp, struct report_pool *row,
					usec_t now)
{
	LIST_EACH (node, tmp, &lp->clients) {
		const struct client *c = LIST_ENTRY(node, struct client, in_pool);
		if (c->state == CLIENT_WAITING || c->state == CLIENT_ADMITTED) {
			row->cl_waiting++;
			if (now - c->request_at > row->maxwait_us)
				row->maxwait_us = now - c->request_at;
		} else if (c->state != CLIENT_CLOSING) {
			row->cl_active++;
			row->cl_linked += c->server != NULL;
			row->cl_active_cancel_req += c->server && c->server->is_cancelling;
		}
	}
}

static void worker_report_server_counts(const struct localpool *lp, struct report_pool *row,
					usec_t now)
{
	LIST_EACH (node, tmp, &lp->servers) {
		const struct server *s = LIST_ENTRY(node, struct server, link);
		row->sv_being_canceled += s->is_cancelling && !s->client;
		row->sv_active_cancel += s->is_cancelling;
		switch ((enum server_state)s->state) {
		case SERVER_LOGIN:
			row->sv_login++;
			break;
		case SERVER_IDLE:
			if (now - s->released_at >= lp->settings.server_check_delay_us)
				row->sv_used++;
			else
				row->sv_idle++;
			break;
		case SERVER_LINKED:
		case SERVER_LISTENING:
			row->sv_active++;
			break;
		case SERVER_CLEANING:
		case SERVER_PINGING:
			row->sv_tested++;
			break;
		case SERVER_MOVING:
		case SERVER_CLOSING:
			break;
		}
	}
}

static void worker_report_pool(struct report *report, const struct localpool *lp, usec_t now)
{
	struct report_pool *row = report_add_pool(report);
	COPY(row->database, lp->route->database);
	COPY(row->user, lp->route->user);
	COPY(row->options, lp->route->startup);
	worker_report_client_counts(lp, row, now);
	worker_report_server_counts(lp, row, now);
	row->pool_mode = conf_pool_mode_name((enum conf_pool_mode)lp->settings.pool_mode);
	row->pool_size = lp->settings.pool_size;
	row->max_overflow = lp->settings.max_overflow;
	row->paused = lp->slice.paused;
	row->stats = lp->stats;
}

static void worker_report_retired(const char *database, const struct stats *stats, void *report)
{
	struct report_retired *row = report_add_retired(report);
	COPY(row->database, database);
	row->stats = *stats;
}

void worker_report(struct worker *w, unsigned what, struct report *report, usec_t now)
{
	report->busy_percent = atomic_load(&w->balancer.busy) / 10;
	report->moved_in = w->balancer.moved_in;
	report->moved_out = w->balancer.moved_out;
	LIST_EACH (node, tmp, &w->client_list) {
		struct client *c = LIST_ENTRY(node, struct client, link);
		report->login_clients += c->login != NULL;
		if (what & REPORT_CLIENTS && c->state != CLIENT_CLOSING)
			worker_report_client(report, c, now);
	}
	if (what & REPORT_POOLS)
		registry_each_retired(w->shared->registry, w->index, worker_report_retired, report);
	LIST_EACH (at, next, &w->pool.slices) {
		struct localpool *lp =
			localpool_of_slice(LIST_ENTRY(at, struct pool_slice, on_worker));
		if (what & REPORT_POOLS)
			worker_report_pool(report, lp, now);
		if (!(what & REPORT_SERVERS))
			continue;
		LIST_EACH (server, following, &lp->servers)
			worker_report_server(report, LIST_ENTRY(server, struct server, link), now);
	}
}
