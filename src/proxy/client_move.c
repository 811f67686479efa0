/*
 * client_move.c - what of a client belongs to its worker is put off here and found anew there.
 */
#include "proxy/client_move.h"

#include <stdlib.h>

#include "base/mem.h"
#include "proxy/cancel.h"
#include "proxy/client.h"
#include "proxy/keep.h"
#include "proxy/localpool.h"
#include "proxy/registry.h"
#include "proxy/route.h"
#include "proxy/worker.h"

struct client_parcel {
	struct mail mail;
	struct client client;
	struct route *route; /* a reference: where its pool was */
};

bool client_move_can(const struct client *c)
{
	return c->state == CLIENT_IDLE && !c->login && !c->server && !c->in && !c->body_left &&
	       !c->keep && !c->said_goodbye && !conn_is_paused(&c->conn) &&
	       !conn_is_stuck(&c->conn);
}

/* ---- there -------------------------------------------------------------------------------------
 */

/* The configuration there has no such database any more. */
static void client_move_turn_away(struct client *c, const struct route *route, usec_t now)
{
	struct registry *registry = c->worker->shared->registry;
	registry_leave(route->database_entry);
	registry_leave(c->user_entry);
	registry_release(registry, c->user_entry);
	c->user_entry = NULL;
	client_fail(c, ERROR_DATABASE_GONE, NULL, NULL, now, route->database);
}

static void client_move_settle(struct client *c, const struct route *route, usec_t now)
{
	enum error_id refusal;
	struct worker *w = c->worker;
	c->pool = NULL;
	bool is_on_loop = conn_attach(&c->conn, w->loop, client_on_conn);
	struct localpool *lp = localpool_get(w, slice_of(route->database), slice_of(route->user),
					     slice_of(route->startup), &refusal, now);
	if (!lp) {
		client_move_turn_away(c, route, now);
		return;
	}
	c->pool = lp;
	list_push_back(&lp->clients, &c->in_pool);
	if (!is_on_loop)
		client_close(c, "the loop cannot take its socket", now);
	else if (w->stopping)
		client_fail(c, ERROR_SHUTDOWN, NULL, NULL, now);
	else if (lp->has_deadlines)
		client_deadline_set(c, now);
}

static void client_move_arrive(struct mail *mail, void *owner, usec_t now)
{
	struct worker *w = owner;
	struct client_parcel *parcel = CONTAINER_OF(mail, struct client_parcel, mail);
	struct client *c = slab_take(&w->clients);
	*c = parcel->client;
	client_join(c, w);
	c->last = NULL;
	c->moved_at_tick = w->balancer.tick;
	w->balancer.moved_in++;
	cancel_move_in(c);
	client_move_settle(c, parcel->route, now);
	registry_release_route(w->shared->registry, parcel->route);
	free(parcel);
	worker_settle(w, now);
}

/* ---- here --------------------------------------------------------------------------------------
 */

static void client_move_leave(struct client *c, usec_t now)
{
	struct worker *w = c->worker;
	loop_clear_timer(&c->timer);
	conn_detach(&c->conn);
	pool_waiter_fini(&c->waiter, now);
	list_remove(&c->in_pool);
	localpool_touch(c->pool);
	list_remove(&c->link);
	cancel_move_out(c);
	atomic_fetch_sub(&w->load, 1);
	w->balancer.moved_out++;
}

bool client_move(struct client *c, struct worker *to, usec_t now)
{
	struct worker *w = c->worker;
	BUG_ON(!client_move_can(c));
	if (!moves_begin(&w->shared->moves))
		return false;
	struct client_parcel *parcel = mem_alloc(sizeof(*parcel));
	client_move_leave(c, now);
	parcel->mail.deliver = client_move_arrive;
	parcel->client = *c;
	parcel->route = route_ref(c->pool->route);
	slab_give(&w->clients, c);
	atomic_fetch_add(&to->load, 1);
	moves_end(w->shared, parcel->client.cancel_pid, cancel_home(&parcel->client), to->index,
		  &parcel->mail);
	return true;
}
