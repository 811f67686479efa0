/*
 * sim_event.c - what happens in the world, and what is done for the pool's orders.
 */
#include "sim_world.h"

static struct sim_server *server_of(struct pool_member *m)
{
	return CONTAINER_OF(m, struct sim_server, member);
}

static struct sim_client *client_of(struct pool_waiter *waiter)
{
	return CONTAINER_OF(waiter, struct sim_client, waiter);
}

static struct sim_pool *pool_of(struct sim_world *w, const struct pool_shared *shared)
{
	for (unsigned i = 0; i < w->n_pools; i++)
		if (&w->pools[i].shared == shared)
			return &w->pools[i];
	SIM_CHECK(w, !"a pool of this world");
	return NULL;
}

static usec_t up_to(struct sim_world *w, usec_t max)
{
	return (usec_t)sim_world_random(w, (uint64_t)max + 1);
}

/* ---- orders ------------------------------------------------------------------------------------
 */

static void serve(struct sim_world *w, struct sim_client *c, struct sim_server *srv)
{
	SIM_CHECK(w, srv->state == SIM_IDLE);
	SIM_CHECK(w, srv->worker == c->worker && srv->pool == c->pool && !srv->client);
	sim_check_grant(w, c, srv);
	w->pools[c->pool].served_at = w->now;
	w->totals.grants++;
	srv->state = SIM_ACTIVE;
	srv->serial++;
	srv->client = c;
	c->state = SIM_SERVED;
	c->server = srv;
	usec_t length = up_to(w, w->habits.served_max_us);
	sim_world_add(w, length, SIM_EVENT_CLIENT, c->index, 0, ++c->serial);
}

static void count_used(struct sim_world *w, struct sim_pool *p, int32_t change)
{
	p->used += change;
	for (unsigned i = 0; i < w->n_caps; i++)
		if (p->shared.db == &w->caps[i] || p->shared.user == &w->caps[i])
			w->cap_used[i] += change;
}

static void open_server(struct sim_world *w, struct pool_slice *s)
{
	struct sim_server *srv = w->servers;
	while (srv->state != SIM_FREE) {
		srv++;
		SIM_CHECK(w, srv < w->servers + SIM_MAX_SERVERS);
	}
	if (srv->index >= w->n_servers)
		w->n_servers = srv->index + 1;
	struct sim_pool *p = pool_of(w, s->shared);
	sim_check_open(w, s, p);
	count_used(w, p, 1);
	w->totals.opens++;
	srv->state = SIM_LOGIN;
	srv->worker = s->worker->index;
	srv->pool = (unsigned)(p - w->pools);
	srv->client = NULL;
	srv->was_moved = false;
	pool_member_init(&srv->member, s, w->now);
	sim_world_add(w, up_to(w, w->habits.login_max_us), SIM_EVENT_LOGIN, srv->index, 0,
		      ++srv->serial);
}

void sim_event_free_server(struct sim_world *w, struct sim_server *srv)
{
	count_used(w, &w->pools[srv->pool], -1);
	srv->state = SIM_FREE;
	srv->serial++;
}

static void close_server(struct sim_world *w, struct sim_server *srv, enum pool_reason why)
{
	SIM_CHECK(w, srv->state != SIM_FREE && srv->state != SIM_CLOSED && srv->state != SIM_MOVED);
	sim_check_close(w, srv, why);
	w->totals.closes++;
	if (srv->client)
		sim_chaos_restart_thinking(w, srv->client);
	srv->client = NULL;
	srv->state = SIM_CLOSED;
	sim_world_add(w, up_to(w, w->habits.close_max_us), SIM_EVENT_CLOSED, srv->index, 0,
		      ++srv->serial);
}

static void hand_server(struct sim_world *w, struct sim_server *srv, unsigned worker)
{
	SIM_CHECK(w, srv->state == SIM_IDLE && srv->worker != worker);
	w->totals.hands++;
	w->pools[srv->pool].served_at = w->now;
	srv->state = SIM_MOVED;
	srv->was_moved = true;
	srv->serial++;
	sim_world_mail(w, worker, &(struct sim_mail){ .kind = SIM_MAIL_HAND, .server = srv });
}

