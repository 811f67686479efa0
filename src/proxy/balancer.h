/*
 * balancer.h - busy clients go to where there is time for them.
 *
 * Several times a second each worker says what share of its time it has worked. One that is
 * clearly ahead of another gives clients away that have asked for something of late
 * (pool/balance.h), as they are idle between two transactions (proxy/client_move.h); as many as
 * would close the gap, but no more than some at a time, and none that has just come.
 *
 * Embedded in the worker. Thread: worker; `busy` is read and, in part, taken over by others.
 */
#ifndef PROXY_BALANCER_H
#define PROXY_BALANCER_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/usec.h"
#include "base/wheel.h"

struct worker;

struct balancer {
	struct timer timer;
	atomic_int busy;    /* thousandths of the last tick's time */
	uint32_t tick;      /* how many there were */
	usec_t ticked_at;   /* the last one */
	usec_t worked_us;   /* what the loop had worked until then */
	unsigned to, left;  /* how many more are to go in this tick, and where */
	usec_t active_from; /* they have asked for something since then */
	uint64_t moved_in, moved_out;
};

void balancer_init(struct worker *w);
void balancer_start(struct worker *w, usec_t now); /* once it runs */

#endif
