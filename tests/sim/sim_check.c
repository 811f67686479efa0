/*
 * sim_check.c - what must hold: after every event, at every grant, opening, refusal and end.
 *
 * Where workers learn of one another by mail, "must" means "before so many mails could have
 * come and gone": settle_us().
 */
#include "sim_world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

NORETURN void sim_check_failed(const struct sim_world *w, const char *file, int line,
			       const char *cond)
{
	fprintf(stderr, "sim_pool: %s:%d: does not hold: %s\n", file, line, cond);
	fprintf(stderr,
		"sim_pool: world %" PRIu64 ", step %ld, time %" PRId64
		": see it again with: sim_pool --world %" PRIu64 "\n",
		w->seed, w->step, w->now, w->seed);
	exit(1);
}

static usec_t settle_us(const struct sim_world *w)
{
	return (w->n_workers + 4) * w->habits.mail_max_us;
}

static bool is_here(const struct sim_server *srv)
{
	return srv->state != SIM_FREE;
}

/* ---- counts ---------------------------------------------------------------------------------- */

struct tally {
	int32_t logins, idle, active, cleaned, pinged, closed;
};

static void tally_server(struct tally *t, const struct sim_server *srv, const struct sim_world *w)
{
	static const enum pool_member_state states[] = {
		[SIM_FREE] = POOL_MEMBER_GONE,      [SIM_LOGIN] = POOL_MEMBER_LOGIN,
		[SIM_IDLE] = POOL_MEMBER_IDLE,      [SIM_ACTIVE] = POOL_MEMBER_ACTIVE,
		[SIM_PINGED] = POOL_MEMBER_PINGING, [SIM_MOVED] = POOL_MEMBER_MOVING,
		[SIM_CLOSED] = POOL_MEMBER_CLOSING, [SIM_CLEANED] = POOL_MEMBER_ACTIVE,
	};
	SIM_CHECK(w, srv->member.state == states[srv->state]);
	SIM_CHECK(w, (srv->state == SIM_ACTIVE) == (srv->client != NULL));
	SIM_CHECK(w, !srv->client || srv->client->server == srv);
	SIM_CHECK(w, !srv->member.last || srv->member.last->last == &srv->member);
	t->logins += srv->state == SIM_LOGIN;
	t->idle += srv->state == SIM_IDLE;
	t->active += srv->state == SIM_ACTIVE || srv->state == SIM_CLEANED;
	t->cleaned += srv->state == SIM_CLEANED;
	t->pinged += srv->state == SIM_PINGED;
	t->closed += srv->state == SIM_CLOSED;
}

static void check_pool_counts(struct sim_world *w, struct sim_pool *p, const struct tally *tallies)
{
	int32_t idle = 0, logins = 0, waiting = 0, closed = 0;
	for (unsigned k = 0; k < w->n_workers; k++) {
		const struct pool_slice *s = &p->slices[k];
		const struct tally *t = &tallies[k];
		SIM_CHECK(w, pool_slice_here(&w->workers[k].pool_worker, &p->shared) ==
				     (p->is_here[k] ? s : NULL));
		SIM_CHECK(w, s->n_logins == t->logins && s->n_idle == t->idle);
		SIM_CHECK(w, s->n_active == t->active && s->n_pinging == t->pinged);
		SIM_CHECK(w, s->n_closing == t->closed);
		SIM_CHECK(w, atomic_load(&p->shared.cap.lines[k].idle) == s->n_idle);
		SIM_CHECK(w, atomic_load(&p->shared.cap.lines[k].returning) == t->cleaned);
		SIM_CHECK(w, s->n_idle == 0 || s->n_queue == 0);
		SIM_CHECK(w, s->n_bound <= s->n_pinging);
		SIM_CHECK(w, s->blocked_on || s->hungry == 0);
		idle += t->idle;
		logins += t->logins;
		closed += t->closed;
		waiting += s->n_queue + s->n_bound;
	}
	SIM_CHECK(w, atomic_load(&p->shared.logins) == logins);
	SIM_CHECK(w, atomic_load(&p->shared.waiting) == waiting);
	if (p->unsettled == 0 && p->limits.pool_size > 0)
		SIM_CHECK(w, idle <= p->limits.pool_size);
	SIM_CHECK(w, permits_used(&p->shared.cap.permits) == p->used);
	SIM_CHECK(w, permits_staying(&p->shared.cap.permits) == p->used - closed);
	int32_t limit = permits_limit(&p->shared.cap.permits);
	SIM_CHECK(w, p->used <= limit || p->used <= p->last_used);
	p->last_used = p->used;
}

