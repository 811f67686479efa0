/*
 * pool_member.c - the states of a server, as the pool sees them.
 *
 *                         +---------------- HAND ----------- MOVING <---+
 *                         | (in the other worker)                       |
 *                         v                                             |
 *    LOGIN --opened--> [place] --nobody waits--> IDLE --others short----+
 *      |                ^    |                    | |
 *      |         return |    +--GRANT--+          | +--idle long--> PINGING
 *      |                |              v          |                 |  | |
 *      |                +----------- ACTIVE <-----+ <------- ok ----+  | |
 *      |                               |          |                    | |
 *      |   too old, too many, paused   |          |  <--no waiter left-+ |
 *      +-------------> CLOSING <-------+----------+------ failed --------+
 *      |                  |
 *      +-- failed --> GONE <-- lost (from any state)
 *
 * [place] goes through IDLE: what comes back idles for the length of one call, so that
 * one piece of code (pool_settle.c) decides about it. Only what comes back while clients of this
 * slice wait, and nobody else, stays ACTIVE and goes to the first of them (pass_on in pool.c).
 * LOGIN is counted from the OPEN order on, all others by pool_member_enter, the only writer of
 * `state`.
 */
#include "pool/pool_parts.h"

#define RECYCLE_JITTER_PARTS 10 /* up to one part in so many earlier */

static const uint32_t may_become[] = {
#define X(state, to) [POOL_MEMBER_##state] = (to),
	POOL_MEMBER_STATES(X)
#undef X
};

const char *pool_member_state_name(enum pool_member_state state)
{
	static const char *const names[] = {
#define X(state, to) [POOL_MEMBER_##state] = #state,
		POOL_MEMBER_STATES(X)
#undef X
	};
	return names[state];
}

