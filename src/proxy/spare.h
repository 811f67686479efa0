/*
 * spare.h - pools that have nobody and nothing: when they are freed.
 *
 * Whoever names a database that "*" stands for, or start-up options that nobody else has, makes a
 * pool. It goes when it has been empty for autodb_idle_timeout; the pools that the configuration
 * names go after pool_idle_timeout; those of databases that it no longer has go at once. Where a
 * worker has as many as it may have, the one that has been empty for longest makes room.
 *
 * Thread: worker.
 */
#ifndef PROXY_SPARE_H
#define PROXY_SPARE_H

#include <stdbool.h>

#include "base/bug.h"
#include "base/usec.h"

struct localpool;
struct worker;

void spare_init(struct worker *w);

/* Something happened to the pool (or to the timeouts), and has been carried out: is it in use? */
void spare_review(struct localpool *lp, usec_t now);

/* Somebody is about to use it. */
void spare_take(struct localpool *lp);

/* Frees the pool that nobody has used for longest. False: all are in use. */
bool spare_make_room(struct worker *w) MUST_CHECK;

#endif
