/*
 * usec.h - time, in whole microseconds.
 *
 * A usec_t is either a point on CLOCK_MONOTONIC (what deadlines and durations are
 * made of) or a length. Wall-clock time is used for log lines alone. Only net/, the
 * helper threads and main read the clock; everything beneath is handed `now`.
 *
 * Thread: any.
 */
#ifndef BASE_USEC_H
#define BASE_USEC_H

#include <stdint.h>

typedef int64_t usec_t;

#define USEC_PER_MSEC ((usec_t)1000)
#define USEC_PER_SEC ((usec_t)1000000)
#define USEC_NEVER INT64_MAX /* a deadline that does not come */

usec_t usec_now(void);  /* CLOCK_MONOTONIC */
usec_t usec_wall(void); /* CLOCK_REALTIME, since 1970 */

/* a + length, where a length of USEC_NEVER, or a sum past the end of time, is USEC_NEVER. */
static inline usec_t usec_after(usec_t a, usec_t length)
{
	usec_t sum;
	return __builtin_add_overflow(a, length, &sum) ? USEC_NEVER : sum;
}

static inline usec_t usec_min(usec_t a, usec_t b)
{
	return a < b ? a : b;
}

#endif
