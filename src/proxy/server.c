/*
 * server.c - what a server connection goes through between its login and its end.
 *
 * server_settle looks at where the server stands and takes the next step; everything that
 * happens (bytes, an answer to an errand, a cancel that has come back) only writes down what
 * it changes and calls it.
 */
#include "proxy/server.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "proxy/aside.h"
#include "proxy/cancel.h"
#include "proxy/client.h"
#include "proxy/define.h"
#include "proxy/ear.h"
#include "proxy/era.h"
#include "proxy/errand.h"
#include "proxy/hub.h"
#include "proxy/inspect.h"
#include "proxy/intake.h"
#include "proxy/keep.h"
#include "proxy/learn.h"
#include "proxy/localpool.h"
#include "proxy/paramset.h"
#include "proxy/prepared_set.h"
#include "proxy/registry.h"
#include "proxy/relay.h"
#include "proxy/reset.h"
#include "proxy/retry.h"
#include "proxy/route.h"
#include "proxy/worker.h"

#define TO(state) (1u << SERVER_##state)

/* The memory of our own messages is kept for the next ones, up to here. */
#define SERVER_BEFORE_BYTES ((size_t)4 << 10)

static const struct {
	const char *name;
	unsigned edges;
	const char *shown;
} server_states[] = {
#define SERVER_ROW_(state, edges, shown) { #state, edges, shown },
	SERVER_STATES(SERVER_ROW_)
#undef SERVER_ROW_
};

const char *server_state_name(enum server_state state)
{
	return server_states[state].name;
}

const char *server_state_shown(enum server_state state)
{
	return server_states[state].shown;
}

void server_enter(struct server *s, enum server_state to, usec_t now)
{
	(void)now;
	BUG_ON(!(server_states[s->state].edges & (1u << to)));
	LOG_NOISE("server %d: %s -> %s", s->pid, server_states[s->state].name,
		  server_states[to].name);
	s->state = (uint8_t)to;
}

static struct worker *server_worker(const struct server *s)
{
	return s->pool->worker;
}

static void server_free(struct server *s)
{
	BUG_ON(s->client || s->is_cancelling || s->connector);
	if (!list_is_empty(&s->askers))
		cancel_tell(server_worker(s), &s->askers);
	s->pool->server_count--;
	localpool_touch(s->pool);
	paramset_unref(s->base);
	paramset_unref(s->params);
	paramset_unref(s->wanted);
	inspect_free(s->look);
	prepared_set_free(s);
	retry_free(s);
	reset_free(s);
	track_fini(&s->track);
	buf_fini(&s->in);
	buf_fini(&s->before);
	free(s);
}

static void server_reap(struct deferred *d, usec_t now)
{
	struct server *s = CONTAINER_OF(d, struct server, reap);
	struct worker *w = server_worker(s);
	s->is_reaped = true;
	if (!s->is_cancelling && !s->connector)
		server_free(s);
	worker_settle(w, now);
}

struct server *server_new(struct localpool *lp, timer_fn on_deadline, usec_t now)
{
	struct server *s = mem_zalloc(sizeof(*s));
	s->pool = lp;
	lp->server_count++;
	s->state = SERVER_LOGIN;
	s->id = worker_new_id(lp->worker);
	s->connected_at = now;
	s->conn.fd = -1;
	list_init(&s->link);
	list_init(&s->askers);
	wheel_init_timer(&s->timer, on_deadline);
	wheel_init_timer(&s->recancel, server_cancel_on_timer);
	loop_init_deferred(&s->reap, server_reap);
	track_init(&s->track);
	return s;
}

/* ---- leaving --------------------------------------------------------------------------- */

/* What was defined in it is, or is not. */
static void server_transaction_over(struct server *s, usec_t now)
{
	define_end(s);
	era_end(s, now);
}

static void server_set_cleaning_deadline(struct server *s, usec_t now)
{
	loop_set_timer(server_worker(s)->loop, &s->timer,
		       usec_after(now, s->pool->settings.client_gone_timeout_us));
}

