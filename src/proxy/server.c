/*
 * server.c - what a server connection goes through between its login and its end.
 *
 * server_settle looks at where the server stands and takes the next step; everything that
 * happens (bytes, an answer to an errand, a cancel that has come back) only writes down what
 * it changes and calls it.
 */
#include "proxy/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "proxy/cancel.h"
#include "proxy/canceler.h"
#include "proxy/client.h"
#include "proxy/ear.h"
#include "proxy/errand.h"
#include "proxy/hub.h"
#include "proxy/inspect.h"
#include "proxy/intake.h"
#include "proxy/journal.h"
#include "proxy/keep.h"
#include "proxy/localpool.h"
#include "proxy/paramset.h"
#include "proxy/prepared.h"
#include "proxy/relay.h"
#include "proxy/retry.h"
#include "proxy/route.h"
#include "proxy/setup.h"
#include "proxy/worker.h"
#include "tap/record.h"
#include "wire/build.h"
#include "wire/notice.h"

#define TO(state) (1u << SERVER_##state)

/* How long PostgreSQL may take to hang up once goodbye was said. */
#define SERVER_GOODBYE_US USEC_PER_SEC
/* The memory of our own messages is kept for the next ones, up to here. */
#define SERVER_BEFORE_BYTES ((size_t)4 << 10)
/* How soon what runs on for nobody is cancelled once more. */
#define SERVER_RECANCEL_US (100 * USEC_PER_MSEC)

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
	prepared_free_set(s);
	retry_free(s);
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

static void server_on_recancel(struct timer *t, usec_t now);

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
	wheel_init_timer(&s->recancel, server_on_recancel);
	loop_init_deferred(&s->reap, server_reap);
	track_init(&s->track);
	return s;
}

/* ---- linking --------------------------------------------------------------------------- */

/* Nobody may read the numbers that sequences have given to somebody else: must they be forgotten
 * first? Where nobody reads any nothing is spent on it. */
static bool server_takes_over(struct server *s, const struct client *c)
{
	bool is_fresh = s->sequences_of == 0;
	bool forgets = !is_fresh && atomic_load(&s->pool->route->reads_sequences) &&
		       s->pool->settings.sequence_state != CONF_SEQUENCE_STATE_IGNORE;
	s->sequences_of = is_fresh || forgets ? c->id : SERVER_SEQUENCES_MIXED;
	return forgets;
}

void server_link(struct server *s, struct client *c, usec_t now)
{
	BUG_ON(s->client || c->server);
	server_enter(s, SERVER_LINKED, now);
	s->client = c;
	c->server = s;
	c->linked_at = now;
	s->linked_at = now;
	s->holds_client = false;
	s->has_run = false;
	s->pool->stats.server_assignments++;
	s->pool->stats.wait_us += (uint64_t)(now - c->request_at);
	bool forgets = s->pool->is_auto && s->sequences_of != c->id && server_takes_over(s, c);
	bool is_tainted = s->tainted_by && s->tainted_by != c->id;
	if (s->params != c->params || forgets || is_tainted)
		errand_set_params(s, c->params, forgets);
}

static void server_set_cleaning_deadline(struct server *s, usec_t now)
{
	loop_set_timer(server_worker(s)->loop, &s->timer,
		       usec_after(now, s->pool->settings.client_gone_timeout_us));
}

static bool server_is_busy(const struct server *s)
{
	return track_head_seq(&s->track) != track_next_seq(&s->track);
}

