/*
 * client_deadline.c - what a client has to be in time for, state by state, and what it is told when
 * it is not.
 *
 * One timer serves all of it: it may stand at a deadline that has moved on since, and then is set
 * anew.
 */
#include "proxy/client.h"
#include "proxy/journal.h"
#include "proxy/keep.h"
#include "proxy/localpool.h"
#include "proxy/login.h"
#include "proxy/server.h"
#include "proxy/setup.h"
#include "proxy/worker.h"
#include "tap/record.h"

/* How long a client that was told to go may take to read its last words. */
#define CLIENT_DEADLINE_LINGER_US (2 * USEC_PER_SEC)

usec_t client_deadline_login(const struct client *c)
{
	return usec_after(c->connected_at, c->worker->setup->conf->global.client_login_timeout_us);
}

/* What a linked client has to be in time for, and what it is told when it is not. */
struct client_limit {
	usec_t deadline;
	enum error_id error;
};

/* Since when its server owes an answer, be it to something of ours that has to be over first; 0: it
 * owes none. */
static usec_t client_deadline_asked_at(const struct client *c)
{
	if (c->batch_at || !c->server || c->server->errand == SERVER_ERRAND_NONE)
		return c->batch_at;
	return c->server->errand_at;
}

static struct client_limit client_deadline_sooner(struct client_limit a, struct client_limit b)
{
	return b.deadline < a.deadline ? b : a;
}

/* While nothing of the client's is under way. */
static struct client_limit client_deadline_idle(const struct client *c)
{
	const struct conf_pool *settings = &c->pool->settings;
	struct client_limit never = { USEC_NEVER, ERROR_CLIENT_IDLE };
	struct client_limit idle = { usec_after(c->quiet_at, settings->client_idle_timeout_us),
				     ERROR_CLIENT_IDLE };
	if (c->xact_at)
		return (struct client_limit){ usec_after(c->quiet_at,
							 settings->idle_transaction_timeout_us),
					      ERROR_IDLE_TRANSACTION };
	if (c->keep && c->keep->kept)
		return client_deadline_sooner(
			idle, (struct client_limit){ keep_deadline(c), ERROR_KEEP_TIMEOUT });
	return c->pool->is_session ? idle : never;
}

static struct client_limit client_deadline_limit(const struct client *c)
{
	const struct conf_pool *settings = &c->pool->settings;
	usec_t asked_at = client_deadline_asked_at(c);
	usec_t xact = c->xact_at ? c->xact_at : c->batch_at;
	struct client_limit limit = { USEC_NEVER, ERROR_QUERY_TIMEOUT };

	if (asked_at)
		limit.deadline = usec_after(asked_at, settings->query_timeout_us);
	if (!c->batch_at)
		limit = client_deadline_sooner(limit, client_deadline_idle(c));
	if (xact)
		limit = client_deadline_sooner(
			limit,
			(struct client_limit){ usec_after(xact, settings->transaction_timeout_us),
					       ERROR_TRANSACTION_TIMEOUT });
	return limit;
}

static usec_t client_deadline_of(const struct client *c, usec_t now)
{
	switch ((enum client_state)c->state) {
	case CLIENT_STARTUP:
	case CLIENT_FRONTED:
	case CLIENT_HANDSHAKE:
	case CLIENT_AUTH:
	case CLIENT_ADMITTED:
	case CLIENT_PROVING:
		return client_deadline_login(c);
	case CLIENT_HELD:
		return usec_min(client_deadline_login(c), login_gate_held_until(c));
	case CLIENT_IDLE:
	case CLIENT_SKIPPING:
		return usec_after(c->idle_at, c->pool->settings.client_idle_timeout_us);
	case CLIENT_WAITING: /* the pool's affair */
		return USEC_NEVER;
	case CLIENT_LINKED:
		return client_deadline_limit(c).deadline;
	case CLIENT_CLOSING:
		return usec_after(now, CLIENT_DEADLINE_LINGER_US);
	}
	return USEC_NEVER;
}

void client_deadline_set(struct client *c, usec_t now)
{
	loop_set_timer(c->worker->loop, &c->timer, client_deadline_of(c, now));
}

static void client_deadline_met(struct client *c, usec_t now)
{
	struct client_limit limit = client_deadline_limit(c);
	if (limit.deadline > now) { /* it has moved on since the timer was set */
		client_deadline_set(c, now);
		return;
	}
	if (limit.error == ERROR_KEEP_TIMEOUT && c->keep->warned_at != c->quiet_at) {
		keep_warn(c, now);
		client_deadline_set(c, now);
		return;
	}
	char states[200] = "";
	if (c->keep)
		keep_describe(c->keep->kept, states, sizeof(states));
	journal_cut(c, RECORD_TIMED_OUT, errors_sqlstate(limit.error), now);
	client_fail(c, limit.error, NULL, NULL, now, states);
}

void client_deadline_on_timer(struct timer *t, usec_t now)
{
	struct client *c = CONTAINER_OF(t, struct client, timer);
	struct worker *w = c->worker;
	switch ((enum client_state)c->state) {
	case CLIENT_STARTUP:
	case CLIENT_FRONTED:
	case CLIENT_HANDSHAKE:
	case CLIENT_AUTH:
		client_fail(c, ERROR_LOGIN_TIMEOUT, NULL, NULL, now);
		break;
	case CLIENT_HELD:
		if (client_deadline_login(c) <= now)
			client_fail(c, ERROR_LOGIN_TIMEOUT, NULL, NULL, now);
		else
			login_gate_release(c, now);
		break;
	case CLIENT_ADMITTED:
	case CLIENT_PROVING:
		client_fail(c, ERROR_LOGIN_TIMEOUT_SERVER, NULL, NULL, now);
		break;
	case CLIENT_IDLE:
	case CLIENT_SKIPPING:
		if (client_deadline_of(c, now) <= now)
			client_fail(c, ERROR_CLIENT_IDLE, NULL, NULL, now);
		else
			client_deadline_set(c, now);
		break;
	case CLIENT_WAITING:
		break;
	case CLIENT_LINKED:
		client_deadline_met(c, now);
		break;
	case CLIENT_CLOSING:
		conn_close(&c->conn);
		loop_defer(w->loop, &c->reap);
		break;
	}
	worker_settle(w, now);
}
