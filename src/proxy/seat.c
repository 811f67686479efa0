/*
 * seat.c - permits taken and given back by somebody outside the pool.
 */
#include "proxy/seat.h"

#include "base/buf.h"
#include "proxy/capmail.h"
#include "proxy/localpool.h"
#include "proxy/registry.h"
#include "proxy/route.h"
#include "proxy/worker.h"

enum { SEAT_CAPS = 3 };

static struct pool_cap *seat_cap(const struct seat *s, int i)
{
	struct pool_cap *const caps[SEAT_CAPS] = { &s->route->shared.cap,
						   &s->route->database_entry->servers,
						   &s->route->user_entry->servers };
	return caps[i];
}

void seat_init(struct seat *s, struct worker_shared *shared, struct slice database,
	       struct slice user, struct slice startup, const struct conf_pool *settings,
	       usec_t now)
{
	struct buf key = { 0 };
	struct pool_limits limits;

	route_build_key(&key, database, user, startup);
	localpool_make_limits(settings, startup.len > 0, &limits);
	*s = (struct seat){ .shared = shared, .since = now };
	s->route = registry_route(shared->registry, buf_slice(&key));
	if (!s->route) {
		s->route = registry_add_route(shared->registry,
					      route_new(buf_slice(&key), shared->registry,
							shared->worker_count, &limits));
		localpool_set_caps(s->route, settings);
	}
	buf_fini(&key);
}

/* A permit is free: who waits for one hears of it. */
static void seat_wake(const struct seat *s, struct pool_cap *cap)
{
	unsigned worker;
	if (!s->is_silent && pool_cap_next_wanted(cap, USEC_NEVER, &worker))
		capmail_send(s->shared, CAPMAIL_WAKE, worker, cap);
}

static void seat_give(const struct seat *s, int n)
{
	for (int i = 0; i < n; i++) {
		permits_give(&seat_cap(s, i)->permits);
		seat_wake(s, seat_cap(s, i));
	}
}

static void seat_wait_no_more(struct seat *s)
{
	if (!s->blocker)
		return;
	atomic_store(&s->blocker->outsider_since, USEC_NEVER); /* others say theirs again */
	atomic_fetch_sub(&s->blocker->hungry, 1);
	s->blocker = NULL;
}

static void seat_wait_for(struct seat *s, struct pool_cap *cap)
{
	if (s->blocker != cap) {
		seat_wait_no_more(s);
		atomic_fetch_add(&cap->hungry, 1);
		s->blocker = cap;
	}
	if (s->since < atomic_load(&cap->outsider_since))
		atomic_store(&cap->outsider_since, s->since);
	for (unsigned i = 0; i < cap->workers; i++)
		if (atomic_load(&cap->lines[i].idle) > 0 &&
		    !atomic_exchange(&cap->lines[i].evict_rung, true))
			capmail_send(s->shared, CAPMAIL_EVICT, i, cap);
}

bool seat_take(struct seat *s)
{
	for (int i = 0; i < SEAT_CAPS; i++) {
		if (permits_take(&seat_cap(s, i)->permits, PERMITS_UNLIMITED))
			continue;
		seat_give(s, i);
		seat_wait_for(s, seat_cap(s, i));
		return false;
	}
	seat_wait_no_more(s);
	s->is_taken = true;
	return true;
}

void seat_fini(struct seat *s)
{
	struct pool_cap *blocker = s->blocker;
	seat_wait_no_more(s);
	if (blocker)
		seat_wake(s, blocker);
	if (s->is_taken)
		seat_give(s, SEAT_CAPS);
	registry_release_route(s->shared->registry, s->route);
	*s = (struct seat){ .route = NULL };
}
