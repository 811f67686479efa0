/*
 * heir.c - how another server takes over what a shared listener listens to.
 */
#include "proxy/heir.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/loop.h"
#include "proxy/ear.h"
#include "proxy/errand.h"
#include "proxy/hub.h"
#include "proxy/hub_sql.h"
#include "proxy/localpool.h"
#include "proxy/note.h"
#include "proxy/route.h"
#include "proxy/seam.h"
#include "proxy/server.h"
#include "proxy/worker.h"

#define TO(state) (1u << HEIR_##state)

#define HEIR_STATES(X)                                                                             \
	X(RESTING, TO(SEEKING))                                                                    \
	X(SEEKING, TO(FITTING) | TO(RESTING))                                                      \
	X(FITTING, TO(CROSSING) | TO(RESTING))                                                     \
	X(CROSSING, TO(FAILED) | TO(RESTING))                                                      \
	X(FAILED, TO(RESTING))

#define HEIR_STATE_ENUM_(state, edges) HEIR_##state,
enum heir_state { HEIR_STATES(HEIR_STATE_ENUM_) };
#undef HEIR_STATE_ENUM_

static const struct {
	const char *name;
	unsigned edges;
} heir_states[] = {
#define HEIR_ROW_(state, edges) { #state, edges },
	HEIR_STATES(HEIR_ROW_)
#undef HEIR_ROW_
};

/* How long the two may take, and how long it rests. */
#define HEIR_US (5 * USEC_PER_SEC)

/* A notification that is not passed on yet. */
struct heir_held {
	struct list link;
	struct note *note; /* a reference */
};

struct heir {
	struct hub *hub;       /* not owned */
	struct localpool *lp;  /* not owned: of the hub's server */
	struct server *server; /* not owned; FITTING and later */
	struct pool_waiter waiter;
	struct timer timer;
	struct list held; /* what the seam has held */
	size_t bytes;     /* of it */
	char payload[32]; /* of its marker */
	uint8_t state;    /* enum heir_state; written by heir_enter alone */
	enum seam_state seam;
	bool has_answered; /* CROSSING: it listens */
	bool has_asked;    /* CROSSING: the old one is to answer */
};

static void heir_enter(struct heir *heir, enum heir_state to)
{
	BUG_ON(!(heir_states[heir->state].edges & (1u << to)));
	LOG_NOISE("heir of the shared listener of \"%s\": %s -> %s", heir->lp->route->database,
		  heir_states[heir->state].name, heir_states[to].name);
	heir->state = (uint8_t)to;
}

/* ---- what is heard ----------------------------------------------------------------------------
 */

static void heir_hold(struct heir *heir, struct note *note)
{
	struct heir_held *held = mem_zalloc(sizeof(*held));
	held->note = note_ref(note);
	list_push_back(&heir->held, &held->link);
	heir->bytes += sizeof(*held) + note->bytes;
}

static void heir_resolve(struct heir *heir, enum seam_held fate)
{
	if (fate == SEAM_KEEP_HELD)
		return;
	for (struct heir_held *held; (held = LIST_FIRST(&heir->held, struct heir_held, link));) {
		if (fate == SEAM_DELIVER_HELD)
			hub_say(heir->hub, held->note);
		list_remove(&held->link);
		note_unref(held->note);
		free(held);
	}
	heir->bytes = 0;
}

/* The old one alone is heard again. */
static void heir_fail(struct heir *heir)
{
	heir_resolve(heir, seam_give_up(&heir->seam));
	heir_enter(heir, HEIR_FAILED);
}

static bool heir_is_marker(const struct heir *heir, const struct note *note)
{
	struct slice name, payload;
	return note_read(note_body(note), &name, &payload) &&
	       slice_eq_str(name, heir->hub->marker) && slice_eq_str(payload, heir->payload);
}

bool heir_passes(struct hub *hub, const struct server *s, struct note *note)
{
	struct heir *heir = hub->heir;
	enum seam_side side = s == hub->server ? SEAM_OLD : SEAM_NEW;
	if (!heir || heir->state != HEIR_CROSSING)
		return side == SEAM_OLD;
	if (heir_is_marker(heir, note)) {
		heir_resolve(heir, seam_mark(&heir->seam, side));
		return false;
	}
	switch (seam_fate(heir->seam, side)) {
	case SEAM_DELIVER:
		return true;
	case SEAM_HOLD:
		heir_hold(heir, note);
		if (heir->bytes > (size_t)heir->lp->settings.listen_buffer)
			heir_fail(heir);
		break;
	case SEAM_DROP:
		break;
	}
	return false;
}

