/*
 * pool_settle.c - the one decision, taken anew whenever something changed.
 *
 *   1. more is used than a lowered limit allows: close what idles
 *   2. another pool under the same database's or user's cap, or an outsider under ours
 * (proxy/seat.h), waits for longer: close one for it
 *   3. somebody waits: what idles goes to who waits longest, here or in another worker
 *   4. more than pool_size idle: close the oldest
 *   5. we still wait: ask for what idles in other workers, count on what is being made
 *      clean anywhere, open for the rest;
 *      where only a shared cap is in the way, have a server of another pool closed
 *
 * Why nobody waits beside an idle server: who begins to wait says so (pool_queue_publish)
 * and then looks for idle ones in other workers; who has an idle one says so
 * (pool_member_enter) and then looks for somebody short. One of them sees the other, and
 * hands over or asks. Who was asked and has nothing left wakes those who wait, for they
 * may have counted on it instead of opening. Who expects a server (its own login, one
 * handed over) looks again when that fails. The same holds between `hungry` and the
 * idle servers under a shared cap.
 */
#include "pool/pool_parts.h"

static void close_oldest(struct pool_slice *s, enum pool_reason why, struct pool_cap *claimed)
{
	pool_member_close(pool_member_oldest(s), why, claimed);
}

/* ---- 1: limits that were lowered ------------------------------------------------------- */

static void shed(struct pool_slice *s)
{
	struct pool_parts_caps caps = pool_parts_caps(s->shared);
	bool is_more = false;
	for (unsigned i = 0; i < caps.n; i++) {
		struct permits *p = &caps.cap[i]->permits;
		while (s->n_idle > 0 && permits_leave_above(p, permits_limit(p)))
			close_oldest(s, POOL_REASON_SURPLUS, caps.cap[i]);
		is_more |= permits_staying(p) > permits_limit(p);
	}
	s->shedding = is_more;
}

/* ---- 2: other pools under the same cap --------------------------------------------------- */

/* Since when the longest waiter of this set of workers waits with no server under way to it. */
static usec_t longest_short(const struct pool_shared *p, uint64_t set, unsigned *worker)
{
	usec_t since = USEC_NEVER;
	for (set &= atomic_load(&p->short_of); set; set &= set - 1) {
		unsigned i = (unsigned)__builtin_ctzll(set);
		usec_t t = atomic_load(&p->cap.lines[i].since);
		if (t < since && atomic_load(&p->cap.lines[i].need) > 0) {
			since = t;
			*worker = i;
		}
	}
	return since;
}

/* Is somebody short for whom an idle server of ours should be closed? */
static bool should_yield(const struct pool_slice *s, const struct pool_cap *cap)
{
	unsigned worker;
	if (!pool_cap_is_hungry(cap))
		return false;
	usec_t ours = longest_short(s->shared, UINT64_MAX, &worker);
	return ours == USEC_NEVER || usec_after(pool_cap_since(cap), POOL_EVICT_MARGIN_US) < ours;
}

static void yield(struct pool_slice *s)
{
	if (s->n_idle == 0)
		return;
	struct pool_parts_caps caps = pool_parts_caps(s->shared);
	for (unsigned i = 0; i < caps.n; i++)
		while (s->n_idle > 0 && should_yield(s, caps.cap[i]) &&
		       pool_cap_claim_eviction(caps.cap[i]))
			close_oldest(s, POOL_REASON_EVICTED, caps.cap[i]);
}

static bool is_under(const struct pool_slice *s, const struct pool_cap *cap)
{
	return &s->shared->cap == cap || s->shared->db == cap || s->shared->user == cap;
}

/* Of this worker's slices under the cap, the one whose server has idled longest. */
static struct pool_slice *find_victim(const struct pool_worker *w, const struct pool_cap *cap)
{
	struct pool_slice *found = NULL;
	usec_t since = USEC_NEVER;
	LIST_EACH (node, tmp, &w->slices) {
		struct pool_slice *s = LIST_ENTRY(node, struct pool_slice, on_worker);
		if (s->n_idle == 0 || !is_under(s, cap) || !should_yield(s, cap))
			continue;
		usec_t idle = LIST_LAST(&s->idle, struct pool_member, on_slice)->idle_since;
		if (idle < since) {
			since = idle;
			found = s;
		}
	}
	return found;
}

void pool_settle_evict(struct pool_worker *w, struct pool_cap *cap, usec_t now)
{
	struct pool_slice *s;
	(void)now;
	while ((s = find_victim(w, cap)) && pool_cap_claim_eviction(cap))
		close_oldest(s, POOL_REASON_EVICTED, cap);
}

/* Asks every worker where servers of other pools idle under the cap. */
static void order_evictions(struct pool_slice *s, struct pool_cap *cap, usec_t now)
{
	pool_settle_evict(s->worker, cap, now);
	for (unsigned i = 0; i < cap->workers; i++) {
		int32_t others = atomic_load(&cap->lines[i].idle) -
				 atomic_load(&s->shared->cap.lines[i].idle);
		if (i == s->worker->index || others <= 0 || !pool_cap_is_hungry(cap))
			continue;
		if (atomic_exchange(&cap->lines[i].evict_rung, true))
			continue;
		pool_order_add(
			&s->worker->orders,
			(struct pool_order){ .kind = POOL_ORDER_EVICT, .worker = i, .cap = cap });
	}
}

