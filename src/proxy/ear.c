/*
 * ear.c - where a client hears its notifications from, and what it is told of them when.
 */
#include "proxy/ear.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "proxy/branch.h"
#include "proxy/client.h"
#include "proxy/ear_queue.h"
#include "proxy/ear_text.h"
#include "proxy/errand.h"
#include "proxy/hub.h"
#include "proxy/hub_sql.h"
#include "proxy/hub_table.h"
#include "proxy/keep.h"
#include "proxy/lend.h"
#include "proxy/localpool.h"
#include "proxy/paramset.h"
#include "proxy/route.h"
#include "proxy/server.h"
#include "proxy/worker.h"

#define TO(state) (1u << EAR_##state)

/* How long the hub may take to listen, and a marker to come back through it. */
#define EAR_HUB_US (5 * USEC_PER_SEC)

static const struct {
	const char *name;
	unsigned edges;
} ear_states[] = {
#define EAR_ROW_(state, edges) { #state, edges },
	EAR_STATES(EAR_ROW_)
#undef EAR_ROW_
};

static void ear_enter(struct ear *ear, enum ear_state to)
{
	BUG_ON(!(ear_states[ear->state].edges & (1u << to)));
	LOG_NOISE("client %llu listens: %s -> %s", (unsigned long long)ear->client->id,
		  ear_states[ear->state].name, ear_states[to].name);
	ear->state = (uint8_t)to;
}

/* What was promised it cannot be kept any more. */
static void ear_end(struct ear *ear, const char *by, usec_t now)
{
	struct client *c = ear->client;
	bool is_end = atomic_load(&c->worker->shared->closing);
	char names[256];
	loop_clear_timer(&ear->timer);
	branch_leave(ear);
	ear_describe(ear, names, sizeof(names));
	client_fail(c, is_end ? ERROR_SHUTDOWN : ERROR_LISTEN_ENDED, NULL, NULL, now, by, names);
}

/* Does it hear from a hub that is dismissed, and has nothing else to wait for? */
static bool ear_goes_with_hub(const struct ear *ear)
{
	return ear->state == EAR_AWAY && ear->branch && ear->branch->dismissed_by &&
	       !ear->client->server && ear->client->state != CLIENT_CLOSING;
}

bool ear_flush(struct ear *ear, usec_t now)
{
	if (!ear_queue_tell(ear, now))
		return false;
	if (!ear_goes_with_hub(ear))
		return true;
	ear_end(ear, ear->branch->dismissed_by, now);
	return false;
}

/* ---- life ---------------------------------------------------------------------------------------
 */

static void ear_on_timer(struct timer *t, usec_t now);

static void ear_forget_names(struct ear *ear)
{
	while (ear->count)
		free(ear->names[--ear->count]);
	free(ear->names);
	ear->names = NULL;
}

void ear_found(struct client *c, struct slice names)
{
	struct ear *ear = c->keep->ear;
	if (!ear) {
		ear = c->keep->ear = mem_zalloc(sizeof(*ear));
		ear->client = c;
		list_init(&ear->on_branch);
		list_init(&ear->queue);
		list_init(&ear->held);
		wheel_init_timer(&ear->timer, ear_on_timer);
	}
	if (ear->state != EAR_HOME)
		return;
	ear_forget_names(ear);
	while (names.len) {
		struct slice name = slice_head(names, strnlen(names.ptr, names.len));
		ear->names = mem_realloc(ear->names, (ear->count + 1) * sizeof(*ear->names));
		ear->names[ear->count++] = slice_dup(name);
		names = slice_skip(names, name.len < names.len ? name.len + 1 : names.len);
	}
}

void ear_free(struct ear *ear)
{
	if (!ear)
		return;
	loop_clear_timer(&ear->timer);
	if (ear->branch)
		branch_unmark(ear->branch, ear->payload);
	branch_leave(ear);
	ear_queue_clear(ear, &ear->queue);
	ear_queue_clear(ear, &ear->held);
	ear_forget_names(ear);
	free(ear->cause);
	free(ear);
}

