/*
 * usec.c - the two clocks.
 */
#include "base/usec.h"

#include <time.h>

static usec_t usec_read(clockid_t clock)
{
	struct timespec ts;
	clock_gettime(clock, &ts);
	return (usec_t)ts.tv_sec * USEC_PER_SEC + ts.tv_nsec / 1000;
}

usec_t usec_now(void)
{
	return usec_read(CLOCK_MONOTONIC);
}

usec_t usec_wall(void)
{
	return usec_read(CLOCK_REALTIME);
}
