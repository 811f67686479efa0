/*
 * pool_order.h - what the pool wants done.
 *
 * The pool decides and never acts. Its entry points append orders to the worker's
 * queue; the worker carries them out, in order, before it goes back to its loop
 * (and may call any entry point while it does: more orders join the end).
 *
 * Owned by struct pool_worker. Thread: worker.
 */
#ifndef POOL_POOL_ORDER_H
#define POOL_POOL_ORDER_H

#include <stdbool.h>
#include <stddef.h>

struct pool_slice;
struct pool_member;
struct pool_waiter;
struct pool_cap;

/*
 *  order    what it asks for, and of which fields
 *
 *  GRANT    waiter: here is your server, member. It is the client's until pool_return.
 *  OPEN     slice: make a server object, pool_member_init, log in, then pool_opened or
 *           pool_open_failed. The permit is taken already.
 *  CLOSE    member: close it, because of `why`; pool_lost once it is gone. It may be in a
 *           client's hands (KILLED only).
 *  PING     member: see whether it is alive, then pool_ping_ok or pool_ping_failed.
 *  REFUSE   waiter: there will be no server, because of `why`. It is off the queue.
 *  HAND     member: take it off this loop and mail it to `worker`, who calls pool_adopt.
 *  WAKE     mail `worker` to call pool_wake with `cap`. It may be this worker itself.
 *  EVICT    mail `worker` to call pool_evict with `cap`. Never this worker itself.
 *  DRAINED  slice: it was paused and now has no server left.
 */
#define POOL_ORDER_KINDS(X)                                                                        \
	X(GRANT)                                                                                   \
	X(OPEN)                                                                                    \
	X(CLOSE)                                                                                   \
	X(PING)                                                                                    \
	X(REFUSE)                                                                                  \
	X(HAND)                                                                                    \
	X(WAKE)                                                                                    \
	X(EVICT)                                                                                   \
	X(DRAINED)

/* Why a server is closed or a waiter is refused: the words are for the log. */
#define POOL_REASONS(X)                                                                            \
	X(NONE, "")                                                                                \
	X(IDLE_TIMEOUT, "idle for longer than server_idle_timeout")                                \
	X(RECYCLED, "older than pool_recycle")                                                     \
	X(STALE, "opened before a RECONNECT, a failed ping or the like")                           \
	X(SURPLUS, "a limit was lowered")                                                          \
	X(OVERFLOW, "pool_size servers idle already")                                              \
	X(EVICTED, "another pool under the same limit is short")                                   \
	X(PAUSED, "the pool is paused")                                                            \
	X(KILLED, "KILL was asked for")                                                            \
	X(PING_FAILED, "it did not answer a ping")                                                 \
	X(TIMEOUT, "pool_timeout passed")                                                          \
	X(QUEUE_FULL, "max_waiting clients wait already")                                          \
	X(LOGIN_FAILED, "the server cannot be logged in to")

enum pool_order_kind {
#define X(kind) POOL_ORDER_##kind,
	POOL_ORDER_KINDS(X)
#undef X
};

enum pool_reason {
#define X(reason, text) POOL_REASON_##reason,
	POOL_REASONS(X)
#undef X
};

struct pool_order {
	enum pool_order_kind kind;
	enum pool_reason why;       /* CLOSE, REFUSE */
	unsigned worker;            /* HAND, WAKE, EVICT */
	struct pool_slice *slice;   /* all but WAKE and EVICT */
	struct pool_member *member; /* GRANT, CLOSE, PING, HAND */
	struct pool_waiter *waiter; /* GRANT, REFUSE */
	struct pool_cap *cap;       /* WAKE, EVICT */
};

/* A ring that grows; nothing is allocated once it is as large as the worst burst. */
struct pool_orders {
	struct pool_order *ring; /* owned */
	size_t cap;              /* a power of two, or 0 */
	size_t head;             /* the next to be taken */
	size_t count;
};

void pool_order_init(struct pool_orders *o); /* all zeros is an empty queue too */
void pool_order_fini(struct pool_orders *o);
void pool_order_add(struct pool_orders *o, struct pool_order order);
bool pool_order_take(struct pool_orders *o, struct pool_order *out); /* false: none left */

/* A WAKE, unless one is on its way there already. */
void pool_order_wake(struct pool_orders *o, struct pool_cap *cap, unsigned worker);

/* The last one added, to be undone: only right after it was added. */
bool pool_order_take_last_grant(struct pool_orders *o, const struct pool_waiter *waiter);

/* Takes out every order that names the waiter or the member; true: `out` was a GRANT. */
bool pool_order_forget_waiter(struct pool_orders *o, const struct pool_waiter *waiter,
			      struct pool_order *out);
bool pool_order_forget_member(struct pool_orders *o, const struct pool_member *member,
			      struct pool_order *out);

const char *pool_order_name(enum pool_order_kind kind);
const char *pool_order_reason(enum pool_reason why); /* its name, for logs: "idle_timeout" */
const char *pool_order_why(enum pool_reason why);    /* in words */

#endif
