/*
 * server_login.c - how a server connection comes to be: what libpq is told, and what becomes of
 * its answer.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/sock.h"
#include "net/tls.h"
#include "proxy/dbtarget.h"
#include "proxy/errand.h"
#include "proxy/localpool.h"
#include "proxy/paramset.h"
#include "proxy/registry.h"
#include "proxy/route.h"
#include "proxy/server.h"
#include "proxy/setup.h"
#include "proxy/worker.h"

/* -c name=value for libpq's `options`: blanks and backslashes are escaped for the server. */
static void server_login_option(struct buf *options, const char *name, const char *value)
{
	buf_addf(options, "%s-c %s=", buf_len(options) ? " " : "", name);
	for (; *value; value++) {
		if (*value == ' ' || *value == '\\' || *value == '\t' || *value == '\n')
			buf_u8(options, '\\');
		buf_u8(options, (uint8_t)*value);
	}
}

static bool server_login_is_keyword(const char *name)
{
	return strcmp(name, "replication") == 0 || strcmp(name, "application_name") == 0 ||
	       strcmp(name, "client_encoding") == 0;
}

/* What can only be said at start-up, as the client has said it. */
static void server_login_startup(struct connector *c, const struct route *route,
				 struct buf *options)
{
	for (const char *at = route->startup; *at;) {
		const char *name = at, *value = at + strlen(at) + 1;
		at = value + strlen(value) + 1;
		if (server_login_is_keyword(name))
			connector_set(c, name, value);
		else if (strcmp(name, "options") == 0)
			buf_addf(options, "%s%s", buf_len(options) ? " " : "", value);
		else
			server_login_option(options, name, value);
	}
}

/* The settings that a database gives its sessions (client_encoding, datestyle, ...). */
static void server_login_defaults(struct connector *c, const struct conf_pool *settings,
				  struct buf *options)
{
	if (*settings->client_encoding)
		connector_set(c, "client_encoding", settings->client_encoding);
	if (*settings->application_name)
		connector_set(c, "application_name", settings->application_name);
	if (*settings->datestyle)
		server_login_option(options, "datestyle", settings->datestyle);
	if (*settings->timezone)
		server_login_option(options, "timezone", settings->timezone);
}

/* The password: the database's own, the user's plain secret, what a client has left; without one
 * the user's md5 secret or a client's SCRAM keys. */
static void server_login_secret(struct connector *c, const struct worker *w, struct route *route,
				const struct conf_database *db)
{
	if (*db->password) {
		connector_set(c, "password", db->password);
		return;
	}
	const struct secret *secret = userlist_get(w->setup->users, slice_of(route->user));
	if (secret && secret_kind(secret) == SECRET_PLAIN) {
		char *text = slice_dup(secret_text(secret));
		connector_set(c, "password", text);
		mem_wipe(text, strlen(text));
		free(text);
		return;
	}
	if (secret && secret_kind(secret) == SECRET_MD5)
		connector_set_md5(c, secret_md5_hex(secret).ptr);
	route_give_secret(route, c);
}

static void server_login_tell(struct connector *c, const struct localpool *lp)
{
	const struct worker *w = lp->worker;
	const struct conf_database *db =
		conf_find_database(w->setup->conf, slice_of(lp->route->database));
	struct buf options = { 0 };

	dbtarget_tell(c, db, lp->route->database, &options);
	connector_set(c, "user", lp->route->user);
	server_login_defaults(c, &lp->settings, &options);
	server_login_startup(c, lp->route, &options);
	if (buf_len(&options))
		connector_set(c, "options", buf_cstr(&options));
	buf_fini(&options);
	server_login_secret(c, w, lp->route, db);
	connector_set_query(c, lp->settings.connect_query);
}

/* ---- the outcome -------------------------------------------------------------------------- */

static void server_login_end(struct server *s, usec_t now)
{
	struct localpool *lp = s->pool;
	server_enter(s, SERVER_CLOSING, now);
	list_remove(&s->link);
	pool_open_failed(&s->member, now);
	localpool_touch(lp);
	loop_defer(lp->worker->loop, &s->reap);
}

/* One has failed: those that no helper has begun yet would fail alike, all at the server's cost. */
static void server_login_withdraw(struct localpool *lp, usec_t now)
{
	LIST_EACH (node, tmp, &lp->servers) {
		struct server *s = LIST_ENTRY(node, struct server, link);
		if (s->state != SERVER_LOGIN || !s->connector)
			continue;
		server_login_stop(s);
		if (!s->connector)
			server_login_end(s, now);
	}
}

static void server_login_failed(struct server *s, const struct connector_fault *fault, usec_t now)
{
	struct localpool *lp = s->pool;
	lp->stats.server_login_failures++;
	LOG_WARNING("server %s/%s: login failed: %s", lp->route->database, lp->route->user,
		    fault->log);
	route_fault_set(lp->route, fault);
	server_login_end(s, now);
	server_login_withdraw(lp, now);
}

static struct paramset *server_login_base(const struct worker *w, const struct connector_link *link)
{
	struct paramset *base = paramset_ref(w->no_params);
	for (size_t i = 0; i < link->param_count; i++) {
		struct slice name = slice_of(link->params[i].name);
		paramset_replace(&base, paramset_with(base, name, slice_of(link->params[i].value)));
	}
	return base;
}

