/*
 * pool.h - who gets which server connection, and when.
 *
 * A pool is cut into slices, one per worker; what they share is struct pool_shared.
 * Here is decided and nothing is done: see pool_order.h. The time is passed in.
 *
 * How a worker uses it:
 *  - it embeds a struct pool_worker, a struct pool_member in each server object and a
 *    struct pool_waiter in each client object;
 *  - a transaction begins: pool_request. A member comes back at once, or a GRANT, a
 *    REFUSE (perhaps both only later), or the client leaves: pool_leave;
 *  - it ends, and the server is clean: pool_return. It cannot be made clean: close it
 *    and say pool_lost;
 *  - after each entry point (or once per turn, before it sleeps) it carries out
 *    worker->orders, and sets a timer for pool_next, on which it calls pool_tick.
 * Mail from other workers (WAKE, EVICT, HAND) must arrive exactly once; late is fine.
 *
 * Ownership: a slice owns nothing but its numbers. Members and waiters belong to the
 * servers and clients that embed them; pool_lost and pool_waiter_fini end the pool's
 * knowledge of them, and no order names them after that.
 *
 * Thread: worker, each its own slices, unless a function says otherwise.
 */
#ifndef POOL_POOL_H
#define POOL_POOL_H

#include "base/list.h"
#include "pool/pool_order.h"
#include "pool/pool_shared.h"

#define POOL_HAND_MARGIN_US (2 * USEC_PER_MSEC) /* own waiters go first unless so much younger */
#define POOL_EVICT_MARGIN_US USEC_PER_SEC /* ... before a server in use goes to another pool */
#define POOL_RETURN_US USEC_PER_SEC       /* who waits counts on those returning no longer */
#define POOL_CAP_RETRY_US USEC_PER_SEC    /* min_pool_size is tried again so often */

#define POOL_TO(state) (1u << POOL_MEMBER_##state)

/*      state     may become */
#define POOL_MEMBER_STATES(X)                                                                      \
	X(LOGIN, POOL_TO(IDLE) | POOL_TO(CLOSING) | POOL_TO(GONE))                                 \
	X(IDLE,                                                                                    \
	  POOL_TO(ACTIVE) | POOL_TO(PINGING) | POOL_TO(MOVING) | POOL_TO(CLOSING) | POOL_TO(GONE)) \
	X(ACTIVE, POOL_TO(IDLE) | POOL_TO(CLOSING) | POOL_TO(GONE))                                \
	X(PINGING, POOL_TO(ACTIVE) | POOL_TO(IDLE) | POOL_TO(CLOSING) | POOL_TO(GONE))             \
	X(MOVING, POOL_TO(IDLE) | POOL_TO(CLOSING) | POOL_TO(GONE))                                \
	X(CLOSING, POOL_TO(GONE))                                                                  \
	X(GONE, 0)

enum pool_member_state {
#define X(state, to) POOL_MEMBER_##state,
	POOL_MEMBER_STATES(X)
#undef X
};

#define POOL_WAITER_STATES(X)                                                                      \
	X(OUT, "asks for nothing, or was granted or refused")                                      \
	X(QUEUED, "waits in line")                                                                 \
	X(PINGING, "a server for it is being pinged")

enum pool_waiter_state {
#define X(state, text) POOL_WAITER_##state,
	POOL_WAITER_STATES(X)
#undef X
};

/* One worker's slices. Owned by the worker, which embeds it. */
struct pool_worker {
	unsigned index; /* from 0 */
	struct list slices;
	struct pool_orders orders;
};

/* Counted per slice since it was made. */
#define POOL_COUNTERS(X)                                                                           \
	X(requests)      /* pool_request */                                                        \
	X(grants)        /* a server given to a client, at once or later */                        \
	X(waits)         /* requests that could not be served at once */                           \
	X(opened)        /* logins that succeeded */                                               \
	X(open_failures) /* logins that did not */                                                 \
	X(closed)        /* by the pool's decision */                                              \
	X(lost)          /* gone otherwise */                                                      \
	X(handed)        /* to another worker */                                                   \
	X(adopted)       /* from another worker */                                                 \
	X(pings)                                                                                   \
	X(timeouts)      /* refused at pool_timeout */                                             \
	X(queue_full)    /* refused because of max_waiting */                                      \
	X(login_refused) /* refused because no login succeeds */