/* Whole names: half a character is none that the client can read. */
const char *ear_describe(const struct ear *ear, char *out, size_t out_bytes)
{
	static const char more[] = ", ...";
	size_t at = (size_t)snprintf(out, out_bytes, "LISTEN ");
	for (size_t i = 0; i < ear->count; i++) {
		size_t n = strlen(ear->names[i]) + (i ? 2 : 0);
		if (at + n + sizeof(more) > out_bytes) {
			snprintf(out + at, out_bytes - at, "%s", more);
			break;
		}
		at += (size_t)snprintf(out + at, out_bytes - at, "%s%s", i ? ", " : "",
				       ear->names[i]);
	}
	return out;
}

/* ---- leaving and coming back
 * --------------------------------------------------------------------- */

/* It is about to leave, and that can be undone. */
static bool ear_is_going(const struct ear *ear)
{
	return ear->state == EAR_ASKING || (ear->state == EAR_LEAVING && ear->seam != SEAM_CLOSED);
}

/* It goes on at home: what was begun is undone. False: it is CLOSING. */
static bool ear_stay(struct ear *ear, usec_t now)
{
	loop_clear_timer(&ear->timer);
	if (ear->state == EAR_LEAVING)
		ear_queue_resolve(ear, seam_give_up(&ear->seam));
	branch_unmark(ear->branch, ear->payload);
	branch_leave(ear);
	ear_enter(ear, EAR_HOME);
	return ear_flush(ear, now);
}

static void ear_fail(struct ear *ear, usec_t now)
{
	struct client *c = ear->client;
	char detail[256];
	loop_clear_timer(&ear->timer);
	ear_describe(ear, detail, sizeof(detail));
	client_fail(c, ERROR_STATE_LOST, NULL, NULL, now, detail);
}

/* Its server sends the marker; before it, it listens to the names. */
static void ear_send_marker(struct ear *ear, bool with_names, usec_t now)
{
	struct client *c = ear->client;
	struct slice marker = slice_of(ear->marker);
	struct buf sql = { 0 }, after = { 0 };
	for (size_t i = 0; with_names && i < ear->count; i++)
		hub_sql_add(&sql, "LISTEN", slice_of(ear->names[i]));
	hub_sql_add(&sql, "LISTEN", marker);
	snprintf(ear->payload, sizeof(ear->payload), "%" PRIx64, worker_new_id(c->worker));
	buf_addf(&sql, "NOTIFY \"%s\",'%s'", ear->marker, ear->payload);
	hub_sql_add(&after, "UNLISTEN", marker);
	ear->seam = SEAM_OPEN;
	branch_mark(ear->branch, ear, ear->payload);
	loop_set_timer(c->worker->loop, &ear->timer, now + EAR_HUB_US);
	errand_mark(c->server, buf_slice(&sql), buf_slice(&after), now);
	buf_fini(&sql);
	buf_fini(&after);
}

/* Its server becomes the hub's. */
static void ear_lend(struct ear *ear, struct hub *hub, usec_t now)
{
	struct client *c = ear->client;
	struct server *s = c->server;
	struct buf names = { 0 };
	for (size_t i = 0; i < ear->count; i++)
		buf_add_cstr(&names, ear->names[i]);
	uint64_t seq = branch_join(branch_get(c->worker, hub), ear, true);
	ear_enter(ear, EAR_AWAY);
	keep_lend(c);
	server_lend(s, now);
	hub_adopt(hub, s, buf_slice(&names), seq, now);
	buf_fini(&names);
}

static struct slice ear_encoding(const struct server *s)
{
	const char *set = paramset_get(s->params, SLICE("client_encoding"));
	if (!set)
		set = paramset_get(s->base, SLICE("client_encoding"));
	return slice_of(set ? set : "");
}

