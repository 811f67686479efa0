/*
 * pool_parts.h - how the pool's own files see one another. For src/pool alone.
 *
 *   pool.c         entry points: who calls what of the files below, in which order
 *   pool_settle.c  the decision: what idles, who waits, what is opened, what is given up
 *   pool_open.c    permits to open a server with, and where they go back
 *   pool_queue.c   waiters: the line, its shared face, grants and refusals
 *   pool_member.c  servers: states, lists, ages
 *
 * Thread: worker.
 */
#ifndef POOL_POOL_PARTS_H
#define POOL_POOL_PARTS_H

#include "pool/pool.h"

static inline struct pool_cap_line *pool_parts_line(const struct pool_slice *s)
{
	return &s->shared->cap.lines[s->worker->index];
}

/* The caps that a server of this pool counts against: the pool's own, then others. */
#define POOL_PARTS_CAPS 3
struct pool_parts_caps {
	struct pool_cap *cap[POOL_PARTS_CAPS];
	unsigned n;
};

static inline struct pool_parts_caps pool_parts_caps(struct pool_shared *p)
{
	struct pool_parts_caps caps = { .cap = { &p->cap }, .n = 1 };
	if (p->db)
		caps.cap[caps.n++] = p->db;
	if (p->user)
		caps.cap[caps.n++] = p->user;
	return caps;
}

/* pool_tick has something to do then. */
static inline void pool_parts_soon(struct pool_slice *s, usec_t when)
{
	s->due = usec_min(s->due, when);
}

/* More than pool_size would only be closed again as soon as they idle. */
static inline int32_t pool_parts_min(const struct pool_slice *s)
{
	const struct pool_limits *l = &s->limits;
	return l->pool_size > 0 && l->min_pool_size > l->pool_size ? l->pool_size
								   : l->min_pool_size;
}

static inline bool pool_parts_is_short(const struct pool_shared *p)
{
	return atomic_load(&p->short_of) != 0;
}

/* ---- pool_member.c ---- */
void pool_member_enter(struct pool_member *m, enum pool_member_state to);
void pool_member_aged(struct pool_member *m); /* computes recycle_at anew */
bool pool_member_is_stale(const struct pool_member *m);
bool pool_member_is_expired(const struct pool_member *m, usec_t now);
bool pool_member_wants_ping(const struct pool_member *m, usec_t now);
void pool_member_link(struct pool_member *m, struct pool_waiter *w); /* it used it last */
void pool_member_unlink(struct pool_member *m);
struct pool_member *pool_member_pick(struct pool_slice *s, const struct pool_waiter *w);
struct pool_member *pool_member_oldest(struct pool_slice *s); /* of those idle, by age */
void pool_member_invalidate(struct pool_member *m); /* a ping failed: so will those of its time */

/* `claimed`: the cap in which it was counted as leaving already, or NULL. */
void pool_member_close(struct pool_member *m, enum pool_reason why, struct pool_cap *claimed);

/* ---- pool_queue.c ---- */
void pool_queue_publish(struct pool_slice *s);
void pool_queue_add(struct pool_slice *s, struct pool_waiter *w, usec_t now);
void pool_queue_remove(struct pool_waiter *w);
void pool_queue_bind(struct pool_waiter *w, struct pool_member *m); /* until the ping is back */
void pool_queue_unbind(struct pool_waiter *w);  /* to its old place in the line */
void pool_queue_ungrant(struct pool_waiter *w); /* the member was lost before the GRANT was done */
void pool_queue_grant(struct pool_waiter *w, struct pool_member *m);
void pool_queue_refuse(struct pool_waiter *w, enum pool_reason why);
void pool_queue_refuse_all(struct pool_slice *s, enum pool_reason why);
void pool_queue_expire(struct pool_slice *s, usec_t now);
/* NULL: nobody, or paused */
static inline struct pool_waiter *pool_queue_head(const struct pool_slice *s)
{
	return s->paused ? NULL : LIST_FIRST(&s->queue, struct pool_waiter, on_slice);
}

/* ---- pool_open.c ---- */
bool pool_open_one(struct pool_slice *s, struct pool_cap **blocked_on, usec_t now) MUST_CHECK;
void pool_open_keep_min(struct pool_slice *s, usec_t now);
void pool_open_give_back(struct pool_member *m); /* its permits, and a WAKE for who wants them */
void pool_open_wake_wanting(struct pool_worker *w, struct pool_cap *cap);
void pool_open_backed_off(struct pool_slice *s, usec_t now);
void pool_open_succeeded(struct pool_slice *s);
void pool_open_wake_short(struct pool_worker *w,
			  struct pool_shared *p); /* every other worker that needs a server */

/* ---- pool_settle.c ---- */
void pool_settle(struct pool_slice *s, usec_t now);
bool pool_settle_is_calm(const struct pool_slice *s);     /* nobody anywhere needs anything of us */
bool pool_settle_is_own_turn(const struct pool_slice *s); /* all who wait do so in this line */
void pool_settle_blocked(struct pool_slice *s, struct pool_cap *cap, int32_t n);
void pool_settle_evict(struct pool_worker *w, struct pool_cap *cap, usec_t now);
void pool_settle_freed(struct pool_worker *w, struct pool_cap *cap, usec_t now);
void pool_settle_sweep(struct pool_slice *s, usec_t now);

#endif