struct pool_counters {
#define X(name) uint64_t name;
	POOL_COUNTERS(X)
#undef X
};

struct pool_stats {
	struct pool_counters counters;
	int32_t idle, active, pinging, logins, closing; /* servers of this slice, by state */
	int32_t waiting;                                /* clients of this slice */
	usec_t oldest_us;    /* when the longest of them began to wait; USEC_NEVER: nobody */
	int32_t used, limit; /* of the pool, over all workers */
	bool paused;
};

/* One worker's part of one pool. Owned by the worker. */
struct pool_slice {
	struct pool_worker *worker; /* not owned */
	struct pool_shared *shared; /* not owned */
	struct list on_worker;      /* in worker->slices */
	struct pool_limits limits;
	uint64_t seed;       /* of the jitter */
	struct list members; /* not idle: in use, pinging, logging in, closing */
	struct list idle;    /* the one used last in front */
	struct list queue;   /* waiters, the longest in front */
	struct list pinging; /* waiters whose server is being pinged */
	int32_t n_idle, n_active, n_pinging, n_logins, n_closing;
	int32_t n_queue, n_bound;    /* on `queue` and on `pinging` */
	int32_t published;           /* of n_queue, what the shared line says */
	int32_t hungry;              /* what it added to blocked_on->hungry */
	struct pool_cap *blocked_on; /* the database's or user's cap that keeps it from opening */
	uint64_t next_seq;
	usec_t due;           /* pool_tick has nothing to do before that */
	usec_t last_deadline; /* of the waiter queued last */
	bool deadlines_mixed; /* a later waiter may have an earlier deadline */
	bool shedding;        /* more is used than a lowered limit allows */
	bool paused;
	bool drained_told;
	struct pool_counters counters;
};

/* The pool's part of a server connection. Owned by the server object. */
struct pool_member {
	struct list on_slice;     /* slice->members or slice->idle */
	struct pool_slice *slice; /* not owned; while MOVING the one it left */
	struct pool_shared *shared;
	struct pool_waiter *last;   /* used it last, and still knows it */
	struct pool_waiter *waiter; /* while PINGING: for whom, or NULL */
	usec_t opened_at;
	usec_t idle_since; /* USEC_NEVER while MOVING: it comes straight from use */
	usec_t recycle_at;
	uint32_t generation;
	uint16_t jitter; /* in 65536ths */
	uint8_t state;   /* enum pool_member_state; written by pool_member_enter alone */
	bool is_used;    /* it was given to a client before */
	bool is_returning;
	bool is_dear; /* the caller's: who used it last may want this one and no other. Somebody
			 else gets it if no other idles */
};

/* The pool's part of a client. Owned by the client object. */
struct pool_waiter {
	struct list on_slice;       /* slice->queue or slice->pinging */
	struct pool_slice *slice;   /* not owned; the slice asked last */
	struct pool_member *last;   /* the server it used last, while that idles or works here */
	struct pool_member *member; /* while PINGING */
	usec_t queued_at;
	usec_t deadline;
	uint64_t seq;
	uint8_t state; /* enum pool_waiter_state */
	uint8_t kind;  /* the caller's own: what it is embedded in */
};

void pool_worker_init(struct pool_worker *w, unsigned index);
void pool_worker_fini(struct pool_worker *w); /* no slice may be left */

/*
 * A slice starts to open min_pool_size servers at its first pool_tick, which is due at
 * once. It may end at any time when it is unused, and be made again; the clients that
 * asked it are gone by then. To bring that about: pool_pause, wait for DRAINED, refuse or
 * send away who waits.
 */
void pool_init(struct pool_slice *s, struct pool_worker *w, struct pool_shared *shared,
	       const struct pool_limits *limits, uint64_t seed, usec_t now);
void pool_fini(struct pool_slice *s);

