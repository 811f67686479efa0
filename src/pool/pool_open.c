/*
 * pool_open.c - when a server may be opened: permits, back-off, overflow_delay.
 *
 * A login needs a permit of each cap that it counts against. All are looked at before
 * the first is taken, so that workers that cannot succeed do not disturb one another;
 * a race lost in between gives back what was taken and looks again. A permit of a shared
 * cap is for who waits longest for it, in whichever pool and worker.
 *
 * After a failed login nobody in any worker tries before `retry_at`. Then one does
 * (who moves retry_at on), and so on until one succeeds, which sets it to 0.
 */
#include "pool/pool_parts.h"

#define SHORTEST_RETRY_US USEC_PER_MSEC /* server_login_retry = 0 is no reason to spin */

static void wake_before(struct pool_worker *w, struct pool_cap *cap, usec_t before)
{
	unsigned worker;
	if (pool_cap_next_wanted(cap, before, &worker))
		pool_order_wake(&w->orders, cap, worker);
}

void pool_open_wake_wanting(struct pool_worker *w, struct pool_cap *cap)
{
	wake_before(w, cap, USEC_NEVER);
}

static void give_back(struct pool_slice *s, const struct pool_parts_caps *caps, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		permits_give(&caps->cap[i]->permits);
		pool_open_wake_wanting(s->worker, caps->cap[i]);
	}
}

void pool_open_give_back(struct pool_member *m)
{
	struct pool_parts_caps caps = pool_parts_caps(m->shared);
	for (unsigned i = 0; i < caps.n; i++) {
		if (m->state == POOL_MEMBER_CLOSING)
			permits_give_left(&caps.cap[i]->permits);
		else
			permits_give(&caps.cap[i]->permits);
		pool_open_wake_wanting(m->slice->worker, caps.cap[i]);
	}
}

/* Of a shared cap: are there permits for all who wait for it, or do we wait longest? */
static bool is_our_turn(const struct pool_slice *s, const struct pool_cap *cap)
{
	const struct pool_waiter *head = pool_queue_head(s);
	int32_t others = atomic_load(&cap->hungry) - (s->blocked_on == cap ? s->hungry : 0);
	int32_t spare = permits_limit(&cap->permits) - permits_used(&cap->permits);
	return others <= 0 || spare > others ||
	       pool_cap_since(cap) >= (head ? head->queued_at : USEC_NEVER);
}

/*
 * Who finds that it is another's turn says that it wants to be woken, looks again, and sees
 * to it that the other is woken, who takes the permit or passes the wake on (pool_wake).
 */
static bool is_ready(struct pool_slice *s, struct pool_cap *cap, int32_t bound)
{
	if (!pool_cap_is_ready(cap, s->worker->index, bound))
		return false;
	bool is_ours = cap == &s->shared->cap && atomic_load(&cap->hungry) == 0;
	if (is_ours || is_our_turn(s, cap))
		return true;
	pool_cap_want(cap, s->worker->index);
	if (is_our_turn(s, cap))
		return true;
	const struct pool_waiter *head = pool_queue_head(s);
	if (head)
		wake_before(s->worker, cap, head->queued_at);
	return false;
}

/* False: *blocker is the cap that is full, and this worker is woken when it no longer is. */
static bool take_permits(struct pool_slice *s, int32_t bound, struct pool_cap **blocker)
{
	struct pool_parts_caps caps = pool_parts_caps(s->shared);
	for (;;) {
		for (unsigned i = 0; i < caps.n; i++) {
			*blocker = caps.cap[i];
			if (!is_ready(s, caps.cap[i], i == 0 ? bound : PERMITS_UNLIMITED))
				return false;
		}
		unsigned taken = 0;
		while (taken < caps.n && permits_take(&caps.cap[taken]->permits,
						      taken == 0 ? bound : PERMITS_UNLIMITED))
			taken++;
		if (taken == caps.n)
			return true;
		give_back(s, &caps, taken);
	}
}

static usec_t retry_at_from(const struct pool_slice *s, usec_t now)
{
	usec_t length = s->limits.login_retry_us;
	return usec_after(now, length < SHORTEST_RETRY_US ? SHORTEST_RETRY_US : length);
}

/* May we log in at all? Where the last login failed, only one tries at a time. */
static bool pass_back_off(struct pool_slice *s, usec_t retry_at, usec_t now)
{
	if (retry_at == 0)
		return true;
	return atomic_compare_exchange_strong(&s->shared->retry_at, &retry_at,
					      retry_at_from(s, now));
}

