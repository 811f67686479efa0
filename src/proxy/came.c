/*
 * came.c - a client's parameters in place of its server's defaults.
 */
#include "proxy/came.h"

#include <string.h>

#include "base/buf.h"
#include "proxy/client.h"
#include "proxy/paramset.h"
#include "proxy/paramset_sql.h"
#include "proxy/worker.h"
#include "wire/build.h"

static struct paramset *came_with(struct paramset *set, const struct paramset_member *member)
{
	return paramset_with_encoded(set, slice_of(member->name), slice_of(member->value),
				     slice_of(member->encoding));
}

struct paramset *came_params(const struct client *c, struct paramset *set)
{
	struct paramset *own = paramset_ref(set);
	for (size_t i = 0; i < paramset_count(c->came_with); i++) {
		const struct paramset_member *m = paramset_member(c->came_with, i);
		struct slice name = slice_of(m->name);
		if (!worker_tracks(c->worker, name) && !paramset_get(own, name))
			paramset_replace(&own, came_with(own, m));
	}
	return own;
}

struct paramset *came_params_again(const struct client *c, struct paramset *set)
{
	struct paramset *own = came_params(c, set);
	for (size_t i = 0; i < paramset_count(c->came_with); i++) {
		const struct paramset_member *m = paramset_member(c->came_with, i);
		const char *value = paramset_get(own, slice_of(m->name));
		if (value && paramset_sql_is_again(m, value))
			paramset_replace(&own, came_with(own, m));
	}
	return own;
}

void came_back(struct client *c, const struct paramset_member *member, usec_t now)
{
	const char *has = paramset_get(c->params, slice_of(member->name));
	struct buf out = { 0 };
	if (has && strcmp(has, member->value) == 0)
		return;
	paramset_replace(&c->params, came_with(c->params, member));
	build_parameter_status(&out, slice_of(member->name), slice_of(member->value));
	client_send(c, buf_slice(&out), now);
	buf_fini(&out);
}
