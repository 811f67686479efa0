/*
 * localpool.c - one worker's part of a pool, and its decisions carried out.
 */
#include "proxy/localpool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "conf/share.h"
#include "proxy/client.h"
#include "proxy/ear.h"
#include "proxy/hub.h"
#include "proxy/hub_table.h"
#include "proxy/keep.h"
#include "proxy/login.h"
#include "proxy/numbers.h"
#include "proxy/registry.h"
#include "proxy/route.h"
#include "proxy/server.h"
#include "proxy/setup.h"
#include "proxy/site.h"
#include "proxy/spare.h"
#include "proxy/worker.h"

/* Pools are made for whatever databases and users clients name; each costs memory. Where so many
 * are there, one that nobody uses goes for each that comes. */
#define LOCALPOOL_MAX 16384

/* ---- settings --------------------------------------------------------------------------- */

void localpool_make_limits(const struct conf_pool *s, bool has_startup, struct pool_limits *out)
{
	*out = (struct pool_limits){
		.pool_size = s->pool_size,
		.max_overflow = s->max_overflow,
		.min_pool_size = has_startup ? 0 : s->min_pool_size,
		.max_waiting = s->max_waiting,
		.overflow_delay_us = s->overflow_delay_us,
		.pool_timeout_us = s->pool_timeout_us,
		.recycle_us = s->pool_recycle_us,
		.idle_timeout_us = s->server_idle_timeout_us,
		.check_delay_us = s->server_check_delay_us,
		.login_retry_us = s->server_login_retry_us,
		.pre_ping = s->pool_pre_ping,
		.lifo = s->pool_use_lifo,
	};
}

static void localpool_limits(const struct localpool *lp, struct pool_limits *out)
{
	localpool_make_limits(&lp->settings, lp->route && *lp->route->startup, out);
}

/* Does it want to know what hides code where it leads? */
static void localpool_mind(const struct localpool *lp, bool minds)
{
	atomic_fetch_add(&lp->hidden.site->minders, (int)minds - (int)lp->minds_hidden);
}

/* What the settings come to, so that the way of a query asks one word. */
static void localpool_derive(struct localpool *lp)
{
	const struct conf_pool *s = &lp->settings;
	lp->is_session = s->pool_mode == CONF_POOL_MODE_SESSION || lp->route->is_replication;
	lp->is_statement = s->pool_mode == CONF_POOL_MODE_STATEMENT && !lp->is_session;
	lp->is_auto = s->pool_mode == CONF_POOL_MODE_AUTO && !lp->is_session;
	lp->follows_prepared = lp->is_auto || (!lp->is_session &&
					       lp->setup->conf->global.max_prepared_statements > 0);
	bool minds = lp->is_auto && s->auto_probe == CONF_AUTO_PROBE_SUSPICIOUS;
	if (lp->hidden.site)
		localpool_mind(lp, minds);
	lp->minds_hidden = minds;
	/* what hides behind names is to be known, or a number would be taken unseen */
	lp->tries_numbers = minds && s->sequence_state == CONF_SEQUENCE_STATE_KEEP;
	bool is_open = s->pool_size == 0 || s->max_overflow < 0;
	lp->max_kept =
		share_of(slice_of(s->max_kept), is_open ? -1 : s->pool_size + s->max_overflow);
	lp->defers_begin = !lp->is_session && !lp->is_statement &&
			   (s->defer_begin == CONF_DEFER_BEGIN_ON ||
			    (s->defer_begin == CONF_DEFER_BEGIN_AUTO && lp->is_auto));
	lp->minds_leftovers = !lp->is_auto && !lp->is_session &&
			      s->on_session_state != CONF_ON_SESSION_STATE_IGNORE;
	lp->logs_queries =
		s->log_min_duration_statement_us != USEC_NEVER && !lp->route->is_replication;
	lp->has_deadlines = s->query_timeout_us != USEC_NEVER ||
			    s->idle_transaction_timeout_us != USEC_NEVER ||
			    s->transaction_timeout_us != USEC_NEVER ||
			    s->client_idle_timeout_us != USEC_NEVER ||
			    (lp->is_auto && s->keep_timeout_us != USEC_NEVER);
}

static int32_t localpool_cap(int limit)
{
	return limit > 0 ? limit : PERMITS_UNLIMITED;
}

void localpool_set_caps(struct route *route, const struct conf_pool *settings)
{
	pool_cap_set_limit(&route->database_entry->servers,
			   localpool_cap(settings->max_db_connections));
	pool_cap_set_limit(&route->user_entry->servers,
			   localpool_cap(settings->max_user_connections));
}

