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

#include <stdint.h>

#include "base/list.h"
#include "base/slice.h"

struct prepared_portal {
	struct list link;
	uint32_t seq; /* of its Bind */
	char *name;   /* owned */
	char *sql;    /* owned */
};

/* The Bind at `seq` makes the portal one that runs `sql`; SLICE_NONE: something else. */
void prepared_portals_bind(struct list *portals, uint32_t seq, struct slice name, struct slice sql);

/* The one of that name, given away; or NULL. */
struct prepared_portal *prepared_portals_take(struct list *portals, struct slice name);
void prepared_portals_free_one(struct prepared_portal *portal); /* NULL is fine */

/* The transaction is over: those that were bound before `seq` are no more. */
void prepared_portals_end(struct list *portals, uint32_t seq);
void prepared_portals_clear(struct list *portals);

#endif
