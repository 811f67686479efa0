/*
 * bailiff.c - order after order, until none is left.
 */
#include "proxy/bailiff.h"

#include <stdio.h>

#include "proxy/capmail.h"
#include "proxy/client.h"
#include "proxy/command.h"
#include "proxy/errand.h"
#include "proxy/heir.h"
#include "proxy/localpool.h"
#include "proxy/route.h"
#include "proxy/server.h"
#include "proxy/worker.h"

static void bailiff_refuse_client(struct client *c, enum pool_reason why, usec_t now)
{
	struct localpool *lp = c->pool;
	const struct permits *permits = &lp->route->shared.cap.permits;
	int overflow = permits_used(permits) - lp->settings.pool_size;
	char text[256];

	switch (why) {
	case POOL_REASON_TIMEOUT:
		snprintf(text, sizeof(text), errors_format(ERROR_POOL_TIMEOUT),
			 lp->settings.pool_size, overflow > 0 ? overflow : 0,
			 (double)lp->settings.pool_timeout_us / USEC_PER_SEC);
		client_refused(c, ERROR_POOL_TIMEOUT, text, now);
		break;
	case POOL_REASON_QUEUE_FULL:
		snprintf(text, sizeof(text), errors_format(ERROR_POOL_QUEUE_FULL),
			 lp->settings.max_waiting);
		client_refused(c, ERROR_POOL_QUEUE_FULL, text, now);
		break;
	default:
		client_refused(c, ERROR_SERVER_LOGIN_FAILED, "the server cannot be logged in to",
			       now);
		break;
	}
}

static void bailiff_refuse(struct pool_waiter *waiter, enum pool_reason why, usec_t now)
{
	if (waiter->kind == LOCALPOOL_HEIR)
		heir_refused(waiter, why, now);
	else
		bailiff_refuse_client(CONTAINER_OF(waiter, struct client, waiter), why, now);
}

static void bailiff_close(struct server *s, enum pool_reason why, usec_t now)
{
	if (why == POOL_REASON_KILLED && s->client)
		client_fail(s->client, ERROR_KILLED, NULL, NULL, now);
	server_close(s, pool_order_why(why), now);
}

static void bailiff_send(struct worker *w, const struct pool_order *order, enum capmail_news news)
{
	if (!w->stopping) /* nobody waits any more, and the others may have ended */
		capmail_send(w->shared, news, order->worker, order->cap);
}

static void bailiff_grant(struct pool_waiter *waiter, struct server *s, usec_t now)
{
	if (waiter->kind == LOCALPOOL_HEIR)
		heir_granted(waiter, s, now);
	else
		client_granted(CONTAINER_OF(waiter, struct client, waiter), s, now);
}

static void bailiff_do(struct worker *w, const struct pool_order *order, usec_t now)
{
	struct server *s =
		order->member ? CONTAINER_OF(order->member, struct server, member) : NULL;

	switch (order->kind) {
	case POOL_ORDER_GRANT:
		bailiff_grant(order->waiter, s, now);
		break;
	case POOL_ORDER_OPEN:
		server_login(localpool_of_slice(order->slice), now);
		break;
	case POOL_ORDER_CLOSE:
		bailiff_close(s, order->why, now);
		break;
	case POOL_ORDER_PING:
		errand_ping(s, now);
		break;
	case POOL_ORDER_REFUSE:
		bailiff_refuse(order->waiter, order->why, now);
		break;
	case POOL_ORDER_HAND:
		server_move(s, order->worker, now);
		break;
	case POOL_ORDER_WAKE:
		bailiff_send(w, order, CAPMAIL_WAKE);
		break;
	case POOL_ORDER_EVICT:
		bailiff_send(w, order, CAPMAIL_EVICT);
		break;
	case POOL_ORDER_DRAINED:
		command_drained(w, now);
		break;
	}
}

void bailiff_carry_out(struct worker *w, usec_t now)
{
	struct pool_order order;
	if (w->carrying_out)
		return;
	w->carrying_out = true;
	while (pool_order_take(&w->pool.orders, &order)) {
		if (order.slice)
			localpool_touch(localpool_of_slice(order.slice));
		bailiff_do(w, &order, now);
	}
	w->carrying_out = false;
}
