/*
 * netset.c - an array of networks, looked through from front to end.
 */
#include "net/netset.h"

#include <stdlib.h>

#include "base/mem.h"
#include "net/netblock.h"

void netset_init(struct netset *s)
{
	*s = (struct netset){ .nets = NULL };
}

void netset_fini(struct netset *s)
{
	free(s->nets);
	netset_init(s);
}

bool netset_add(struct netset *s, struct slice text)
{
	struct netblock net;
	if (slice_eq_str(text, "unix")) {
		s->has_unix = true;
		return true;
	}
	if (!netblock_parse(text, &net))
		return false;
	s->nets = mem_realloc(s->nets, (s->count + 1) * sizeof(*s->nets));
	s->nets[s->count++] = net;
	return true;
}

bool netset_has(const struct netset *s, const struct addr *a)
{
	if (a->kind == ADDR_UNIX)
		return s->has_unix;
	for (size_t i = 0; i < s->count; i++)
		if (netblock_has(&s->nets[i], a))
			return true;
	return false;
}
