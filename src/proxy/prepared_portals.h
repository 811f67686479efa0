/*
 * prepared_portals.h - portals that wait to be run, and whose statements make the server forget
 * what was prepared (DEALLOCATE, DISCARD ALL), may reset what the client came with (reset.h), or
 * set what the texts behind them are read by (prepared_scene.h).
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
#include "base/map.h"
#include "base/slice.h"

struct prepared_portal {
	struct list link;
	uint32_t seq; /* of its Bind */
	char *name;   /* owned */
	char *sql;    /* owned */
};

struct prepared_portals {
	struct map by_name; /* the same as in the list */
	struct list bound;  /* struct prepared_portal, owned; the first Bind's first */
	size_t bytes;       /* that they take; who binds shall mind it */
};

void prepared_portals_init(struct prepared_portals *portals);

static inline bool prepared_portals_are_none(const struct prepared_portals *portals)
{
	return list_is_empty(&portals->bound);
}

/* The Bind at `seq`, behind all those before, makes the portal one that runs `sql`; SLICE_NONE:
 * something else. */
void prepared_portals_bind(struct prepared_portals *portals, uint32_t seq, struct slice name,
			   struct slice sql);

/* The one of that name, or NULL. */
const struct prepared_portal *prepared_portals_get(const struct prepared_portals *portals,
						   struct slice name);

/* The same, given away. */
struct prepared_portal *prepared_portals_take(struct prepared_portals *portals, struct slice name);
void prepared_portals_free_one(struct prepared_portal *portal); /* taken; NULL is fine */

/* The transaction is over: those that were bound before `seq` are no more. */
void prepared_portals_end(struct prepared_portals *portals, uint32_t seq);
void prepared_portals_clear(struct prepared_portals *portals);

#endif
