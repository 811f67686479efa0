/*
 * pool.c - the entry points: what happened, noted; then the decision, left to pool_settle.c.
 *
 * The life of a request:
 *
 *    pool_request --warm server, nobody short--> returned at once
 *         |
 *         v            a server comes back, or is opened, handed over, found alive
 *       in line ----------------------------------------------------------> GRANT
 *         |----- pool_timeout, max_waiting, logins fail ------------------> REFUSE
 *         +----- pool_leave ----------------------------------------------> nothing
 *
 * The states of servers are drawn in pool_member.c, those of waiters in pool_queue.c, the
 * order of preference in pool_settle.c, back-off in pool_open.c, wake-ups in pool_cap.c.
 */
#include "pool/pool.h"

#include "pool/pool_parts.h"

void pool_worker_init(struct pool_worker *w, unsigned index)
{
	BUG_ON(index >= POOL_CAP_MAX_WORKERS);
	w->index = index;
	list_init(&w->slices);
	pool_order_init(&w->orders);
}

void pool_worker_fini(struct pool_worker *w)
{
	BUG_ON(!list_is_empty(&w->slices));
	pool_order_fini(&w->orders);
}

void pool_init(struct pool_slice *s, struct pool_worker *w, struct pool_shared *shared,
	       const struct pool_limits *limits, uint64_t seed, usec_t now)
{
	BUG_ON(w->index >= shared->cap.workers || pool_slice_here(w, shared));
	*s = (struct pool_slice){
		.worker = w, .shared = shared, .limits = *limits, .seed = seed, .due = now
	};
	list_init(&s->members);
	list_init(&s->idle);
	list_init(&s->queue);
	list_init(&s->pinging);
	list_push_back(&w->slices, &s->on_worker);
	pool_parts_line(s)->slice = s;
}

void pool_fini(struct pool_slice *s)
{
	BUG_ON(!pool_is_drained(s) || s->n_queue + s->n_bound > 0);
	pool_settle_blocked(s, NULL, 0);
	pool_parts_line(s)->slice = NULL;
	list_remove(&s->on_worker);
}

bool pool_is_unused(const struct pool_slice *s)
{
	/* a server under way to us counts as a need below zero */
	return pool_is_drained(s) && s->n_queue + s->n_bound == 0 &&
	       atomic_load(&pool_parts_line(s)->need) == 0 && s->worker->orders.count == 0;
}

struct pool_slice *pool_slice_here(const struct pool_worker *w, const struct pool_shared *shared)
{
	return shared->cap.lines[w->index].slice;
}

/* ---- clients ---------------------------------------------------------------------------- */

const char *pool_waiter_state_name(enum pool_waiter_state state)
{
	static const char *const names[] = {
#define X(state, text) [POOL_WAITER_##state] = #state,
		POOL_WAITER_STATES(X)
#undef X
	};
	return names[state];
}

void pool_waiter_init(struct pool_waiter *w)
{
	*w = (struct pool_waiter){ .state = POOL_WAITER_OUT };
	list_init(&w->on_slice);
}

void pool_waiter_fini(struct pool_waiter *w, usec_t now)
{
	pool_leave(w, now);
	if (w->last)
		w->last->last = NULL;
	w->last = NULL;
}

/* The short way: nothing shared is written, and of it only the pool's first line is read. */
static struct pool_member *take_warm(struct pool_slice *s, struct pool_waiter *w, usec_t now)
{
	if (s->n_idle == 0 || s->paused || pool_parts_is_short(s->shared))
		return NULL;
	struct pool_member *m = pool_member_pick(s, w);
	if (pool_member_is_stale(m) || pool_member_is_expired(m, now) ||
	    pool_member_wants_ping(m, now))
		return NULL;
	pool_member_enter(m, POOL_MEMBER_ACTIVE);
	pool_member_link(m, w);
	w->slice = s;
	s->counters.grants++;
	return m;
}