static void check_caps(struct sim_world *w)
{
	for (unsigned i = 0; i < w->n_caps; i++) {
		struct pool_cap *cap = &w->caps[i];
		int32_t hungry = 0, idle = 0;
		SIM_CHECK(w, permits_used(&cap->permits) == w->cap_used[i]);
		SIM_CHECK(w, w->cap_used[i] <= permits_limit(&cap->permits) ||
				     w->cap_used[i] <= w->cap_last_used[i]);
		w->cap_last_used[i] = w->cap_used[i];
		for (unsigned k = 0; k < w->n_workers; k++) {
			idle += atomic_load(&cap->lines[k].idle);
			for (unsigned n = 0; n < w->n_pools; n++) {
				const struct pool_slice *s = &w->pools[n].slices[k];
				hungry += s->blocked_on == cap ? s->hungry : 0;
				if (s->shared->db == cap || s->shared->user == cap)
					idle -= s->n_idle;
			}
		}
		SIM_CHECK(w, idle == 0);
		SIM_CHECK(w, atomic_load(&cap->hungry) == hungry);
	}
}

/* ---- waiting for nothing ------------------------------------------------------------------------
 */

/* `holds` has held since *since, with nobody served in between. */
static void check_lasts(struct sim_world *w, const struct sim_pool *p, usec_t *since, bool holds)
{
	if (!holds) {
		*since = USEC_NEVER;
		return;
	}
	if (*since == USEC_NEVER || *since < p->served_at)
		*since = w->now;
	SIM_CHECK(w, w->now - *since <= settle_us(w));
}

static bool is_idle_elsewhere(const struct sim_world *w, const struct sim_pool *p, unsigned worker)
{
	for (unsigned k = 0; k < w->n_workers; k++)
		if (k != worker && p->slices[k].n_idle > 0)
			return true;
	return false;
}

static bool is_full(const struct pool_cap *cap)
{
	return cap && !permits_is_free(&cap->permits, PERMITS_UNLIMITED);
}

static bool could_open(const struct sim_world *w, const struct sim_pool *p, unsigned worker)
{
	const struct pool_slice *s = &p->slices[worker];
	const struct pool_waiter *head = LIST_FIRST(&s->queue, struct pool_waiter, on_slice);
	int32_t bound = PERMITS_UNLIMITED;
	int32_t need = atomic_load(&p->shared.cap.lines[worker].need) - s->n_logins;
	if (w->now <= head->queued_at + POOL_RETURN_US)
		need -= pool_cap_returning(&p->shared.cap);
	if (need <= 0)
		return false;
	if (s->limits.overflow_delay_us > 0 &&
	    (s->n_logins > 0 || w->now <= head->queued_at + s->limits.overflow_delay_us))
		bound = atomic_load(&p->shared.cap.held);
	if (s->blocked_on && pool_cap_since(s->blocked_on) < head->queued_at)
		return false; /* somebody else's turn */
	return w->now > atomic_load(&p->shared.retry_at) &&
	       permits_is_free(&p->shared.cap.permits, bound) && !is_full(p->shared.db) &&
	       !is_full(p->shared.user);
}

static bool could_evict(const struct sim_world *w, const struct pool_slice *s)
{
	if (!s->blocked_on || !pool_cap_is_hungry(s->blocked_on))
		return false;
	for (unsigned i = 0; i < w->n_pools; i++) {
		const struct sim_pool *p = &w->pools[i];
		if (atomic_load(&p->shared.short_of) != 0)
			continue;
		if (p->shared.db != s->blocked_on && p->shared.user != s->blocked_on)
			continue;
		for (unsigned k = 0; k < w->n_workers; k++)
			if (p->slices[k].n_idle > 0)
				return true;
	}
	return false;
}