static void ping_server(struct sim_world *w, struct sim_server *srv)
{
	SIM_CHECK(w, srv->state == SIM_IDLE);
	w->totals.pings++;
	srv->state = SIM_PINGED;
	sim_world_add(w, up_to(w, w->habits.served_max_us), SIM_EVENT_PING, srv->index, 0,
		      ++srv->serial);
}

static void carry_out(struct sim_world *w, const struct pool_order *order)
{
	switch (order->kind) {
	case POOL_ORDER_GRANT:
		SIM_CHECK(w, client_of(order->waiter)->state == SIM_WAITS);
		serve(w, client_of(order->waiter), server_of(order->member));
		break;
	case POOL_ORDER_OPEN:
		open_server(w, order->slice);
		break;
	case POOL_ORDER_CLOSE:
		close_server(w, server_of(order->member), order->why);
		break;
	case POOL_ORDER_PING:
		ping_server(w, server_of(order->member));
		break;
	case POOL_ORDER_REFUSE:
		sim_check_refuse(w, client_of(order->waiter), order->why);
		w->totals.refused++;
		sim_chaos_restart_thinking(w, client_of(order->waiter));
		break;
	case POOL_ORDER_HAND:
		hand_server(w, server_of(order->member), order->worker);
		break;
	case POOL_ORDER_WAKE:
		w->totals.wakes++;
		sim_world_mail(w, order->worker,
			       &(struct sim_mail){ .kind = SIM_MAIL_WAKE, .cap = order->cap });
		break;
	case POOL_ORDER_EVICT:
		w->totals.evicts++;
		sim_world_mail(w, order->worker,
			       &(struct sim_mail){ .kind = SIM_MAIL_EVICT, .cap = order->cap });
		break;
	case POOL_ORDER_DRAINED:
		SIM_CHECK(w, order->slice->paused);
		break;
	}
}

static void carry_out_all(struct sim_world *w, unsigned worker)
{
	struct pool_order order;
	w->is_meddled = false;
	while (pool_order_take(&w->workers[worker].pool_worker.orders, &order)) {
		carry_out(w, &order);
		if (sim_world_chance(w, w->habits.meddles)) {
			w->is_meddled = true;
			sim_chaos_meddle(w, worker);
		}
	}
}

/* ---- clients
 * ------------------------------------------------------------------------------------- */

static void request(struct sim_world *w, struct sim_client *c)
{
	struct sim_pool *p = &w->pools[c->pool];
	struct pool_slice *s = &p->slices[c->worker];
	usec_t patience = up_to(w, w->habits.patience_max_us);
	if (!p->is_here[c->worker])
		sim_world_add_slice(w, c->pool, c->worker);
	c->asked_at = w->now;
	c->deadline = usec_after(w->now, s->limits.pool_timeout_us);
	c->state = SIM_WAITS;
	struct pool_member *m = pool_request(s, &c->waiter, w->now);
	if (m) {
		serve(w, c, server_of(m));
		return;
	}
	sim_check_queued(w, c);
	c->serial++;
	if (sim_world_chance(w, w->habits.client_leaves))
		sim_world_add(w, patience, SIM_EVENT_CLIENT, c->index, 0, c->serial);
}

static void end_service(struct sim_world *w, struct sim_client *c)
{
	struct sim_server *srv = c->server;
	sim_chaos_restart_thinking(w, c);
	srv->client = NULL;
	srv->last_done = w->now;
	srv->was_moved = false;
	srv->serial++;
	if (sim_world_chance(w, w->habits.server_dies)) {
		sim_chaos_lose(w, srv);
		return;
	}
	if (sim_world_chance(w, w->habits.cleans)) {
		w->totals.cleans++;
		srv->state = SIM_CLEANED;
		pool_returning(&srv->member);
		sim_world_add(w, up_to(w, w->habits.clean_max_us), SIM_EVENT_CLEANED, srv->index, 0,
			      srv->serial);
		return;
	}
	srv->state = SIM_IDLE;
	pool_return(&srv->member, w->now);
}

