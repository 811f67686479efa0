/*
 * server_move.c - an open, idle server goes from one worker to another, in the mail.
 *
 * What it points to of the old worker's is put off here and found anew there; parameters are
 * shared by all (proxy/paramset.h), the socket goes along (net/conn.h).
 */
#include "base/log.h"
#include "proxy/localpool.h"
#include "proxy/route.h"
#include "proxy/server.h"
#include "proxy/worker.h"

static void server_move_arrive(struct mail *mail, void *owner, usec_t now)
{
	struct server *s = CONTAINER_OF(mail, struct server, mail);
	struct worker *w = owner;
	struct pool_slice *slice = pool_slice_here(&w->pool, s->member.shared);
	BUG_ON(!slice); /* it is not freed while a server is under way to it (pool_is_unused) */

	s->pool = localpool_of_slice(slice);
	s->pool->server_count++;
	list_push_back(&s->pool->servers, &s->link);
	server_enter(s, SERVER_IDLE, now);
	bool attached = conn_attach(&s->conn, w->loop, server_on_conn);
	pool_adopt(slice, &s->member, now);
	localpool_touch(s->pool);
	if (!attached || w->stopping)
		server_close(s, w->stopping ? "shutting down" : "the loop cannot take it", now);
	worker_settle(w, now);
}

void server_move(struct server *s, unsigned worker, usec_t now)
{
	struct worker_shared *shared = s->pool->worker->shared;
	server_enter(s, SERVER_MOVING, now);
	conn_detach(&s->conn);
	list_remove(&s->link);
	s->pool->server_count--;
	localpool_touch(s->pool);
	s->pool = NULL;
	s->mail.deliver = server_move_arrive;
	mailbox_send(shared->workers[worker]->box, &s->mail);
}