/*
 * No server, no waiter, no server under way to it from another worker, and no order of the
 * worker's is left to be carried out. A WAKE or EVICT for it may still be in the mail: who
 * reads it finds no slice, and passes it on.
 */
bool pool_is_unused(const struct pool_slice *s);

/* The slice of that pool in this worker, or NULL: whose mail is this? */
struct pool_slice *pool_slice_here(const struct pool_worker *w, const struct pool_shared *shared);

/* ---- clients -------------------------------------------------------------------------- */

void pool_waiter_init(struct pool_waiter *w);

/* Before its memory goes: leaves the queue, if on it, and is forgotten. */
void pool_waiter_fini(struct pool_waiter *w, usec_t now);

/*
 * A server, if it can be had at once (the one this client used last, else as lifo says).
 * NULL: a GRANT or a REFUSE will follow, perhaps already among the orders.
 */
struct pool_member *pool_request(struct pool_slice *s, struct pool_waiter *w,
				 usec_t now) MUST_CHECK;

/* It no longer wants one: before, or after a GRANT or REFUSE that was not yet carried out. */
void pool_leave(struct pool_waiter *w, usec_t now);

/* ---- servers -------------------------------------------------------------------------- */

/* First thing when carrying out an OPEN. */
void pool_member_init(struct pool_member *m, struct pool_slice *s, usec_t now);

void pool_opened(struct pool_member *m, usec_t now);
void pool_open_failed(struct pool_member *m, usec_t now); /* the member is gone then */

/*
 * ACTIVE, its client has left it, and it comes back as soon as it has answered what makes it clean.
 * Who waits counts on it for a while (POOL_RETURN_US) before another is opened. More often does
 * no harm.
 */
void pool_returning(struct pool_member *m);

/* Clean, and nobody's any more. Nothing happens if a CLOSE is pending for it. */
void pool_return(struct pool_member *m, usec_t now);

/* Its connection is gone: closed as ordered, by the server, or by the caller's decision. */
void pool_lost(struct pool_member *m, usec_t now);

void pool_ping_ok(struct pool_member *m, usec_t now);

/*
 * Call it once; a CLOSE follows. The waiter is served elsewhere. If the connection is
 * gone already, pool_lost alone does the same.
 */
void pool_ping_failed(struct pool_member *m, usec_t now);

/* ---- mail from other workers ------------------------------------------------------------ */

void pool_adopt(struct pool_slice *s, struct pool_member *m, usec_t now);
void pool_wake(struct pool_worker *w, struct pool_cap *cap, usec_t now);
void pool_evict(struct pool_worker *w, struct pool_cap *cap, usec_t now);

/* ---- time, and the operator -------------------------------------------------------------- */

/* Not before pool_next; more often does no harm. */
void pool_tick(struct pool_slice *s, usec_t now);

static inline usec_t pool_next(const struct pool_slice *s)
{
	return s->due;
}

/* After pool_shared_configure, or pool_cap_set_limit of a cap that it is under. */
void pool_configure(struct pool_slice *s, const struct pool_limits *limits, usec_t now);

/*
 * No grants from now on, waiters wait; idle servers are closed now and others when they
 * come back. True: none are left; else DRAINED will say.
 */
bool pool_pause(struct pool_slice *s, usec_t now);
void pool_resume(struct pool_slice *s, usec_t now);
bool pool_is_drained(const struct pool_slice *s); /* no server, whatever its state */

/* Is it of before the last RECONNECT, so that it is not given out again? */
bool pool_is_stale(const struct pool_member *m);

/* After pool_shared_reconnect: closes what idles and is stale. */
void pool_sweep(struct pool_slice *s, usec_t now);

/*
 * Every server is closed now, in use or not. Before it: pool_shared_reconnect, so that
 * logins under way end with it; and pool_pause, if nothing is to be opened again.
 */
void pool_kill(struct pool_slice *s, usec_t now);

void pool_stats(const struct pool_slice *s, struct pool_stats *out);

const char *pool_member_state_name(enum pool_member_state state);
const char *pool_waiter_state_name(enum pool_waiter_state state);

#endif
