/*
 * rig.c - carries out orders and writes them down.
 */
#include "rig.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pool_limits rig_limits(void)
{
	return (struct pool_limits){ .pool_size = 2,
				     .max_overflow = 1,
				     .pool_timeout_us = 30 * USEC_PER_SEC,
				     .recycle_us = USEC_NEVER,
				     .idle_timeout_us = USEC_NEVER,
				     .check_delay_us = USEC_NEVER,
				     .login_retry_us = USEC_PER_SEC,
				     .lifo = true };
}

static void say(struct rig *r, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void say(struct rig *r, const char *fmt, ...)
{
	size_t len = strlen(r->log);
	va_list ap;
	if (len > 0)
		len += (size_t)snprintf(r->log + len, RIG_LOG - len, "; ");
	va_start(ap, fmt);
	vsnprintf(r->log + len, RIG_LOG - len, fmt, ap);
	va_end(ap);
}

const char *rig_log(struct rig *r)
{
	memcpy(r->said, r->log, RIG_LOG);
	r->log[0] = '\0';
	return r->said;
}

static void forget(struct rig *r)
{
	free(r->db.lines);
	for (unsigned i = 0; i < RIG_POOLS; i++)
		free(r->pools[i].cap.lines);
	for (unsigned k = 0; k < RIG_WORKERS; k++)
		pool_order_fini(&r->workers[k].orders);
	memset(r, 0, sizeof(*r));
}

struct rig *rig_new(unsigned n_workers, struct pool_limits limits)
{
	static struct rig the_rig;
	struct rig *r = &the_rig;
	forget(r);
	r->now = USEC_PER_SEC;
	r->n_workers = n_workers;
	pool_cap_init(&r->db, n_workers, PERMITS_UNLIMITED);
	for (unsigned k = 0; k < n_workers; k++)
		pool_worker_init(&r->workers[k], k);
	for (unsigned i = 0; i < RIG_POOLS; i++) {
		pool_shared_init(&r->pools[i], n_workers, &limits, &r->db, NULL);
		for (unsigned k = 0; k < n_workers; k++)
			pool_init(&r->slices[i][k], &r->workers[k], &r->pools[i], &limits, k + 1,
				  r->now);
	}
	for (unsigned i = 0; i < RIG_CLIENTS; i++)
		pool_waiter_init(&r->clients[i]);
	if (limits.min_pool_size == 0)
		rig_at(r, r->now); /* the first tick, with nothing to do */
	return r;
}

static unsigned number_of_server(const struct rig *r, const struct pool_member *m)
{
	return (unsigned)(m - r->servers);
}

static unsigned number_of_client(const struct rig *r, const struct pool_waiter *w)
{
	return (unsigned)(w - r->clients);
}

static void post(struct rig *r, const struct pool_order *order)
{
	ck_assert_uint_lt(r->n_mails, RIG_MAILS);
	r->mails[r->n_mails++] = *order;
}

static void carry_out(struct rig *r, const struct pool_order *o)
{
	unsigned server = o->member ? number_of_server(r, o->member) : 0;
	unsigned client = o->waiter ? number_of_client(r, o->waiter) : 0;
	const char *name = pool_order_name(o->kind);
	switch (o->kind) {
	case POOL_ORDER_GRANT:
		say(r, "%s c%u s%u", name, client, server);
		break;
	case POOL_ORDER_OPEN:
		ck_assert_uint_lt(r->n_servers, RIG_SERVERS);
		say(r, "%s s%u", name, r->n_servers);
		pool_member_init(&r->servers[r->n_servers++], o->slice, r->now);
		break;
	case POOL_ORDER_CLOSE:
		say(r, "%s s%u %s", name, server, pool_order_reason(o->why));
		break;
	case POOL_ORDER_PING:
		say(r, "%s s%u", name, server);
		break;
	case POOL_ORDER_REFUSE:
		say(r, "%s c%u %s", name, client, pool_order_reason(o->why));
		break;
	case POOL_ORDER_HAND:
		say(r, "%s s%u w%u", name, server, o->worker);
		post(r, o);
		break;
	case POOL_ORDER_WAKE:
	case POOL_ORDER_EVICT:
		say(r, "%s w%u", name, o->worker);
		post(r, o);
		break;
	case POOL_ORDER_DRAINED:
		say(r, "%s", name);
		break;
	}
}

void rig_run(struct rig *r)
{
	struct pool_order order;
	for (unsigned k = 0; k < r->n_workers && !r->is_held; k++)
		while (pool_order_take(&r->workers[k].orders, &order))
			carry_out(r, &order);
}

void rig_mail(struct rig *r)
{
	while (r->n_mails > 0) {
		struct pool_order o = r->mails[0];
		memmove(r->mails, r->mails + 1, --r->n_mails * sizeof(o));
		if (o.kind == POOL_ORDER_WAKE)
			pool_wake(&r->workers[o.worker], o.cap, r->now);
		else if (o.kind == POOL_ORDER_EVICT)
			pool_evict(&r->workers[o.worker], o.cap, r->now);
		else
			pool_adopt(pool_slice_here(&r->workers[o.worker], o.member->shared),
				   o.member, r->now);
		rig_run(r);
	}
}

void rig_at(struct rig *r, usec_t now)
{
	r->now = now;
	for (unsigned i = 0; i < RIG_POOLS; i++) {
		for (unsigned k = 0; k < r->n_workers; k++) {
			pool_tick(&r->slices[i][k], now);
			rig_run(r);
			ck_assert_int_gt(pool_next(&r->slices[i][k]), now);
		}
	}
}

void rig_request_in(struct rig *r, unsigned pool, unsigned worker, unsigned client)
{
	struct pool_member *m = pool_request(&r->slices[pool][worker], &r->clients[client], r->now);
	if (m)
		say(r, "SERVED c%u s%u", client, number_of_server(r, m));
	rig_run(r);
}

void rig_request(struct rig *r, unsigned client)
{
	rig_request_in(r, 0, 0, client);
}

void rig_leave(struct rig *r, unsigned client)
{
	pool_leave(&r->clients[client], r->now);
	rig_run(r);
}

void rig_opened(struct rig *r, unsigned server)
{
	pool_opened(&r->servers[server], r->now);
	rig_run(r);
}

void rig_open_failed(struct rig *r, unsigned server)
{
	pool_open_failed(&r->servers[server], r->now);
	rig_run(r);
}

void rig_return(struct rig *r, unsigned server)
{
	pool_return(&r->servers[server], r->now);
	rig_run(r);
}

void rig_lost(struct rig *r, unsigned server)
{
	pool_lost(&r->servers[server], r->now);
	rig_run(r);
}

void rig_ping_ok(struct rig *r, unsigned server)
{
	pool_ping_ok(&r->servers[server], r->now);
	rig_run(r);
}

void rig_ping_failed(struct rig *r, unsigned server)
{
	pool_ping_failed(&r->servers[server], r->now);
	rig_run(r);
}

void rig_serve(struct rig *r, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		rig_request(r, i);
		rig_opened(r, i);
		ck_assert_int_eq(r->servers[i].state, POOL_MEMBER_ACTIVE);
	}
	rig_log(r);
}

void rig_configure(struct rig *r, struct pool_limits limits)
{
	pool_shared_configure(&r->pools[0], &limits);
	for (unsigned k = 0; k < r->n_workers; k++) {
		pool_configure(&r->slices[0][k], &limits, r->now);
		rig_run(r);
	}
}

int32_t rig_used(const struct rig *r)
{
	return permits_used(&r->pools[0].cap.permits);
}