static const struct conf_database *localpool_resolve(const struct worker *w, struct slice database,
						     struct slice user, struct conf_pool *out)
{
	const struct conf *conf = w->setup->conf;
	const struct conf_database *db = conf_find_database(conf, database);
	if (db)
		conf_resolve(conf, db, conf_find_user(conf, user), out);
	return db;
}

static bool localpool_is_paused(const struct localpool *lp)
{
	return registry_is_paused(lp->worker->shared->registry) ||
	       atomic_load(&lp->route->database_entry->paused);
}

/* ---- where it leads ------------------------------------------------------------------------ */

void localpool_add_site(const struct localpool *lp, struct slice dbname, struct buf *key)
{
	static const char *const keys[] = { "host", "hostaddr", "port" };
	const struct conf_database *db =
		conf_find_database(lp->setup->conf, slice_of(lp->route->database));
	buf_add_slice(key, dbname);
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		for (size_t j = 0; j < db->param_count; j++)
			if (strcmp(db->params[j].key, keys[i]) == 0)
				buf_addf(key, "%c%s=%s", 0, keys[i], db->params[j].value);
}

static struct site *localpool_find_site(const struct localpool *lp)
{
	const struct conf_database *db =
		conf_find_database(lp->setup->conf, slice_of(lp->route->database));
	struct buf key = { 0 };
	localpool_add_site(lp, slice_of(*db->dbname ? db->dbname : lp->route->database), &key);
	struct site *site = registry_site(lp->worker->shared->registry, buf_slice(&key));
	buf_fini(&key);
	return site;
}

/* Of what is there it is not known yet what hides code. */
static void localpool_settle_there(struct localpool *lp)
{
	struct site *site = localpool_find_site(lp), *old = lp->hidden.site;
	if (site == old) {
		registry_release_site(lp->worker->shared->registry, site);
		return;
	}
	if (old)
		localpool_mind(lp, false);
	hidden_fini(&lp->hidden);
	hidden_init(&lp->hidden, site);
	atomic_store(&lp->route->site, site);
	harmless_forget(&lp->harmless);
	atomic_fetch_add(&site->minders, lp->minds_hidden);
	if (old)
		registry_release_site(lp->worker->shared->registry, old);
}

/* Does the configuration lead elsewhere than this worker has logged in to until now? Then nothing
 * is known yet of which parameters are taken there. */
static bool localpool_has_moved(struct localpool *lp)
{
	const struct conf_database *db =
		conf_find_database(lp->setup->conf, slice_of(lp->route->database));
	struct buf target = { 0 };
	uint64_t old = lp->target;
	buf_addf(&target, "%s%c%s%c%s", db->dbname, 0, db->user, 0, db->password);
	for (size_t i = 0; i < db->param_count; i++)
		buf_addf(&target, "%c%s=%s", 0, db->params[i].key, db->params[i].value);
	lp->target = route_set_target(lp->route, buf_slice(&target));
	mem_wipe(target.data, target.cap);
	buf_fini(&target);
	if (lp->target == old)
		return false;
	proven_fini(&lp->proven); /* it is empty now */
	return true;
}

/* Those who keep servers may do without, as the settings are now. */
static void localpool_settle_kept(struct localpool *lp, usec_t now)
{
	LIST_EACH (node, tmp, &lp->clients) {
		struct client *c = LIST_ENTRY(node, struct client, in_pool);
		if (c->state == CLIENT_LINKED && c->keep && c->keep->kept)
			server_settle(c->server, now);
	}
}

/* Those that listen for all, here: of a pool that is paused, or that are not where the database is
 * any more. */
static void localpool_dismiss_hubs(struct localpool *lp, bool is_pause, usec_t now)
{
	uint64_t target = route_target(lp->route);
	LIST_EACH (node, tmp, &lp->servers) {
		struct server *s = LIST_ENTRY(node, struct server, link);
		if (s->hub && s->hub->server == s && (is_pause || s->hub->target != target))
			hub_dismiss(s->hub, is_pause ? EAR_PAUSE : EAR_MOVED, now);
	}
}

void localpool_pause(struct localpool *lp, usec_t now)
{
	pool_pause(&lp->slice, now);
	localpool_dismiss_hubs(lp, true, now);
	localpool_settle_kept(lp, now);
}