/* ---- giving up ----------------------------------------------------------------------------------
 */

/* The server goes back to its pool, unless it has gone already. */
static void heir_part(struct hub *hub, struct server *s, usec_t now)
{
	s->hub = NULL;
	hub_unref(hub);
	if (s->state == SERVER_LISTENING)
		server_stop_listening(s, now);
}

/* What was begun is undone: the old one goes on as if nothing had been. */
static void heir_rest(struct heir *heir, usec_t now)
{
	pool_leave(&heir->waiter, now);
	localpool_touch(heir->lp);
	if (heir->state == HEIR_CROSSING && heir->seam != SEAM_CLOSED)
		heir_fail(heir);
	if (heir->server)
		heir_part(heir->hub, heir->server, now);
	heir->server = NULL;
	heir_enter(heir, HEIR_RESTING);
	loop_set_timer(heir->lp->worker->loop, &heir->timer, now + HEIR_US);
}

static void heir_free(struct heir *heir, usec_t now)
{
	loop_clear_timer(&heir->timer);
	pool_waiter_fini(&heir->waiter, now);
	localpool_touch(heir->lp);
	heir_resolve(heir, SEAM_DROP_HELD);
	heir->hub->heir = NULL;
	free(heir);
}

void heir_end(struct hub *hub, usec_t now)
{
	struct heir *heir = hub->heir;
	if (!heir)
		return;
	if (heir->server)
		heir_rest(heir, now);
	heir_free(heir, now);
}

void heir_lost(struct hub *hub, usec_t now)
{
	LOG_WARNING("the server that was to take over as the shared listener of \"%s\" is lost",
		    hub->heir->lp->route->database);
	heir_rest(hub->heir, now);
	if (!hub->heir->lp->worker->stopping)
		hub_settle(hub->server, now);
}

/* ---- the way there
 * -------------------------------------------------------------------------------
 */

static void heir_ask(struct heir *heir, usec_t now)
{
	loop_clear_timer(&heir->timer);
	heir_enter(heir, HEIR_SEEKING);
	struct pool_member *m = pool_request(&heir->lp->slice, &heir->waiter, now);
	localpool_touch(heir->lp);
	if (m)
		heir_granted(&heir->waiter, CONTAINER_OF(m, struct server, member), now);
}

static bool heir_is_stale(const struct heir *heir)
{
	return heir->server && pool_is_stale(&heir->server->member);
}

/* It has rested; it is to begin anew; or it takes too long. */
static void heir_on_timer(struct timer *t, usec_t now)
{
	struct heir *heir = CONTAINER_OF(t, struct heir, timer);
	struct hub *hub = heir->hub;
	struct worker *w = heir->lp->worker;
	bool is_late = heir->state != HEIR_RESTING && !heir_is_stale(heir);
	if (is_late)
		LOG_WARNING("the shared listener of \"%s\" cannot be replaced yet: %s",
			    heir->lp->route->database,
			    heir->has_answered ? "the old server does not answer"
					       : "the new server does not answer");
	if (heir->state != HEIR_RESTING)
		heir_rest(heir, now);
	if (!is_late)
		heir_ask(heir, now);
	hub_settle(hub->server, now);
	worker_settle(w, now);
}

void heir_seek(struct hub *hub, usec_t now)
{
	struct heir *heir = hub->heir;
	if (!heir) {
		heir = hub->heir = mem_zalloc(sizeof(*heir));
		heir->hub = hub;
		heir->lp = hub->server->pool;
		list_init(&heir->held);
		pool_waiter_init(&heir->waiter);
		heir->waiter.kind = LOCALPOOL_HEIR;
		wheel_init_timer(&heir->timer, heir_on_timer);
	}
	if (heir->state == HEIR_RESTING || heir_is_stale(heir))
		loop_set_timer(heir->lp->worker->loop, &heir->timer, now);
}

void heir_refused(struct pool_waiter *waiter, enum pool_reason why, usec_t now)
{
	struct heir *heir = CONTAINER_OF(waiter, struct heir, waiter);
	LOG_WARNING("the shared listener of \"%s\" cannot be replaced yet: %s",
		    heir->lp->route->database, pool_order_why(why));
	heir_rest(heir, now);
}

