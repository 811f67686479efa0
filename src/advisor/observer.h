/*
 * observer.h - the thread that reads what the workers tell and writes the slow-query log.
 *
 * Each worker has a ring of its own and never waits: what finds it full is dropped and counted
 * (and the log says so). The observer sleeps on an eventfd, drains the rings, formats and hands the
 * lines to the log.
 *
 * Owned by main. Thread: main, except where it says worker or any.
 */
#ifndef ADVISOR_OBSERVER_H
#define ADVISOR_OBSERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "advisor/slowlog.h"
#include "base/bug.h"
#include "base/err.h"
#include "base/slice.h"
#include "tap/ring.h"

#define OBSERVER_RING_BYTES ((size_t)1 << 20)

struct observer;

/* Where lines go, without line ends: called from the observer's thread. */
typedef void (*observer_write_fn)(void *arg, struct slice line);

struct observer_config {
	unsigned workers;        /* rings, at least 1 */
	size_t ring_bytes;       /* each; 0: OBSERVER_RING_BYTES */
	observer_write_fn write; /* NULL: log_raw */
	void *write_arg;
	enum slowlog_format format; /* may be changed later */
	uint32_t rate;
};

struct observer_counts {
	uint64_t lines;    /* written */
	uint64_t left_out; /* because of the rate */
	uint64_t lost;     /* because a ring was full */
};

struct observer *observer_new(const struct observer_config *config,
			      struct err *err) MUST_CHECK; /* NULL: see err */
bool observer_start(struct observer *o, struct err *err) MUST_CHECK;
void observer_stop(struct observer *o); /* drains what is there, writes it, joins; the workers are
					   done by then */
void observer_free(struct observer *o); /* stopped, or never started; NULL is none */

/* any: from the next line on. */
void observer_configure(struct observer *o, enum slowlog_format format, uint32_t rate);

/* any: the ring that worker i, and no other thread, may push to; valid until observer_free. */
struct tap_ring *observer_tap(struct observer *o, unsigned worker);

/* any: after a push that answered RING_PUSHED_FIRST. Never blocks. */
void observer_wake(struct observer *o);

/* worker: record_push and observer_wake as needed. False: it was dropped. */
bool observer_tell(struct observer *o, unsigned worker, const struct tap_record *record);

struct observer_counts observer_counts(const struct observer *o); /* any */

#endif