static void publish_blocked_since(const struct pool_worker *w, struct pool_cap *cap)
{
	usec_t since = USEC_NEVER;
	LIST_EACH (node, tmp, &w->slices) {
		struct pool_slice *s = LIST_ENTRY(node, struct pool_slice, on_worker);
		const struct pool_waiter *head = pool_queue_head(s);
		if (s->blocked_on == cap && head)
			since = usec_min(since, head->queued_at);
	}
	atomic_store(&cap->lines[w->index].since, since);
}

static void publish_hunger(struct pool_slice *s, struct pool_cap *cap, int32_t change)
{
	publish_blocked_since(s->worker, cap);
	if (change != 0)
		atomic_fetch_add(&cap->hungry, change);
}

void pool_settle_blocked(struct pool_slice *s, struct pool_cap *cap, int32_t n)
{
	struct pool_cap *before = s->blocked_on;
	int32_t hungry = s->hungry;
	s->blocked_on = cap;
	s->hungry = n;
	if (before && before != cap)
		publish_hunger(s, before, -hungry);
	if (cap)
		publish_hunger(s, cap, n - (before == cap ? hungry : 0));
}

/* ---- 3: who waits longest ------------------------------------------------------------------ */

static bool claim_need(struct pool_cap_line *line)
{
	int32_t need = atomic_load(&line->need);
	while (need > 0)
		if (atomic_compare_exchange_weak(&line->need, &need, need - 1))
			return true;
	return false;
}

static void hand_over(struct pool_slice *s, struct pool_member *m, unsigned worker, usec_t now)
{
	pool_member_enter(m, POOL_MEMBER_MOVING);
	if (m->idle_since == now)
		m->idle_since = USEC_NEVER;
	s->counters.handed++;
	pool_order_add(&s->worker->orders, (struct pool_order){ .kind = POOL_ORDER_HAND,
								.worker = worker,
								.slice = s,
								.member = m });
}

/* An idle server fit to be given out; those that are not are closed. */
static struct pool_member *pick_fit(struct pool_slice *s, const struct pool_waiter *w, usec_t now)
{
	struct pool_member *m;
	while ((m = pool_member_pick(s, w)) != NULL) {
		if (pool_member_is_stale(m))
			pool_member_close(m, POOL_REASON_STALE, NULL);
		else if (pool_member_is_expired(m, now))
			pool_member_close(m, POOL_REASON_RECYCLED, NULL);
		else
			break;
	}
	return m;
}

static void distribute(struct pool_slice *s, usec_t now)
{
	while (s->n_idle > 0) {
		struct pool_waiter *own = pool_queue_head(s);
		unsigned worker = 0;
		usec_t since =
			longest_short(s->shared, ~((uint64_t)1 << s->worker->index), &worker);
		bool is_other = since != USEC_NEVER;
		if (own && is_other && own->queued_at <= usec_after(since, POOL_HAND_MARGIN_US))
			is_other = false;
		if (!own && !is_other)
			return;
		struct pool_member *m = pick_fit(s, is_other ? NULL : own, now);
		if (!m)
			return;
		if (is_other) {
			if (claim_need(&s->shared->cap.lines[worker]))
				hand_over(s, m, worker, now);
		} else if (pool_member_wants_ping(m, now)) {
			pool_queue_bind(own, m);
		} else {
			pool_queue_grant(own, m);
		}
	}
}

/* ---- 4: what idles beyond pool_size --------------------------------------------------------- */

static void trim(struct pool_slice *s)
{
	int32_t keep = s->limits.pool_size;
	const struct pool_cap *cap = &s->shared->cap;
	if (s->n_idle == 0 || keep == 0 || permits_used(&cap->permits) <= keep)
		return;
	while (s->n_idle > 0 && pool_cap_idle(cap) > keep)
		close_oldest(s, POOL_REASON_OVERFLOW, NULL);
}

/* ---- 5: what we are short of ------------------------------------------------------------------
 */

/* Asks workers where servers idle, as many as we need; returns how many they have. */
static int32_t ask_others(struct pool_slice *s, int32_t need)
{
	struct pool_cap *cap = &s->shared->cap;
	int32_t found = 0;
	for (unsigned i = 0; i < cap->workers && found < need; i++) {
		int32_t idle = atomic_load(&cap->lines[i].idle);
		if (i == s->worker->index || idle <= 0)
			continue;
		found += idle;
		atomic_store(&cap->lines[i].asked, true);
		pool_order_wake(&s->worker->orders, cap, i);
	}
	return found;
}

/*
 * Those that are being made clean, here or elsewhere, come back by themselves and are then given to
 * who waits longest: who looks for them here looks again when one does not.
 */
