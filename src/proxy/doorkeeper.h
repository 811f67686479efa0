/*
 * doorkeeper.h - who has failed to log in, and how often: addresses that are to wait, and
 * lines that the log is to be spared.
 *
 * Failures are counted per IPv4 address and per IPv6 /64, and forgotten when there was none for
 * `memory_us`, or when somebody has logged in from there. The first few are free; after them
 * each further try has to wait, the longer the more there were. So guessing is slow, and who
 * logs in from the same address as a guesser is slowed, but let in.
 *
 * How many addresses are remembered is bounded: the one that has been quiet the longest goes.
 * Unix sockets have no address and are never counted.
 *
 * Thread: any; a mutex that is taken only while there are failures to remember.
 */
#ifndef PROXY_DOORKEEPER_H
#define PROXY_DOORKEEPER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bug.h"
#include "base/usec.h"
#include "net/addr.h"

#define DOORKEEPER_MAX_ADDRESSES 16384
#define DOORKEEPER_FREE_FAILURES 5
#define DOORKEEPER_FIRST_DELAY_US (100 * USEC_PER_MSEC) /* it doubles from there */

struct doorkeeper;

struct doorkeeper_policy {
	usec_t max_delay_us; /* 0: nobody waits */
	usec_t memory_us;    /* also the time between two lines of the log about an address */
};

struct doorkeeper *doorkeeper_new(void) MUST_CHECK;
void doorkeeper_free(struct doorkeeper *d); /* NULL does nothing */

/* How long a try from there has to wait; 0: not at all. */
usec_t doorkeeper_delay(struct doorkeeper *d, const struct addr *a,
			const struct doorkeeper_policy *policy, usec_t now);

/* A login has failed. False: no line is to be logged for it; doorkeeper_report will count it. */
bool doorkeeper_failed(struct doorkeeper *d, const struct addr *a,
		       const struct doorkeeper_policy *policy, usec_t now) MUST_CHECK;

/* A login has gone well. */
void doorkeeper_passed(struct doorkeeper *d, const struct addr *a);

/*
 * Calls fn for each address with failures that were not logged, once the time since the last line
 * about it is over; ADDR_NONE: of those that had to be forgotten. Says whether there are more to
 * come.
 */
typedef void (*doorkeeper_fn)(void *arg, const struct addr *a, unsigned count);
bool doorkeeper_report(struct doorkeeper *d, const struct doorkeeper_policy *policy, usec_t now,
		       doorkeeper_fn fn, void *arg);

size_t doorkeeper_count(struct doorkeeper *d); /* addresses that are remembered */

#endif