/* Those for whom a login, or a server handed over or being cleaned, is under way do not count. */
static bool is_queue_full(const struct pool_slice *s)
{
	const struct pool_cap *cap = &s->shared->cap;
	int32_t returning = pool_cap_returning(cap);
	if (s->limits.max_waiting == 0 ||
	    atomic_load(&pool_parts_line(s)->need) <= s->n_logins + returning)
		return false;
	int32_t coming = atomic_load(&s->shared->logins) + returning;
	return atomic_load(&s->shared->waiting) - coming > s->limits.max_waiting;
}

struct pool_member *pool_request(struct pool_slice *s, struct pool_waiter *w, usec_t now)
{
	BUG_ON(w->state != POOL_WAITER_OUT);
	s->counters.requests++;
	struct pool_member *warm = take_warm(s, w, now);
	if (warm)
		return warm;
	pool_queue_add(s, w, now);
	pool_settle(s, now);
	if (pool_order_take_last_grant(&s->worker->orders, w))
		return w->last;
	if (w->state == POOL_WAITER_QUEUED && is_queue_full(s)) {
		pool_queue_refuse(w, POOL_REASON_QUEUE_FULL);
		pool_settle(s, now);
	}
	return NULL;
}

/* The short way of what comes back while clients of ours wait and nobody else: it goes to the first
 * of them, and no other worker is told of a server that idles. */
static bool pass_on(struct pool_member *m, usec_t now)
{
	struct pool_slice *s = m->slice;
	if (!pool_settle_is_own_turn(s) || m->is_returning || pool_member_is_stale(m) ||
	    pool_member_is_expired(m, now))
		return false;
	pool_queue_grant(pool_queue_head(s), m);
	return true;
}

/* Where it idles, if it may, and is given out again, if somebody waits. */
static void place(struct pool_member *m, usec_t now)
{
	struct pool_slice *s = m->slice;
	enum pool_reason why = POOL_REASON_NONE;
	if (s->paused)
		why = POOL_REASON_PAUSED;
	else if (pool_member_is_stale(m))
		why = POOL_REASON_STALE;
	else if (pool_member_is_expired(m, now))
		why = POOL_REASON_RECYCLED;
	if (why != POOL_REASON_NONE) {
		pool_member_close(m, why, NULL);
	} else {
		pool_member_enter(m, POOL_MEMBER_IDLE);
		pool_parts_soon(s, usec_after(m->idle_since, s->limits.idle_timeout_us));
		if (s->limits.recycle_us != 0)
			pool_parts_soon(s, m->recycle_at);
	}
	if (!pool_settle_is_calm(s))
		pool_settle(s, now);
}

void pool_leave(struct pool_waiter *w, usec_t now)
{
	struct pool_slice *s = w->slice;
	struct pool_order order;
	if (w->state != POOL_WAITER_OUT) {
		pool_queue_remove(w);
		if (s->blocked_on)
			pool_settle(s, now);
	} else if (s && s->worker->orders.count > 0 &&
		   pool_order_forget_waiter(&s->worker->orders, w, &order) &&
		   order.kind == POOL_ORDER_GRANT) {
		place(order.member, now);
	}
}

/* ---- servers ---------------------------------------------------------------------------- */

void pool_opened(struct pool_member *m, usec_t now)
{
	struct pool_shared *p = m->shared;
	if ((int32_t)(m->generation - atomic_load(&p->reconnect_at)) >= 0)
		m->generation = atomic_load(&p->generation); /* a ping that failed was not of it */
	m->opened_at = now;
	m->idle_since = now;
	pool_member_aged(m);
	m->slice->counters.opened++;
	pool_open_succeeded(m->slice);
	place(m, now);
}

/* One server less. */
static void after_loss(struct pool_slice *s, usec_t now)
{
	if (pool_shared_is_failing(s->shared, now))
		pool_open_wake_short(s->worker, s->shared);
	pool_settle(s, now);
	pool_open_keep_min(s, now);
}

static void be_gone(struct pool_member *m)
{
	pool_open_give_back(m);
	pool_member_enter(m, POOL_MEMBER_GONE);
}

