/*
 * numbers.h - the numbers that sequences have given in a server's session (currval, lastval): whose
 * they are, and whether they are forgotten before somebody else gets it.
 *
 * Where clients of a pool are known to read them, they are forgotten (DISCARD SEQUENCES) whenever a
 * server goes from one to another, and who takes a number keeps his server (proxy/suspect.h). Where
 * nobody reads any nothing is spent on it; which of the two it is the first who reads shows. For
 * that one it would be too late: so a pool is on trial first, and does the former where a client
 * may have taken a number, NUMBERS_TRIAL times. Who reads during the trial finds what he was given,
 * if nobody has had his server since; so the pool gives that one to others last (is_dear in
 * pool/pool.h).
 *
 * pool_mode auto, sequence_state = keep. Thread: worker.
 */
#ifndef PROXY_NUMBERS_H
#define PROXY_NUMBERS_H

#include <stdbool.h>

#include "base/bug.h"
#include "proxy/client.h"
#include "proxy/localpool.h"
#include "proxy/route.h"
#include "proxy/server.h"

#define NUMBERS_TRIAL 1000

/* Does nobody know yet whether numbers are read? */
static inline bool numbers_on_trial(const struct localpool *lp)
{
	return lp->tries_numbers &&
	       !atomic_load_explicit(&lp->route->reads_sequences, memory_order_relaxed) &&
	       atomic_load_explicit(&lp->route->trials, memory_order_relaxed) > 0;
}

/* Whoever had the server before was somebody else, and may have numbers there. True: it is to
 * forget, before it is heard. */
bool numbers_pass_on(struct server *s, const struct client *c) MUST_CHECK;

/* The same of whoever it was. */
static inline bool MUST_CHECK numbers_take_over(struct server *s, const struct client *c)
{
	bool has_none = s->sequences_of == 0 || (s->sequences_of != SERVER_SEQUENCES_MIXED &&
						 !s->has_numbers && numbers_on_trial(s->pool));
	if (!has_none)
		return numbers_pass_on(s, c);
	s->sequences_of = c->id;
	s->has_numbers = false;
	return false;
}

/* Its statement may take one. */
static inline void numbers_moved(const struct client *c)
{
	if (c->server)
		c->server->has_numbers = true;
}

#endif