static void check_no_idle_wait(struct sim_world *w, struct sim_pool *p)
{
	for (unsigned k = 0; k < w->n_workers; k++) {
		const struct pool_slice *s = &p->slices[k];
		bool waits = s->n_queue > 0 && !s->paused && p->unsettled == 0;
		bool needs = waits && atomic_load(&p->shared.cap.lines[k].need) > 0;
		bool beside_idle = needs && is_idle_elsewhere(w, p, k);
		check_lasts(w, p, &p->idle_since[k], beside_idle);
		check_lasts(w, p, &p->permit_since[k],
			    needs && !beside_idle && could_open(w, p, k));
		check_lasts(w, p, &p->evict_since[k], needs && !beside_idle && could_evict(w, s));
	}
}

static void check_clients(struct sim_world *w)
{
	for (unsigned i = 0; i < w->n_clients; i++) {
		const struct sim_client *c = &w->clients[i];
		bool is_out = c->waiter.state == POOL_WAITER_OUT;
		SIM_CHECK(w, is_out == (c->state != SIM_WAITS));
		SIM_CHECK(w, (c->state == SIM_SERVED) == (c->server != NULL));
		SIM_CHECK(w, !c->waiter.last || c->waiter.last->last == &c->waiter);
		SIM_CHECK(w, is_out || w->now <= c->deadline);
	}
}

void sim_check_world(struct sim_world *w)
{
	struct tally tallies[SIM_MAX_POOLS][SIM_MAX_WORKERS];
	memset(tallies, 0, sizeof(tallies));
	for (unsigned i = 0; i < w->n_servers; i++) {
		const struct sim_server *srv = &w->servers[i];
		if (is_here(srv))
			tally_server(&tallies[srv->pool][srv->worker], srv, w);
	}
	for (unsigned i = 0; i < w->n_pools; i++) {
		check_pool_counts(w, &w->pools[i], tallies[i]);
		check_no_idle_wait(w, &w->pools[i]);
	}
	check_caps(w);
	check_clients(w);
}

/* ---- at one moment
 * ---------------------------------------------------------------------------------- */

/* Nobody who waits for longer was passed over: here not at all, elsewhere by the margin. */
static void check_order(struct sim_world *w, const struct sim_client *c)
{
	struct sim_pool *p = &w->pools[c->pool];
	for (unsigned k = 0; k < w->n_workers; k++) {
		const struct pool_waiter *head =
			LIST_FIRST(&p->slices[k].queue, struct pool_waiter, on_slice);
		if (!head)
			continue;
		if (k == c->worker)
			SIM_CHECK(w, head->queued_at >= c->asked_at);
		else if (!p->slices[k].paused && atomic_load(&p->shared.cap.lines[k].need) > 0)
			SIM_CHECK(w, head->queued_at + POOL_HAND_MARGIN_US >= c->asked_at);
	}
}

void sim_check_grant(struct sim_world *w, const struct sim_client *c, const struct sim_server *srv)
{
	struct sim_pool *p = &w->pools[c->pool];
	const struct pool_limits *l = &p->slices[c->worker].limits;
	usec_t idle = w->now - srv->last_done;
	SIM_CHECK(w, !p->slices[c->worker].paused || w->is_meddled);
	SIM_CHECK(w, srv->member.generation == atomic_load(&p->shared.generation) || w->is_meddled);
	if (w->pinged_for == c || w->is_meddled)
		return;
	if (l->recycle_us != 0 && l->recycle_us != USEC_NEVER)
		SIM_CHECK(w, w->now - srv->opened_at < l->recycle_us);
	SIM_CHECK(w, srv->was_moved || idle <= l->check_delay_us);
	SIM_CHECK(w, srv->was_moved || !l->pre_ping || idle == 0);
	check_order(w, c);
}