void pool_open_failed(struct pool_member *m, usec_t now)
{
	BUG_ON(m->state != POOL_MEMBER_LOGIN);
	m->slice->counters.open_failures++;
	pool_open_backed_off(m->slice, now);
	be_gone(m);
	after_loss(m->slice, now);
}

void pool_returning(struct pool_member *m)
{
	if (m->is_returning || m->state != POOL_MEMBER_ACTIVE)
		return;
	m->is_returning = true;
	atomic_fetch_add(&pool_parts_line(m->slice)->returning, 1);
}

/* Several may have counted on one that was returning: those that it has not served look again. */
static void after_returning(struct pool_slice *s, bool was_returning)
{
	if (was_returning)
		pool_open_wake_short(s->worker, s->shared);
}

void pool_return(struct pool_member *m, usec_t now)
{
	struct pool_slice *s = m->slice;
	bool was_returning = m->is_returning;
	if (m->state == POOL_MEMBER_CLOSING)
		return;
	BUG_ON(m->state != POOL_MEMBER_ACTIVE);
	m->idle_since = now;
	if (pass_on(m, now))
		return;
	place(m, now);
	after_returning(s, was_returning);
}

/* An order that was not yet carried out and no longer can be. */
static void undo_order(struct pool_member *m, const struct pool_order *order)
{
	if (order->kind == POOL_ORDER_GRANT) {
		pool_queue_ungrant(order->waiter);
	} else if (order->kind == POOL_ORDER_HAND) {
		struct pool_cap *cap = &m->shared->cap;
		atomic_fetch_add(&cap->lines[order->worker].need, 1);
		pool_order_wake(&m->slice->worker->orders, cap, order->worker);
	}
}

void pool_lost(struct pool_member *m, usec_t now)
{
	struct pool_slice *s = m->slice;
	struct pool_order order = { .kind = POOL_ORDER_CLOSE };
	bool was_returning = m->is_returning;
	bool was_ordered = s->worker->orders.count > 0 &&
			   pool_order_forget_member(&s->worker->orders, m, &order);
	BUG_ON(m->state == POOL_MEMBER_MOVING && !was_ordered);
	if (was_ordered)
		undo_order(m, &order);
	if (m->state == POOL_MEMBER_PINGING)
		pool_member_invalidate(m);
	if (m->waiter)
		pool_queue_unbind(m->waiter);
	if (m->state != POOL_MEMBER_CLOSING)
		s->counters.lost++;
	be_gone(m);
	after_loss(s, now);
	after_returning(s, was_returning);
}

void pool_ping_ok(struct pool_member *m, usec_t now)
{
	struct pool_waiter *w = m->waiter;
	if (m->state == POOL_MEMBER_CLOSING)
		return;
	BUG_ON(m->state != POOL_MEMBER_PINGING);
	m->idle_since = now;
	if (w && !m->slice->paused && !pool_member_is_stale(m)) {
		pool_queue_grant(w, m);
		return;
	}
	if (w)
		pool_queue_unbind(w);
	place(m, now);
}

void pool_ping_failed(struct pool_member *m, usec_t now)
{
	if (m->state == POOL_MEMBER_CLOSING)
		return;
	BUG_ON(m->state != POOL_MEMBER_PINGING);
	pool_member_invalidate(m);
	if (m->waiter)
		pool_queue_unbind(m->waiter);
	pool_member_close(m, POOL_REASON_PING_FAILED, NULL);
	pool_settle(m->slice, now);
}

/* ---- mail from other workers -------------------------------------------------------------- */

void pool_adopt(struct pool_slice *s, struct pool_member *m, usec_t now)
{
	BUG_ON(m->state != POOL_MEMBER_MOVING || m->shared != s->shared);
	m->slice = s;
	if (m->idle_since == USEC_NEVER)
		m->idle_since = now;
	pool_member_aged(m);
	s->counters.adopted++;
	atomic_fetch_add(&pool_parts_line(s)->need, 1);
	place(m, now);
}