static void on_cleaned(struct sim_world *w, struct sim_server *srv)
{
	if (sim_world_chance(w, w->habits.server_dies)) {
		sim_chaos_lose(w, srv);
		return;
	}
	srv->last_done = w->now;
	srv->state = SIM_IDLE;
	pool_return(&srv->member, w->now);
}

static void on_client(struct sim_world *w, struct sim_client *c)
{
	switch (c->state) {
	case SIM_THINKS:
		if (!w->is_ending)
			request(w, c);
		break;
	case SIM_SERVED:
		end_service(w, c);
		break;
	case SIM_WAITS:
		sim_chaos_leave(w, c);
		break;
	}
}

/* ---- servers
 * --------------------------------------------------------------------------------------- */

static void on_login(struct sim_world *w, struct sim_server *srv)
{
	struct sim_pool *p = &w->pools[srv->pool];
	if (p->is_down || sim_world_chance(w, w->habits.login_fails)) {
		sim_chaos_lose(w, srv);
		return;
	}
	p->retry_at = 0;
	srv->state = SIM_IDLE;
	srv->last_done = srv->opened_at = w->now;
	pool_opened(&srv->member, w->now);
}

static void on_ping(struct sim_world *w, struct sim_server *srv)
{
	if (sim_world_chance(w, w->habits.ping_fails)) {
		if (sim_world_chance(w, 500)) {
			sim_chaos_lose(w, srv);
			return;
		}
		pool_ping_failed(&srv->member, w->now);
		return;
	}
	srv->last_done = w->now;
	srv->was_moved = false;
	srv->state = SIM_IDLE;
	if (srv->member.waiter)
		w->pinged_for = client_of(srv->member.waiter);
	pool_ping_ok(&srv->member, w->now);
}

static void on_closed(struct sim_world *w, struct sim_server *srv)
{
	sim_event_free_server(w, srv);
	pool_lost(&srv->member, w->now);
}

/* ---- mail
 * --------------------------------------------------------------------------------------------- */

static void adopt(struct sim_world *w, struct sim_server *srv, unsigned worker)
{
	SIM_CHECK(w, srv->state == SIM_MOVED);
	SIM_CHECK(w, w->pools[srv->pool].is_here[worker]);
	srv->worker = worker;
	srv->state = SIM_IDLE;
	pool_adopt(&w->pools[srv->pool].slices[worker], &srv->member, w->now);
}

static void on_mail(struct sim_world *w, unsigned worker)
{
	struct sim_mail mail = sim_world_read(w, worker);
	struct pool_worker *pw = &w->workers[worker].pool_worker;
	struct sim_pool *p = &w->pools[mail.pool];
	struct pool_slice *s = &p->slices[worker];
	switch (mail.kind) {
	case SIM_MAIL_WAKE:
		pool_wake(pw, mail.cap, w->now);
		return;
	case SIM_MAIL_EVICT:
		pool_evict(pw, mail.cap, w->now);
		return;
	case SIM_MAIL_HAND:
		adopt(w, mail.server, worker);
		return;
	case SIM_MAIL_CONFIGURE:
	case SIM_MAIL_PAUSE:
	case SIM_MAIL_RESUME:
	case SIM_MAIL_SWEEP:
	case SIM_MAIL_KILL:
		break;
	}
	p->unsettled--;
	if (!p->is_here[worker])
		return;
	switch (mail.kind) {
	case SIM_MAIL_WAKE:
	case SIM_MAIL_EVICT:
	case SIM_MAIL_HAND:
		break;
	case SIM_MAIL_CONFIGURE:
		pool_configure(s, &mail.limits, w->now);
		break;
	case SIM_MAIL_PAUSE:
		SIM_CHECK(w, pool_pause(s, w->now) == pool_is_drained(s));
		break;
	case SIM_MAIL_RESUME:
		pool_resume(s, w->now);
		break;
	case SIM_MAIL_SWEEP:
		pool_sweep(s, w->now);
		break;
	case SIM_MAIL_KILL:
		pool_kill(s, w->now);
		break;
	}
}