/* Back to the pool, or to be cleaned first. */
static void server_release(struct server *s, bool needs_reset, usec_t now)
{
	s->needs_reset = needs_reset && *s->pool->settings.server_reset_query;
	s->is_doomed |= s->is_seeded;
	s->released_at = now;
	if (!s->needs_reset && !s->needs_unlisten && !s->is_cancelling && !s->is_doomed) {
		server_enter(s, SERVER_IDLE, now);
		localpool_return(s->pool, s, now);
		return;
	}
	server_enter(s, SERVER_CLEANING, now);
	s->is_last_call = true;
	server_set_cleaning_deadline(s, now);
	server_settle(s, now);
}

void server_unlink(struct server *s)
{
	struct client *c = s->client;
	keep_let_go(c);
	if (UNLIKELY(s->cancel_waits) && s->holds_client)
		server_cancel_drop(s);
	s->client = NULL;
	c->server = NULL;
	s->opening = SERVER_OPENING_NONE;
	s->aside = ASIDE_NONE;
	retry_forget(s);
	conn_resume(&s->conn, SERVER_PAUSE_PEER);
}

void server_let_go(struct server *s, usec_t now)
{
	server_unlink(s);
	server_release(s, false, now); /* it has seen nothing but parameters of ours */
}

void server_give_back(struct server *s, usec_t now)
{
	struct client *c = s->client;
	server_unlink(s);
	client_unlinked(c, now);
	s->needs_unlisten = true;
	server_release(s, s->pool->settings.server_reset_query_always, now);
}

void server_lend(struct server *s, usec_t now)
{
	struct client *c = s->client;
	server_unlink(s);
	server_enter(s, SERVER_LISTENING, now);
	client_unlinked(c, now);
}

void server_stop_listening(struct server *s, usec_t now)
{
	s->needs_unlisten = true;
	server_release(s, s->pool->settings.server_reset_query_always, now);
}

void server_part(struct server *s, usec_t now)
{
	struct client *c = s->client;
	const struct conf_pool *settings = &s->pool->settings;
	bool waits_for_end = c->said_goodbye && track_in_copy(&s->track) == TRACK_COPY_NONE;

	server_unlink(s);
	server_enter(s, SERVER_CLEANING, now);
	s->needs_discard = keep_is_dirty(c->keep);
	s->is_doomed |= s->is_seeded || keep_is(c->keep, KEEP_DOOMS);
	s->needs_reset = *settings->server_reset_query &&
			 (s->pool->is_session || settings->server_reset_query_always);
	s->released_at = now;
	if (c->body_left || s->pool->route->is_replication) {
		server_close(s,
			     c->body_left ? "the client left in the middle of a message"
					  : "its replication client has left",
			     now);
		return;
	}
	/* what a client asked for before it said goodbye is given some time to be done */
	s->is_last_call = !waits_for_end;
	if (!waits_for_end && server_is_busy(s))
		server_cancel(s, now);
	server_set_cleaning_deadline(s, now);
	server_settle(s, now);
}

void server_take_too_long(struct server *s, usec_t now)
{
	if (s->is_last_call) {
		server_close(s, "cleaning up after its client took too long", now);
		return;
	}
	s->is_last_call = true;
	server_cancel(s, now);
	server_set_cleaning_deadline(s, now);
}

/* ---- settling --------------------------------------------------------------------------- */

void server_note_ready(struct server *s, usec_t now)
{
	struct client *c = s->client;
	bool is_over = track_tx_status(&s->track) == 'I';

	s->pool->stats.xacts += is_over;
	/* before the client hears of it, and tells others */
	if (is_over && track_is_quiet(&s->track))
		server_transaction_over(s, now);
	if (!c)
		return;
	usec_t began = c->batch_at ? c->batch_at : now;
	usec_t xact_began = c->xact_at ? c->xact_at : began;
	s->pool->stats.query_us += (uint64_t)(now - began);
	if (is_over)
		s->pool->stats.xact_us += (uint64_t)(now - xact_began);
	c->xact_at = is_over ? 0 : xact_began;
	c->batch_at = track_outstanding_syncs(&s->track) ? now : 0;
	c->quiet_at = now;
}

/* What has its client left? Where any setting may have changed, it is to be known which there are.
 */
static void server_look(struct server *s, usec_t now)
{
	if (s->client->keep->asks_all && learn_is_due(s, now))
		learn_start(s, false, now);
	else
		inspect_start(s, now);
}

