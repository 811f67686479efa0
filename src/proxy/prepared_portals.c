/*
 * prepared_portals.c - by name, and in the order of their Binds. Few clients have any, hardly one
 * has two; but a client may have as many as it likes.
 */
#include "proxy/prepared_portals.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/track.h"

void prepared_portals_init(struct prepared_portals *portals)
{
	map_init(&portals->by_name);
	list_init(&portals->bound);
	portals->bytes = 0;
}

void prepared_portals_free_one(struct prepared_portal *portal)
{
	if (!portal)
		return;
	free(portal->name);
	free(portal->sql);
	free(portal);
}

/* So much of memory it takes. */
static size_t prepared_portals_bytes(const struct prepared_portal *portal)
{
	return sizeof(*portal) + strlen(portal->name) + strlen(portal->sql);
}

const struct prepared_portal *prepared_portals_get(const struct prepared_portals *portals,
						   struct slice name)
{
	return map_get(&portals->by_name, name);
}

struct prepared_portal *prepared_portals_take(struct prepared_portals *portals, struct slice name)
{
	struct prepared_portal *portal = map_remove(&portals->by_name, name);
	if (!portal)
		return NULL;
	portals->bytes -= prepared_portals_bytes(portal);
	list_remove(&portal->link);
	return portal;
}

void prepared_portals_bind(struct prepared_portals *portals, uint32_t seq, struct slice name,
			   struct slice sql)
{
	prepared_portals_free_one(prepared_portals_take(portals, name));
	if (!sql.ptr)
		return;
	struct prepared_portal *portal = mem_zalloc(sizeof(*portal));
	list_init(&portal->link);
	portal->seq = seq;
	portal->name = slice_dup(name);
	portal->sql = slice_dup(sql);
	portals->bytes += prepared_portals_bytes(portal);
	list_push_back(&portals->bound, &portal->link);
	map_put(&portals->by_name, name, portal);
}

void prepared_portals_end(struct prepared_portals *portals, uint32_t seq)
{
	struct prepared_portal *portal;
	while ((portal = LIST_FIRST(&portals->bound, struct prepared_portal, link)) &&
	       track_seq_before(portal->seq, seq))
		prepared_portals_free_one(prepared_portals_take(portals, slice_of(portal->name)));
}

void prepared_portals_clear(struct prepared_portals *portals)
{
	LIST_EACH (node, tmp, &portals->bound)
		prepared_portals_free_one(LIST_ENTRY(node, struct prepared_portal, link));
	map_fini(&portals->by_name);
	prepared_portals_init(portals);
}
