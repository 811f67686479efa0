/*
 * client.c - what a client goes through, and what may happen to it at any time.
 */
#include "proxy/client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/sock.h"
#include "proxy/cancel.h"
#include "proxy/ear.h"
#include "proxy/intake.h"
#include "proxy/journal.h"
#include "proxy/keep.h"
#include "proxy/localpool.h"
#include "proxy/login.h"
#include "proxy/opening.h"
#include "proxy/paramset.h"
#include "proxy/prepared_names.h"
#include "proxy/registry.h"
#include "proxy/route.h"
#include "proxy/server.h"
#include "proxy/setup.h"
#include "proxy/worker.h"
#include "tap/record.h"
#include "wire/build.h"
#include "wire/frame.h"

#define TO(state) (1u << CLIENT_##state)

/* How many of a worker's may be reading their last words: they hold sockets and count nowhere. */
#define CLIENT_LINGER_MAX 256

static const struct {
	const char *name;
	unsigned edges;
	const char *shown;
} client_states[] = {
#define CLIENT_ROW_(state, edges, shown) { #state, edges, shown },
	CLIENT_STATES(CLIENT_ROW_)
#undef CLIENT_ROW_
};

const char *client_state_name(enum client_state state)
{
	return client_states[state].name;
}

const char *client_state_shown(enum client_state state)
{
	return client_states[state].shown;
}

const char *client_text(const struct client *c, char *out, size_t out_bytes)
{
	char addr[ADDR_TEXT_BYTES];
	const char *database = c->pool    ? c->pool->route->database
			       : c->login ? login_database(c->login)
					  : "(nodb)";
	snprintf(out, out_bytes, "%s/%s@%s", database, c->user ? c->user : "(nouser)",
		 addr_text(&c->peer, addr));
	return out;
}

void client_enter(struct client *c, enum client_state to, usec_t now)
{
	BUG_ON(!(client_states[c->state].edges & (1u << to)));
	LOG_NOISE("client %llu: %s -> %s", (unsigned long long)c->id, client_states[c->state].name,
		  client_states[to].name);
	c->state = (uint8_t)to;
	c->idle_at = now;
	if (!c->pool || c->pool->has_deadlines || wheel_is_armed(&c->timer) || to == CLIENT_CLOSING)
		client_deadline_set(c, now);
}

/* ---- the end ------------------------------------------------------------------------------ */

static void client_reap(struct deferred *d, usec_t now)
{
	struct client *c = CONTAINER_OF(d, struct client, reap);
	struct worker *w = c->worker;

	loop_clear_timer(&c->timer);
	conn_close(&c->conn);
	pool_waiter_fini(&c->waiter, now);
	cancel_forget(c);
	login_free(c);
	journal_drop(c);
	w->lingering -= c->lingers;
	list_remove(&c->in_pool);
	if (c->pool)
		localpool_touch(c->pool); /* it may be empty now */
	list_remove(&c->link);
	keep_free(c);
	prepared_names_free(c);
	paramset_unref(c->params);
	paramset_unref(c->came_with);
	if (c->in)
		buf_fini(c->in);
	free(c->in);
	free(c->user);
	slab_give(&w->clients, c);
	atomic_fetch_sub(&w->load, 1);
	atomic_fetch_sub(&w->shared->clients, 1);
	worker_settle(w, now);
}

bool client_admit(struct client *c, int max)
{
	atomic_int *admitted = &c->worker->shared->admitted;
	int now = atomic_load(admitted);
	do {
		if (now >= max)
			return false;
	} while (!atomic_compare_exchange_weak(admitted, &now, now + 1));
	c->admitted = true;
	return true;
}

/* Who leaves, or was refused, takes nobody's place, however long its socket stays open. */
static void client_count_out(struct client *c)
{
	struct worker_shared *shared = c->worker->shared;
	if (c->user_entry) {
		registry_leave(c->pool->route->database_entry);
		registry_leave(c->user_entry);
		registry_release(shared->registry, c->user_entry);
	}
	if (c->admitted)
		atomic_fetch_sub(&shared->admitted, 1);
	c->user_entry = NULL;
	c->admitted = false;
}

