/*
 * swap.c - who leaves a server for another one, and that server's end.
 */
#include "proxy/swap.h"

#include "proxy/client.h"
#include "proxy/keep.h"
#include "proxy/localpool.h"
#include "proxy/login.h"
#include "proxy/paramset.h"
#include "proxy/server.h"
#include "proxy/worker.h"
#include "proxy/worn.h"
#include "wire/notice.h"

bool swap_is_wanted(const struct client *c, struct slice in)
{
	const struct server *s = c->server;
	if (!s->is_outdated && !worn_is_named(in)) /* nearly all */
		return false;
	bool stays = c->keep && (c->keep->ear || c->keep->kept & ~KEEP(MANUAL));
	if (!c->pool->is_auto || stays || c->body_left || s->has_run || s->opening)
		return false;
	/* has it got anything of this client's? What we set goes out with the client's bytes. */
	bool is_unsent = s->errand == SERVER_ERRAND_PARAMS && buf_len(&s->before) > 0;
	bool is_at_rest = s->errand == SERVER_ERRAND_NONE && track_is_quiet(&s->track) &&
			  track_tx_status(&s->track) == 'I';
	return is_unsent || is_at_rest;
}

void swap_server(struct server *s, usec_t now)
{
	struct client *c = s->client;
	s->is_doomed = true;
	server_let_go(s, now);
	if (c->state == CLIENT_PROVING)
		login_try_again(c, now);
	else
		client_unlinked(c, now);
}

/* What the last client has left of statement_timeout holds for our commands too, until they have
 * set it. */
static bool swap_is_for_time(const struct server *s, struct slice error_body)
{
	return s->released_at && notice_is(error_body, "57014");
}

/* Has it nothing of its client's yet, and nothing left of whoever had it before? */
static bool swap_is_untouched(const struct server *s)
{
	bool waits = s->holds_client && !s->has_run &&
		     (s->errand == SERVER_ERRAND_PARAMS || s->errand == SERVER_ERRAND_LEARN);
	return s->client->state == CLIENT_PROVING || waits;
}

bool swap_dying_server(struct server *s, usec_t now)
{
	if (!s->released_at || !swap_is_untouched(s))
		return false;
	swap_server(s, now);
	return true;
}

/* Does nothing differ but what an earlier client has set there? What that may not be reset to (the
 * right to set it is lost) is no fault of the next one's. */
static bool swap_is_for_leftovers(const struct server *s)
{
	struct paramset_difference d = { 0 };
	while (s->wanted && paramset_next_difference(s->params, s->wanted, &d))
		if (d.wanted && !worker_tracks(s->pool->worker, slice_of(d.wanted->name)))
			return false;
	return s->released_at != 0;
}

bool swap_refusing_server(struct server *s, struct slice error_body, usec_t now)
{
	if (!swap_is_untouched(s) ||
	    (!worn_refuses(s, notice_get(error_body, NOTICE_MESSAGE)) &&
	     !swap_is_for_time(s, error_body) && !swap_is_for_leftovers(s)))
		return false;
	swap_server(s, now);
	return true;
}