static bool is_backing_off(struct pool_slice *s, usec_t retry_at, usec_t now)
{
	if (now >= retry_at)
		return false;
	pool_parts_soon(s, retry_at);
	return true;
}

static void order_open(struct pool_slice *s)
{
	s->n_logins++;
	atomic_fetch_add(&s->shared->logins, 1);
	pool_order_add(&s->worker->orders,
		       (struct pool_order){ .kind = POOL_ORDER_OPEN, .slice = s });
}

static bool take_and_order(struct pool_slice *s, int32_t bound, struct pool_cap **blocker,
			   usec_t retry_at, usec_t now)
{
	if (!take_permits(s, bound, blocker))
		return false;
	*blocker = NULL;
	if (!pass_back_off(s, retry_at, now)) {
		struct pool_parts_caps caps = pool_parts_caps(s->shared);
		give_back(s, &caps, caps.n);
		pool_parts_soon(s, atomic_load(&s->shared->retry_at));
		return false;
	}
	order_open(s);
	return true;
}

/*
 * How many may be used once the new one is. With an overflow_delay, what lies above
 * pool_size is opened one by one, for a waiter that has waited that long.
 */
static int32_t open_bound(struct pool_slice *s, usec_t now)
{
	const struct pool_waiter *head = pool_queue_head(s);
	if (s->limits.overflow_delay_us == 0 || !head)
		return PERMITS_UNLIMITED;
	usec_t from = usec_after(head->queued_at, s->limits.overflow_delay_us);
	if (now >= from && s->n_logins == 0)
		return PERMITS_UNLIMITED;
	if (now < from)
		pool_parts_soon(s, from);
	return atomic_load(&s->shared->cap.held);
}

bool pool_open_one(struct pool_slice *s, struct pool_cap **blocked_on, usec_t now)
{
	usec_t retry_at = atomic_load(&s->shared->retry_at);
	*blocked_on = NULL;
	if (s->paused || is_backing_off(s, retry_at, now))
		return false;
	struct pool_cap *blocker = NULL;
	if (take_and_order(s, open_bound(s, now), &blocker, retry_at, now))
		return true;
	*blocked_on = blocker == &s->shared->cap ? NULL : blocker;
	return false;
}

/* Never at the cost of somebody who waits under the same caps. */
static bool is_room_for_min(struct pool_slice *s)
{
	struct pool_parts_caps caps = pool_parts_caps(s->shared);
	for (unsigned i = 1; i < caps.n; i++)
		if (atomic_load(&caps.cap[i]->hungry) > 0 ||
		    !permits_is_free(&caps.cap[i]->permits, PERMITS_UNLIMITED))
			return false;
	return true;
}

void pool_open_keep_min(struct pool_slice *s, usec_t now)
{
	int32_t min = pool_parts_min(s);
	struct permits *permits = &s->shared->cap.permits;
	if (s->paused)
		return;
	while (permits_is_free(permits, min)) {
		struct pool_cap *blocker;
		if (atomic_load(&s->shared->cap.hungry) > 0) { /* an outsider's turn */
			pool_parts_soon(s, usec_after(now, POOL_CAP_RETRY_US));
			return;
		}
		usec_t retry_at = atomic_load(&s->shared->retry_at);
		if (is_backing_off(s, retry_at, now))
			return;
		if (!is_room_for_min(s)) {
			pool_parts_soon(s, usec_after(now, POOL_CAP_RETRY_US));
			return;
		}
		if (!take_and_order(s, min, &blocker, retry_at, now)) {
			pool_parts_soon(s, usec_after(now, POOL_CAP_RETRY_US));
			return;
		}
	}
}

void pool_open_backed_off(struct pool_slice *s, usec_t now)
{
	usec_t until = retry_at_from(s, now);
	usec_t before = atomic_load(&s->shared->retry_at);
	while (before < until) /* never earlier: the other workers' timers are set */
		if (atomic_compare_exchange_weak(&s->shared->retry_at, &before, until))
			break;
}

void pool_open_succeeded(struct pool_slice *s)
{
	if (atomic_load(&s->shared->retry_at) == 0)
		return;
	atomic_store(&s->shared->retry_at, 0);
	pool_open_wake_short(s->worker, s->shared);
}

void pool_open_wake_short(struct pool_worker *w, struct pool_shared *p)
{
	uint64_t set = atomic_load(&p->short_of);
	set &= ~((uint64_t)1 << w->index);
	for (; set; set &= set - 1) {
		unsigned worker = (unsigned)__builtin_ctzll(set);
		if (atomic_load(&p->cap.lines[worker].need) > 0)
			pool_order_wake(&w->orders, &p->cap, worker);
	}
}
