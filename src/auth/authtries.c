/*
 * authtries.c - names that were seen, and a bucket for the others.
 */
#include "auth/authtries.h"

void authtries_init(struct authtries *t)
{
	authcache_init(&t->seen, AUTHTRIES_MAX_SEEN, 0);
	t->earned_at = 0;
}

void authtries_fini(struct authtries *t)
{
	authcache_fini(&t->seen);
}

bool authtries_take(struct authtries *t, struct slice name, usec_t now)
{
	if (authcache_get(&t->seen, name, now))
		return true;
	usec_t from = t->earned_at > now ? t->earned_at : now;
	if (from - now > (AUTHTRIES_BURST - 1) * AUTHTRIES_INTERVAL_US)
		return false;
	t->earned_at = from + AUTHTRIES_INTERVAL_US;
	return true;
}

void authtries_seen(struct authtries *t, struct slice name, usec_t now)
{
	authcache_put(&t->seen, name, AUTHCACHE_YES, NULL, AUTHTRIES_SEEN_US, now);
}

void authtries_forget(struct authtries *t)
{
	authcache_clear(&t->seen);
}
