/*
 * loop.h - one thread's event loop: its clock, its timers, and what is freed after a turn.
 *
 * A turn is: wait for events, run their callbacks, run what was deferred. `now` is read
 * once where a callback enters net/ and is passed down from there; nobody beneath asks the
 * clock. Nothing is freed inside its own callback: its owner closes it, and defers the
 * freeing to the end of the turn (loop_defer).
 *
 * The loop is owned by the thread's main object (struct worker, or main).
 *
 * Thread: each loop belongs to the thread that runs it; until loop_run is called, to the
 * one that made it. No function here may be called from another thread: send a mail.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bug.h"
#include "base/err.h"
#include "base/list.h"
#include "base/usec.h"
#include "base/wheel.h"

struct event_base;
struct loop;

/* A turn longer than this is logged and counted: somebody blocked, or took too much. */
#define LOOP_STALL_US (100 * USEC_PER_MSEC)

/* Brisk: so many small things were served within that time. Fewer are a large result's own: its
 * request, and how its answer begins. */
#define LOOP_BRISK_EVENTS 4
#define LOOP_BRISK_US (10 * USEC_PER_MSEC)

/* Embedded in what is to be freed (or looked at) after the turn. */
struct deferred {
	struct list link; /* on no list unless loop_defer was called */
	void (*fn)(struct deferred *d, usec_t now);
};

struct loop_stats {
	uint64_t turns;
	uint64_t stalls;        /* turns longer than LOOP_STALL_US */
	usec_t longest_turn_us; /* callbacks only, not the wait for events */
	usec_t busy_us;         /* all of them together */
};

/* `name` is for log lines ("worker 1"). NULL and err where the system has no more to give. */
struct loop *loop_new(const char *name, struct err *err) MUST_CHECK;
void loop_free(struct loop *loop); /* runs what is still deferred first */

/* Turns until loop_stop, which lets the turn that it is called in end; called before, it makes
 * loop_run return at once. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* One turn: waits for an event at most until `until` (USEC_NEVER: for ever; 0: not at
 * all), then the callbacks and the deferred. For tests, and for what is left at shutdown. */
void loop_turn(struct loop *loop, usec_t until);

/* `fn(d)` after this turn, once, in the order of deferring. Deferring again what is
 * waiting changes nothing. What fn defers runs in the same go. */
void loop_init_deferred(struct deferred *d, void (*fn)(struct deferred *d, usec_t now));
void loop_defer(struct loop *loop, struct deferred *d);
void loop_cancel_deferred(struct deferred *d); /* harmless when it is not waiting */

/* As loop_defer, before what that deferred; for work that goes on: what asks again from within fn
 * waits for the end of another turn, which does not wait for events. One struct is for one of the
 * two. */
void loop_again(struct loop *loop, struct deferred *d);

/* Timers (base/wheel.h): wheel_init_timer(t, fn) once, then these. Moving a deadline later
 * costs next to nothing; the kernel hears of the nearest deadline only. */
void loop_set_timer(struct loop *loop, struct timer *t, usec_t deadline);
void loop_clear_timer(struct timer *t);

usec_t loop_now(const struct loop *loop); /* as of the callback that is running */
const char *loop_name(const struct loop *loop);
const struct loop_stats *loop_stats(const struct loop *loop);

/* Developers and tests: no connection of this loop reads or writes more in one system call.
 * 0: no bound. */
void loop_set_io_bytes(struct loop *loop, int bytes);
int loop_io_bytes(const struct loop *loop);

/* For net/ alone: libevent's side of it, and the clock's reading as a callback enters. */
struct event_base *loop_base(struct loop *loop);
usec_t loop_enter(struct loop *loop);

/* For net/ alone: something small was served; the loop is brisk. */
void loop_set_brisk(struct loop *loop);
bool loop_is_brisk(const struct loop *loop);

#endif
