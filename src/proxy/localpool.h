/*
 * localpool.h - one worker's part of one route: its servers, its clients, and what the
 * configuration makes of it.
 *
 * The pure side (pool/pool.h) decides; what it has decided is carried out after every event
 * (proxy/bailiff.h).
 *
 * Owner: the worker. Thread: worker.
 */
#ifndef PROXY_LOCALPOOL_H
#define PROXY_LOCALPOOL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/slice.h"
#include "base/wheel.h"
#include "conf/conf.h"
#include "pool/pool.h"
#include "proxy/harmless.h"
#include "proxy/hidden.h"
#include "proxy/proven.h"
#include "proxy/stats.h"
#include "wire/errors.h"

struct client;
struct route;
struct server;
struct setup;
struct worker;

/* Who asks it for a server: pool_waiter's kind. */
enum localpool_waiter { LOCALPOOL_CLIENT, LOCALPOOL_HEIR };

struct localpool {
	struct pool_slice slice;
	struct worker *worker;     /* not owned */
	struct route *route;       /* a reference */
	struct setup *setup;       /* a reference: what the settings come from */
	struct conf_pool settings; /* resolved; their strings are the setup's */
	struct timer tick;
	struct list clients;   /* client->in_pool */
	struct list servers;   /* owned; server->link */
	unsigned server_count; /* that name it, those that are closed and not yet freed too */
	struct list spare;     /* in worker->spare_pools: it has nobody and nothing */
	usec_t spare_since;
	struct stats stats;
	struct proven proven; /* parameters that servers took */
	uint64_t target;      /* where they are (a hash), as this worker's configuration has it */
	struct list touched;  /* in worker->touched: its timer is to be looked at */
	bool is_gone;         /* the configuration no longer has the database */
	bool is_session;      /* a client keeps its server until it leaves */
	bool is_statement;
	bool follows_prepared; /* prepared statements go with their clients */
	bool defers_begin;     /* BEGIN takes no server (proxy/opening.h) */
	bool minds_leftovers;  /* on_session_state is to be seen to (proxy/leftover.h) */
	bool is_auto; /* a client keeps its server for what cannot follow it, and only that long */
	struct harmless harmless; /* where is_auto */
	struct hidden hidden;     /* of its site, a reference */
	bool minds_hidden;        /* where it is suspicious of what no text shows */
	bool tries_numbers;       /* proxy/numbers.h: a trial makes sense */
	int max_kept;             /* -1: no bound */
	bool logs_queries;        /* log_min_duration_statement is on */
	bool has_deadlines;       /* any of the timeouts that concern a linked client is set */
};

static inline struct localpool *localpool_of_slice(struct pool_slice *slice)
{
	return CONTAINER_OF(slice, struct localpool, slice);
}

/* The pool for that database, user and start-up-only text, made where there is none yet.
 * NULL: the configuration has no such database, or all that the worker may have are in use. */
struct localpool *localpool_get(struct worker *w, struct slice database, struct slice user,
				struct slice startup, enum error_id *refusal, usec_t now);
void localpool_free(struct localpool *lp); /* no clients, no servers */

/* It is not needed any more (proxy/spare.h): what it has counted is kept for its database. */
void localpool_end(struct localpool *lp);

/* Is there nothing in it, nothing under way to it, and nothing that it has to hold? */
bool localpool_is_spare(const struct localpool *lp);

/* Has a client brought it into being, by naming a database that "*" stands for or with start-up
 * options of its own? */
bool localpool_is_casual(const struct localpool *lp);

/* What the settings make of a pool's limits, and of those of its database and its user.
 * `has_startup`: the pool is for clients that ask for start-up-only parameters. Thread: any. */
void localpool_make_limits(const struct conf_pool *settings, bool has_startup,
			   struct pool_limits *out);
void localpool_set_caps(struct route *route, const struct conf_pool *settings);

/* After anything that the pool was told: its timer is set before the turn ends. */
void localpool_touch(struct localpool *lp);

/* Every client of it is told to go. */
void localpool_end_clients(struct localpool *lp, enum error_id error, usec_t now);

/* Servers of before the last RECONNECT are closed, or replaced where somebody listens. */
void localpool_reconnect(struct localpool *lp, usec_t now);

/* Servers that idle are closed, others when they come back; who listens for all stays while anybody
 * hears from it. */
void localpool_vacate(struct localpool *lp, usec_t now);

/* No server is given out any more, and who only listens keeps none (proxy/ear.h). */
void localpool_pause(struct localpool *lp, usec_t now);

/* Adds the key of the site (proxy/site.h) that this database of its server is, as libpq is told. */
void localpool_add_site(const struct localpool *lp, struct slice dbname, struct buf *key);

/* The worker has a new setup. */
void localpool_configure(struct localpool *lp, usec_t now);

/* The client's request for a server: it is linked at once, or waits. */
void localpool_request(struct localpool *lp, struct client *c, usec_t now);

/* A clean server comes back. */
void localpool_return(struct localpool *lp, struct server *s, usec_t now);

/* The pool's DETAIL for a refusal: "pool db/user: pool_size 10, ..." */
void localpool_describe(const struct localpool *lp, char *out, size_t out_bytes);

#endif
