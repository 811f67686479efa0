/*
 * capmail.c - news of a limit, under way.
 */
#include "proxy/capmail.h"

#include <stdlib.h>

#include "base/mem.h"
#include "net/mailbox.h"
#include "proxy/localpool.h"
#include "proxy/registry.h"
#include "proxy/route.h"
#include "proxy/worker.h"

struct capmail {
	struct mail mail;
	struct pool_cap *cap; /* a reference to the route or the entry that it is of */
};

static void capmail_hold(struct registry *registry, struct pool_cap *cap)
{
	if (cap->pool)
		route_ref(CONTAINER_OF(cap->pool, struct route, shared));
	else
		registry_hold(registry, CONTAINER_OF(cap, struct registry_entry, servers));
}

static void capmail_release(struct registry *registry, struct pool_cap *cap)
{
	if (cap->pool)
		registry_release_route(registry, CONTAINER_OF(cap->pool, struct route, shared));
	else
		registry_release(registry, CONTAINER_OF(cap, struct registry_entry, servers));
}

/* Those that the cap concerns. */
static void capmail_touch(struct worker *w, const struct pool_cap *cap)
{
	if (cap->pool) {
		struct pool_slice *slice = pool_slice_here(&w->pool, cap->pool);
		if (slice)
			localpool_touch(localpool_of_slice(slice));
		return;
	}
	LIST_EACH (node, tmp, &w->pool.slices)
		localpool_touch(localpool_of_slice(LIST_ENTRY(node, struct pool_slice, on_worker)));
}

static void capmail_on_wake(struct mail *mail, void *owner, usec_t now)
{
	struct worker *w = owner;
	struct capmail *m = CONTAINER_OF(mail, struct capmail, mail);
	pool_wake(&w->pool, m->cap, now);
	capmail_touch(w, m->cap);
	worker_settle(w, now);
	capmail_release(w->shared->registry, m->cap);
	free(m);
}

static void capmail_on_evict(struct mail *mail, void *owner, usec_t now)
{
	struct worker *w = owner;
	struct capmail *m = CONTAINER_OF(mail, struct capmail, mail);
	pool_evict(&w->pool, m->cap, now);
	capmail_touch(w, m->cap);
	worker_settle(w, now);
	capmail_release(w->shared->registry, m->cap);
	free(m);
}

void capmail_send(struct worker_shared *shared, enum capmail_news news, unsigned worker,
		  struct pool_cap *cap)
{
	struct capmail *m = mem_zalloc(sizeof(*m));
	m->mail.deliver = news == CAPMAIL_EVICT ? capmail_on_evict : capmail_on_wake;
	m->cap = cap;
	capmail_hold(shared->registry, cap);
	mailbox_send(shared->workers[worker]->box, &m->mail);
}
