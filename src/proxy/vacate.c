/*
 * vacate.c - commands that wait for a database to be left, and the servers that leave it.
 */
#include "proxy/vacate.h"

#include <stdlib.h>

#include "base/mem.h"
#include "net/loop.h"
#include "net/mailbox.h"
#include "proxy/cancel.h"
#include "proxy/client.h"
#include "proxy/localpool.h"
#include "proxy/registry.h"
#include "proxy/route.h"
#include "proxy/site.h"
#include "proxy/worker.h"

/* A command that is not done after so long is waiting, and will be for a while. */
#define VACATE_PATIENCE_US (200 * USEC_PER_MSEC)
#define VACATE_AGAIN_US USEC_PER_SEC

struct vacate {
	struct timer timer;
	struct list on_worker; /* worker->vacates */
	struct worker *worker; /* not owned */
	struct site *site;     /* a reference: what is to be left */
	uint64_t client;       /* its id */
	uint32_t cancel_pid;   /* and what it is found by */
	usec_t at;             /* when the command was sent */
};

/* ---- who leaves ---------------------------------------------------------------------------- */

struct vacate_mail {
	struct mail mail;
	struct site *site; /* a reference */
};

static void vacate_arrive(struct mail *mail, void *owner, usec_t now)
{
	struct worker *w = owner;
	struct vacate_mail *m = CONTAINER_OF(mail, struct vacate_mail, mail);
	LIST_EACH (node, tmp, &w->pool.slices) {
		struct localpool *lp =
			localpool_of_slice(LIST_ENTRY(node, struct pool_slice, on_worker));
		if (w->stopping || lp->hidden.site != m->site)
			continue;
		localpool_vacate(lp, now);
	}
	if (!w->stopping)
		worker_settle(w, now);
	registry_release_site(w->shared->registry, m->site);
	free(m);
}

static void vacate_tell_all(struct worker_shared *shared, struct site *site)
{
	for (unsigned i = 0; i < shared->worker_count; i++) {
		struct vacate_mail *m = mem_zalloc(sizeof(*m));
		m->mail.deliver = vacate_arrive;
		m->site = registry_hold_site(shared->registry, site);
		mailbox_send(shared->workers[i]->box, &m->mail);
	}
}

/* ---- who waits ----------------------------------------------------------------------------- */

static void vacate_free(struct vacate *v)
{
	loop_clear_timer(&v->timer);
	list_remove(&v->on_worker);
	registry_release_site(v->worker->shared->registry, v->site);
	free(v);
}

/* Has its server been at work since the command was sent? */
static bool vacate_is_waited_for(const struct vacate *v)
{
	const struct client *c = cancel_find(v->worker, v->cancel_pid);
	return c && c->id == v->client && c->state == CLIENT_LINKED && c->batch_at &&
	       c->batch_at <= v->at;
}

static void vacate_on_timer(struct timer *t, usec_t now)
{
	struct vacate *v = CONTAINER_OF(t, struct vacate, timer);
	struct worker *w = v->worker;
	if (w->stopping)
		return;
	if (!vacate_is_waited_for(v)) {
		vacate_free(v);
	} else if (!site_vacate(v->site, now, VACATE_AGAIN_US)) {
		loop_set_timer(w->loop, &v->timer, now + VACATE_PATIENCE_US);
	} else {
		vacate_tell_all(w->shared, v->site);
		vacate_free(v);
	}
	worker_settle(w, now);
}

/* The client's, made where it has none: one command at a time. */
static struct vacate *vacate_of(const struct client *c)
{
	struct worker *w = c->worker;
	LIST_EACH (node, tmp, &w->vacates) {
		struct vacate *v = LIST_ENTRY(node, struct vacate, on_worker);
		if (v->client == c->id)
			return v;
	}
	struct vacate *v = mem_zalloc(sizeof(*v));
	v->worker = w;
	v->client = c->id;
	v->cancel_pid = c->cancel_pid;
	wheel_init_timer(&v->timer, vacate_on_timer);
	list_push_back(&w->vacates, &v->on_worker);
	return v;
}

void vacate_mind(const struct client *c, struct slice dbname)
{
	struct worker *w = c->worker;
	struct vacate *v = vacate_of(c);
	struct site *old = v->site;
	struct buf key = { 0 };
	localpool_add_site(c->pool, dbname, &key);
	v->site = registry_site(w->shared->registry, buf_slice(&key));
	v->at = loop_now(w->loop);
	loop_set_timer(w->loop, &v->timer, v->at + VACATE_PATIENCE_US);
	if (old)
		registry_release_site(w->shared->registry, old);
	buf_fini(&key);
}

void vacate_stop_all(struct worker *w)
{
	LIST_EACH (node, tmp, &w->vacates)
		vacate_free(LIST_ENTRY(node, struct vacate, on_worker));
}
