/*
 * hub_place.c - see hub_place.h.
 */
#include "proxy/hub_place.h"

#include "proxy/hub.h"
#include "proxy/hub_table.h"
#include "proxy/lend.h"
#include "proxy/localpool.h"
#include "proxy/registry.h"
#include "proxy/route.h"
#include "proxy/server.h"

void hub_place_give(struct hub *hub)
{
	if (atomic_exchange(&hub->is_lent, false))
		lend_give(hub->server->pool);
	else
		hub_table_count_spare(hub->table, -1);
}

/* Does anybody wait for a server that its own could be, or be closed for? */
static bool hub_place_is_wanted(const struct hub *hub)
{
	const struct route *route = hub->server->pool->route;
	return atomic_load(&route->shared.waiting) > 0 ||
	       pool_cap_is_hungry(&route->database_entry->servers) ||
	       pool_cap_is_hungry(&route->user_entry->servers);
}

/* Its place is given back. Who joins it meanwhile either finds it given, and waits (branch_join),
 * or is seen here. */
void hub_place_rest(struct hub *hub)
{
	atomic_store(&hub->is_lent, false);
	if (atomic_load(&hub->listeners) > 0) {
		atomic_store(&hub->is_lent, true);
		return;
	}
	lend_give(hub->server->pool);
	hub_table_count_spare(hub->table, 1);
	hub->yields |= hub_place_is_wanted(hub);
}

/* Somebody hears from it again: false, and there is no place for it. */
bool hub_place_take(struct hub *hub)
{
	hub->yields = false;
	if (atomic_load(&hub->is_lent))
		return true;
	if (!lend_take(hub->server->pool, false))
		return false;
	hub_table_count_spare(hub->table, -1);
	atomic_store(&hub->is_lent, true);
	return true;
}
