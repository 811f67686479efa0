/*
 * netset.h - a list of networks, and perhaps Unix sockets: whom a setting means.
 *
 * One owner; immutable once filled.
 *
 * Thread: any.
 */
#ifndef NET_NETSET_H
#define NET_NETSET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bug.h"
#include "base/slice.h"
#include "net/addr.h"

struct netblock;

struct netset {
	struct netblock *nets; /* owned */
	size_t count;
	bool has_unix;
};

void netset_init(struct netset *s);
void netset_fini(struct netset *s);

/* A network (netblock_parse), or `unix`; false: it is neither. */
bool netset_add(struct netset *s, struct slice text) MUST_CHECK;

bool netset_has(const struct netset *s, const struct addr *a);

#endif