/* The hub is asked, or becomes its server. False: neither can be. */
static bool ear_go(struct ear *ear, struct hub *hub, usec_t now)
{
	struct client *c = ear->client;
	snprintf(ear->marker, sizeof(ear->marker), "%s", hub->marker);
	if (atomic_load(&hub->owner) == HUB_NOBODY) {
		if (c->server->is_cancelling || c->server->is_doomed ||
		    pool_is_stale(&c->server->member) || !lend_take(c->pool, c->keep->is_counted))
			return false;
		if (hub_claim(hub, c->worker->index)) {
			ear_lend(ear, hub, now);
			return true;
		}
		lend_give(c->pool); /* another worker was faster */
	}
	(void)branch_join(branch_get(c->worker, hub), ear, false);
	ear_enter(ear, EAR_ASKING);
	loop_set_timer(c->worker->loop, &ear->timer, now + EAR_HUB_US);
	ear_is_there(ear, now);
	return true;
}

/* Is its server kept for nothing but LISTEN, where that need not be? */
static bool ear_only_listens(const struct ear *ear)
{
	const struct client *c = ear->client;
	return ear->state == EAR_HOME && c->pool->settings.listen == CONF_LISTEN_SHARED &&
	       c->keep->kept == KEEP(LISTEN) && !c->worker->stopping;
}

bool ear_may_leave(const struct ear *ear)
{
	return ear_only_listens(ear) && !ear->stays && ear->count > 0 &&
	       ear->count <= EAR_MAX_NAMES;
}

bool ear_leave(struct ear *ear, usec_t now)
{
	struct client *c = ear->client;
	if (ear->state != EAR_HOME)
		return ear->state != EAR_AWAY;
	if (ear->speaks)
		return true;
	if (c->pool->slice.paused && ear_only_listens(ear)) {
		ear_end(ear, EAR_PAUSE, now);
		return true;
	}
	if (!ear_may_leave(ear))
		return false;
	struct hub *hub = hub_table_get(c->worker->shared->hubs, slice_of(c->pool->route->database),
					ear_encoding(c->server));
	bool goes = ear_go(ear, hub, now);
	hub_unref(hub);
	return goes;
}

static void ear_return(struct ear *ear, usec_t now)
{
	ear_enter(ear, EAR_RETURNING);
	keep_reclaim(ear->client, now);
	ear_send_marker(ear, true, now);
}

/* A marker that is sent before the hub listens to it is lost. That may be so yet for the client
 * whose server the hub has got just now. */
static void ear_recall(struct ear *ear, usec_t now)
{
	if (branch_has(ear->branch, ear)) {
		ear_return(ear, now);
		return;
	}
	ear_enter(ear, EAR_RECALLED);
	loop_set_timer(ear->client->worker->loop, &ear->timer, now + EAR_HUB_US);
}

void ear_is_there(struct ear *ear, usec_t now)
{
	if (!ear->client->server || !branch_has(ear->branch, ear))
		return;
	if (ear->state == EAR_ASKING) {
		ear_enter(ear, EAR_LEAVING);
		ear_send_marker(ear, false, now);
	} else if (ear->state == EAR_RECALLED) {
		server_settle(ear->client->server, now);
	}
}

bool ear_settle(struct ear *ear, usec_t now)
{
	struct client *c = ear->client;
	switch ((enum ear_state)ear->state) {
	case EAR_HOME:
	case EAR_AWAY:
		return !ear_flush(ear, now);
	case EAR_ASKING:
		return true;
	case EAR_RECALLED:
		if (branch_has(ear->branch, ear))
			ear_return(ear, now);
		return true;
	case EAR_LEAVING:
		if (ear->seam != SEAM_CLOSED)
			return true;
		loop_clear_timer(&ear->timer);
		ear_enter(ear, EAR_AWAY);
		keep_lend(c);
		server_give_back(c->server, now);
		return true;
	case EAR_RETURNING:
		if (ear->seam != SEAM_CLOSED)
			return true;
		loop_clear_timer(&ear->timer);
		branch_leave(ear);
		ear_enter(ear, EAR_HOME);
		ear->speaks = true;
		if (ear_flush(ear, now))
			conn_again(&c->conn); /* with what it came home for */
		return true;
	}
	return false;
}