/* Back to the pool, or to be cleaned first. */
static void server_release(struct server *s, bool needs_reset, usec_t now)
{
	s->needs_reset = needs_reset && *s->pool->settings.server_reset_query;
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

static void server_unlink(struct server *s)
{
	struct client *c = s->client;
	keep_let_go(c);
	s->client = NULL;
	c->server = NULL;
	s->opening = SERVER_OPENING_NONE;
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
	s->is_doomed |= keep_is(c->keep, KEEP(LOAD));
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
		client_set_deadline(c, now);
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
	if (c->body_left || s->body_left || lp->is_session || s->holds_client)
		return;
	if (c->keep && keep_wants_look(c)) {
		inspect_start(s, now);
		return;
	}
	if (c->keep && c->keep->kept) {
		if (c->keep->ear && ear_leave(c->keep->ear, now))
			return;
		if (keep_hold(c, now) && lp->has_deadlines)
			client_set_deadline(c, now);
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
		errand_set_params(s, s->pool->worker->no_params,
				  false); /* whatever the reset query does */
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
	enum conn_sent sent = own.len ? conn_sendv(&s->conn, iov, bytes.len ? 2 : 1)
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

/* ---- the end ------------------------------------------------------------------------------- */

/* What had made it be kept, for a DETAIL. */
static const char *server_lost_cause(const struct client *c, char *out, size_t out_bytes)
{
	if (!c->keep->cause)
		return NULL;
	snprintf(out, out_bytes, "It came from: %s", c->keep->cause);
	return out;
}

/* Its client has lost it: the server's own words have gone out already, or ours do. */
static void server_fail_client(struct server *s, usec_t now)
{
	struct client *c = s->client;
	bool is_mute = s->last_words || (s->body_left && s->body_passes);
	unsigned lost = c->keep ? c->keep->kept : 0;
	char states[200], detail[256];
	journal_cut(c, RECORD_SERVER_GONE, s->last_words ? NULL : "08006", now);
	server_unlink(s);
	if (is_mute)
		client_close(c, "server closed the connection", now);
	else if (lost)
		client_fail(c, ERROR_STATE_LOST, server_lost_cause(c, detail, sizeof(detail)), NULL,
			    now, keep_describe(lost, states, sizeof(states)));
	else
		client_fail(c, ERROR_SERVER_GONE, NULL, NULL, now);
}

/* The connection is gone, and with it the pool's count of it. */
static void server_end(struct server *s, bool politely, usec_t now)
{
	struct localpool *lp = s->pool;
	loop_clear_timer(&s->timer);
	loop_clear_timer(&s->recancel);
	if (conn_is_open(&s->conn)) {
		int fd;
		struct ssl_st *ssl;
		conn_give_up(&s->conn, &fd, &ssl);
		connector_close(&s->wire, politely);
	}
	list_remove(&s->link);
	pool_lost(&s->member, now);
	localpool_touch(lp);
	loop_defer(lp->worker->loop, &s->reap);
}

/*
 * Says goodbye and waits for PostgreSQL to hang up: until then the backend counts there, and a new
 * one beside it would be one more than the limit.
 */
static bool server_say_goodbye(struct server *s, usec_t now)
{
	static const char terminate[] = { 'X', 0, 0, 0, 4 };
	/* the pool gives out and pings what it has not ordered to be closed: it must hear at once
	 */
	if (s->member.state != POOL_MEMBER_CLOSING || server_worker(s)->stopping ||
	    !conn_is_open(&s->conn) ||
	    conn_send(&s->conn, terminate, sizeof(terminate)) != CONN_SENT_ALL)
		return false;
	conn_resume(&s->conn, UINT16_MAX);
	loop_set_timer(server_worker(s)->loop, &s->timer, now + SERVER_GOODBYE_US);
	return true;
}

void server_hang_up(struct server *s, usec_t now)
{
	if (s->state == SERVER_CLOSING && list_is_on(&s->link))
		server_end(s, false, now);
}

void server_close(struct server *s, const char *why, usec_t now)
{
	if (s->state == SERVER_CLOSING)
		return;

	struct localpool *lp = s->pool;
	bool is_heard = s->state != SERVER_LOGIN && track_is_quiet(&s->track) &&
			!conn_is_stuck(&s->conn) && !(s->client && s->client->body_left);
	if (s->state != SERVER_LOGIN && lp->worker->setup->conf->global.log_disconnections)
		LOG_INFO("server %s/%s pid %d: closing because: %s (age %llds)",
			 lp->route->database, lp->route->user, s->pid, why,
			 (long long)((now - s->connected_at) / USEC_PER_SEC));
	server_enter(s, SERVER_CLOSING, now);
	if (s->hub)
		hub_lost(s);
	if (s->client)
		server_fail_client(s, now);
	if (s->connector)
		server_login_stop(s);
	if (!is_heard || !server_say_goodbye(s, now))
		server_end(s, is_heard, now);
}

void server_desync(struct server *s, char type, usec_t now)
{
	LOG_ERROR("server %s/%s pid %d: protocol violation: unexpected message 0x%02x in state %s",
		  s->pool->route->database, s->pool->route->user, s->pid, (unsigned char)type,
		  server_states[s->state].name);
	if (s->client && !s->client->batch_at && !s->client->xact_at && !s->pool->is_session &&
	    !keep_is(s->client->keep, UINT16_MAX) && s->client->state == CLIENT_LINKED) {
		struct client *c = s->client; /* has had all its answers: it is not concerned */
		server_unlink(s);
		client_unlinked(c, now);
	}
	if (s->client && !s->last_words) {
		struct client *c = s->client;
		char text[16];
		snprintf(text, sizeof(text), "0x%02x", (unsigned char)type);
		s->is_doomed = true;
		s->last_words = true;
		client_fail(c, ERROR_SERVER_DESYNC, NULL, NULL, now, text);
	}
	server_close(s, "protocol violation", now);
}

void server_heard_last_words(struct server *s, struct slice body, usec_t now)
{
	LOG_INFO("server %s/%s pid %d says: %.*s", s->pool->route->database, s->pool->route->user,
		 s->pid, SLICE_ARGS(notice_get(body, NOTICE_MESSAGE)));
	server_close(s, "server closed the connection", now);
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
		server_hang_up(s, now);
}

void server_on_conn(struct conn *conn, enum conn_event event, usec_t now)
{
	struct server *s = CONTAINER_OF(conn, struct server, conn);
	struct worker *w = server_worker(s);
	if (s->state == SERVER_CLOSING) {
		if (event == CONN_ERROR)
			server_hang_up(s, now);
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

/* ---- cancelling ---------------------------------------------------------------------------------
 */

static void server_on_recancel(struct timer *t, usec_t now)
{
	struct server *s = CONTAINER_OF(t, struct server, recancel);
	if (s->state == SERVER_CLEANING && server_is_busy(s) && s->errand == SERVER_ERRAND_NONE)
		server_cancel(s, now);
	worker_settle(server_worker(s), now);
}

static void server_cancelled(void *arg, bool sent, usec_t now)
{
	struct server *s = arg;
	struct worker *w = server_worker(s);
	s->is_cancelling = false;
	if (!s->cancel_waits || s->state == SERVER_CLOSING)
		cancel_tell(w, &s->askers);
	if (s->state == SERVER_CLOSING) {
		if (s->is_reaped)
			server_free(s);
	} else {
		if (!sent)
			s->is_doomed = true; /* it may still come, and hit somebody else */
		server_cancel_waiting(s, now);
		server_settle(s, now);
		/* it may have come before the backend had even read the query, and is forgotten
		 * then */
		if (s->state == SERVER_CLEANING && !s->is_cancelling && server_is_busy(s))
			loop_set_timer(w->loop, &s->recancel, now + SERVER_RECANCEL_US);
	}
	worker_done_pending(w);
	worker_settle(w, now);
}

bool server_is_ours(const struct server *s)
{
	return s->errand == SERVER_ERRAND_PARAMS || s->errand == SERVER_ERRAND_SPOIL ||
	       s->errand == SERVER_ERRAND_MARK || s->errand == SERVER_ERRAND_RESTORE;
}

void server_cancel(struct server *s, usec_t now)
{
	struct worker *w = server_worker(s);
	/* It is meant for the client's query, not for ours; and one at a time: the one under way
	 * may have come too early for what runs now, so that another follows it. */
	if (server_is_ours(s) || s->is_cancelling) {
		s->cancel_waits = true;
		return;
	}
	if (!canceler_start(s->wire.cancel, w->shared->cancelers, w->box,
			    usec_after(now, w->setup->conf->global.cancel_wait_timeout_us),
			    server_cancelled, s))
		return;
	s->is_cancelling = true;
	w->pending++;
}

void server_cancel_waiting(struct server *s, usec_t now)
{
	if (!s->cancel_waits || server_is_ours(s))
		return;
	s->cancel_waits = false;
	if (server_is_busy(s) && s->errand == SERVER_ERRAND_NONE)
		server_cancel(s, now);
	if (!s->is_cancelling)
		cancel_tell(server_worker(s), &s->askers);
}
