/*
 * lend.h - how many servers may listen for all (proxy/hub.h): never the last that anybody else
 * could have.
 *
 * There may be several at a time: one for each client_encoding.
 * Such a server is nobody's who asks, for as long as somebody listens. So with all that is kept of
 * the pool already it has to leave one at least, and with the other listeners one of those that the
 * database and the user may have; and it counts in max_kept.
 *
 * Counts: in the route and the registry. Thread: worker.
 */
#ifndef PROXY_LEND_H
#define PROXY_LEND_H

#include <stdbool.h>

#include "base/bug.h"

struct localpool;

/* One more. `is_kept`: it counts as kept already, for a client that gives it up with this. */
bool lend_take(struct localpool *lp, bool is_kept) MUST_CHECK;
void lend_give(struct localpool *lp);

#endif
