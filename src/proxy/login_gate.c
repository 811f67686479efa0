/*
 * login_gate.c - those who have not logged in yet: how many there may be, and who of them has to
 * wait.
 *
 * A login is at the gate from its first byte until it is known who it is, or it leaves. There it
 * counts against max_login_conn, over all workers; each worker closes the oldest of its own when
 * there are too many. Tries from an address that has failed before are HELD for a while.
 */
#include "proxy/login.h"
#include "proxy/login_parts.h"

#include "base/log.h"
#include "proxy/client.h"
#include "proxy/doorkeeper.h"
#include "proxy/intake.h"
#include "proxy/setup.h"
#include "proxy/worker.h"

/* Who has had this long is not taken for busy logging in when somebody else needs the place. */
#define LOGIN_GATE_GRACE_US USEC_PER_SEC

/* Where max_login_conn says nothing and max_client_conn very little. */
#define LOGIN_GATE_LEAST 100

/* ---- how many -------------------------------------------------------------------------------- */

void login_gate_leave(struct client *c)
{
	struct login *login = c->login;
	if (!login || !list_is_on(&login->at_gate))
		return;
	list_remove(&login->at_gate);
	atomic_fetch_sub(&c->worker->shared->at_gate, 1);
}

static struct client *login_gate_oldest(struct worker *w)
{
	return LIST_FIRST(&w->at_gate, struct login, at_gate)->client;
}

static int login_gate_room(const struct login *login)
{
	const struct conf_global *g = &login->setup->conf->global;
	if (g->max_login_conn)
		return g->max_login_conn;
	return g->max_client_conn > LOGIN_GATE_LEAST ? g->max_client_conn : LOGIN_GATE_LEAST;
}

void login_gate_arrive(struct client *c, usec_t now)
{
	struct worker *w = c->worker;
	atomic_int *count = &w->shared->at_gate;
	list_push_back(&w->at_gate, &c->login->at_gate);
	atomic_fetch_add(count, 1);
	while (atomic_load(count) > login_gate_room(c->login) && login_gate_oldest(w) != c)
		client_fail(login_gate_oldest(w), ERROR_TOO_MANY_LOGINS, NULL, NULL, now);
}

/* Is there one who takes a place of max_client_conn and has been at it for long? The oldest. */
static struct client *login_gate_idler(struct worker *w, usec_t now)
{
	LIST_EACH (node, tmp, &w->at_gate) {
		struct client *c = LIST_ENTRY(node, struct login, at_gate)->client;
		if (now - c->connected_at < LOGIN_GATE_GRACE_US)
			return NULL;
		if (c->admitted)
			return c;
	}
	return NULL;
}

bool login_gate_admit(struct client *c, usec_t now)
{
	int max = c->login->setup->conf->global.max_client_conn;
	if (client_admit(c, max))
		return true;
	struct client *idler = login_gate_idler(c->worker, now);
	if (!idler)
		return false;
	client_fail(idler, ERROR_TOO_MANY_LOGINS, NULL, NULL, now);
	return client_admit(c, max);
}

/* ---- who waits ------------------------------------------------------------------------------- */

static struct doorkeeper_policy login_gate_policy(const struct worker *w)
{
	const struct conf_global *g = &w->setup->conf->global;
	return (struct doorkeeper_policy){ .max_delay_us = g->auth_failure_delay_us,
					   .memory_us = g->auth_failure_interval_us };
}

void login_gate_hold(struct client *c, usec_t now)
{
	struct doorkeeper_policy policy = login_gate_policy(c->worker);
	usec_t delay = doorkeeper_delay(c->worker->shared->doorkeeper, &c->peer, &policy, now);
	if (delay == 0) {
		login_auth_begin(c, now);
		return;
	}
	c->login->held_until = now + delay;
	conn_pause(&c->conn, CLIENT_PAUSE_AUTH);
	client_enter(c, CLIENT_HELD, now);
}

usec_t login_gate_held_until(const struct client *c)
{
	return c->login->held_until;
}

void login_gate_release(struct client *c, usec_t now)
{
	conn_resume(&c->conn, CLIENT_PAUSE_AUTH);
	login_auth_begin(c, now);
	if (c->state != CLIENT_CLOSING)
		intake_pump(c, now);
}

/* ---- how it ended ---------------------------------------------------------------------------- */

void login_gate_passed(struct client *c)
{
	login_gate_leave(c);
	if (c->login->rule.method ==
	    HBA_METHOD_TRUST) /* it has shown nothing: no end to guessing */
		return;
	doorkeeper_passed(c->worker->shared->doorkeeper, &c->peer);
}

void login_gate_failed(struct client *c, const char *why, usec_t now)
{
	char who[256];
	struct worker *w = c->worker;
	struct doorkeeper_policy policy = login_gate_policy(w);
	if (doorkeeper_failed(w->shared->doorkeeper, &c->peer, &policy, now))
		LOG_INFO("client %s: login refused%s%s", client_text(c, who, sizeof(who)),
			 *why ? ": " : "", why);
	else if (!wheel_is_armed(&w->gate_timer))
		loop_set_timer(w->loop, &w->gate_timer, usec_after(now, policy.memory_us));
}

static void login_gate_tell(void *arg, const struct addr *a, unsigned count)
{
	char host[ADDR_HOST_BYTES];
	const struct doorkeeper_policy *policy = arg;
	LOG_WARNING("%u more logins from %s were refused within %llu s", count,
		    a->kind == ADDR_NONE ? "many addresses" : addr_host(a, host),
		    (unsigned long long)(policy->memory_us / USEC_PER_SEC));
}

void login_gate_on_timer(struct timer *t, usec_t now)
{
	struct worker *w = CONTAINER_OF(t, struct worker, gate_timer);
	struct doorkeeper_policy policy = login_gate_policy(w);
	if (doorkeeper_report(w->shared->doorkeeper, &policy, now, login_gate_tell, &policy))
		loop_set_timer(w->loop, t, usec_after(now, policy.memory_us));
}
