/*
 * lend.c - the places that servers which listen for all take.
 */
#include "proxy/lend.h"

#include <limits.h>

#include "proxy/localpool.h"
#include "proxy/registry.h"
#include "proxy/route.h"

/* One more, where then at most `max` are there. */
static bool lend_count(atomic_int *count, int max)
{
	int now = atomic_load(count);
	do {
		if (now >= max)
			return false;
	} while (!atomic_compare_exchange_weak(count, &now, now + 1));
	return true;
}

/* How many leave one of so many (0: no bound). */
static int lend_all_but_one(int limit)
{
	return limit > 0 ? limit - 1 : INT_MAX;
}

static int lend_of_pool(const struct localpool *lp)
{
	const struct conf_pool *s = &lp->settings;
	bool is_open = s->pool_size == 0 || s->max_overflow < 0;
	int max = is_open ? INT_MAX : s->pool_size + s->max_overflow - 1;
	return lp->max_kept >= 0 && lp->max_kept < max ? lp->max_kept : max;
}

bool lend_take(struct localpool *lp, bool is_kept)
{
	struct route *route = lp->route;
	struct registry_entry *database = route->database_entry, *user = route->user_entry;
	int of_pool = lend_of_pool(lp);

	if (!lend_count(&route->kept, of_pool < INT_MAX ? of_pool + is_kept : of_pool))
		return false;
	if (lend_count(&database->lent, lend_all_but_one(lp->settings.max_db_connections))) {
		if (lend_count(&user->lent, lend_all_but_one(lp->settings.max_user_connections)))
			return true;
		atomic_fetch_sub(&database->lent, 1);
	}
	atomic_fetch_sub(&route->kept, 1);
	return false;
}

void lend_give(struct localpool *lp)
{
	atomic_fetch_sub(&lp->route->kept, 1);
	atomic_fetch_sub(&lp->route->database_entry->lent, 1);
	atomic_fetch_sub(&lp->route->user_entry->lent, 1);
}