static int32_t count_returning(struct pool_slice *s, usec_t now)
{
	int32_t returning = pool_cap_returning(&s->shared->cap);
	usec_t until = usec_after(pool_queue_head(s)->queued_at, POOL_RETURN_US);
	if (returning == 0 || now >= until)
		return 0;
	pool_parts_soon(s, until);
	return returning;
}

static void seek(struct pool_slice *s, usec_t now)
{
	struct pool_cap *blocked_on = NULL;
	if (s->blocked_on) /* the head may be another now: nobody defers to one who left */
		publish_blocked_since(s->worker, s->blocked_on);
	if (pool_queue_head(s) && pool_shared_is_failing(s->shared, now))
		pool_queue_refuse_all(s, POOL_REASON_LOGIN_FAILED);
	int32_t need = pool_queue_head(s) ? atomic_load(&pool_parts_line(s)->need) : 0;
	int32_t want = need > 0 ? need - ask_others(s, need) - s->n_logins : 0;
	if (want > 0)
		want -= count_returning(s, now);
	while (want > 0 && pool_open_one(s, &blocked_on, now))
		want--;
	pool_settle_blocked(s, blocked_on, blocked_on ? want : 0);
	if (blocked_on)
		order_evictions(s, blocked_on, now);
}

static void tell_drained(struct pool_slice *s)
{
	bool is_drained = s->paused && pool_is_drained(s);
	if (is_drained && !s->drained_told)
		pool_order_add(&s->worker->orders,
			       (struct pool_order){ .kind = POOL_ORDER_DRAINED, .slice = s });
	s->drained_told = is_drained;
}

static bool is_another_pool_hungry(const struct pool_shared *p)
{
	return (p->db && atomic_load(&p->db->hungry) > 0) ||
	       (p->user && atomic_load(&p->user->hungry) > 0);
}

bool pool_settle_is_calm(const struct pool_slice *s)
{
	const struct pool_shared *p = s->shared;
	if (pool_parts_is_short(p) || s->shedding || s->paused)
		return false;
	if (s->limits.pool_size > 0 && permits_used(&p->cap.permits) > s->limits.pool_size)
		return false;
	return !is_another_pool_hungry(p);
}

bool pool_settle_is_own_turn(const struct pool_slice *s)
{
	const struct pool_shared *p = s->shared;
	uint64_t ours = (uint64_t)1 << s->worker->index;
	return atomic_load(&p->short_of) == ours && s->n_idle == 0 && !s->shedding && !s->paused &&
	       atomic_load(&p->cap.hungry) == 0 && !is_another_pool_hungry(p);
}

void pool_settle(struct pool_slice *s, usec_t now)
{
	if (s->shedding)
		shed(s);
	yield(s);
	distribute(s, now);
	yield(s); /* what nobody of this pool wants */
	trim(s);
	seek(s, now);
	tell_drained(s);
}

/* A permit of a shared cap is free: our slices that it blocked look again, the longest first. */
void pool_settle_freed(struct pool_worker *w, struct pool_cap *cap, usec_t now)
{
	for (;;) {
		struct pool_slice *found = NULL;
		usec_t since = USEC_NEVER;
		LIST_EACH (node, tmp, &w->slices) {
			struct pool_slice *s = LIST_ENTRY(node, struct pool_slice, on_worker);
			const struct pool_waiter *head = pool_queue_head(s);
			if (s->blocked_on == cap && head && head->queued_at < since) {
				since = head->queued_at;
				found = s;
			}
		}
		if (!found)
			return;
		pool_settle(found, now);
		if (found->blocked_on == cap)
			return;
	}
}

/* ---- time ------------------------------------------------------------------------------------ */

static bool sweep_one(struct pool_slice *s, struct pool_member *m, usec_t now)
{
	struct pool_cap *cap = &s->shared->cap;
	usec_t idle_until = usec_after(m->idle_since, s->limits.idle_timeout_us);
	if (pool_member_is_stale(m)) {
		pool_member_close(m, POOL_REASON_STALE, NULL);
	} else if (pool_member_is_expired(m, now)) {
		pool_member_close(m, POOL_REASON_RECYCLED, NULL);
	} else if (now >= idle_until) {
		if (!permits_leave_above(&cap->permits, pool_parts_min(s)))
			return false;
		pool_member_close(m, POOL_REASON_IDLE_TIMEOUT, cap);
	} else {
		pool_parts_soon(s, idle_until);
		if (s->limits.recycle_us != 0)
			pool_parts_soon(s, m->recycle_at);
	}
	return true;
}

void pool_settle_sweep(struct pool_slice *s, usec_t now)
{
	bool is_kept_for_min = false;
	for (struct list *node = s->idle.prev, *next; node != &s->idle; node = next) {
		next = node->prev;
		struct pool_member *m = LIST_ENTRY(node, struct pool_member, on_slice);
		is_kept_for_min |= !sweep_one(s, m, now);
	}
	if (is_kept_for_min)
		pool_parts_soon(s, usec_after(now, USEC_PER_SEC));
}