static void server_settle_linked(struct server *s, usec_t now)
{
	struct client *c = s->client;
	struct localpool *lp = s->pool;

	if (s->errand != SERVER_ERRAND_NONE || c->state != CLIENT_LINKED)
		return;
	if (c->keep && c->keep->ear && ear_settle(c->keep->ear, now))
		return;
	if (c->conn.pauses & CLIENT_PAUSE_TRACK && !track_is_full(&s->track)) {
		conn_resume(&c->conn, CLIENT_PAUSE_TRACK);
		conn_again(&c->conn);
	}
	if (lp->has_deadlines)
		client_deadline_set(c, now);
	if (track_is_uncertain(&s->track) && !track_wants_sync(&s->track) && !c->body_left &&
	    !s->is_doomed) {
		/* does it owe one more ReadyForQuery? What it answers to this will tell */
		s->is_doomed = true;
		errand_query(s, SERVER_ERRAND_PROBE, SLICE(""), now);
		return;
	}
	if (!track_is_quiet(&s->track))
		return;
	c->batch_at = 0;
	if (track_tx_status(&s->track) != 'I') {
		if (lp->is_statement)
			client_fail(c, ERROR_STATEMENT_MODE, NULL, NULL, now);
		return;
	}
	server_transaction_over(s, now);
	if (c->body_left || s->body_left || lp->is_session || s->holds_client)
		return;
	if (UNLIKELY(now >= lp->hidden.peek_at) && learn_peeks(s, now))
		return;
	if (c->keep && keep_wants_look(c)) {
		server_look(s, now);
		return;
	}
	if (c->keep && c->keep->kept) {
		if (c->keep->ear && ear_leave(c->keep->ear, now))
			return;
		if (keep_hold(c, now) && lp->has_deadlines)
			client_deadline_set(c, now);
		return;
	}
	keep_forget(c);
	server_unlink(s);
	client_unlinked(c, now);
	server_release(s, lp->settings.server_reset_query_always, now);
}

static void server_settle_cleaning(struct server *s, usec_t now)
{
	if (buf_len(&s->before)) {
		server_send(s, SLICE_NONE, now);
		if (s->state != SERVER_CLEANING)
			return;
	}
	if (s->errand == SERVER_ERRAND_SYNC && track_wants_sync(&s->track))
		s->errand = SERVER_ERRAND_NONE; /* a COPY has swallowed our Sync */
	if (s->errand != SERVER_ERRAND_NONE)
		return;
	if (track_is_uncertain(&s->track) && !track_wants_sync(&s->track)) {
		server_close(s, "it cannot be known what it still has to say", now);
		return;
	}
	if (!track_is_quiet(&s->track)) {
		errand_finish_batch(s, now);
		return;
	}
	if (s->body_left)
		return;
	if (s->is_doomed) {
		server_close(s, "it is not fit for another client", now);
		return;
	}
	if (s->is_cancelling)
		return;
	pool_returning(&s->member);
	if (track_tx_status(&s->track) != 'I') {
		errand_query(s, SERVER_ERRAND_ROLLBACK, SLICE("ROLLBACK"), now);
		return;
	}
	server_transaction_over(s, now);
	if (s->needs_discard) {
		s->needs_discard = s->needs_unlisten = false;
		errand_query(s, SERVER_ERRAND_DISCARD, SLICE("DISCARD ALL"), now);
		return;
	}
	if (s->needs_unlisten) {
		s->needs_unlisten = false;
		errand_query(s, SERVER_ERRAND_UNLISTEN, SLICE("UNLISTEN *"), now);
		return;
	}
	if (s->needs_reset && s->params != s->pool->worker->no_params) {
		/* whatever the reset query does */
		errand_set_params(s, s->pool->worker->no_params, false, now);
		server_send(s, SLICE_NONE, now);
		return;
	}
	if (s->needs_reset) {
		s->needs_reset = false;
		errand_query(s, SERVER_ERRAND_RESET, slice_of(s->pool->settings.server_reset_query),
			     now);
		return;
	}
	loop_clear_timer(&s->timer);
	loop_clear_timer(&s->recancel);
	s->copy_failed = false;
	server_enter(s, SERVER_IDLE, now);
	localpool_return(s->pool, s, now);
}

