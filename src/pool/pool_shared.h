/*
 * pool_shared.h - what the slices of one pool share.
 *
 * One per pool (database, server user, start-up-only parameters), made before its
 * first slice and freed after its last one, once no mail names its cap any more. Checkout and
 * return of a warm server read its first cache line, which changes only when a server is opened or
 * closed or somebody starts or ends to be short, and write nothing of it.
 *
 * Owned by the keeper of pools (not by a worker). Thread: any.
 */
#ifndef POOL_POOL_SHARED_H
#define POOL_POOL_SHARED_H

#include "pool/pool_cap.h"

/*
 * A pool's settings, resolved. Lengths in microseconds, USEC_NEVER for "never".
 *
 *  pool_size        held; 0: no limit at all, and every idle server is kept
 *  max_overflow     on top of it; -1: no cap, but still at most pool_size idle
 *  min_pool_size    kept open also when nobody asks
 *  max_waiting      clients that may wait with no login under way for them; 0: no bound
 *  overflow_delay   what the longest waiter must have waited before an overflow server is opened
 *  pool_timeout     then a waiter is refused
 *  recycle          age at which a server is replaced, less up to a tenth; 0: used once
 *  idle_timeout     an idle server is closed then, as long as min_pool_size stay
 *  check_delay      idle for longer: pinged before it is given out
 *  pre_ping         pinged whenever it was idle
 *  login_retry      pause after a failed login
 *  lifo             the server used last is given out first
 */
struct pool_limits {
	int32_t pool_size;
	int32_t max_overflow;
	int32_t min_pool_size;
	int32_t max_waiting;
	usec_t overflow_delay_us;
	usec_t pool_timeout_us;
	usec_t recycle_us;
	usec_t idle_timeout_us;
	usec_t check_delay_us;
	usec_t login_retry_us;
	bool pre_ping;
	bool lifo;
};

struct pool_shared {
	alignas(POOL_CAP_LINE_BYTES) _Atomic uint64_t
		short_of; /* workers in which somebody waits */
	struct pool_cap cap;
	_Atomic uint32_t generation;   /* servers of an older one are not given out again */
	_Atomic uint32_t reconnect_at; /* the generation of the last RECONNECT */
	struct pool_cap *db;           /* not owned; NULL: no such cap */
	struct pool_cap *user;         /* not owned; NULL: no such cap */
	alignas(POOL_CAP_LINE_BYTES) _Atomic int32_t waiting; /* clients, over all workers */
	_Atomic int32_t logins;                               /* under way, over all workers */
	_Atomic usec_t retry_at; /* 0: logins succeed; else no login before that */
};

void pool_shared_init(struct pool_shared *p, unsigned workers, const struct pool_limits *limits,
		      struct pool_cap *db, struct pool_cap *user);
void pool_shared_fini(struct pool_shared *p);

/* New limits, before pool_configure is called with the same on each slice in its worker. */
void pool_shared_configure(struct pool_shared *p, const struct pool_limits *limits);

/* Every server of now is closed at its next return; pool_sweep on each slice for the idle ones. */
void pool_shared_reconnect(struct pool_shared *p);

/* No usable server, none being opened, and the last login failed. */
bool pool_shared_is_failing(struct pool_shared *p, usec_t now);

#endif
