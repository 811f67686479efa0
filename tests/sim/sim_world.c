/*
 * sim_world.c - randomness, the queue of events, the mail between workers, random set-ups.
 */
#include "sim_world.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

uint64_t sim_world_random(struct sim_world *w, uint64_t below)
{
	uint64_t z = (w->rng += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	z ^= z >> 31;
	return below == 0 ? 0 : z % below;
}

bool sim_world_chance(struct sim_world *w, unsigned of_thousand)
{
	return sim_world_random(w, 1000) < of_thousand;
}

static usec_t random_us(struct sim_world *w, usec_t max)
{
	return (usec_t)sim_world_random(w, (uint64_t)max + 1);
}

/* ---- events: a binary heap by time --------------------------------------------------------- */

static bool is_before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void sim_world_add(struct sim_world *w, usec_t after, enum sim_event_kind kind, unsigned index,
		   unsigned pool, uint64_t serial)
{
	if (w->n_events == w->heap_cap) {
		w->heap_cap = w->heap_cap ? w->heap_cap * 2 : 256;
		w->heap = mem_realloc(w->heap, w->heap_cap * sizeof(*w->heap));
	}
	struct sim_event event = { .at = w->now + after,
				   .order = w->next_order++,
				   .kind = kind,
				   .index = index,
				   .pool = pool,
				   .serial = serial };
	size_t i = w->n_events++;
	while (i > 0 && is_before(&event, &w->heap[(i - 1) / 2])) {
		w->heap[i] = w->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	w->heap[i] = event;
}

bool sim_world_next(struct sim_world *w, struct sim_event *out)
{
	if (w->n_events == 0)
		return false;
	*out = w->heap[0];
	struct sim_event last = w->heap[--w->n_events];
	size_t i = 0;
	for (size_t child; (child = 2 * i + 1) < w->n_events; i = child) {
		if (child + 1 < w->n_events && is_before(&w->heap[child + 1], &w->heap[child]))
			child++;
		if (!is_before(&w->heap[child], &last))
			break;
		w->heap[i] = w->heap[child];
	}
	if (w->n_events > 0)
		w->heap[i] = last;
	return true;
}

/* ---- mail: late, but in order -----------------------------------------------------------------
 */

void sim_world_mail(struct sim_world *w, unsigned worker, const struct sim_mail *mail)
{
	struct sim_worker *to = &w->workers[worker];
	usec_t due = w->now + random_us(w, w->habits.mail_max_us);
	if (due < to->last_due)
		due = to->last_due;
	SIM_CHECK(w, to->count < SIM_BOX);
	size_t at = (to->first + to->count++) % SIM_BOX;
	to->box[at] = *mail;
	to->due[at] = due;
	to->last_due = due;
	sim_world_add(w, due - w->now, SIM_EVENT_MAIL, worker, 0, 0);
}

struct sim_mail sim_world_read(struct sim_world *w, unsigned worker)
{
	struct sim_worker *at = &w->workers[worker];
	SIM_CHECK(w, at->count > 0 && at->due[at->first] <= w->now);
	struct sim_mail mail = at->box[at->first];
	at->first = (at->first + 1) % SIM_BOX;
	at->count--;
	return mail;
}

/* ---- set-ups ------------------------------------------------------------------------------------
 */

static usec_t one_of(struct sim_world *w, const usec_t *choices, size_t n)
{
	return choices[sim_world_random(w, n)];
}
#define ONE_OF(w, ...)                                                                             \
	one_of((w), (const usec_t[]){ __VA_ARGS__ },                                               \
	       sizeof((usec_t[]){ __VA_ARGS__ }) / sizeof(usec_t))

struct pool_limits sim_world_limits(struct sim_world *w)
{
	return (struct pool_limits){
		.pool_size = (int32_t)ONE_OF(w, 0, 1, 1, 2, 3, 4, 6, 10),
		.max_overflow = (int32_t)ONE_OF(w, -1, 0, 0, 1, 2, 5, 10),
		.min_pool_size = (int32_t)ONE_OF(w, 0, 0, 0, 1, 2, 5),
		.max_waiting = (int32_t)ONE_OF(w, 0, 0, 0, 1, 3, 8),
		.overflow_delay_us = ONE_OF(w, 0, 0, 0, 1000, 20000),
		.pool_timeout_us = ONE_OF(w, USEC_NEVER, 5000, 50000, 500000, 500000),
		.recycle_us = ONE_OF(w, USEC_NEVER, USEC_NEVER, 0, 30000, 300000),
		.idle_timeout_us = ONE_OF(w, USEC_NEVER, USEC_NEVER, 2000, 50000, 200000),
		.check_delay_us = ONE_OF(w, USEC_NEVER, USEC_NEVER, 0, 1000, 20000),
		.login_retry_us = ONE_OF(w, 0, 5000, 50000, 200000),
		.pre_ping = sim_world_random(w, 8) == 0,
		.lifo = sim_world_random(w, 2) == 0,
	};
}

static struct sim_habits random_habits(struct sim_world *w)
{
	return (struct sim_habits){
		.mail_max_us = ONE_OF(w, 0, 20, 20, 200, 1500),
		.login_max_us = ONE_OF(w, 0, 500, 5000, 20000),
		.served_max_us = ONE_OF(w, 100, 1000, 1000, 10000),
		.think_max_us = ONE_OF(w, 0, 100, 2000, 20000),
		.patience_max_us = ONE_OF(w, 1000, 20000, 400000),
		.close_max_us = ONE_OF(w, 0, 100, 2000),
		.clean_max_us = ONE_OF(w, 100, 5000, 50000, 1500000),
		.chaos_every_us = ONE_OF(w, 1000, 20000, 20000, 100000, 1000000),
		.login_fails = (unsigned)ONE_OF(w, 0, 0, 20, 200),
		.ping_fails = (unsigned)ONE_OF(w, 0, 20, 200),
		.server_dies = (unsigned)ONE_OF(w, 0, 0, 5, 50),
		.client_leaves = (unsigned)ONE_OF(w, 0, 5, 100),
		.cleans = (unsigned)ONE_OF(w, 0, 0, 100, 1000),
		.meddles = (unsigned)ONE_OF(w, 0, 0, 10, 100),
		.slices_end = (unsigned)ONE_OF(w, 0, 200, 1000),
	};
}

void sim_world_add_slice(struct sim_world *w, unsigned pool, unsigned worker)
{
	struct sim_pool *p = &w->pools[pool];
	pool_init(&p->slices[worker], &w->workers[worker].pool_worker, &p->shared, &p->limits,
		  w->seed + pool * 16 + worker, w->now);
	p->is_here[worker] = true;
	p->idle_since[worker] = p->permit_since[worker] = p->evict_since[worker] = USEC_NEVER;
	p->tick_at[worker] = w->now;
	sim_world_add(w, 0, SIM_EVENT_TICK, worker, pool, (uint64_t)w->now);
	if (p->is_paused)
		SIM_CHECK(w, pool_pause(&p->slices[worker], w->now));
}

static void add_pool(struct sim_world *w, unsigned i, struct pool_cap *db, struct pool_cap *user)
{
	struct sim_pool *p = &w->pools[i];
	pool_shared_init(&p->shared, w->n_workers, &p->limits, db, user);
	for (unsigned k = 0; k < w->n_workers; k++)
		sim_world_add_slice(w, i, k);
}

static void add_clients(struct sim_world *w)
{
	for (unsigned i = 0; i < w->n_clients; i++) {
		struct sim_client *c = &w->clients[i];
		c->index = i;
		c->worker = w->habits.is_uneven ? i % w->n_workers
						: (unsigned)sim_world_random(w, w->n_workers);
		c->pool = (unsigned)sim_world_random(w, w->n_pools);
		pool_waiter_init(&c->waiter);
		sim_chaos_restart_thinking(w, c);
	}
}

static void start(struct sim_world *w, uint64_t seed)
{
	struct sim_totals totals = w->totals;
	memset(w, 0, sizeof(*w));
	w->totals = totals;
	w->totals.worlds++;
	w->seed = w->rng = seed;
	w->now = 1 + random_us(w, USEC_PER_SEC);
	for (unsigned i = 0; i < SIM_MAX_SERVERS; i++)
		w->servers[i].index = i;
}

void sim_world_init(struct sim_world *w, uint64_t seed)
{
	start(w, seed);
	w->n_workers = 1 + (unsigned)sim_world_random(w, SIM_MAX_WORKERS);
	w->n_pools = 1 + (unsigned)sim_world_random(w, SIM_MAX_POOLS);
	w->n_clients = 1 + (unsigned)sim_world_random(w, SIM_MAX_CLIENTS);
	w->n_caps = SIM_MAX_CAPS;
	w->habits = random_habits(w);
	for (unsigned i = 0; i < w->n_workers; i++)
		pool_worker_init(&w->workers[i].pool_worker, i);
	for (unsigned i = 0; i < w->n_caps; i++)
		pool_cap_init(&w->caps[i], w->n_workers,
			      (int32_t)ONE_OF(w, PERMITS_UNLIMITED, 1, 3, 5, 10));
	for (unsigned i = 0; i < w->n_pools; i++) {
		unsigned db = (unsigned)sim_world_random(w, 3);
		unsigned user = (unsigned)sim_world_random(w, 3);
		w->pools[i].limits = sim_world_limits(w);
		add_pool(w, i, db < 2 ? &w->caps[db] : NULL, user < 2 ? &w->caps[2 + user] : NULL);
	}
	add_clients(w);
	sim_world_add(w, w->habits.chaos_every_us, SIM_EVENT_CHAOS, 0, 0, 0);
}

/* Nothing fails and nobody meddles: only load that wanders from worker to worker. */
void sim_world_init_uneven(struct sim_world *w, uint64_t seed, unsigned n_workers)
{
	start(w, seed);
	w->n_workers = n_workers;
	w->n_pools = 1;
	w->n_clients = 32;
	w->habits = (struct sim_habits){ .mail_max_us = 30,
					 .login_max_us = 20000,
					 .served_max_us = 1000,
					 .think_max_us = 4000,
					 .patience_max_us = USEC_PER_SEC,
					 .close_max_us = 100,
					 .chaos_every_us = 3600 * USEC_PER_SEC,
					 .is_uneven = true };
	for (unsigned i = 0; i < w->n_workers; i++)
		pool_worker_init(&w->workers[i].pool_worker, i);
	w->pools[0].limits = (struct pool_limits){
		.pool_size = (int32_t)ONE_OF(w, 4, 8, 12),
		.max_overflow = (int32_t)ONE_OF(w, 0, 4, 20),
		.pool_timeout_us = 30 * USEC_PER_SEC,
		.recycle_us = USEC_NEVER,
		.idle_timeout_us = 600 * USEC_PER_SEC,
		.check_delay_us = 30 * USEC_PER_SEC,
		.login_retry_us = USEC_PER_SEC,
		.lifo = true,
	};
	add_pool(w, 0, NULL, NULL);
	add_clients(w);
}

void sim_world_fini(struct sim_world *w)
{
	for (unsigned i = 0; i < w->n_pools; i++) {
		for (unsigned k = 0; k < w->n_workers; k++)
			if (w->pools[i].is_here[k])
				pool_fini(&w->pools[i].slices[k]);
		pool_shared_fini(&w->pools[i].shared);
	}
	for (unsigned i = 0; i < w->n_caps; i++)
		pool_cap_fini(&w->caps[i]);
	for (unsigned i = 0; i < w->n_workers; i++)
		pool_worker_fini(&w->workers[i].pool_worker);
	free(w->heap);
	w->heap = NULL;
}