void localpool_reconnect(struct localpool *lp, usec_t now)
{
	pool_sweep(&lp->slice, now);
	LIST_EACH (node, tmp, &lp->servers) {
		struct server *s = LIST_ENTRY(node, struct server, link);
		if (s->hub && s->hub->server == s)
			hub_renew(s->hub, now);
	}
}

void localpool_vacate(struct localpool *lp, usec_t now)
{
	pool_shared_reconnect(&lp->route->shared);
	pool_sweep(&lp->slice, now);
	LIST_EACH (node, tmp, &lp->servers) {
		struct server *s = LIST_ENTRY(node, struct server, link);
		if (s->hub && s->hub->server == s && atomic_load(&s->hub->listeners) == 0)
			hub_renew(s->hub, now); /* which ends it */
	}
	localpool_touch(lp);
}

void localpool_configure(struct localpool *lp, usec_t now)
{
	struct pool_limits limits;
	bool was_gone = lp->is_gone;
	lp->is_gone = !localpool_resolve(lp->worker, slice_of(lp->route->database),
					 slice_of(lp->route->user), &lp->settings);
	localpool_touch(lp);
	if (lp->is_gone) {
		pool_shared_reconnect(&lp->route->shared);
		pool_pause(&lp->slice, now);
		localpool_end_clients(lp, ERROR_DATABASE_GONE, now);
		pool_kill(&lp->slice, now);
		return;
	}
	if (was_gone && !localpool_is_paused(lp))
		pool_resume(&lp->slice, now);
	setup_unref(lp->setup);
	lp->setup = setup_ref(lp->worker->setup);
	localpool_derive(lp);
	localpool_set_caps(lp->route, &lp->settings);
	localpool_limits(lp, &limits);
	pool_shared_configure(&lp->route->shared, &limits);
	pool_configure(&lp->slice, &limits, now);
	if (localpool_has_moved(lp)) { /* each worker: it has just learnt of it */
		pool_shared_reconnect(&lp->route->shared);
		hub_table_retire(lp->worker->shared->hubs, lp->route->database);
	}
	localpool_settle_there(lp);
	localpool_dismiss_hubs(lp, false, now);
	pool_sweep(&lp->slice, now);
	localpool_settle_kept(lp, now);
}

/* ---- making and ending ---------------------------------------------------------------------- */

static void localpool_on_tick(struct timer *t, usec_t now)
{
	struct localpool *lp = CONTAINER_OF(t, struct localpool, tick);
	pool_tick(&lp->slice, now);
	localpool_touch(lp);
	worker_settle(lp->worker, now);
}

static struct localpool *localpool_new(struct worker *w, struct slice key,
				       const struct conf_pool *settings, usec_t now)
{
	struct registry *registry = w->shared->registry;
	struct pool_limits limits;
	struct localpool *lp = mem_zalloc(sizeof(*lp));

	lp->worker = w;
	lp->setup = setup_ref(w->setup);
	lp->settings = *settings;
	localpool_limits(lp, &limits);
	lp->route = registry_route(registry, key);
	if (!lp->route)
		lp->route = registry_add_route(
			registry, route_new(key, registry, w->shared->worker_count, &limits));
	localpool_limits(lp, &limits);
	if (*lp->route->startup)
		pool_shared_configure(&lp->route->shared, &limits);
	localpool_derive(lp);
	localpool_set_caps(lp->route, &lp->settings);
	list_init(&lp->clients);
	list_init(&lp->servers);
	list_init(&lp->touched);
	list_init(&lp->spare);
	proven_init(&lp->proven, w->no_params);
	harmless_init(&lp->harmless);
	wheel_init_timer(&lp->tick, localpool_on_tick);
	pool_init(&lp->slice, &w->pool, &lp->route->shared, &limits,
		  (uint64_t)now * 2654435761u + w->index, now);
	if (localpool_is_paused(lp))
		pool_pause(&lp->slice, now);
	map_put(&w->pools, key, lp);
	(void)localpool_has_moved(lp);
	localpool_settle_there(lp);
	localpool_touch(lp);
	return lp;
}

struct localpool *localpool_get(struct worker *w, struct slice database, struct slice user,
				struct slice startup, enum error_id *refusal, usec_t now)
{
	struct conf_pool settings;
	struct buf key = { 0 };
	*refusal = ERROR_NO_DATABASE;
	route_build_key(&key, database, user, startup);
	struct localpool *lp = map_get(&w->pools, buf_slice(&key));
	if (lp && !lp->is_gone)
		spare_take(lp);
	else if (lp || !localpool_resolve(w, database, user, &settings))
		lp = NULL;
	else if (map_count(&w->pools) < LOCALPOOL_MAX || spare_make_room(w))
		lp = localpool_new(w, buf_slice(&key), &settings, now);
	else
		*refusal = ERROR_TOO_MANY_POOLS;
	buf_fini(&key);
	return lp;
}

