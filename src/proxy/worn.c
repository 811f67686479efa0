/*
 * worn.c - who leaves a worn server, and when.
 */
#include "proxy/worn.h"

#include <string.h>
#include <strings.h>

#include "proxy/client.h"
#include "proxy/keep.h"
#include "proxy/localpool.h"
#include "proxy/login.h"
#include "proxy/server.h"

/* As a word of a statement or of an error, in whatever case; where else it stands does no harm. */
static bool worn_is_named(struct slice text)
{
	static const char name[] = "temp_buffers";
	size_t bytes = sizeof(name) - 1, ahead = sizeof("temp") - 1;
	while (text.len >= bytes) {
		const char *at = memchr(text.ptr + ahead, '_', text.len - bytes + 1);
		if (!at)
			return false;
		at -= ahead;
		if (strncasecmp(at, name, bytes) == 0)
			return true;
		text = slice_skip(text, (size_t)(at + 1 - text.ptr));
	}
	return false;
}

bool worn_shuns(const struct client *c, struct slice in)
{
	const struct server *s = c->server;
	bool stays = c->keep && (c->keep->ear || c->keep->kept & ~KEEP(MANUAL));
	if (!c->pool->is_auto || stays || c->body_left || s->has_run || s->opening)
		return false;
	/* has it got anything of this client's? What we set goes out with the client's bytes. */
	bool is_unsent = s->errand == SERVER_ERRAND_PARAMS && buf_len(&s->before) > 0;
	bool is_at_rest = s->errand == SERVER_ERRAND_NONE && track_is_quiet(&s->track) &&
			  track_tx_status(&s->track) == 'I';
	return (is_unsent || is_at_rest) && (s->is_outdated || worn_is_named(in));
}

void worn_leave(struct server *s, usec_t now)
{
	struct client *c = s->client;
	s->is_doomed = true;
	server_let_go(s, now);
	if (c->state == CLIENT_PROVING)
		login_try_again(c, now);
	else
		client_unlinked(c, now);
}

bool worn_refuses(struct server *s, struct slice said, usec_t now)
{
	const struct client *c = s->client;
	/* a function that was clean so far may have worn it; a new one that refuses means it, and
	 * of who logs in it is not known whether it asks for anything sensible */
	bool may_be = c->state == CLIENT_PROVING ? s->is_worn : s->holds_client && s->released_at;
	if (!may_be || !worn_is_named(said))
		return false;
	worn_leave(s, now);
	return true;
}