static void server_login_tune(const struct server *s)
{
	const struct conf_global *g = &s->pool->worker->setup->conf->global;
	struct sock_tuning tuning = {
		.keepalive = g->tcp_keepalive,
		.keepidle_s = g->tcp_keepidle,
		.keepintvl_s = g->tcp_keepintvl,
		.keepcnt = g->tcp_keepcnt,
		.user_timeout_ms = (int)(g->tcp_user_timeout_us / USEC_PER_MSEC),
		.buffer_bytes = (int)g->tcp_socket_buffer,
	};
	sock_tune(s->wire.fd, s->wire.is_unix ? NULL : &tuning);
}

static void server_login_ok(struct server *s, usec_t now)
{
	struct localpool *lp = s->pool;
	struct worker *w = lp->worker;
	char tls[TLS_INFO_BYTES];
	struct connector_fault none = { .kind = CONNECTOR_FAULT_NONE };

	s->pid = s->wire.backend_pid;
	s->connected_at = now;
	s->connected_wall = usec_wall();
	s->base = server_login_base(w, &s->wire);
	s->params = paramset_ref(w->no_params);
	route_welcome_set(lp->route, &s->wire, s->era);
	connector_drop_params(&s->wire);
	route_fault_set(lp->route, &none);
	server_login_tune(s);
	if (!conn_open(&s->conn, w->loop, s->wire.fd, s->wire.ssl, server_on_conn)) {
		connector_close(&s->wire, true);
		struct connector_fault fault = { .kind = CONNECTOR_FAULT_UNREACHABLE,
						 .sqlstate = "53200",
						 .message = "out of memory",
						 .log = "the loop cannot take the socket" };
		server_login_failed(s, &fault, now);
		return;
	}
	lp->stats.server_logins++;
	if (w->setup->conf->global.log_connections)
		LOG_INFO("server %s/%s pid %d: new connection%s%s", lp->route->database,
			 lp->route->user, s->pid, s->wire.ssl ? " tls=" : "",
			 tls_info(s->wire.ssl, tls));
	server_enter(s, SERVER_IDLE, now);
	pool_opened(&s->member, now);
	localpool_touch(lp);
}

static void server_login_done(struct connector *c, void *owner, usec_t now)
{
	struct worker *w = owner;
	struct server *s = connector_arg(c);

	s->connector = NULL;
	if (s->state == SERVER_CLOSING) { /* given up meanwhile */
		s->is_reaped = true;
		loop_defer(w->loop, &s->reap);
	} else if (connector_is_ok(c)) {
		s->wire = connector_take(c);
		server_login_ok(s, now);
	} else if (connector_fault(c)->kind == CONNECTOR_FAULT_CANCELLED) {
		server_login_end(s, now); /* withdrawn: why, another has said */
	} else {
		server_login_failed(s, connector_fault(c), now);
	}
	connector_free(c);
	worker_done_pending(w);
	worker_settle(w, now);
}

static void server_login_deadline(struct timer *t, usec_t now)
{
	struct server *s = CONTAINER_OF(t, struct server, timer);
	struct worker *w = s->pool->worker;
	if (s->state == SERVER_CLOSING)
		server_close_at_once(s, now);
	else if (s->state == SERVER_CLEANING)
		server_take_too_long(s, now);
	else if (s->state == SERVER_LISTENING)
		server_close(s, "it does not answer, and others listen through it", now);
	else
		server_close(s, "it did not answer a ping in time", now);
	worker_settle(w, now);
}

void server_login(struct localpool *lp, usec_t now)
{
	struct worker *w = lp->worker;
	struct server *s = server_new(lp, server_login_deadline, now);

	list_push_back(&lp->servers, &s->link);
	pool_member_init(&s->member, &lp->slice, now);
	if (lp->is_gone) {
		struct connector_fault gone = { .kind = CONNECTOR_FAULT_OPTIONS,
						.sqlstate = "3D000",
						.message =
							"the database is not configured any more",
						.log = "the database is not configured any more" };
		server_login_failed(s, &gone, now);
		return;
	}
	s->era = atomic_load(&lp->route->era);
	s->connector = connector_new();
	connector_set(s->connector, "fallback_application_name", ""); /* the client has its own */
	server_login_tell(s->connector, lp);
	if (connector_start(s->connector, w->shared->crew, w->box,
			    usec_after(now, lp->settings.server_connect_timeout_us),
			    server_login_done, s)) {
		w->pending++;
		return;
	}
	struct connector_fault fault = { .kind = CONNECTOR_FAULT_UNREACHABLE,
					 .sqlstate = "53000",
					 .message = "too many logins are under way",
					 .log = "too many logins are under way" };
	connector_free(s->connector);
	s->connector = NULL;
	server_login_failed(s, &fault, now);
}

void server_login_stop(struct server *s)
{
	if (!s->connector || !connector_stop(s->connector))
		return;
	connector_free(s->connector);
	s->connector = NULL;
	worker_done_pending(s->pool->worker);
}
