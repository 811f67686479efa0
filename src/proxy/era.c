/*
 * era.c - when a route's next era begins.
 */
#include "proxy/era.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proxy/registry.h"
#include "proxy/site.h"
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

struct era_change {
	const char *role;        /* "": all */
	const struct site *site; /* NULL: wherever they are */
	usec_t at;               /* or: known since */
};

static bool era_concerns(const struct era_change *change, const struct route *route)
{
	return (!*change->role || strcmp(change->role, route->user) == 0) &&
	       (!change->site || change->site == atomic_load(&route->site));
}

static void era_begin(struct route *route, void *arg)
{
	const struct era_change *change = arg;
	if (!era_concerns(change, route))
		return;
	atomic_fetch_add(&route->era, 1);
	atomic_store(&route->altered_at, change->at);
}

void era_end(struct server *s, usec_t now)
{
	if (!s->alters)
		return;
	struct era_change change = { .role = s->alters, .at = now };
	registry_each_route(s->pool->worker->shared->registry, era_begin, &change);
	free(s->alters);
	s->alters = NULL;
}

/* What was done through us meanwhile has begun an era already. */
static void era_renew(struct route *route, void *arg)
{
	const struct era_change *change = arg;
	if (era_concerns(change, route) && atomic_load(&route->altered_at) < change->at)
		atomic_store(&route->era_floor, atomic_fetch_add(&route->era, 1) + 1);
}

void era_heard(struct registry *registry, struct site *site, struct map *defaults, usec_t asked_at)
{
	struct buf others = { 0 };
	usec_t since = site_take_defaults(site, defaults, asked_at, &others);
	struct slice rest = buf_slice(&others);
	while (rest.len > 0) {
		struct era_change change = { .role = rest.ptr, .site = site, .at = since };
		registry_each_route(registry, era_renew, &change);
		rest = slice_skip(rest, strlen(rest.ptr) + 1);
	}
	buf_fini(&others);
}
