/*
 * server_param.c - what a ParameterStatus says of a server, and of the client that has it.
 */
#include <string.h>

#include "proxy/client.h"
#include "proxy/discard.h"
#include "proxy/localpool.h"
#include "proxy/paramset.h"
#include "proxy/server.h"
#include "proxy/worker.h"
#include "wire/reader.h"

/* So many of the reported parameters are told apart: of s->reported. */
#define SERVER_PARAM_MAX 32u

/* What the server's reports are in now. */
static struct slice server_param_encoding(const struct server *s)
{
	const struct paramset *now = s->errand == SERVER_ERRAND_PARAMS ? s->wanted : s->params;
	const char *own = paramset_get(now, SLICE("client_encoding"));
	return slice_of(own ? own : paramset_get(s->base, SLICE("client_encoding")));
}

/* Is that value what it was at the login? */
static bool server_param_is_base(const struct server *s, struct slice name, struct slice value)
{
	const char *base = paramset_get(s->base, name);
	const char *encoding = paramset_get(s->base, SLICE("client_encoding"));
	return base && slice_eq_str(value, base) &&
	       (paramset_is_ascii(value) ||
		(encoding && slice_ieq_str(server_param_encoding(s), encoding)));
}

/*
 * `set` as it is with that report; a new reference. Where its client came with another value, that
 * of the server's login is one that the client has set: it is set elsewhere too, not reset. Not so
 * behind DISCARD ALL; one that is refused has only undone the transaction that it stood in.
 */
static struct paramset *server_param_reported(const struct server *s, struct paramset *set,
					      struct slice name, struct slice value)
{
	bool is_set =
		s->client && s->discard != DISCARD_DONE && paramset_get(s->client->came_with, name);
	if (server_param_is_base(s, name, value) && !is_set)
		return paramset_without(set, name);
	return paramset_with_encoded(set, name, value, server_param_encoding(s));
}

struct paramset *server_param_said(const struct server *s, struct paramset *set, struct slice name,
				   struct slice value)
{
	return paramset_with_encoded(set, name, value, server_param_encoding(s));
}

/* It has what it was to have in such words. */
static void server_param_took(struct server *s, struct slice name, struct slice value)
{
	paramset_replace(&s->wanted, worker_tracks(s->pool->worker, name)
					     ? server_param_reported(s, s->wanted, name, value)
					     : server_param_said(s, s->wanted, name, value));
}

/* One of those that it was to have. True: it spells it in its own way. */
static bool server_param_taken(struct server *s, struct slice name, struct slice value)
{
	const char *wanted = paramset_get(s->wanted, name);
	for (size_t i = 0; i < paramset_count(s->base) && i < SERVER_PARAM_MAX; i++)
		if (slice_ieq_str(name, paramset_member(s->base, i)->name))
			s->reported |= UINT32_C(1) << i;
	if (wanted ? slice_eq_str(value, wanted) : server_param_is_base(s, name, value))
		return false;
	server_param_took(s, name, value);
	return true;
}

/* What a server does not report is what it has reported last. */
void server_param_spell(struct server *s)
{
	for (size_t i = 0; i < paramset_count(s->base) && i < SERVER_PARAM_MAX; i++) {
		const struct paramset_member *base = paramset_member(s->base, i);
		struct slice name = slice_of(base->name);
		const char *wanted = paramset_get(s->wanted, name);
		if (!wanted || s->reported >> i & 1)
			continue;
		const char *had =
			worker_tracks(s->pool->worker, name) ? paramset_get(s->params, name) : NULL;
		if (strcmp(had ? had : base->value, wanted) != 0)
			server_param_took(s, name, slice_of(had ? had : base->value));
	}
}

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
	bool is_tracked = worker_tracks(s->pool->worker, name);
	if (!is_tracked)
		paramset_replace(&s->base, server_param_said(s, s->base, name, value));
	if (s->errand == SERVER_ERRAND_PARAMS && (is_tracked || paramset_get(s->wanted, name)))
		return server_param_taken(s, name, value) && is_linked;
	if (!is_tracked)
		return is_linked && s->errand == SERVER_ERRAND_NONE;
	paramset_replace(&s->params, server_param_reported(s, s->params, name, value));
	if (!is_linked || discard_hides(s, name))
		return false;
	if (s->discard == DISCARD_DONE) /* the client has others too by now */
		paramset_replace(&c->params, server_param_reported(s, c->params, name, value));
	else
		paramset_replace(&c->params, paramset_ref(s->params));
	return true;
}
