/*
 * prepared_portals.c - a short list: few clients have any, hardly one has two.
 */
#include "proxy/prepared_portals.h"

#include <stdlib.h>

#include "base/mem.h"
#include "wire/track.h"

void prepared_portals_free_one(struct prepared_portal *portal)
{
	if (!portal)
		return;
	list_remove(&portal->link);
	free(portal->name);
	free(portal->sql);
	free(portal);
}

struct prepared_portal *prepared_portals_take(struct list *portals, struct slice name)
{
	LIST_EACH (node, tmp, portals) {
		struct prepared_portal *portal = LIST_ENTRY(node, struct prepared_portal, link);
		if (slice_eq_str(name, portal->name)) {
			list_remove(&portal->link);
			return portal;
		}
	}
	return NULL;
}

void prepared_portals_bind(struct list *portals, uint32_t seq, struct slice name, struct slice sql)
{
	prepared_portals_free_one(prepared_portals_take(portals, name));
	if (!sql.ptr)
		return;
	struct prepared_portal *portal = mem_zalloc(sizeof(*portal));
	list_init(&portal->link);
	portal->seq = seq;
	portal->name = slice_dup(name);
	portal->sql = slice_dup(sql);
	list_push_back(portals, &portal->link);
}

void prepared_portals_end(struct list *portals, uint32_t seq)
{
	LIST_EACH (node, tmp, portals) {
		struct prepared_portal *portal = LIST_ENTRY(node, struct prepared_portal, link);
		if (track_seq_before(portal->seq, seq))
			prepared_portals_free_one(portal);
	}
}

void prepared_portals_clear(struct list *portals)
{
	LIST_EACH (node, tmp, portals)
		prepared_portals_free_one(LIST_ENTRY(node, struct prepared_portal, link));
}
