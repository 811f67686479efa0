/*
 * balancer.c - a timer: it measures, decides, and picks who goes.
 *
 * Of clients that ask all the time few are idle at one moment, so that what the tick cannot send
 * away is tried again shortly, until the next one. Workers that have nothing to do tick slowly.
 */
#include "proxy/balancer.h"

#include "base/log.h"
#include "pool/balance.h"
#include "proxy/client.h"
#include "proxy/client_move.h"
#include "proxy/worker.h"

#define BALANCER_TICK_US (250 * USEC_PER_MSEC)
#define BALANCER_IDLE_TICK_US USEC_PER_SEC
#define BALANCER_RETRY_US (20 * USEC_PER_MSEC)
#define BALANCER_IDLE 10       /* thousandths */
#define BALANCER_MAX_MOVES 128 /* in a tick: some microseconds each */
#define BALANCER_REST_TICKS 4  /* who has moved stays as long */

/* ---- measuring ---------------------------------------------------------------------------------
 */

/* What it waited for a CPU counts too: who has to has too much to do. */
static int32_t balancer_measure(struct worker *w, usec_t now)
{
	struct balancer *b = &w->balancer;
	usec_t worked = loop_stats(w->loop)->busy_us, passed = now - b->ticked_at;
	int64_t busy = passed > 0 ? (worked - b->worked_us) * 1000 / passed : 0;
	b->worked_us = worked;
	b->ticked_at = now;
	b->tick++;
	return busy < 1000 ? (int32_t)busy : 1000;
}

/* ---- deciding ----------------------------------------------------------------------------------
 */

static bool balancer_is_active(const struct client *c, usec_t since)
{
	return c->quiet_at >= since || c->state == CLIENT_LINKED || c->state == CLIENT_WAITING;
}

static unsigned balancer_count_active(const struct worker *w, usec_t since)
{
	unsigned active = 0;
	LIST_EACH (node, tmp, &w->client_list)
		active += balancer_is_active(LIST_ENTRY(node, struct client, link), since);
	return active;
}

static void balancer_decide(struct worker *w, usec_t since)
{
	struct balancer *b = &w->balancer;
	struct worker_shared *shared = w->shared;
	int32_t busy[PROXY_MAX_WORKERS];
	for (unsigned i = 0; i < shared->worker_count; i++)
		busy[i] = atomic_load(&shared->workers[i]->balancer.busy);
	b->left = 0;
	if (!balance_is_ahead(busy, shared->worker_count, w->index))
		return;
	struct balance_move move =
		balance_give(busy, shared->worker_count, w->index, balancer_count_active(w, since));
	if (move.clients == 0)
		return;
	LOG_DEBUG("worker %u is busy for %d.%d %% of its time, worker %u for %d.%d %%: %u clients "
		  "are to move",
		  w->index, busy[w->index] / 10, busy[w->index] % 10, move.to, busy[move.to] / 10,
		  busy[move.to] % 10, move.clients);
	/* others who look at it before it has ticked again find it as busy as it will be */
	atomic_fetch_add(&shared->workers[move.to]->balancer.busy, move.share);
	b->to = move.to;
	b->left = move.clients < BALANCER_MAX_MOVES ? move.clients : BALANCER_MAX_MOVES;
	b->active_from = since;
}

/* ---- sending away
 * -------------------------------------------------------------------------------- */

static bool balancer_may_go(const struct balancer *b, const struct client *c)
{
	bool is_new = c->moved_at_tick && b->tick - c->moved_at_tick < BALANCER_REST_TICKS;
	return !is_new && c->quiet_at >= b->active_from && client_move_can(c);
}

static void balancer_give(struct worker *w, usec_t now)
{
	struct balancer *b = &w->balancer;
	LIST_EACH (node, tmp, &w->client_list) {
		struct client *c = LIST_ENTRY(node, struct client, link);
		if (b->left == 0)
			return;
		if (!balancer_may_go(b, c))
			continue;
		if (!client_move(c, w->shared->workers[b->to], now)) {
			b->left = 0;
			return;
		}
		b->left--;
	}
}

static void balancer_on_timer(struct timer *t, usec_t now)
{
	struct worker *w = CONTAINER_OF(t, struct worker, balancer.timer);
	struct balancer *b = &w->balancer;
	usec_t next = usec_after(b->ticked_at, BALANCER_TICK_US);
	if (now >= next) {
		usec_t since = b->ticked_at;
		int32_t busy = balancer_measure(w, now);
		atomic_store(&b->busy, busy);
		balancer_decide(w, since);
		next = usec_after(now,
				  busy < BALANCER_IDLE ? BALANCER_IDLE_TICK_US : BALANCER_TICK_US);
	}
	balancer_give(w, now);
	if (b->left > 0)
		next = usec_min(next, usec_after(now, BALANCER_RETRY_US));
	loop_set_timer(w->loop, t, next);
	worker_settle(w, now);
}

void balancer_init(struct worker *w)
{
	wheel_init_timer(&w->balancer.timer, balancer_on_timer);
}

void balancer_start(struct worker *w, usec_t now)
{
	w->balancer.ticked_at = now;
	if (w->shared->worker_count > 1)
		loop_set_timer(w->loop, &w->balancer.timer, usec_after(now, BALANCER_TICK_US));
}