/* Off everything that could still call on it; its socket may linger for its last words. */
static void client_leave(struct client *c, usec_t now)
{
	struct server *s = c->server;
	bool was_waiting = c->state == CLIENT_WAITING || c->state == CLIENT_ADMITTED;

	if (c->state == CLIENT_HANDSHAKE)
		login_tls_leave(c);
	client_enter(c, CLIENT_CLOSING, now);
	login_gate_leave(c);
	client_count_out(c);
	if (was_waiting)
		pool_leave(&c->waiter, now);
	if (s) {
		journal_cut(c, RECORD_CLIENT_GONE, NULL, now);
		server_part(s, now);
	}
}

static void client_log_end(const struct client *c, const char *why, usec_t now)
{
	char text[256];
	if (c->worker->setup->conf->global.log_disconnections)
		LOG_INFO("client %s: closing because: %s (age %llds)",
			 client_text(c, text, sizeof(text)), why,
			 (long long)((now - c->connected_at) / USEC_PER_SEC));
}

void client_close(struct client *c, const char *why, usec_t now)
{
	if (c->state == CLIENT_CLOSING)
		return;
	client_log_end(c, why, now);
	client_leave(c, now);
	if (conn_is_stuck(&c->conn)) { /* what it was owed goes out first */
		conn_pause(&c->conn, CLIENT_PAUSE_WAITING);
		conn_shutdown(&c->conn);
		return;
	}
	conn_close(&c->conn);
	loop_defer(c->worker->loop, &c->reap);
}

void client_fail_with(struct client *c, struct slice message, const char *why, usec_t now)
{
	login_say(c, now);
	if (c->state == CLIENT_CLOSING)
		return;
	/* in the middle of a reply nothing can be said, nor in one of a handshake */
	bool is_mute = c->server && c->server->body_left && c->server->body_passes;
	if (c->state == CLIENT_HANDSHAKE)
		message = SLICE_NONE;
	client_log_end(c, why, now);
	client_leave(c, now);
	if (is_mute || !conn_is_open(&c->conn) ||
	    conn_send(&c->conn, message.ptr, message.len) == CONN_SENT_ERROR) {
		conn_close(&c->conn);
		loop_defer(c->worker->loop, &c->reap);
		return;
	}
	if (c->worker->lingering >= CLIENT_LINGER_MAX && !conn_is_stuck(&c->conn)) {
		conn_close(&c->conn);
		loop_defer(c->worker->loop, &c->reap);
		return;
	}
	c->lingers = true;
	c->worker->lingering++;
	/* read and drop what it still sends, so that the last words are not reset away */
	conn_resume(&c->conn, UINT8_MAX);
	conn_shutdown(&c->conn);
}

void client_fail(struct client *c, enum error_id error, const char *detail, const char *hint,
		 usec_t now, ...)
{
	char text[512], who[256];
	if (c->state == CLIENT_CLOSING)
		return;

	va_list ap;
	va_start(ap, now);
	vsnprintf(text, sizeof(text), errors_format(error), ap);
	va_end(ap);
	if (c->worker->setup->conf->global.log_pooler_errors)
		LOG_WARNING("client %s: pooler error: %s", client_text(c, who, sizeof(who)), text);

	struct buf out = { 0 };
	struct build_notice notice = { .severity = "FATAL",
				       .sqlstate = errors_sqlstate(error),
				       .message = text,
				       .detail = detail,
				       .hint = hint ? hint : errors_hint(error) };
	build_error(&out, &notice);
	client_fail_with(c, buf_slice(&out), text, now);
	buf_fini(&out);
}

/* ---- sending --------------------------------------------------------------------------------- */

bool client_send(struct client *c, struct slice bytes, usec_t now)
{
	if (c->state == CLIENT_CLOSING)
		return false;
	switch (conn_send(&c->conn, bytes.ptr, bytes.len)) {
	case CONN_SENT_ALL:
		return true;
	case CONN_SENT_STUCK:
		if (c->server)
			conn_pause(&c->server->conn, SERVER_PAUSE_PEER);
		else
			conn_pause(&c->conn, CLIENT_PAUSE_STUCK);
		return true;
	case CONN_SENT_ERROR:
		client_close(c, "client unexpected eof", now);
		return false;
	}
	return false;
}