/* ---- all together
 * ----------------------------------------------------------------------------------------- */

/* A timer for every slice whose pool_next came nearer. */
static void set_timers(struct sim_world *w)
{
	for (unsigned i = 0; i < w->n_pools; i++) {
		for (unsigned k = 0; k < w->n_workers; k++) {
			usec_t next = pool_next(&w->pools[i].slices[k]);
			if (!w->pools[i].is_here[k] || next >= w->pools[i].tick_at[k])
				continue;
			w->pools[i].tick_at[k] = next;
			sim_world_add(w, next > w->now ? next - w->now : 0, SIM_EVENT_TICK, k, i,
				      (uint64_t)next);
		}
	}
}

static void on_tick(struct sim_world *w, const struct sim_event *event)
{
	struct sim_pool *p = &w->pools[event->pool];
	if (!p->is_here[event->index] || p->tick_at[event->index] != (usec_t)event->serial)
		return;
	p->tick_at[event->index] = USEC_NEVER;
	pool_tick(&p->slices[event->index], w->now);
	SIM_CHECK(w, pool_next(&p->slices[event->index]) > w->now);
}

static void dispatch(struct sim_world *w, const struct sim_event *event)
{
	struct sim_server *srv = &w->servers[event->index];
	switch (event->kind) {
	case SIM_EVENT_CLIENT:
		if (w->clients[event->index].serial == event->serial)
			on_client(w, &w->clients[event->index]);
		return;
	case SIM_EVENT_MAIL:
		on_mail(w, event->index);
		return;
	case SIM_EVENT_TICK:
		on_tick(w, event);
		return;
	case SIM_EVENT_CHAOS:
		if (!w->is_ending)
			sim_chaos_run(w);
		return;
	case SIM_EVENT_LOGIN:
	case SIM_EVENT_PING:
	case SIM_EVENT_CLOSED:
	case SIM_EVENT_CLEANED:
		break;
	}
	if (srv->serial != event->serial)
		return;
	if (event->kind == SIM_EVENT_LOGIN)
		on_login(w, srv);
	else if (event->kind == SIM_EVENT_PING)
		on_ping(w, srv);
	else if (event->kind == SIM_EVENT_CLEANED)
		on_cleaned(w, srv);
	else
		on_closed(w, srv);
}

void sim_event_run(struct sim_world *w, const struct sim_event *event)
{
	w->now = event->at;
	w->step++;
	w->pinged_for = NULL;
	dispatch(w, event);
	for (unsigned i = 0; i < w->n_workers; i++)
		carry_out_all(w, i);
	set_timers(w);
}

#define CALM_US (3 * USEC_PER_SEC)

void sim_event_calm(struct sim_world *w)
{
	struct sim_event event;
	usec_t until = w->now + CALM_US;
	w->is_ending = true;
	sim_chaos_stop(w);
	while (w->now < until && sim_world_next(w, &event)) {
		sim_event_run(w, &event);
		sim_check_world(w);
	}
	sim_check_calm(w);
}

void sim_event_end(struct sim_world *w)
{
	struct sim_event event;
	w->is_ending = true;
	for (unsigned i = 0; i < w->n_pools; i++)
		for (unsigned k = 0; k < w->n_workers; k++)
			sim_world_mail(w, k,
				       &(struct sim_mail){ .kind = SIM_MAIL_PAUSE, .pool = i });
	for (unsigned i = 0; i < w->n_pools; i++)
		w->pools[i].unsettled += w->n_workers;
	for (unsigned i = 0; i < w->n_clients; i++) {
		if (w->clients[i].state == SIM_WAITS)
			sim_chaos_leave(w, &w->clients[i]);
		carry_out_all(w, w->clients[i].worker);
	}
	while (sim_world_next(w, &event)) {
		sim_event_run(w, &event);
		sim_check_world(w);
	}
	sim_check_empty(w);
}
