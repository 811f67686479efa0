/*
 * wheel.h - deadlines, many of them, mostly moved and rarely met.
 *
 * A hierarchical timer wheel with steps of 10 ms. A timer never fires early, and fires
 * within one step of its deadline provided that wheel_expire is called by wheel_next.
 * Setting, clearing and moving a deadline are O(1); moving one later on an armed timer
 * writes one word: the wheel comes across it at the old time and files it anew.
 *
 * The timer lives inside the object that it is for; the wheel owns nothing. Time is
 * passed in and may be any usec_t >= 0 that does not go backwards.
 *
 * Thread: the owner's.
 */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/usec.h"

#define WHEEL_STEP_US ((usec_t)10000)
#define WHEEL_LEVELS 5
#define WHEEL_SLOTS 64

struct timer;

/* Called by wheel_expire, once per arming. It may set and clear any timer, its own
 * included, and free the object. */
typedef void (*timer_fn)(struct timer *t, usec_t now);

struct timer {
	struct list link;
	timer_fn fn;
	usec_t deadline; /* USEC_NEVER: not armed */
	int64_t filed;   /* the step at which the wheel looks at it; -1: it is in no slot */
};

struct wheel {
	int64_t step;                /* all steps up to this one were handled */
	uint64_t busy[WHEEL_LEVELS]; /* a bit per slot that may hold timers */
	struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
	struct list due; /* while wheel_expire runs: those to fire */
};

void wheel_init(struct wheel *w, usec_t now);
void wheel_init_timer(struct timer *t, timer_fn fn); /* not armed */

/* Arms, or moves. USEC_NEVER clears it. A deadline that has passed fires at the next step. */
void wheel_set(struct wheel *w, struct timer *t, usec_t deadline);
void wheel_clear(struct timer *t); /* harmless when it is not armed */

static inline bool wheel_is_armed(const struct timer *t)
{
	return t->deadline != USEC_NEVER;
}

/* Fires what is due at `now`; says how many. */
size_t wheel_expire(struct wheel *w, usec_t now);

/* When wheel_expire has something to do next: never later than the first deadline's step,
 * sometimes earlier. USEC_NEVER when nothing is armed. */
usec_t wheel_next(struct wheel *w);

#endif