void pool_wake(struct pool_worker *w, struct pool_cap *cap, usec_t now)
{
	struct pool_cap_line *line = &cap->lines[w->index];
	atomic_store(&line->rung, false);
	bool was_asked = atomic_exchange(&line->asked, false);
	if (line->slice)
		pool_settle(line->slice, now);
	else
		pool_settle_freed(w, cap, now);
	/* `asked` is of a pool's own cap: the slice that had something idle may have ended since */
	if (was_asked && !(line->slice && line->slice->n_idle > 0))
		pool_open_wake_short(w, cap->pool);
	pool_open_wake_wanting(w, cap);
}

void pool_evict(struct pool_worker *w, struct pool_cap *cap, usec_t now)
{
	atomic_store(&cap->lines[w->index].evict_rung, false);
	pool_settle_evict(w, cap, now);
}

/* ---- time, and the operator ---------------------------------------------------------------- */

void pool_tick(struct pool_slice *s, usec_t now)
{
	if (now < s->due)
		return;
	s->due = USEC_NEVER;
	pool_queue_expire(s, now);
	pool_settle_sweep(s, now);
	pool_settle(s, now);
	pool_open_keep_min(s, now);
}

void pool_sweep(struct pool_slice *s, usec_t now)
{
	pool_parts_soon(s, now);
	pool_tick(s, now);
}

static void age_all(const struct list *members)
{
	LIST_EACH (node, tmp, members)
		pool_member_aged(LIST_ENTRY(node, struct pool_member, on_slice));
}

void pool_configure(struct pool_slice *s, const struct pool_limits *limits, usec_t now)
{
	s->limits = *limits;
	age_all(&s->members);
	age_all(&s->idle);
	s->shedding = true; /* shed() looks, and says when it is over */
	pool_sweep(s, now);
}

bool pool_is_drained(const struct pool_slice *s)
{
	return s->n_idle + s->n_active + s->n_pinging + s->n_logins + s->n_closing == 0;
}

bool pool_is_stale(const struct pool_member *m)
{
	return pool_member_is_stale(m);
}

bool pool_pause(struct pool_slice *s, usec_t now)
{
	s->paused = true;
	pool_queue_publish(s);
	LIST_EACH (node, tmp, &s->idle)
		pool_member_close(LIST_ENTRY(node, struct pool_member, on_slice),
				  POOL_REASON_PAUSED, NULL);
	s->drained_told = pool_is_drained(s);
	pool_settle(s, now);
	return s->drained_told;
}

void pool_resume(struct pool_slice *s, usec_t now)
{
	s->paused = false;
	s->drained_told = false;
	pool_queue_publish(s);
	pool_sweep(s, now);
}

static void kill_all(struct list *members)
{
	LIST_EACH (node, tmp, members) {
		struct pool_member *m = LIST_ENTRY(node, struct pool_member, on_slice);
		if (m->state == POOL_MEMBER_LOGIN || m->state == POOL_MEMBER_CLOSING)
			continue;
		if (m->waiter)
			pool_queue_unbind(m->waiter);
		pool_member_close(m, POOL_REASON_KILLED, NULL);
	}
}

void pool_kill(struct pool_slice *s, usec_t now)
{
	kill_all(&s->idle);
	bool was_returning = atomic_load(&pool_parts_line(s)->returning) > 0;
	kill_all(&s->members);
	pool_settle(s, now);
	after_returning(s, was_returning);
}

void pool_stats(const struct pool_slice *s, struct pool_stats *out)
{
	const struct pool_waiter *first = LIST_FIRST(&s->queue, struct pool_waiter, on_slice);
	const struct pool_waiter *bound = LIST_FIRST(&s->pinging, struct pool_waiter, on_slice);
	*out = (struct pool_stats){
		.counters = s->counters,
		.idle = s->n_idle,
		.active = s->n_active,
		.pinging = s->n_pinging,
		.logins = s->n_logins,
		.closing = s->n_closing,
		.waiting = s->n_queue + s->n_bound,
		.oldest_us = usec_min(first ? first->queued_at : USEC_NEVER,
				      bound ? bound->queued_at : USEC_NEVER),
		.used = permits_used(&s->shared->cap.permits),
		.limit = permits_limit(&s->shared->cap.permits),
		.paused = s->paused,
	};
}
