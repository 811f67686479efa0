/*
 * server_cancel.c - what a server runs is cancelled: because a client asks for it, or because it
 * runs on for nobody.
 *
 * One cancel is under way at a time, and while it is the server goes to nobody else. What it would
 * hit that is not its client's makes it wait; and what it is meant for, where that waits itself.
 */
#include "proxy/cancel.h"
#include "proxy/canceler.h"
#include "proxy/localpool.h"
#include "proxy/server.h"
#include "proxy/setup.h"
#include "proxy/worker.h"

/* How soon what runs on for nobody is cancelled once more. */
#define SERVER_CANCEL_AGAIN_US (100 * USEC_PER_MSEC)

void server_cancel_on_timer(struct timer *t, usec_t now)
{
	struct server *s = CONTAINER_OF(t, struct server, recancel);
	if (s->state == SERVER_CLEANING && server_is_busy(s) && s->errand == SERVER_ERRAND_NONE)
		server_cancel(s, now);
	worker_settle(s->pool->worker, now);
}

static void server_cancel_done(void *arg, bool sent, usec_t now)
{
	struct server *s = arg;
	struct worker *w = s->pool->worker;
	s->is_cancelling = false;
	if (!s->cancel_waits || s->state == SERVER_CLOSING)
		cancel_tell(w, &s->askers);
	if (s->state == SERVER_CLOSING) {
		if (s->is_reaped) /* and has waited for this */
			loop_defer(w->loop, &s->reap);
	} else {
		if (!sent)
			s->is_doomed = true; /* it may still come, and hit somebody else */
		server_cancel_waiting(s, now);
		server_settle(s, now);
		/* it may have come before the backend had even read the query, and is forgotten
		 * then */
		if (s->state == SERVER_CLEANING && !s->is_cancelling && server_is_busy(s))
			loop_set_timer(w->loop, &s->recancel, now + SERVER_CANCEL_AGAIN_US);
	}
	worker_done_pending(w);
	worker_settle(w, now);
}

/* Is it doing something for us that no cancel may hit? */
static bool server_cancel_would_hit_us(const struct server *s)
{
	return s->errand == SERVER_ERRAND_PARAMS || s->errand == SERVER_ERRAND_SPOIL ||
	       s->errand == SERVER_ERRAND_UNDO || s->errand == SERVER_ERRAND_LEARN ||
	       s->errand == SERVER_ERRAND_LOOK || s->errand == SERVER_ERRAND_MARK;
}

void server_cancel(struct server *s, usec_t now)
{
	struct worker *w = s->pool->worker;
	/* It is meant for the client's query, not for ours; and one at a time: the one under way
	 * may have come too early for what runs now, so that another follows it. */
	if (server_cancel_would_hit_us(s) || s->is_cancelling) {
		s->cancel_waits = true;
		return;
	}
	if (!canceler_start(s->wire.cancel, w->shared->cancelers, w->box,
			    usec_after(now, w->setup->conf->global.cancel_wait_timeout_us),
			    server_cancel_done, s))
		return;
	s->is_cancelling = true;
	w->pending++;
}

void server_cancel_waiting(struct server *s, usec_t now)
{
	if (!s->cancel_waits || s->is_cancelling || server_cancel_would_hit_us(s))
		return;
	if (s->client && s->holds_client && !server_is_busy(s))
		return; /* what it is meant for goes out next */
	s->cancel_waits = false;
	if (server_is_busy(s) && s->errand == SERVER_ERRAND_NONE)
		server_cancel(s, now);
	if (!s->is_cancelling)
		cancel_tell(s->pool->worker, &s->askers);
}

void server_cancel_drop(struct server *s)
{
	s->cancel_waits = false;
	cancel_tell(s->pool->worker, &s->askers);
}
