/*
 * sim_chaos.c - what goes wrong in the world, and what its operator does.
 */
#include "sim_world.h"

#define BUSY_TURN_US (500 * USEC_PER_MSEC) /* then another worker's clients are busy */
#define REFUSED_THINKS_US (10 * USEC_PER_MSEC)
#define QUIET_THINKS_LONGER 40

void sim_chaos_restart_thinking(struct sim_world *w, struct sim_client *c)
{
	usec_t max = w->habits.think_max_us;
	if (w->habits.is_uneven &&
	    (w->now / BUSY_TURN_US) % SIM_MAX_WORKERS != c->index % SIM_MAX_WORKERS)
		max *= QUIET_THINKS_LONGER;
	if (c->state == SIM_WAITS) /* refused: it does not come back at once */
		max += REFUSED_THINKS_US;
	c->state = SIM_THINKS;
	c->server = NULL;
	sim_world_add(w, (usec_t)sim_world_random(w, (uint64_t)max + 1), SIM_EVENT_CLIENT, c->index,
		      0, ++c->serial);
}

static void mail_all(struct sim_world *w, unsigned pool, struct sim_mail mail)
{
	mail.pool = pool;
	for (unsigned i = 0; i < w->n_workers; i++)
		sim_world_mail(w, i, &mail);
	w->pools[pool].unsettled += w->n_workers;
}

static void fail_login(struct sim_world *w, struct sim_server *srv)
{
	struct sim_pool *p = &w->pools[srv->pool];
	usec_t length = p->slices[srv->worker].limits.login_retry_us;
	usec_t until = w->now + (length < USEC_PER_MSEC ? USEC_PER_MSEC : length);
	if (p->retry_at < until)
		p->retry_at = until;
	sim_event_free_server(w, srv);
	pool_open_failed(&srv->member, w->now);
}

void sim_chaos_lose(struct sim_world *w, struct sim_server *srv)
{
	switch (srv->state) {
	case SIM_FREE:
	case SIM_MOVED:
		return;
	case SIM_LOGIN:
		fail_login(w, srv);
		return;
	case SIM_ACTIVE:
		if (srv->client)
			sim_chaos_restart_thinking(w, srv->client);
		srv->client = NULL;
		break;
	case SIM_IDLE:
	case SIM_CLEANED:
	case SIM_PINGED:
	case SIM_CLOSED:
		break;
	}
	sim_event_free_server(w, srv);
	pool_lost(&srv->member, w->now);
}

/* Only the request is given up, or the whole client and another takes its place. */
void sim_chaos_leave(struct sim_world *w, struct sim_client *c)
{
	if (c->state == SIM_SERVED)
		return;
	if (sim_world_random(w, 2) == 0) {
		pool_leave(&c->waiter, w->now);
	} else {
		pool_waiter_fini(&c->waiter, w->now);
		pool_waiter_init(&c->waiter);
	}
	w->totals.left += c->state == SIM_WAITS;
	sim_chaos_restart_thinking(w, c);
}

void sim_chaos_meddle(struct sim_world *w, unsigned worker)
{
	struct sim_client *c = &w->clients[sim_world_random(w, w->n_clients)];
	if (sim_world_random(w, 2) == 0) {
		if (c->worker == worker)
			sim_chaos_leave(w, c);
	} else if (w->n_servers > 0) {
		struct sim_server *srv = &w->servers[sim_world_random(w, w->n_servers)];
		if (srv->worker == worker)
			sim_chaos_lose(w, srv);
	}
}

static void reload(struct sim_world *w, unsigned pool)
{
	struct sim_pool *p = &w->pools[pool];
	p->limits = sim_world_limits(w);
	pool_shared_configure(&p->shared, &p->limits);
	mail_all(w, pool, (struct sim_mail){ .kind = SIM_MAIL_CONFIGURE, .limits = p->limits });
}

static void change_cap(struct sim_world *w)
{
	static const int32_t limits[] = { 1, 2, 4, 8, 20, PERMITS_UNLIMITED };
	struct pool_cap *cap = &w->caps[sim_world_random(w, w->n_caps)];
	pool_cap_set_limit(cap, limits[sim_world_random(w, COUNT_OF(limits))]);
	for (unsigned i = 0; i < w->n_pools; i++)
		if (w->pools[i].shared.db == cap || w->pools[i].shared.user == cap)
			mail_all(w, i,
				 (struct sim_mail){ .kind = SIM_MAIL_CONFIGURE,
						    .limits = w->pools[i].limits });
}

static void pause_or_resume(struct sim_world *w, unsigned pool)
{
	struct sim_pool *p = &w->pools[pool];
	p->is_paused = !p->is_paused;
	mail_all(w, pool,
		 (struct sim_mail){ .kind = p->is_paused ? SIM_MAIL_PAUSE : SIM_MAIL_RESUME });
}

static void reconnect(struct sim_world *w, unsigned pool, bool is_kill)
{
	pool_shared_reconnect(&w->pools[pool].shared);
	mail_all(w, pool, (struct sim_mail){ .kind = is_kill ? SIM_MAIL_KILL : SIM_MAIL_SWEEP });
}

/* What has nobody and nothing for now is freed, and made again when it is asked. */
static void end_slice(struct sim_world *w, unsigned pool, unsigned worker)
{
	struct sim_pool *p = &w->pools[pool];
	struct pool_slice *s = &p->slices[worker];
	if (!p->is_here[worker] || s->limits.min_pool_size > 0 || !pool_is_unused(s))
		return;
	sim_check_end(w, pool, worker);
	pool_fini(s);
	p->is_here[worker] = false;
	w->totals.ends++;
}

void sim_chaos_run(struct sim_world *w)
{
	unsigned pool = (unsigned)sim_world_random(w, w->n_pools);
	for (unsigned i = 0; i < w->n_workers; i++)
		if (sim_world_chance(w, w->habits.slices_end))
			end_slice(w, (unsigned)sim_world_random(w, w->n_pools), i);
	switch (sim_world_random(w, 12)) {
	case 0:
		reload(w, pool);
		break;
	case 1:
		change_cap(w);
		break;
	case 2:
		pause_or_resume(w, pool);
		break;
	case 3:
		reconnect(w, pool, false);
		break;
	case 4:
		reconnect(w, pool, true);
		break;
	case 5:
		w->pools[pool].is_down = !w->pools[pool].is_down;
		break;
	case 6:
	case 7:
		sim_chaos_leave(w, &w->clients[sim_world_random(w, w->n_clients)]);
		break;
	default:
		if (w->pools[pool].is_down || w->pools[pool].is_paused) { /* not for long */
			w->pools[pool].is_down = false;
			if (w->pools[pool].is_paused)
				pause_or_resume(w, pool);
		} else if (w->n_servers > 0) {
			sim_chaos_lose(w, &w->servers[sim_world_random(w, w->n_servers)]);
		}
		break;
	}
	sim_world_add(w, (usec_t)sim_world_random(w, (uint64_t)w->habits.chaos_every_us + 1),
		      SIM_EVENT_CHAOS, 0, 0, 0);
}

void sim_chaos_stop(struct sim_world *w)
{
	w->habits.login_fails = w->habits.ping_fails = w->habits.server_dies = 0;
	w->habits.meddles = w->habits.cleans = 0;
	for (unsigned i = 0; i < w->n_pools; i++) {
		w->pools[i].is_down = false;
		if (w->pools[i].is_paused)
			pause_or_resume(w, i);
	}
}
