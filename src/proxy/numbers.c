/*
 * numbers.c - whose numbers a server holds.
 */
#include "proxy/numbers.h"

bool numbers_on_trial(const struct localpool *lp)
{
	const struct route *route = lp->route;
	/* what hides behind names is to be known, or a number would be taken unseen */
	return lp->minds_hidden && lp->settings.sequence_state == CONF_SEQUENCE_STATE_KEEP &&
	       !atomic_load_explicit(&route->reads_sequences, memory_order_relaxed) &&
	       atomic_load_explicit(&route->trials, memory_order_relaxed) > 0;
}

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

bool numbers_take_over(struct server *s, const struct client *c)
{
	bool has_none = s->sequences_of == 0 || (s->sequences_of != SERVER_SEQUENCES_MIXED &&
						 !s->has_numbers && numbers_on_trial(s->pool));
	bool forgets = !has_none && numbers_are_forgotten(s->pool);
	s->sequences_of = has_none || forgets ? c->id : SERVER_SEQUENCES_MIXED;
	s->has_numbers = false;
	return forgets;
}
