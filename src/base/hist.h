/*
 * hist.h - how long things took, in little room.
 *
 * A log-linear histogram of microseconds: 16 steps to each doubling, so that what is read
 * back is at most 1/16 above what was put in, from 0 to HIST_MAX_US (about 12 days; longer is
 * counted as that). All zeros is a valid empty one.
 *
 * Thread: the owner's.
 */
#ifndef BASE_HIST_H
#define BASE_HIST_H

#include <stdint.h>

#include "base/usec.h"

#define HIST_STEP_BITS 4
#define HIST_TOP_BITS 40
#define HIST_BUCKETS ((HIST_TOP_BITS - HIST_STEP_BITS + 1) << HIST_STEP_BITS)
#define HIST_MAX_US (((usec_t)1 << HIST_TOP_BITS) - 1)

struct hist {
	uint64_t count;
	uint64_t sum_us;
	uint64_t max_us;
	uint64_t bucket[HIST_BUCKETS];
};

void hist_add(struct hist *h, usec_t us); /* a negative length counts as 0 */
void hist_merge(struct hist *into, const struct hist *from);
void hist_reset(struct hist *h);

/* The smallest length that at least `percent` (0..100) of what was added does not exceed,
 * rounded up to its bucket's end but never above the largest; 0 when nothing was added. */
usec_t hist_percentile(const struct hist *h, double percent);
usec_t hist_mean(const struct hist *h);

#endif
