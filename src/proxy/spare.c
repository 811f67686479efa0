/*
 * spare.c - the worker's list of pools that nobody uses, in the order in which they came to be so,
 * and the timer of the one that goes first.
 *
 * A pool is on the list exactly if localpool_is_spare, as of the last time that it was looked at:
 * whatever happens to a pool touches it, and those touched are looked at before the worker sleeps
 * (but one that has clients and is not on the list).
 */
#include "proxy/spare.h"

#include "proxy/localpool.h"
#include "proxy/setup.h"
#include "proxy/worker.h"

/* Several go at a time: the list is walked for it. */
#define SPARE_PAUSE_US (100 * USEC_PER_MSEC)

static usec_t spare_until(const struct localpool *lp)
{
	const struct conf_global *g = &lp->worker->setup->conf->global;
	if (lp->is_gone)
		return lp->spare_since;
	return usec_after(lp->spare_since, localpool_is_casual(lp) ? g->autodb_idle_timeout_us
								   : g->pool_idle_timeout_us);
}

/* The timer is never later than the first that goes; it may come too early. */
static void spare_arm(struct worker *w, usec_t when)
{
	if (when == USEC_NEVER || (wheel_is_armed(&w->spare_timer) && w->spare_until <= when))
		return;
	w->spare_until = when;
	loop_set_timer(w->loop, &w->spare_timer, when);
}

static void spare_on_timer(struct timer *t, usec_t now)
{
	struct worker *w = CONTAINER_OF(t, struct worker, spare_timer);
	usec_t next = USEC_NEVER;
	LIST_EACH (node, tmp, &w->spare_pools) {
		struct localpool *lp = LIST_ENTRY(node, struct localpool, spare);
		usec_t until = spare_until(lp);
		if (until > now)
			next = usec_min(next, until);
		else
			localpool_end(lp);
	}
	spare_arm(w, next == USEC_NEVER ? next : next + SPARE_PAUSE_US);
	worker_settle(w, now);
}

void spare_init(struct worker *w)
{
	list_init(&w->spare_pools);
	wheel_init_timer(&w->spare_timer, spare_on_timer);
}

void spare_take(struct localpool *lp)
{
	list_remove(&lp->spare);
	localpool_touch(lp);
}

void spare_review(struct localpool *lp, usec_t now)
{
	bool is_spare = localpool_is_spare(lp);
	if (!is_spare) {
		list_remove(&lp->spare);
		return;
	}
	if (!list_is_on(&lp->spare)) {
		lp->spare_since = now;
		list_push_back(&lp->worker->spare_pools, &lp->spare);
	}
	spare_arm(lp->worker, spare_until(lp));
}

bool spare_make_room(struct worker *w)
{
	LIST_EACH (node, tmp, &w->spare_pools) {
		struct localpool *lp = LIST_ENTRY(node, struct localpool, spare);
		if (!localpool_is_spare(lp))
			continue;
		localpool_end(lp);
		return true;
	}
	return false;
}
