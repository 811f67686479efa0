/*
 * wheel.c - a hierarchical timer wheel.
 *
 * Time is cut in steps. A slot of level 0 is one step wide, a slot of each level above as
 * wide as the whole level beneath: 0.64 s, 41 s, 44 min, 46 h, 124 days are the reaches. A timer is
 * filed by the step at which it is due, in the lowest level that reaches it; one beyond all reaches
 * is filed at the far end. When the hand comes to a slot, each timer in it is fired if its deadline
 * has come and filed anew if not: because its slot was a wide one, or because its deadline was
 * moved meanwhile.
 *
 * A bit in `busy` says that a slot may hold timers; it is cleared when the slot is found
 * empty, so that taking a timer out touches nothing but its neighbours.
 */
#include "base/wheel.h"

#define WHEEL_LEVEL_BITS 6
#define WHEEL_MASK (WHEEL_SLOTS - 1)
#define WHEEL_NOT_FILED (-1)

/* The step at whose end the deadline has certainly passed. */
static int64_t wheel_step_of(usec_t deadline)
{
	return deadline / WHEEL_STEP_US + (deadline % WHEEL_STEP_US != 0);
}

void wheel_init(struct wheel *w, usec_t now)
{
	*w = (struct wheel){ .step = now / WHEEL_STEP_US };
	for (int level = 0; level < WHEEL_LEVELS; level++)
		for (int i = 0; i < WHEEL_SLOTS; i++)
			list_init(&w->slots[level][i]);
	list_init(&w->due);
}

void wheel_init_timer(struct timer *t, timer_fn fn)
{
	*t = (struct timer){ .fn = fn, .deadline = USEC_NEVER, .filed = WHEEL_NOT_FILED };
	list_init(&t->link);
}

static void wheel_file(struct wheel *w, struct timer *t)
{
	int64_t step = wheel_step_of(t->deadline);
	if (step <= w->step)
		step = w->step + 1;

	/* At level n the hand stands in slot (step >> 6n); a timer fits when it lies less than
	 * one turn ahead of that slot. */
	int level = 0;
	while (level < WHEEL_LEVELS - 1 &&
	       (step >> (level * WHEEL_LEVEL_BITS)) - (w->step >> (level * WHEEL_LEVEL_BITS)) >=
		       WHEEL_SLOTS)
		level++;
	int shift = level * WHEEL_LEVEL_BITS;
	int64_t slot = step >> shift;
	if (slot - (w->step >> shift) >= WHEEL_SLOTS)
		slot = (w->step >> shift) + WHEEL_SLOTS - 1;

	t->filed = slot << shift;
	w->busy[level] |= (uint64_t)1 << (slot & WHEEL_MASK);
	list_push_back(&w->slots[level][slot & WHEEL_MASK], &t->link);
}

void wheel_set(struct wheel *w, struct timer *t, usec_t deadline)
{
	if (deadline == USEC_NEVER) {
		wheel_clear(t);
		return;
	}
	t->deadline = deadline;
	/* Where the wheel looks at it in time anyway, it stays. */
	if (t->filed != WHEEL_NOT_FILED && t->filed <= wheel_step_of(deadline))
		return;
	list_remove(&t->link);
	wheel_file(w, t);
}

void wheel_clear(struct timer *t)
{
	list_remove(&t->link);
	t->deadline = USEC_NEVER;
	t->filed = WHEEL_NOT_FILED;
}

/* The first step after the hand's at which a slot of this level is come to that may hold
 * timers; USEC_NEVER if there is none. */
static int64_t wheel_next_of_level(struct wheel *w, int level)
{
	int shift = level * WHEEL_LEVEL_BITS;
	int64_t hand = w->step >> shift;

	while (w->busy[level] != 0) {
		/* Bit 0 stands for the slot after the hand's. */
		int turn = (int)((hand + 1) & WHEEL_MASK);
		uint64_t ahead = w->busy[level] >> turn;
		if (turn > 0)
			ahead |= w->busy[level] << (WHEEL_SLOTS - turn);
		int64_t slot = hand + 1 + __builtin_ctzll(ahead);
		if (!list_is_empty(&w->slots[level][slot & WHEEL_MASK]))
			return slot << shift;
		w->busy[level] &= ~((uint64_t)1 << (slot & WHEEL_MASK));
	}
	return USEC_NEVER;
}

static int64_t wheel_next_step(struct wheel *w)
{
	int64_t first = USEC_NEVER;
	for (int level = 0; level < WHEEL_LEVELS; level++)
		first = usec_min(first, wheel_next_of_level(w, level));
	return first;
}

/* The hand is at w->step: what lies in the slots that begin there is due or filed anew. */
static void wheel_sweep(struct wheel *w, usec_t now)
{
	for (int level = 0; level < WHEEL_LEVELS; level++) {
		int shift = level * WHEEL_LEVEL_BITS;
		if (w->step & (((int64_t)1 << shift) - 1))
			return;
		struct list *slot = &w->slots[level][(w->step >> shift) & WHEEL_MASK];
		w->busy[level] &= ~((uint64_t)1 << ((w->step >> shift) & WHEEL_MASK));
		LIST_EACH (node, tmp, slot) {
			struct timer *t = LIST_ENTRY(node, struct timer, link);
			list_remove(&t->link);
			if (t->deadline <= now) {
				t->filed = WHEEL_NOT_FILED;
				list_push_back(&w->due, &t->link);
			} else {
				wheel_file(w, t);
			}
		}
	}
}

size_t wheel_expire(struct wheel *w, usec_t now)
{
	int64_t until = now / WHEEL_STEP_US;
	int64_t next;

	while ((next = wheel_next_step(w)) <= until) {
		w->step = next;
		wheel_sweep(w, now);
	}
	if (until > w->step)
		w->step = until;

	size_t fired = 0;
	struct timer *t;
	while ((t = LIST_FIRST(&w->due, struct timer, link)) != NULL) {
		wheel_clear(t);
		t->fn(t, now);
		fired++;
	}
	return fired;
}

usec_t wheel_next(struct wheel *w)
{
	int64_t step = wheel_next_step(w);
	return step == USEC_NEVER ? USEC_NEVER : step * WHEEL_STEP_US;
}
