/*
 * server_link.c - how a client gets a server: what goes out in front of its first bytes.
 */
#include "base/bug.h"
#include "proxy/client.h"
#include "proxy/discard.h"
#include "proxy/era.h"
#include "proxy/errand.h"
#include "proxy/learn.h"
#include "proxy/localpool.h"
#include "proxy/numbers.h"
#include "proxy/server.h"
#include "proxy/site.h"

void server_link_fit(struct server *s, usec_t now)
{
	struct client *c = s->client;
	bool forgets = s->pool->is_auto && s->sequences_of != c->id && numbers_take_over(s, c);
	bool is_tainted = s->tainted_by && s->tainted_by != c->id;
	if (s->params != c->params || forgets || is_tainted)
		errand_set_params(s, c->params, forgets, now);
}

/* Is it to be asked which names hide code, before its client is heard? */
static bool server_link_learns(const struct server *s, usec_t now)
{
	struct localpool *lp = s->pool;
	return lp->minds_hidden && (now >= lp->hidden.learn_at || hidden_is_stale(&lp->hidden)) &&
	       s->client->state == CLIENT_LINKED && learn_is_due(s, now) &&
	       !site_is_asked(lp->hidden.site, now);
}

void server_link(struct server *s, struct client *c, usec_t now)
{
	BUG_ON(s->client || c->server);
	server_enter(s, SERVER_LINKED, now);
	s->client = c;
	c->server = s;
	c->linked_at = now;
	s->linked_at = now;
	s->holds_client = false;
	s->discard = DISCARD_NONE;
	s->has_run = false;
	if (UNLIKELY(s->cancel_waits)) /* whatever it was for, it is not this one */
		server_cancel_drop(s);
	s->is_outdated = era_is_older(s, c);
	if (!s->is_outdated)
		c->era = s->era;
	s->pool->stats.server_assignments++;
	s->pool->stats.wait_us += (uint64_t)(now - c->request_at);
	if (UNLIKELY(server_link_learns(s, now)))
		learn_start(s, true, now);
	else
		server_link_fit(s, now);
}