/* splitmix64: good enough to spread reconnects, the same for the same seed. */
static uint64_t next_random(uint64_t *seed)
{
	uint64_t z = (*seed += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

void pool_member_init(struct pool_member *m, struct pool_slice *s, usec_t now)
{
	*m = (struct pool_member){
		.slice = s,
		.shared = s->shared,
		.opened_at = now,
		.idle_since = now,
		.generation = atomic_load(&s->shared->generation),
		.jitter = (uint16_t)next_random(&s->seed),
		.state = POOL_MEMBER_LOGIN,
	};
	list_push_back(&s->members, &m->on_slice);
	pool_member_aged(m);
}

void pool_member_aged(struct pool_member *m)
{
	usec_t length = m->slice->limits.recycle_us;
	if (length != USEC_NEVER)
		length -= length / RECYCLE_JITTER_PARTS / 65536 * m->jitter;
	m->recycle_at = usec_after(m->opened_at, length);
}

bool pool_member_is_stale(const struct pool_member *m)
{
	return m->generation != atomic_load(&m->shared->generation);
}

/* With a length of 0 it is used once: it may well idle before that. */
bool pool_member_is_expired(const struct pool_member *m, usec_t now)
{
	if (m->slice->limits.recycle_us == 0)
		return m->is_used;
	return now >= m->recycle_at;
}

bool pool_member_wants_ping(const struct pool_member *m, usec_t now)
{
	usec_t idle = now - m->idle_since;
	return idle > 0 && (m->slice->limits.pre_ping || idle > m->slice->limits.check_delay_us);
}

static int32_t *count_of(struct pool_slice *s, enum pool_member_state state)
{
	switch (state) {
	case POOL_MEMBER_LOGIN:
		return &s->n_logins;
	case POOL_MEMBER_IDLE:
		return &s->n_idle;
	case POOL_MEMBER_ACTIVE:
		return &s->n_active;
	case POOL_MEMBER_PINGING:
		return &s->n_pinging;
	case POOL_MEMBER_CLOSING:
		return &s->n_closing;
	case POOL_MEMBER_MOVING:
	case POOL_MEMBER_GONE:
		break;
	}
	return NULL;
}

/*
 * Others look for what idles here before they open a server. One more must be seen
 * before we look who is short (hence the order); one less may be seen late.
 */
static void publish_idle(struct pool_slice *s, int32_t change)
{
	struct pool_parts_caps caps = pool_parts_caps(s->shared);
	memory_order order = change > 0 ? memory_order_seq_cst : memory_order_release;
	for (unsigned i = 0; i < caps.n; i++) {
		_Atomic int32_t *idle = &caps.cap[i]->lines[s->worker->index].idle;
		int32_t before = atomic_load_explicit(idle, memory_order_relaxed); /* ours alone */
		atomic_store_explicit(idle, before + change, order);
	}
}

void pool_member_enter(struct pool_member *m, enum pool_member_state to)
{
	struct pool_slice *s = m->slice;
	enum pool_member_state from = m->state;
	BUG_ON(!(may_become[from] & (1u << to)));
	m->state = (uint8_t)to;
	if (count_of(s, from))
		--*count_of(s, from);
	if (count_of(s, to))
		++*count_of(s, to);
	if (from == POOL_MEMBER_LOGIN)
		atomic_fetch_sub(&s->shared->logins, 1);
	list_remove(&m->on_slice);
	if (to == POOL_MEMBER_IDLE)
		list_push_front(&s->idle, &m->on_slice);
	else if (to != POOL_MEMBER_MOVING && to != POOL_MEMBER_GONE)
		list_push_back(&s->members, &m->on_slice);
	if (to == POOL_MEMBER_IDLE)
		publish_idle(s, 1);
	else if (from == POOL_MEMBER_IDLE)
		publish_idle(s, -1);
	if (m->is_returning) /* only now: an idle one was seen before */
		atomic_fetch_sub(&pool_parts_line(s)->returning, 1);
	m->is_returning = false;
	if (to == POOL_MEMBER_MOVING || to == POOL_MEMBER_GONE)
		pool_member_unlink(m);
}

void pool_member_link(struct pool_member *m, struct pool_waiter *w)
{
	m->is_used = true;
	if (m->last == w)
		return;
	pool_member_unlink(m);
	if (w->last)
		w->last->last = NULL;
	m->last = w;
	w->last = m;
}

void pool_member_unlink(struct pool_member *m)
{
	if (m->last)
		m->last->last = NULL;
	m->last = NULL;
}

static bool is_wanted_back(const struct pool_member *m)
{
	return m && m->is_dear && m->last;
}

/* Another than `m`, if there is one that nobody wants back. */
static struct pool_member *pick_other(struct pool_slice *s, struct pool_member *m)
{
	LIST_EACH (node, tmp, &s->idle) {
		struct pool_member *other = LIST_ENTRY(node, struct pool_member, on_slice);
		if (!is_wanted_back(other))
			return other;
	}
	return m;
}

struct pool_member *pool_member_pick(struct pool_slice *s, const struct pool_waiter *w)
{
	if (w && w->last && w->last->state == POOL_MEMBER_IDLE && w->last->slice == s)
		return w->last;
	struct pool_member *m = s->limits.lifo ? LIST_FIRST(&s->idle, struct pool_member, on_slice)
					       : LIST_LAST(&s->idle, struct pool_member, on_slice);
	return UNLIKELY(is_wanted_back(m)) ? pick_other(s, m) : m;
}

struct pool_member *pool_member_oldest(struct pool_slice *s)
{
	struct pool_member *oldest = NULL;
	LIST_EACH (node, tmp, &s->idle) {
		struct pool_member *m = LIST_ENTRY(node, struct pool_member, on_slice);
		if (!oldest || m->opened_at <= oldest->opened_at)
			oldest = m;
	}
	return oldest;
}

/* Once for all servers of that time: others that fail too find the generation bumped. */
void pool_member_invalidate(struct pool_member *m)
{
	uint32_t generation = m->generation;
	atomic_compare_exchange_strong(&m->shared->generation, &generation, generation + 1);
}

void pool_member_close(struct pool_member *m, enum pool_reason why, struct pool_cap *claimed)
{
	struct pool_slice *s = m->slice;
	struct pool_parts_caps caps = pool_parts_caps(s->shared);
	pool_member_enter(m, POOL_MEMBER_CLOSING);
	for (unsigned i = 0; i < caps.n; i++)
		if (caps.cap[i] != claimed)
			permits_leave(&caps.cap[i]->permits);
	s->counters.closed++;
	pool_order_add(&s->worker->orders,
		       (struct pool_order){
			       .kind = POOL_ORDER_CLOSE, .why = why, .slice = s, .member = m });
}
