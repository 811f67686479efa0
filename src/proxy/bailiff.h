/*
 * bailiff.h - carries out what a worker's pools have decided (pool/pool_order.h): servers are
 * opened, given to those who wait, pinged, closed and sent to other workers.
 *
 * Thread: worker.
 */
#ifndef PROXY_BAILIFF_H
#define PROXY_BAILIFF_H

#include "base/usec.h"

struct worker;

/* Everything that is ordered, and what that leads to. */
void bailiff_carry_out(struct worker *w, usec_t now);

#endif