/* ---- requests ----------------------------------------------------------------------------------
 */

void client_granted(struct client *c, struct server *s, usec_t now)
{
	if (c->state == CLIENT_ADMITTED) {
		login_granted(c, s, now);
		return;
	}
	client_enter(c, CLIENT_LINKED, now);
	server_link(s, c, now);
	conn_resume(&c->conn, CLIENT_PAUSE_WAITING);
	intake_pump(c, now);
}

/* The first message of what waits is dropped, in full; what is still to come of it too. */
static void client_drop_message(struct client *c)
{
	struct frame f;
	if (!c->in || frame_read(buf_slice(c->in), UINT32_MAX, &f) <= 0)
		return;
	buf_consume(c->in, f.head_bytes + f.body.len);
	c->body_left = f.body_bytes - (uint32_t)f.body.len;
}

/* A refusal while it waits: the request is dropped, the connection lives on. */
static void client_answer(struct client *c, const struct build_notice *notice, usec_t now)
{
	struct buf out = { 0 };
	struct slice in = c->in ? buf_slice(c->in) : SLICE_NONE;
	bool is_simple = in.len && (in.ptr[0] == 'Q' || in.ptr[0] == 'F');

	journal_refused(c, in, notice->sqlstate, now);
	opening_fail(c);
	build_error(&out, notice);
	if (is_simple) {
		build_ready(&out, opening_status(c));
		client_drop_message(c);
	}
	client_enter(c, is_simple ? CLIENT_IDLE : CLIENT_SKIPPING, now);
	bool sent = client_send(c, buf_slice(&out), now);
	buf_fini(&out);
	if (!sent)
		return;
	conn_resume(&c->conn, CLIENT_PAUSE_WAITING);
	intake_pump(c, now);
}

static void client_refuse_with(struct client *c, const struct build_notice *notice, usec_t now)
{
	char who[256];
	if (c->worker->setup->conf->global.log_pooler_errors)
		LOG_WARNING("client %s: pooler error: %s", client_text(c, who, sizeof(who)),
			    notice->message);
	if (c->state == CLIENT_WAITING) {
		client_answer(c, notice, now);
		return;
	}
	struct build_notice fatal = *notice;
	struct buf out = { 0 };
	fatal.severity = "FATAL";
	build_error(&out, &fatal);
	client_fail_with(c, buf_slice(&out), notice->message, now);
	buf_fini(&out);
}

void client_refused(struct client *c, enum error_id error, const char *message, usec_t now)
{
	char detail[512];
	struct localpool *lp = c->pool;
	struct build_notice notice = { .severity = "ERROR",
				       .sqlstate = errors_sqlstate(error),
				       .message = message,
				       .detail = detail,
				       .hint = errors_hint(error) };

	lp->stats.refusals++;
	lp->stats.wait_us += (uint64_t)(now - c->request_at);
	localpool_describe(lp, detail, sizeof(detail));
	if (error == ERROR_SERVER_LOGIN_FAILED) {
		struct connector_fault fault = route_fault_get(lp->route);
		if (fault.kind != CONNECTOR_FAULT_NONE) {
			notice.sqlstate = fault.sqlstate;
			notice.message = fault.message;
			notice.detail = *fault.detail ? fault.detail : detail;
			notice.hint = *fault.hint ? fault.hint : notice.hint;
		}
		client_refuse_with(c, &notice, now);
		return;
	}
	client_refuse_with(c, &notice, now);
}

