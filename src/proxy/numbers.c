/*
 * numbers.c - whose numbers a server holds.
 */
#include "proxy/numbers.h"

/* They are somebody's: must nobody else read them? */
static bool numbers_are_forgotten(const struct localpool *lp)
{
	if (numbers_on_trial(lp)) {
		atomic_fetch_sub_explicit(&lp->route->trials, 1, memory_order_relaxed);
		return true;
	}
	return atomic_load(&lp->route->reads_sequences) &&
	       lp->settings.sequence_state != CONF_SEQUENCE_STATE_IGNORE;
}

bool numbers_pass_on(struct server *s, const struct client *c)
{
	bool forgets = numbers_are_forgotten(s->pool);
	s->sequences_of = forgets ? c->id : SERVER_SEQUENCES_MIXED;
	s->has_numbers = false;
	return forgets;
}