void server_settle(struct server *s, usec_t now)
{
	switch ((enum server_state)s->state) {
	case SERVER_LINKED:
		server_settle_linked(s, now);
		break;
	case SERVER_CLEANING:
		server_settle_cleaning(s, now);
		break;
	case SERVER_LISTENING:
		hub_settle(s, now);
		break;
	case SERVER_LOGIN:
	case SERVER_IDLE:
	case SERVER_PINGING:
	case SERVER_MOVING:
	case SERVER_CLOSING:
		break;
	}
}

/* ---- sending ----------------------------------------------------------------------------- */

void server_send(struct server *s, struct slice bytes, usec_t now)
{
	struct slice own = buf_slice(&s->before);
	struct iovec iov[2] = {
		{ .iov_base = (void *)(uintptr_t)own.ptr, .iov_len = own.len },
		{ .iov_base = (void *)(uintptr_t)bytes.ptr, .iov_len = bytes.len },
	};
	enum conn_sent sent = own.len ? conn_send_pieces(&s->conn, iov, bytes.len ? 2 : 1)
				      : conn_send(&s->conn, bytes.ptr, bytes.len);
	if (own.len > SERVER_BEFORE_BYTES)
		buf_release(&s->before);
	else
		buf_clear(&s->before);
	switch (sent) {
	case CONN_SENT_ALL:
		break;
	case CONN_SENT_STUCK:
		if (s->client)
			conn_pause(&s->client->conn, CLIENT_PAUSE_PEER);
		break;
	case CONN_SENT_ERROR:
		/* what it may still have said is read before the connection is given up */
		break;
	}
	(void)now;
}

/* ---- events ---------------------------------------------------------------------------------- */

static void server_read(struct server *s, usec_t now)
{
	struct worker *w = server_worker(s);
	size_t held = buf_len(&s->in);
	if (held) {
		memcpy(w->scratch, buf_slice(&s->in).ptr, held);
		buf_release(&s->in);
	}
	ssize_t n = conn_recv(&s->conn, w->scratch + held, WORKER_SCRATCH_BYTES - held);
	if (n == CONN_RECV_EOF || n == CONN_RECV_ERROR) {
		server_close(s,
			     n == CONN_RECV_EOF ? "server closed the connection"
						: "connection to the server is broken",
			     now);
		return;
	}
	struct slice in = slice_make(w->scratch, held + (n > 0 ? (size_t)n : 0));
	size_t done = relay_from_server(s, in, now);
	if (s->state == SERVER_CLOSING)
		return;
	if (done < in.len)
		buf_add_slice(&s->in, slice_skip(in, done));
	if (s->client && conn_is_stuck(&s->client->conn))
		conn_pause(&s->conn, SERVER_PAUSE_PEER);
	server_settle(s, now);
}

/* Goodbye was said: whatever it still sends is dropped, until it hangs up. */
static void server_await_end(struct server *s, usec_t now)
{
	ssize_t n = conn_recv(&s->conn, server_worker(s)->scratch, WORKER_SCRATCH_BYTES);
	if (n == CONN_RECV_EOF || n == CONN_RECV_ERROR)
		server_close_at_once(s, now);
}

void server_on_conn(struct conn *conn, enum conn_event event, usec_t now)
{
	struct server *s = CONTAINER_OF(conn, struct server, conn);
	struct worker *w = server_worker(s);
	if (s->state == SERVER_CLOSING) {
		if (event == CONN_ERROR)
			server_close_at_once(s, now);
		else if (event == CONN_READABLE)
			server_await_end(s, now);
		worker_settle(w, now);
		return;
	}
	switch (event) {
	case CONN_READABLE:
		server_read(s, now);
		break;
	case CONN_DRAINED:
		if (s->client) {
			conn_resume(&s->client->conn, CLIENT_PAUSE_PEER);
			intake_pump(s->client, now);
		}
		break;
	case CONN_EOF: /* there may be more to read first: reading will meet it */
		break;
	case CONN_ERROR:
		server_close(s, "connection to the server is broken", now);
		break;
	case CONN_EVENT_COUNT:
		BUG_ON(true);
	}
	worker_settle(w, now);
}
