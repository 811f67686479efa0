/*
 * pool_cap.h - a cap on server connections, and who is short of what lies under it.
 *
 * Every pool has one (pool_size + max_overflow); a database and a user have one
 * (max_db_connections, max_user_connections) that several pools share. Beside the
 * permits it holds, for each worker, a line of its own that the worker writes and
 * the others read: how many servers idle there, since when somebody waits there.
 *
 * Lives longer than every pool under it. Owned by the configuration's keeper (not by
 * a worker). Thread: any, unless a field says otherwise.
 */
#ifndef POOL_POOL_CAP_H
#define POOL_POOL_CAP_H

#include <stdalign.h>

#include "base/usec.h"
#include "pool/permits.h"

#define POOL_CAP_MAX_WORKERS 64
#define POOL_CAP_LINE_BYTES 64

struct pool_shared;
struct pool_slice;

/* One worker's line: alone in its cache line. */
struct pool_cap_line {
	alignas(POOL_CAP_LINE_BYTES) _Atomic int32_t idle; /* servers idle in this worker */
	_Atomic int32_t need;      /* of a pool: waiters, less servers handed over and under way */
	_Atomic int32_t returning; /* of a pool: servers that are being made clean */
	_Atomic usec_t since;      /* when the longest waiter began to wait; USEC_NEVER: none */
	_Atomic bool rung;         /* a WAKE is on its way */
	_Atomic bool asked;        /* ... and somebody counts on what idles here */
	_Atomic bool evict_rung;   /* an EVICT is on its way */
	struct pool_slice *slice;  /* of a pool; not owned; read and written by this worker alone */
};

struct pool_cap {
	struct permits permits;
	_Atomic int32_t held;          /* of a pool: how many may be opened without delay */
	_Atomic uint64_t wanted;       /* workers to be woken when less than the limit is used */
	_Atomic uint64_t wanted_held;  /* ... when less than `held` is used */
	_Atomic int32_t hungry;        /* waiters whom only this cap keeps from a server */
	_Atomic usec_t outsider_since; /* since when somebody waits who is no pool's waiter, and
					  counts as hungry; USEC_NEVER: nobody */
	struct pool_shared *pool;      /* whose own it is; NULL: several pools lie under it */
	unsigned workers;
	struct pool_cap_line *lines; /* owned; one per worker */
};

void pool_cap_init(struct pool_cap *cap, unsigned workers, int32_t limit);
void pool_cap_fini(struct pool_cap *cap); /* nothing may be used any more */

/*
 * PERMITS_UNLIMITED or a number, at any time, from any thread. Then call
 * pool_configure on every slice under it, in its worker: that sheds what is too many
 * and opens what waited.
 */
void pool_cap_set_limit(struct pool_cap *cap, int32_t limit);

/* Is there a permit within bound? If not, this worker will be woken for one. */
bool pool_cap_is_ready(struct pool_cap *cap, unsigned worker, int32_t bound) MUST_CHECK;

/*
 * Takes the worker off the wanted sets who waits longest and could take a permit now; of
 * those who wait since before that time, if it is not USEC_NEVER.
 */
bool pool_cap_next_wanted(struct pool_cap *cap, usec_t before, unsigned *worker) MUST_CHECK;

/* For who is to be woken though a permit is free: it is somebody else's turn. */
void pool_cap_want(struct pool_cap *cap, unsigned worker);

/* permits_leave, if somebody hungry is served neither by a free permit nor by one leaving. */
bool pool_cap_claim_eviction(struct pool_cap *cap) MUST_CHECK;
bool pool_cap_is_hungry(const struct pool_cap *cap);

/* Over all workers: servers idle, and since when the longest waiter waits. */
int32_t pool_cap_idle(const struct pool_cap *cap);
int32_t pool_cap_returning(const struct pool_cap *cap); /* being made clean */
usec_t pool_cap_since(const struct pool_cap *cap);

#endif
