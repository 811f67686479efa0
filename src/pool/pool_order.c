/*
 * pool_order.c - the queue of orders, and the words for them.
 */
#include "pool/pool_order.h"

#include <stdlib.h>

#include "base/mem.h"
#include "pool/pool_cap.h"

#define FIRST_ORDERS 16

void pool_order_init(struct pool_orders *o)
{
	*o = (struct pool_orders){ 0 };
}

void pool_order_fini(struct pool_orders *o)
{
	free(o->ring);
	*o = (struct pool_orders){ 0 };
}

static struct pool_order *order_at(const struct pool_orders *o, size_t i)
{
	return &o->ring[(o->head + i) & (o->cap - 1)];
}

static void grow(struct pool_orders *o)
{
	size_t cap = o->cap ? o->cap * 2 : FIRST_ORDERS;
	struct pool_order *ring = mem_alloc(cap * sizeof(*ring));
	for (size_t i = 0; i < o->count; i++)
		ring[i] = *order_at(o, i);
	free(o->ring);
	o->ring = ring;
	o->cap = cap;
	o->head = 0;
}

void pool_order_add(struct pool_orders *o, struct pool_order order)
{
	if (o->count == o->cap)
		grow(o);
	*order_at(o, o->count++) = order;
}

bool pool_order_take(struct pool_orders *o, struct pool_order *out)
{
	if (o->count == 0)
		return false;
	*out = *order_at(o, 0);
	o->head = (o->head + 1) & (o->cap - 1);
	o->count--;
	return true;
}

/*
 * The flag `rung` is set by who sends and cleared by who receives, before it looks:
 * what happened before a WAKE that was left out is seen by the one under way.
 */
void pool_order_wake(struct pool_orders *o, struct pool_cap *cap, unsigned worker)
{
	if (atomic_exchange(&cap->lines[worker].rung, true))
		return;
	pool_order_add(
		o, (struct pool_order){ .kind = POOL_ORDER_WAKE, .worker = worker, .cap = cap });
}

bool pool_order_take_last_grant(struct pool_orders *o, const struct pool_waiter *waiter)
{
	if (o->count == 0)
		return false;
	const struct pool_order *last = order_at(o, o->count - 1);
	if (last->kind != POOL_ORDER_GRANT || last->waiter != waiter)
		return false;
	o->count--;
	return true;
}

/* Names of NULL match nothing. */
static bool forget(struct pool_orders *o, const struct pool_waiter *waiter,
		   const struct pool_member *member, struct pool_order *out)
{
	size_t kept = 0;
	bool found = false;
	for (size_t i = 0; i < o->count; i++) {
		struct pool_order order = *order_at(o, i);
		if ((waiter && order.waiter == waiter) || (member && order.member == member)) {
			*out = order;
			found = true;
		} else {
			*order_at(o, kept++) = order;
		}
	}
	o->count = kept;
	return found;
}

bool pool_order_forget_waiter(struct pool_orders *o, const struct pool_waiter *waiter,
			      struct pool_order *out)
{
	return forget(o, waiter, NULL, out);
}

bool pool_order_forget_member(struct pool_orders *o, const struct pool_member *member,
			      struct pool_order *out)
{
	return forget(o, NULL, member, out);
}

const char *pool_order_name(enum pool_order_kind kind)
{
	static const char *const names[] = {
#define X(kind) [POOL_ORDER_##kind] = #kind,
		POOL_ORDER_KINDS(X)
#undef X
	};
	return names[kind];
}

const char *pool_order_reason(enum pool_reason why)
{
	static const char *const names[] = {
#define X(reason, text) [POOL_REASON_##reason] = #reason,
		POOL_REASONS(X)
#undef X
	};
	return names[why];
}

const char *pool_order_why(enum pool_reason why)
{
	static const char *const texts[] = {
#define X(reason, text) [POOL_REASON_##reason] = text,
		POOL_REASONS(X)
#undef X
	};
	return texts[why];
}