size_t ear_allows(struct ear *ear, struct slice in, usec_t now)
{
	struct client *c = ear->client;
	struct server *s = c->server;
	if (in.len == 0) /* it has said nothing */
		return 0;
	if (ear_is_going(ear) && !ear_stay(ear, now))
		return 0;
	if (ear->state != EAR_AWAY) {
		ear->speaks = ear->state != EAR_HOME || s->errand == SERVER_ERRAND_MARK;
		return ear->speaks ? 0 : in.len;
	}

	bool sends = false;
	size_t passes = ear_text_passes(c, in, &sends);
	/* amid a block that it has begun all the same nothing can be done about it, nor amid a
	 * batch, until its end */
	bool is_block = track_is_quiet(&s->track) && track_tx_status(&s->track) != 'I';
	if (passes == 0 && track_wants_sync(&s->track))
		passes = ear_text_batch(c, in);
	if (passes == in.len || (passes == 0 && is_block))
		return in.len;
	if (passes > 0 || !track_is_idle(&s->track)) {
		if (s->errand == SERVER_ERRAND_PARAMS && passes == 0) {
			s->holds_client = true;
			server_send(s, SLICE_NONE, now);
		} else {
			conn_pause(&c->conn, CLIENT_PAUSE_TRACK); /* until it has answered */
		}
		return passes;
	}
	ear->stays |= sends;
	ear_recall(ear, now);
	return 0;
}

void ear_answered(struct ear *ear, bool failed, usec_t now)
{
	struct client *c = ear->client;
	if (failed && ear->state == EAR_RETURNING) {
		ear_fail(ear, now);
		return;
	}
	if (failed && ear_is_going(ear)) {
		ear->stays = true;
		if (!ear_stay(ear, now))
			return;
	}
	if (ear->state == EAR_HOME)
		conn_again(&c->conn); /* with what it has asked meanwhile */
}

/* Is it its own server that has not done its part yet? */
static bool ear_waits_for_own(const struct ear *ear)
{
	const struct server *s = ear->client->server;
	if (ear->state == EAR_RETURNING && ear->seam == SEAM_OPEN && s)
		return s->errand == SERVER_ERRAND_MARK;
	return (ear->state == EAR_LEAVING || ear->state == EAR_RETURNING) &&
	       ear->seam == SEAM_CLOSED;
}

static void ear_on_timer(struct timer *t, usec_t now)
{
	struct ear *ear = CONTAINER_OF(t, struct ear, timer);
	struct client *c = ear->client;
	bool is_own = ear_waits_for_own(ear);
	char who[256];
	LOG_WARNING("client %s: %s does not answer", client_text(c, who, sizeof(who)),
		    is_own ? "its server" : "the shared listener");
	if (is_own) { /* it will, or be lost; query_timeout holds */
		loop_set_timer(c->worker->loop, &ear->timer, now + EAR_HUB_US);
		return;
	}
	hub_doubt(ear->branch->hub, c->worker);
	if (ear->state == EAR_RETURNING || ear->state == EAR_RECALLED) {
		ear_fail(ear, now);
	} else if (c->server) {
		ear->stays = true;
		if (ear_stay(ear, now))
			server_settle(c->server, now);
	}
	worker_settle(c->worker, now);
}

void ear_dismiss(struct ear *ear, usec_t now)
{
	if (!ear_is_going(ear))
		(void)ear_flush(ear, now); /* AWAY: it ends, if this is the time for it */
	else if (ear_stay(ear, now))
		server_settle(ear->client->server, now);
}

void ear_lost_hub(struct ear *ear, usec_t now)
{
	struct client *c = ear->client;
	if (!ear_is_going(ear) || c->state == CLIENT_CLOSING) {
		loop_clear_timer(&ear->timer);
		branch_leave(ear);
		ear_fail(ear, now);
		return;
	}
	if (ear_stay(ear, now))
		server_settle(c->server, now);
}
