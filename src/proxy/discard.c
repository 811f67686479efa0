/*
 * discard.c - from the Query DISCARD ALL to its ReadyForQuery.
 */
#include "proxy/discard.h"

#include "proxy/came.h"
#include "proxy/client.h"
#include "proxy/keep.h"
#include "proxy/localpool.h"
#include "proxy/paramset.h"
#include "proxy/server.h"
#include "proxy/worker.h"
#include "wire/track.h"

void discard_begin(struct client *c)
{
	c->server->discard = DISCARD_RUN;
}

bool discard_holds(const struct server *s)
{
	return s->discard && track_in_copy(&s->track) != TRACK_COPY_IN &&
	       track_outstanding_syncs(&s->track) > 0;
}

void discard_copies(struct client *c)
{
	if (c->server->discard)
		conn_again(&c->conn); /* with what it has sent already */
}

void discard_done(struct server *s, usec_t now)
{
	struct client *c = s->client;
	if (c && c->pool->is_auto && !s->discard && paramset_count(c->came_with) > 0) {
		keep_discarded(c); /* it was executed: the SETs are behind it (proxy/reset.h) */
		if (c->keep)
			c->keep->has_lost_all = true;
		return;
	}
	/* what it reports of that comes next: not of those that had their default already */
	paramset_replace(&s->params, paramset_ref(s->pool->worker->no_params));
	if (!c)
		return;
	paramset_replace(&c->params, came_params(c, s->params));
	for (size_t i = 0; c->pool->is_auto && i < paramset_count(c->came_with); i++) {
		const struct paramset_member *m = paramset_member(c->came_with, i);
		if (worker_tracks(c->worker, slice_of(m->name)))
			came_back(c, m, now);
	}
	keep_discarded(c);
	if (s->discard)
		s->discard = DISCARD_DONE;
}

void discard_failed(struct server *s)
{
	if (s->discard != DISCARD_RUN || track_outstanding_syncs(&s->track) > 0)
		return; /* its ReadyForQuery is still to come */
	s->discard = DISCARD_NONE;
	if (s->client)
		conn_again(&s->client->conn); /* with the Sync that the server skips to */
}

bool discard_hides(const struct server *s, struct slice name)
{
	return s->discard == DISCARD_DONE && s->client && paramset_get(s->client->came_with, name);
}

void discard_ready(struct server *s, usec_t now)
{
	struct client *c = s->client;
	if (!s->discard || track_outstanding_syncs(&s->track) > 0)
		return;
	bool is_done = s->discard == DISCARD_DONE;
	s->discard = DISCARD_NONE;
	if (!c)
		return;
	conn_again(&c->conn); /* with what it has asked meanwhile */
	if (is_done && c->state == CLIENT_LINKED && track_is_idle(&s->track) &&
	    s->errand == SERVER_ERRAND_NONE && c->params != s->params) {
		server_link_fit(s, now);
		s->holds_client = false; /* it may have nothing more to say */
		server_send(s, SLICE_NONE, now);
	}
}
