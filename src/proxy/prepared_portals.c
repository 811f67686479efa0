/*
 * prepared_portals.c - a short list: few clients have any, hardly one has two.
 */
#include "proxy/prepared_portals.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/track.h"

void prepared_portals_init(struct prepared_portals *portals)
{
	list_init(&portals->list);
	portals->text_bytes = 0;
}

void prepared_portals_free_one(struct prepared_portal *portal)
{
	if (!portal)
		return;
	free(portal->name);
	free(portal->sql);
	free(portal);
}

void prepared_portals_give(struct prepared_portals *portals, struct prepared_portal *portal)
{
	portals->text_bytes += strlen(portal->sql);
	list_push_back(&portals->list, &portal->link);
}

static struct prepared_portal *prepared_portals_unlink(struct prepared_portals *portals,
						       struct prepared_portal *portal)
{
	portals->text_bytes -= strlen(portal->sql);
	list_remove(&portal->link);
	return portal;
}

struct prepared_portal *prepared_portals_take(struct prepared_portals *portals, struct slice name)
{
	LIST_EACH (node, tmp, &portals->list) {
		struct prepared_portal *portal = LIST_ENTRY(node, struct prepared_portal, link);
		if (slice_eq_str(name, portal->name))
			return prepared_portals_unlink(portals, portal);
	}
	return NULL;
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
	prepared_portals_give(portals, portal);
}

void prepared_portals_end(struct prepared_portals *portals, uint32_t seq)
{
	LIST_EACH (node, tmp, &portals->list) {
		struct prepared_portal *portal = LIST_ENTRY(node, struct prepared_portal, link);
		if (track_seq_before(portal->seq, seq))
			prepared_portals_free_one(prepared_portals_unlink(portals, portal));
	}
}

void prepared_portals_clear(struct prepared_portals *portals)
{
	LIST_EACH (node, tmp, &portals->list)
		prepared_portals_free_one(prepared_portals_unlink(
			portals, LIST_ENTRY(node, struct prepared_portal, link)));
}
