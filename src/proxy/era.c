/*
 * era.c - when a route's next era begins.
 */
#include "proxy/era.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proxy/registry.h"
#include "proxy/worker.h"
#include "sql/defaults.h"

void era_mind(const struct client *c, const struct effect *e, struct lexer_mode mode)
{
	char role[LITERAL_NAME_BYTES] = "";
	struct server *s = c->server;
	bool alters = (e->set & EFFECT(ALTER) && defaults_altered(e->text, mode, role)) ||
		      (e->set & EFFECT(CODE) && defaults_are_in(e->text));
	if (!s || !alters)
		return;
	if (s->alters && strcmp(s->alters, role) != 0)
		role[0] = '\0';
	free(s->alters);
	s->alters = mem_strdup(role);
}

static void era_begin(struct route *route, void *arg)
{
	const char *role = arg;
	if (!*role || strcmp(role, route->user) == 0)
		atomic_fetch_add(&route->era, 1);
}

void era_end(struct server *s)
{
	if (!s->alters)
		return;
	registry_each_route(s->pool->worker->shared->registry, era_begin, s->alters);
	free(s->alters);
	s->alters = NULL;
}
