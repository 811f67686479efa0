/*
 * server_close.c - the end of a server connection: what its client is told, what PostgreSQL is
 * told, and when the pool may open another one in its place.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "proxy/client.h"
#include "proxy/define.h"
#include "proxy/era.h"
#include "proxy/hub.h"
#include "proxy/journal.h"
#include "proxy/keep.h"
#include "proxy/learn.h"
#include "proxy/localpool.h"
#include "proxy/route.h"
#include "proxy/server.h"
#include "proxy/setup.h"
#include "proxy/worker.h"
#include "tap/record.h"
#include "wire/notice.h"

/* How long PostgreSQL may take to hang up once goodbye was said. */
#define SERVER_CLOSE_GOODBYE_US USEC_PER_SEC

/* What had made it be kept, for a DETAIL. */
static const char *server_close_cause(const struct client *c, char *out, size_t out_bytes)
{
	if (!c->keep->cause)
		return NULL;
	snprintf(out, out_bytes, "It came from: %s", c->keep->cause);
	return out;
}

/* Its client has lost it: the server's own words have gone out already, or ours do. */
static void server_close_tell_client(struct server *s, usec_t now)
{
	struct client *c = s->client;
	bool is_mute = s->last_words || (s->body_left && s->body_passes);
	unsigned lost = c->keep ? c->keep->kept : 0;
	char states[200], detail[256];
	journal_cut(c, RECORD_SERVER_GONE, s->last_words ? NULL : "08006", now);
	server_unlink(s);
	if (is_mute)
		client_close(c, "server closed the connection", now);
	else if (lost)
		client_fail(c, ERROR_STATE_LOST, server_close_cause(c, detail, sizeof(detail)),
			    NULL, now, keep_describe(lost, states, sizeof(states)));
	else
		client_fail(c, ERROR_SERVER_GONE, NULL, NULL, now);
}

/* The connection is gone, and with it the pool's count of it. */
static void server_close_end(struct server *s, bool politely, usec_t now)
{
	struct localpool *lp = s->pool;
	loop_clear_timer(&s->timer);
	loop_clear_timer(&s->recancel);
	if (conn_is_open(&s->conn)) {
		int fd;
		struct ssl_st *ssl;
		conn_give_up(&s->conn, &fd, &ssl);
		connector_close(&s->wire, politely);
	}
	list_remove(&s->link);
	pool_lost(&s->member, now);
	localpool_touch(lp);
	loop_defer(lp->worker->loop, &s->reap);
}

/*
 * Says goodbye and waits for PostgreSQL to hang up: until then the backend counts there, and a new
 * one beside it would be one more than the limit.
 */
static bool server_close_say_goodbye(struct server *s, usec_t now)
{
	static const char terminate[] = { 'X', 0, 0, 0, 4 };
	/* the pool gives out and pings what it has not ordered to be closed: it must hear at once
	 */
	if (s->member.state != POOL_MEMBER_CLOSING || s->pool->worker->stopping ||
	    !conn_is_open(&s->conn) ||
	    conn_send(&s->conn, terminate, sizeof(terminate)) != CONN_SENT_ALL)
		return false;
	conn_resume(&s->conn, UINT8_MAX);
	loop_set_timer(s->pool->worker->loop, &s->timer, now + SERVER_CLOSE_GOODBYE_US);
	return true;
}

void server_close_at_once(struct server *s, usec_t now)
{
	if (s->state == SERVER_CLOSING && list_is_on(&s->link))
		server_close_end(s, false, now);
}

void server_close(struct server *s, const char *why, usec_t now)
{
	if (s->state == SERVER_CLOSING)
		return;

	struct localpool *lp = s->pool;
	bool is_heard = s->state != SERVER_LOGIN && track_is_quiet(&s->track) &&
			!conn_is_stuck(&s->conn) && !(s->client && s->client->body_left);
	if (s->state != SERVER_LOGIN && lp->worker->setup->conf->global.log_disconnections)
		LOG_INFO("server %s/%s pid %d: closing because: %s (age %llds)",
			 lp->route->database, lp->route->user, s->pid, why,
			 (long long)((now - s->connected_at) / USEC_PER_SEC));
	server_enter(s, SERVER_CLOSING, now);
	define_lose(s, now);
	era_end(s, now);
	learn_free(s);
	if (s->hub)
		hub_lost(s, now);
	if (s->client)
		server_close_tell_client(s, now);
	if (s->connector)
		server_login_stop(s);
	if (!is_heard || !server_close_say_goodbye(s, now))
		server_close_end(s, is_heard, now);
}

void server_close_desync(struct server *s, char type, usec_t now)
{
	LOG_ERROR("server %s/%s pid %d: protocol violation: unexpected message 0x%02x in state %s",
		  s->pool->route->database, s->pool->route->user, s->pid, (unsigned char)type,
		  server_state_name(s->state));
	if (s->client && !s->client->batch_at && !s->client->xact_at && !s->pool->is_session &&
	    !keep_is(s->client->keep, UINT16_MAX) && s->client->state == CLIENT_LINKED) {
		struct client *c = s->client; /* has had all its answers: it is not concerned */
		server_unlink(s);
		client_unlinked(c, now);
	}
	if (s->client && !s->last_words) {
		struct client *c = s->client;
		char text[16];
		snprintf(text, sizeof(text), "0x%02x", (unsigned char)type);
		s->is_doomed = true;
		s->last_words = true;
		client_fail(c, ERROR_SERVER_DESYNC, NULL, NULL, now, text);
	}
	server_close(s, "protocol violation", now);
}

void server_close_last_words(struct server *s, struct slice body, usec_t now)
{
	LOG_INFO("server %s/%s pid %d says: %.*s", s->pool->route->database, s->pool->route->user,
		 s->pid, SLICE_ARGS(notice_get(body, NOTICE_MESSAGE)));
	server_close(s, "server closed the connection", now);
}