void localpool_free(struct localpool *lp)
{
	BUG_ON(!list_is_empty(&lp->clients) || !list_is_empty(&lp->servers));
	loop_clear_timer(&lp->tick);
	list_remove(&lp->touched);
	list_remove(&lp->spare);
	harmless_fini(&lp->harmless);
	localpool_mind(lp, false);
	registry_release_site(lp->worker->shared->registry, lp->hidden.site);
	hidden_fini(&lp->hidden);
	proven_fini(&lp->proven);
	pool_fini(&lp->slice);
	registry_release_route(lp->worker->shared->registry, lp->route);
	setup_unref(lp->setup);
	free(lp);
}

bool localpool_is_casual(const struct localpool *lp)
{
	const struct conf_database *db =
		conf_find_database(lp->setup->conf, slice_of(lp->route->database));
	return strcmp(db->name, lp->route->database) != 0 || *lp->route->startup;
}

bool localpool_is_spare(const struct localpool *lp)
{
	if (!list_is_empty(&lp->clients) || lp->server_count > 0 || !pool_is_unused(&lp->slice))
		return false;
	/* paused: RESUME and those who wait for PAUSE count it; it may hold a minimum of servers */
	return lp->is_gone || (!lp->slice.paused && lp->slice.limits.min_pool_size == 0);
}

void localpool_end(struct localpool *lp)
{
	struct worker *w = lp->worker;
	const struct conf_database *db =
		conf_find_database(w->setup->conf, slice_of(lp->route->database));
	bool is_named = db && strcmp(db->name, lp->route->database) == 0;
	LOG_DEBUG("pool %s/%s: freed", lp->route->database, lp->route->user);
	registry_retire(w->shared->registry, lp->route->database_entry, is_named, w->index,
			&lp->stats);
	map_remove(&w->pools, lp->route->key);
	localpool_free(lp);
}

void localpool_end_clients(struct localpool *lp, enum error_id error, usec_t now)
{
	LIST_EACH (node, tmp, &lp->clients) {
		struct client *c = LIST_ENTRY(node, struct client, in_pool);
		client_fail(c, error, NULL, NULL, now, lp->route->database);
	}
}

/* ---- requests
 * ------------------------------------------------------------------------------------- */

void localpool_touch(struct localpool *lp)
{
	if (!list_is_on(&lp->touched))
		list_push_back(&lp->worker->touched, &lp->touched);
}

void localpool_request(struct localpool *lp, struct client *c, usec_t now)
{
	struct pool_member *m = pool_request(&lp->slice, &c->waiter, now);
	localpool_touch(lp);
	if (!m) {
		hub_table_yield(lp->worker->shared->hubs, lp);
		if (c->state == CLIENT_IDLE) {
			client_enter(c, CLIENT_WAITING, now);
			conn_pause(&c->conn, CLIENT_PAUSE_WAITING);
		}
		return;
	}
	struct server *s = CONTAINER_OF(m, struct server, member);
	if (c->state == CLIENT_ADMITTED) {
		login_granted(c, s, now);
		return;
	}
	client_enter(c, CLIENT_LINKED, now);
	server_link(s, c, now);
}

void localpool_return(struct localpool *lp, struct server *s, usec_t now)
{
	s->member.is_dear = s->has_numbers && numbers_on_trial(lp);
	pool_return(&s->member, now);
	localpool_touch(lp);
}

void localpool_describe(const struct localpool *lp, char *out, size_t out_bytes)
{
	struct pool_shared *shared = &lp->route->shared;
	int used = permits_used(&shared->cap.permits);
	int idle = pool_cap_idle(&shared->cap);
	int logins = atomic_load(&shared->logins);
	int active = used - idle - logins;
	snprintf(
		out, out_bytes,
		"Pool \"%s\"/\"%s\": pool_size %d, max_overflow %d; %d active, %d idle, %d logging in, "
		"%d waiting.",
		lp->route->database, lp->route->user, lp->settings.pool_size,
		lp->settings.max_overflow, active > 0 ? active : 0, idle, logins,
		atomic_load(&shared->waiting));
}
