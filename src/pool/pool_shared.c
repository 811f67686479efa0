/*
 * pool_shared.c - the little that a pool's slices share beside its cap.
 */
#include "pool/pool_shared.h"

static int32_t limit_of(const struct pool_limits *l)
{
	if (l->pool_size == 0 || l->max_overflow < 0)
		return PERMITS_UNLIMITED;
	return l->pool_size > PERMITS_UNLIMITED - l->max_overflow ? PERMITS_UNLIMITED
								  : l->pool_size + l->max_overflow;
}

static int32_t held_of(const struct pool_limits *l)
{
	return l->pool_size == 0 ? PERMITS_UNLIMITED : l->pool_size;
}

void pool_shared_init(struct pool_shared *p, unsigned workers, const struct pool_limits *limits,
		      struct pool_cap *db, struct pool_cap *user)
{
	pool_cap_init(&p->cap, workers, limit_of(limits));
	p->cap.pool = p;
	atomic_init(&p->short_of, 0);
	atomic_init(&p->generation, 1);
	atomic_init(&p->reconnect_at, 1);
	atomic_init(&p->waiting, 0);
	atomic_init(&p->logins, 0);
	atomic_init(&p->retry_at, 0);
	p->db = db;
	p->user = user;
	pool_shared_configure(p, limits);
}

void pool_shared_fini(struct pool_shared *p)
{
	BUG_ON(atomic_load(&p->waiting) != 0 || atomic_load(&p->logins) != 0);
	pool_cap_fini(&p->cap);
}

void pool_shared_configure(struct pool_shared *p, const struct pool_limits *limits)
{
	permits_set_limit(&p->cap.permits, limit_of(limits));
	atomic_store(&p->cap.held, held_of(limits));
}

void pool_shared_reconnect(struct pool_shared *p)
{
	atomic_store(&p->reconnect_at, atomic_fetch_add(&p->generation, 1) + 1);
}

bool pool_shared_is_failing(struct pool_shared *p, usec_t now)
{
	return now < atomic_load(&p->retry_at) && permits_staying(&p->cap.permits) == 0;
}
