/*
 * prepared_portals.h - portals that wait to be run, and whose statements make the server forget
 * what was prepared (DEALLOCATE, DISCARD ALL) or may reset what the client came with (reset.h).
 *
 * Bind tells which statement it is, and only Execute runs it, perhaps much later in the same
 * transaction, or never.
 *
 * Owner: the client's struct prepared_names. Thread: worker.
 */
#ifndef PROXY_PREPARED_PORTALS_H
#define PROXY_PREPARED_PORTALS_H

#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/slice.h"

struct prepared_portal {
	struct list link;
	uint32_t seq; /* of its Bind */
	char *name;   /* owned */
	char *sql;    /* owned */
};

struct prepared_portals {
	struct list list;
	size_t text_bytes; /* of all of them; who binds shall mind it */
};

void prepared_portals_init(struct prepared_portals *portals);

static inline bool prepared_portals_are_none(const struct prepared_portals *portals)
{
	return list_is_empty(&portals->list);
}

/* The Bind at `seq` makes the portal one that runs `sql`; SLICE_NONE: something else. */
void prepared_portals_bind(struct prepared_portals *portals, uint32_t seq, struct slice name,
			   struct slice sql);

/* The one of that name, given away; or NULL. And back. */
struct prepared_portal *prepared_portals_take(struct prepared_portals *portals, struct slice name);
void prepared_portals_give(struct prepared_portals *portals, struct prepared_portal *portal);
void prepared_portals_free_one(struct prepared_portal *portal); /* taken; NULL is fine */

/* The transaction is over: those that were bound before `seq` are no more. */
void prepared_portals_end(struct prepared_portals *portals, uint32_t seq);
void prepared_portals_clear(struct prepared_portals *portals);

#endif