void heir_granted(struct pool_waiter *waiter, struct server *s, usec_t now)
{
	struct heir *heir = CONTAINER_OF(waiter, struct heir, waiter);
	server_enter(s, SERVER_LISTENING, now);
	s->hub = hub_ref(heir->hub);
	heir->server = s;
	heir_enter(heir, HEIR_FITTING);
	loop_set_timer(heir->lp->worker->loop, &heir->timer, now + HEIR_US);
	hub_fit(heir->hub, s, now);
	heir_settle(heir->hub, now);
}

/* It listens to everything, and sends its marker. */
static void heir_cross(struct heir *heir, usec_t now)
{
	struct hub *hub = heir->hub;
	struct buf sql = { 0 };
	snprintf(heir->payload, sizeof(heir->payload), "%" PRIx64, worker_new_id(heir->lp->worker));
	hub_sql_add_all(hub, &sql);
	buf_addf(&sql, "NOTIFY \"%s\",'%s'", hub->marker, heir->payload);
	heir_enter(heir, HEIR_CROSSING);
	heir->seam = SEAM_OPEN;
	heir->has_answered = heir->has_asked = false;
	errand_query(heir->server, SERVER_ERRAND_LISTEN, buf_slice(&sql), now);
	buf_fini(&sql);
}

void heir_answered(struct hub *hub, bool failed, usec_t now)
{
	if (failed)
		server_close(hub->heir->server, "it would not listen", now);
	else
		hub->heir->has_answered = true;
}

/* The old one is asked, whatever: what it was notified of before comes in front of its answer. */
static void heir_ask_old(struct heir *heir, usec_t now)
{
	struct buf sql = { 0 };
	hub_sql_add(&sql, "LISTEN", slice_of(heir->hub->marker));
	heir->has_asked = true;
	hub_query(heir->hub, buf_slice(&sql), now);
	buf_fini(&sql);
}

void heir_conclude(struct hub *hub, usec_t now)
{
	struct heir *heir = hub->heir;
	if (!heir || heir->state != HEIR_CROSSING || heir->seam != SEAM_CLOSED)
		return;
	struct server *old = hub->server, *s = heir->server;
	LOG_INFO("server %s/%s pid %d: is the shared listener of its database in place of pid %d",
		 s->pool->route->database, s->pool->route->user, s->pid, old->pid);
	hub->server = s;
	heir_free(heir, now);
	heir_part(hub, old, now);
	if (s->state != SERVER_LISTENING)
		return;
	if (s->errand != SERVER_ERRAND_NONE) /* its marker came before the answer to its LISTEN */
		hub_expect_answer(hub, now);
	hub_renew(hub, now); /* there was one more RECONNECT meanwhile */
	hub_settle(s, now);
}

static void heir_settle_crossing(struct heir *heir, usec_t now)
{
	struct hub *hub = heir->hub;
	if (heir->seam == SEAM_CLOSED) {
		heir_conclude(hub, now);
		return;
	}
	if (heir->seam != SEAM_NEW_AHEAD || !heir->has_answered ||
	    hub->server->errand != SERVER_ERRAND_NONE)
		return;
	if (heir->has_asked)
		hub_dismiss(hub, EAR_ELSEWHERE, now); /* it has answered, and has no marker */
	else
		heir_ask_old(heir, now);
}

void heir_settle(struct hub *hub, usec_t now)
{
	struct heir *heir = hub->heir;
	switch ((enum heir_state)heir->state) {
	case HEIR_RESTING:
	case HEIR_SEEKING:
		break;
	case HEIR_FITTING:
		if (heir->server->errand == SERVER_ERRAND_NONE &&
		    hub->server->errand == SERVER_ERRAND_NONE)
			heir_cross(heir, now);
		break;
	case HEIR_CROSSING:
		heir_settle_crossing(heir, now);
		break;
	case HEIR_FAILED:
		heir_rest(heir, now);
		hub_settle(hub->server, now);
		break;
	}
}

bool heir_forbids(const struct hub *hub)
{
	return hub->heir && (hub->heir->state == HEIR_CROSSING || hub->heir->state == HEIR_FAILED);
}