void client_unlinked(struct client *c, usec_t now)
{
	c->batch_at = 0;
	client_enter(c, CLIENT_IDLE, now);
	journal_rest(c);
	conn_resume(&c->conn, CLIENT_PAUSE_TRACK | CLIENT_PAUSE_PEER);
	if (conn_is_stuck(&c->conn)) /* nothing more is answered to who does not read */
		conn_pause(&c->conn, CLIENT_PAUSE_STUCK);
	else if (c->in)
		conn_again(&c->conn);
	if (c->keep && c->keep->ear)
		(void)ear_flush(c->keep->ear, now);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void client_end_linger(struct client *c)
{
	conn_close(&c->conn);
	loop_defer(c->worker->loop, &c->reap);
}

/* Told to go: reads what it still sends until it goes. */
static void client_linger(struct client *c)
{
	ssize_t n = conn_recv(&c->conn, c->worker->scratch, WORKER_SCRATCH_BYTES);
	if (n == CONN_RECV_EOF || n == CONN_RECV_ERROR)
		client_end_linger(c);
}

static void client_drained(struct client *c, usec_t now)
{
	if (c->journal)
		journal_turn(c, 0, false, false, now);
	if (c->server)
		conn_resume(&c->server->conn, SERVER_PAUSE_PEER);
	else if (c->state == CLIENT_IDLE)
		journal_rest(c);
	if (c->keep && c->keep->ear && !ear_flush(c->keep->ear, now))
		return;
	if (c->conn.pauses & CLIENT_PAUSE_STUCK) {
		conn_resume(&c->conn, CLIENT_PAUSE_STUCK);
		conn_again(&c->conn);
	}
}

void client_on_conn(struct conn *conn, enum conn_event event, usec_t now)
{
	struct client *c = CONTAINER_OF(conn, struct client, conn);
	struct worker *w = c->worker;
	switch (event) {
	case CONN_READABLE:
		if (c->state == CLIENT_CLOSING)
			client_linger(c);
		else if (c->state > CLIENT_HANDSHAKE ||
			 (!login_front_takes(c, now) && !login_tls_takes(c, now)))
			intake_read(c, now);
		break;
	case CONN_DRAINED:
		client_drained(c, now);
		break;
	case CONN_EOF: /* what it has sent before is still read, where there is a server for it */
		if (c->state == CLIENT_CLOSING)
			client_end_linger(c);
		else if (c->state != CLIENT_LINKED && !login_tls_is_out(c))
			client_close(c, "client unexpected eof", now);
		break;
	case CONN_ERROR:
		if (c->state == CLIENT_CLOSING)
			client_end_linger(c);
		else if (!login_tls_is_out(c))
			client_close(c, "client unexpected eof", now);
		break;
	case CONN_EVENT_COUNT:
		BUG_ON(true);
	}
	worker_settle(w, now);
}

/* ---- the beginning
 * -------------------------------------------------------------------------------- */

void client_join(struct client *c, struct worker *w)
{
	c->worker = w;
	list_init(&c->in_pool);
	pool_waiter_init(&c->waiter);
	wheel_init_timer(&c->timer, client_deadline_on_timer);
	loop_init_deferred(&c->reap, client_reap);
	list_push_back(&w->client_list, &c->link);
}

void client_accept(struct worker *w, int fd, const struct addr *peer, usec_t now)
{
	const struct conf_global *g = &w->setup->conf->global;
	struct sock_tuning tuning = {
		.keepalive = g->tcp_keepalive,
		.keepidle_s = g->tcp_keepidle,
		.keepintvl_s = g->tcp_keepintvl,
		.keepcnt = g->tcp_keepcnt,
		.user_timeout_ms = (int)(g->tcp_user_timeout_us / USEC_PER_MSEC),
		.buffer_bytes = (int)g->tcp_socket_buffer,
	};
	struct client *c = slab_take(&w->clients);

	bool is_unix = peer->kind == ADDR_UNIX;
	if (!is_unix)
		sock_tune_accepted(fd, &tuning);
	client_join(c, w);
	c->conn.fd = -1;
	c->id = worker_new_id(w);
	c->is_unix = is_unix;
	c->peer = *peer;
	c->connected_at = now;
	c->connected_wall = usec_wall();
	c->params = paramset_ref(w->no_params);
	c->came_with = paramset_ref(w->no_params);
	if (!conn_open(&c->conn, w->loop, fd, NULL, client_on_conn)) {
		LOG_WARNING("a client was turned away: the loop cannot take its socket");
		close(fd);
		client_enter(c, CLIENT_CLOSING, now);
		loop_defer(w->loop, &c->reap);
		return;
	}
	c->login = login_new(c);
	client_deadline_set(c, now);
	login_gate_arrive(c, now);
	login_front_begin(c, now);
}
