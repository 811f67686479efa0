/*
 * server_param.c - what a ParameterStatus says of a server, and of the client that has it.
 */
#include "proxy/client.h"
#include "proxy/localpool.h"
#include "proxy/paramset.h"
#include "proxy/server.h"
#include "proxy/worker.h"
#include "wire/reader.h"

bool server_param(struct server *s, struct slice body)
{
	struct reader r;
	reader_init(&r, body);
	struct slice name = reader_cstr(&r);
	struct slice value = reader_cstr(&r);
	struct client *c = s->client;
	bool is_linked = c && c->state == CLIENT_LINKED;
	if (reader_failed(&r))
		return false;
	if (!worker_tracks(s->pool->worker, name))
		return is_linked && s->errand == SERVER_ERRAND_NONE;

	const char *base = paramset_get(s->base, name);
	bool is_base = base && slice_eq_str(value, base);
	if (s->errand == SERVER_ERRAND_PARAMS) {
		const char *wanted = paramset_get(s->wanted, name);
		if (wanted ? slice_eq_str(value, wanted) : is_base)
			return false;
		/* the server spells it in its own way */
		paramset_replace(&s->wanted, is_base ? paramset_without(s->wanted, name)
						     : paramset_with(s->wanted, name, value));
		return is_linked;
	}
	paramset_replace(&s->params, is_base ? paramset_without(s->params, name)
					     : paramset_with(s->params, name, value));
	if (is_linked)
		paramset_replace(&c->params, paramset_ref(s->params));
	return is_linked;
}

void server_param_forget(struct server *s)
{
	for (size_t i = 0; i < paramset_count(s->params);) {
		struct slice name = slice_of(paramset_name(s->params, i));
		if (worker_tracks(s->pool->worker, name)) {
			i++;
			continue;
		}
		paramset_replace(&s->params, paramset_without(s->params, name));
		i = 0;
	}
}