/* No pool opens while another waits longer for the same cap and gets nothing. */
static void check_turn(struct sim_world *w, const struct pool_slice *s, const struct pool_cap *cap)
{
	const struct pool_waiter *head = LIST_FIRST(&s->queue, struct pool_waiter, on_slice);
	int32_t hungry = 0;
	bool is_older = false;
	if (!cap || !head)
		return;
	for (unsigned i = 0; i < w->n_pools; i++) {
		for (unsigned k = 0; k < w->n_workers; k++) {
			const struct pool_slice *other = &w->pools[i].slices[k];
			const struct pool_waiter *first =
				LIST_FIRST(&other->queue, struct pool_waiter, on_slice);
			if (other == s || other->blocked_on != cap || !first)
				continue;
			hungry += other->hungry;
			is_older |= first->queued_at < head->queued_at;
		}
	}
	SIM_CHECK(w, !is_older ||
			     permits_limit(&cap->permits) - permits_used(&cap->permits) >= hungry);
}

void sim_check_open(struct sim_world *w, const struct pool_slice *s, struct sim_pool *p)
{
	const struct pool_waiter *head = LIST_FIRST(&s->queue, struct pool_waiter, on_slice);
	usec_t retry =
		s->limits.login_retry_us < USEC_PER_MSEC ? USEC_PER_MSEC : s->limits.login_retry_us;
	if (p->retry_at != 0) { /* one tries, and the others wait on */
		SIM_CHECK(w, w->is_meddled || w->now >= p->retry_at);
		p->retry_at = w->now + retry;
	}
	if (w->is_meddled)
		return;
	SIM_CHECK(w, s->n_logins <= s->n_queue + s->limits.min_pool_size);
	check_turn(w, s, p->shared.db);
	check_turn(w, s, p->shared.user);
	if (p->unsettled == 0 && p->used >= atomic_load(&p->shared.cap.held))
		SIM_CHECK(w, head && w->now - head->queued_at >= s->limits.overflow_delay_us);
}

void sim_check_refuse(struct sim_world *w, const struct sim_client *c, enum pool_reason why)
{
	const struct sim_pool *p = &w->pools[c->pool];
	SIM_CHECK(w, c->state == SIM_WAITS);
	if (why == POOL_REASON_TIMEOUT)
		SIM_CHECK(w, w->now >= c->deadline);
	else if (why == POOL_REASON_QUEUE_FULL)
		SIM_CHECK(w, p->slices[c->worker].limits.max_waiting > 0);
	else
		SIM_CHECK(w,
			  why == POOL_REASON_LOGIN_FAILED && w->now < p->retry_at &&
				  (w->is_meddled || permits_staying(&p->shared.cap.permits) == 0));
}

void sim_check_queued(struct sim_world *w, const struct sim_client *c)
{
	const struct sim_pool *p = &w->pools[c->pool];
	const struct pool_slice *s = &p->slices[c->worker];
	int32_t max = s->limits.max_waiting;
	int32_t returning = pool_cap_returning(&p->shared.cap);
	if (atomic_load(&p->shared.cap.lines[c->worker].need) <= s->n_logins + returning)
		return;
	if (c->waiter.state != POOL_WAITER_QUEUED || max == 0)
		return;
	SIM_CHECK(w, atomic_load(&p->shared.waiting) - atomic_load(&p->shared.logins) - returning <=
			     max);
}

