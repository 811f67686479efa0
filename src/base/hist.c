/*
 * hist.c - a log-linear histogram.
 *
 * Values below 16 have a bucket each; above, the value's highest bit chooses a run of 16
 * buckets and the four bits behind it the bucket.
 */
#include "base/hist.h"

#define HIST_STEPS (1 << HIST_STEP_BITS)

static unsigned hist_bucket(uint64_t us)
{
	if (us < HIST_STEPS)
		return (unsigned)us;
	unsigned shift = 63 - (unsigned)__builtin_clzll(us) - HIST_STEP_BITS;
	return ((shift + 1) << HIST_STEP_BITS) + ((unsigned)(us >> shift) & (HIST_STEPS - 1));
}

/* The largest value of a bucket. */
static uint64_t hist_bucket_end(unsigned bucket)
{
	if (bucket < HIST_STEPS)
		return bucket;
	unsigned shift = (bucket >> HIST_STEP_BITS) - 1;
	uint64_t first = (uint64_t)(HIST_STEPS + (bucket & (HIST_STEPS - 1))) << shift;
	return first + ((uint64_t)1 << shift) - 1;
}

void hist_add(struct hist *h, usec_t us)
{
	uint64_t v = us < 0 ? 0 : us > HIST_MAX_US ? (uint64_t)HIST_MAX_US : (uint64_t)us;

	h->bucket[hist_bucket(v)]++;
	h->count++;
	h->sum_us += v;
	if (v > h->max_us)
		h->max_us = v;
}

void hist_merge(struct hist *into, const struct hist *from)
{
	for (unsigned i = 0; i < HIST_BUCKETS; i++)
		into->bucket[i] += from->bucket[i];
	into->count += from->count;
	into->sum_us += from->sum_us;
	if (from->max_us > into->max_us)
		into->max_us = from->max_us;
}

void hist_reset(struct hist *h)
{
	*h = (struct hist){ .count = 0 };
}

usec_t hist_percentile(const struct hist *h, double percent)
{
	if (h->count == 0)
		return 0;
	double wanted = (double)h->count * percent / 100.0;
	uint64_t seen = 0;
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen > 0 && (double)seen >= wanted) {
			uint64_t end = hist_bucket_end(i);
			return (usec_t)(end < h->max_us ? end : h->max_us);
		}
	}
	return (usec_t)h->max_us;
}

usec_t hist_mean(const struct hist *h)
{
	return h->count == 0 ? 0 : (usec_t)(h->sum_us / h->count);
}
