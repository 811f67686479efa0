/*
 * proven.h - parameters that the servers of a pool have taken before: a client that comes with the
 * same ones need not have them tried again.
 *
 * As many sets are remembered as a few hundred, then all are forgotten. application_name is left
 * out of them where any server would take it: there may be one for each client.
 *
 * Owned by the localpool. Thread: worker.
 */
#ifndef PROXY_PROVEN_H
#define PROXY_PROVEN_H

#include "base/map.h"

struct paramset;

struct proven {
	struct map sets;       /* set -> what became of it; a reference each */
	struct paramset *none; /* not owned; the empty set, which needs no proof */
};

void proven_init(struct proven *p, struct paramset *none);
void proven_fini(struct proven *p);

/* A new reference to what a server has made of it (canonical spelling), or NULL. */
struct paramset *proven_get(struct proven *p, struct paramset *wanted);

/* A server has taken `wanted` and made `got` of it. */
void proven_put(struct proven *p, struct paramset *wanted, struct paramset *got);

#endif