void sim_check_close(struct sim_world *w, const struct sim_server *srv, enum pool_reason why)
{
	const struct sim_pool *p = &w->pools[srv->pool];
	const struct pool_limits *l = &p->slices[srv->worker].limits;
	usec_t age = w->now - srv->opened_at;
	SIM_CHECK(w, srv->state != SIM_ACTIVE || why == POOL_REASON_KILLED);
	if (why == POOL_REASON_IDLE_TIMEOUT) {
		SIM_CHECK(w, w->now - srv->last_done >= l->idle_timeout_us);
		int32_t min = l->pool_size > 0 && l->pool_size < l->min_pool_size
				      ? l->pool_size
				      : l->min_pool_size;
		/* by the same tick, others may have been closed for their age */
		if (l->recycle_us == USEC_NEVER && atomic_load(&p->shared.generation) == 1)
			SIM_CHECK(w,
				  w->is_meddled || permits_staying(&p->shared.cap.permits) >= min);
	} else if (why == POOL_REASON_RECYCLED) {
		SIM_CHECK(w, age >= l->recycle_us / 10 * 9);
	} else if (why == POOL_REASON_EVICTED) {
		SIM_CHECK(w, p->shared.db || p->shared.user);
	} else if (why == POOL_REASON_OVERFLOW) {
		SIM_CHECK(w, l->pool_size > 0);
	} else if (why == POOL_REASON_PAUSED) {
		SIM_CHECK(w, p->slices[srv->worker].paused);
	}
}

void sim_check_calm(struct sim_world *w)
{
	for (unsigned i = 0; i < w->n_pools; i++) {
		const struct sim_pool *p = &w->pools[i];
		const struct pool_limits *l = &p->limits;
		int32_t min = l->min_pool_size;
		if (l->pool_size > 0 && l->pool_size < min)
			min = l->pool_size;
		SIM_CHECK(w, p->unsettled == 0 && atomic_load(&p->shared.waiting) == 0);
		bool is_held = false;
		for (unsigned k = 0; k < w->n_workers; k++)
			is_held |= p->is_here[k];
		SIM_CHECK(w, !is_held || p->used >= min || is_full(p->shared.db) ||
				     is_full(p->shared.user));
	}
}

/* Nothing of it is left, not even in the mail. */
void sim_check_end(struct sim_world *w, unsigned pool, unsigned worker)
{
	const struct sim_worker *at = &w->workers[worker];
	for (unsigned i = 0; i < w->n_servers; i++) {
		const struct sim_server *srv = &w->servers[i];
		SIM_CHECK(w, !is_here(srv) || srv->state == SIM_MOVED || srv->pool != pool ||
				     srv->worker != worker);
	}
	for (size_t i = 0; i < at->count; i++) {
		const struct sim_mail *mail = &at->box[(at->first + i) % SIM_BOX];
		SIM_CHECK(w, mail->kind != SIM_MAIL_HAND || mail->server->pool != pool);
	}
	for (unsigned i = 0; i < w->n_clients; i++) {
		const struct sim_client *c = &w->clients[i];
		SIM_CHECK(w, c->state == SIM_THINKS || c->pool != pool || c->worker != worker);
	}
}

void sim_check_empty(struct sim_world *w)
{
	for (unsigned i = 0; i < w->n_servers; i++)
		SIM_CHECK(w, w->servers[i].state == SIM_FREE);
	for (unsigned i = 0; i < w->n_caps; i++) {
		SIM_CHECK(w, permits_used(&w->caps[i].permits) == 0);
		SIM_CHECK(w, permits_staying(&w->caps[i].permits) == 0);
		SIM_CHECK(w, atomic_load(&w->caps[i].hungry) == 0);
	}
	for (unsigned i = 0; i < w->n_pools; i++) {
		struct pool_shared *p = &w->pools[i].shared;
		SIM_CHECK(w, permits_used(&p->cap.permits) == 0);
		SIM_CHECK(w, permits_staying(&p->cap.permits) == 0);
		SIM_CHECK(w, atomic_load(&p->short_of) == 0);
		SIM_CHECK(w, atomic_load(&p->waiting) == 0 && atomic_load(&p->logins) == 0);
		for (unsigned k = 0; k < w->n_workers; k++) {
			SIM_CHECK(w, atomic_load(&p->cap.lines[k].need) == 0);
			SIM_CHECK(w, atomic_load(&p->cap.lines[k].idle) == 0);
			SIM_CHECK(w, atomic_load(&p->cap.lines[k].returning) == 0);
			SIM_CHECK(w, atomic_load(&p->cap.lines[k].since) == USEC_NEVER);
		}
	}
}
