/*
 * authquery.c - questions about users, on main's thread: from memory, or shared, or passed on.
 *
 *	a login --mail--> asked before? --> answered
 *	                  being asked?  --> joins
 *	                  else a flight --> authtarget (secrets), passcheck (passwords)
 *
 * A question comes from any client that names a database and a user. What that can cost is
 * bounded: flights at a time, targets at a time, answers kept, and how fast databases that only
 * `*` leads to, and nobody has seen yet, are tried.
 */
#include "proxy/authquery.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "auth/authcache.h"
#include "auth/authtries.h"
#include "base/map.h"
#include "base/mem.h"
#include "net/loop.h"
#include "proxy/authtarget.h"
#include "proxy/helper.h"
#include "proxy/passcheck.h"
#include "proxy/setup.h"
#include "proxy/worker.h"

#define AUTHQUERY_HELPERS 8
#define AUTHQUERY_HELPERS_A_SERVER 2 /* so that a dead one keeps no other's users waiting */
#define AUTHQUERY_HELPER_QUEUE 4096
#define AUTHQUERY_MAX_FLIGHTS 10000
#define AUTHQUERY_MAX_NAMED 256 /* databases that only `*` leads to */
#define AUTHQUERY_MAX_YES 10000
#define AUTHQUERY_MAX_NO 1000
#define AUTHQUERY_NO_US USEC_PER_SEC             /* how long nobody stays nobody, at most */
#define AUTHQUERY_DOUBT_US (100 * USEC_PER_MSEC) /* between two doubts about the same user */

/* One question that is being asked, and all who wait for its answer. */
struct authquery_flight {
	struct authtarget_question question;
	struct authquery *aq;
	struct list on_flights;
	struct list asks;
	struct slice key;        /* owned; of the answer */
	struct slice target_key; /* owned */
	struct setup *setup;     /* a reference: sql is its */
	unsigned generation;
	char *user; /* owned */
};

struct authquery {
	struct loop *loop;
	struct worker_shared *shared;
	struct helper_crew *crew;
	struct passcheck *passwords;
	bool stopped;
	struct authcache secrets;
	atomic_bool is_md5;      /* the last secret that came; workers read it */
	struct map flights;      /* key -> flight */
	struct map targets;      /* key -> target that is up to date */
	struct list entries;     /* of all targets; owned */
	struct authtries tries;  /* of databases, by their target's key */
	size_t named_by_clients; /* of the entries */
	unsigned generation;     /* of the configuration */
};

/* A target and what it is found by. */
struct authquery_entry {
	struct list on_entries;
	struct slice key; /* owned */
	bool is_named_by_client;
	struct authtarget *target;
};

/* ---- where to ask --------------------------------------------------------------------------- */

/* What the settings lead to for a client that names that database. */
struct authquery_place {
	const char *sql, *auth_user;
	struct slice database; /* to ask in */
	usec_t timeout, retry;
	bool is_named_by_client;
};

/* False: nobody is asked. */
static bool authquery_find_place(const struct setup *setup, struct slice database,
				 struct authquery_place *out)
{
	const struct conf *conf = setup->conf;
	struct conf_pool s;
	const struct conf_database *db =
		setup_is_console(database) ? NULL : conf_find_database(conf, database);
	conf_resolve(conf, db, NULL, &s);
	if (!*s.auth_user || !*s.auth_query || (!db && !*s.auth_dbname))
		return false;
	struct slice name = *s.auth_dbname ? slice_of(s.auth_dbname) : database;
	const struct conf_database *in = conf_find_database(conf, name);
	if (!in)
		return false;
	*out = (struct authquery_place){
		.sql = s.auth_query,
		.auth_user = s.auth_user,
		.database = name,
		.timeout = s.server_connect_timeout_us,
		.retry = s.server_login_retry_us,
		.is_named_by_client = !*s.auth_dbname && strcmp(in->name, "*") == 0 && !*in->dbname,
	};
	return true;
}

bool authquery_is_on(const struct setup *setup, struct slice database)
{
	struct authquery_place place;
	return authquery_find_place(setup, database, &place);
}

bool authquery_like_scram(const struct authquery *aq)
{
	return !atomic_load(&aq->is_md5);
}

/* ---- answers ------------------------------------------------------------------------------------
 */

/* Gives the question back. */
static void authquery_answer(struct authquery_ask *ask, enum authquery_verdict verdict,
			     struct secret *secret, const char *why)
{
	ask->verdict = verdict;
	ask->secret = verdict == AUTHQUERY_YES ? secret_ref(secret) : NULL;
	ask->why = why;
	ask->mail.deliver = ask->deliver;
	mailbox_send(ask->reply, &ask->mail);
}

static void authquery_end_flight(struct authquery_flight *f)
{
	map_remove(&f->aq->flights, f->key);
	setup_unref(f->setup);
	free((char *)f->key.ptr);
	free((char *)f->target_key.ptr);
	free(f->user);
	free(f);
}

/* What a server has said is remembered, unless there was a reload meanwhile. */
static void authquery_remember(const struct authquery_flight *f,
			       const struct authtarget_result *result, usec_t now)
{
	struct authquery *aq = f->aq;
	usec_t keep = f->setup->conf->global.auth_cache_time_us;

	if (f->generation != aq->generation || result->verdict == AUTHQUERY_FAILED)
		return;
	if (result->verdict == AUTHQUERY_YES)
		atomic_store(&aq->is_md5, secret_kind(result->secret) == SECRET_MD5);
	if (result->verdict == AUTHQUERY_YES)
		authcache_put(&aq->secrets, f->key, AUTHCACHE_YES, result->secret,
			      usec_min(keep, result->lasts), now);
	else
		authcache_put(&aq->secrets, f->key, AUTHCACHE_NO, NULL,
			      usec_min(keep, AUTHQUERY_NO_US), now);
	if (!result->is_nowhere)
		authtries_seen(&aq->tries, f->target_key, now);
}

static void authquery_land(struct authtarget_question *q, const struct authtarget_result *result,
			   usec_t now)
{
	struct authquery_flight *f = CONTAINER_OF(q, struct authquery_flight, question);

	authquery_remember(f, result, now);
	LIST_EACH (node, tmp, &f->asks) {
		struct authquery_ask *ask = LIST_ENTRY(node, struct authquery_ask, link);
		list_remove(&ask->link);
		authquery_answer(ask, result->verdict, result->secret, result->why);
	}
	authquery_end_flight(f);
}

/* ---- targets
 * --------------------------------------------------------------------------------------
 */

static void authquery_drop_entry(struct authquery *aq, struct authquery_entry *e)
{
	if (map_get(&aq->targets, e->key) == e)
		map_remove(&aq->targets, e->key);
	aq->named_by_clients -= e->is_named_by_client;
	list_remove(&e->on_entries);
	authtarget_free(e->target);
	free((char *)e->key.ptr);
	free(e);
}

static void authquery_on_idle(struct authtarget *t, void *arg)
{
	struct authquery *aq = arg;
	LIST_EACH (node, tmp, &aq->entries) {
		struct authquery_entry *e = LIST_ENTRY(node, struct authquery_entry, on_entries);
		if (e->target == t)
			authquery_drop_entry(aq, e);
	}
}

static struct authquery_entry *authquery_new_entry(struct authquery *aq,
						   const struct authquery_ask *ask,
						   const struct authquery_place *place,
						   struct slice key)
{
	const struct authtarget_options options = {
		.loop = aq->loop,
		.box = aq->shared->main,
		.crew = aq->crew,
		.setup = ask->setup,
		.database = place->database,
		.auth_user = place->auth_user,
		.timeout = place->timeout,
		.retry = place->retry,
		.is_named_by_client = place->is_named_by_client,
		.on_idle = authquery_on_idle,
		.arg = aq,
	};
	struct authquery_entry *e = mem_zalloc(sizeof(*e));
	e->key = slice_make(slice_dup(key), key.len);
	e->is_named_by_client = place->is_named_by_client;
	e->target = authtarget_new(&options);
	aq->named_by_clients += e->is_named_by_client;
	list_push_back(&aq->entries, &e->on_entries);
	map_put(&aq->targets, key, e);
	return e;
}

/* NULL: too many. */
static struct authtarget *authquery_target(struct authquery *aq, const struct authquery_ask *ask,
					   const struct authquery_place *place, struct slice key,
					   usec_t now)
{
	struct authquery_entry *e = map_get(&aq->targets, key);
	bool is_open = e && (authtarget_is_proven(e->target) || authtarget_is_busy(e->target));
	if (place->is_named_by_client && !is_open) {
		if (!authtries_take(&aq->tries, key, now))
			return NULL;
		if (!e && aq->named_by_clients >= AUTHQUERY_MAX_NAMED)
			return NULL;
	}
	if (!e)
		e = authquery_new_entry(aq, ask, place, key);
	return e->target;
}

/* ---- questions
 * ------------------------------------------------------------------------------------
 */

static struct authquery_flight *authquery_new_flight(struct authquery *aq,
						     const struct authquery_ask *ask,
						     const struct authquery_place *place,
						     struct slice key, struct slice target_key)
{
	struct authquery_flight *f = mem_zalloc(sizeof(*f));
	f->aq = aq;
	f->key = slice_make(slice_dup(key), key.len);
	f->target_key = slice_make(slice_dup(target_key), target_key.len);
	f->setup = setup_ref(ask->setup);
	f->generation = aq->generation;
	f->user = mem_strdup(ask->user);
	f->question.done = authquery_land;
	f->question.sql = place->sql;
	f->question.user = f->user;
	list_init(&f->asks);
	map_put(&aq->flights, key, f);
	return f;
}

/* True: it was answered from what is remembered. */
static bool authquery_recall(struct authquery *aq, struct authquery_ask *ask, struct slice key,
			     usec_t now)
{
	if (ask->question == AUTHQUERY_ANEW &&
	    authcache_doubt(&aq->secrets, key, AUTHQUERY_DOUBT_US, now))
		return false;
	const struct authcache_answer *known = authcache_get(&aq->secrets, key, now);
	if (!known)
		return false;
	ask->is_remembered = true;
	authquery_answer(ask, known->kind == AUTHCACHE_YES ? AUTHQUERY_YES : AUTHQUERY_NO,
			 known->secret, "");
	return true;
}

static void authquery_fly(struct authquery *aq, struct authquery_ask *ask,
			  const struct authquery_place *place, struct slice key,
			  struct slice target_key, usec_t now)
{
	struct authquery_flight *f = map_get(&aq->flights, key);
	if (f) {
		list_push_back(&f->asks, &ask->link);
		return;
	}
	struct authtarget *target = NULL;
	if (map_count(&aq->flights) < AUTHQUERY_MAX_FLIGHTS)
		target = authquery_target(aq, ask, place, target_key, now);
	if (!target) {
		authquery_answer(ask, AUTHQUERY_FAILED, NULL, "Too many logins are under way.");
		return;
	}
	f = authquery_new_flight(aq, ask, place, key, target_key);
	list_push_back(&f->asks, &ask->link);
	authtarget_ask(target, &f->question, now);
}

static void authquery_seek(struct authquery *aq, struct authquery_ask *ask, usec_t now)
{
	struct authquery_place place;
	if (!authquery_find_place(ask->setup, slice_of(ask->database), &place)) {
		authquery_answer(ask, AUTHQUERY_NO, NULL, "");
		return;
	}
	struct buf key = { 0 };
	buf_u32(&key, ask->setup->number); /* a login may be older than the last reload */
	buf_add_cstr(&key, place.auth_user);
	buf_add_slice(&key, place.database);
	buf_u8(&key, 0);
	size_t target_bytes = buf_len(&key);
	buf_add_cstr(&key, place.sql);
	buf_add_cstr(&key, ask->user);
	if (!authquery_recall(aq, ask, buf_slice(&key), now))
		authquery_fly(aq, ask, &place, buf_slice(&key),
			      slice_head(buf_slice(&key), target_bytes), now);
	buf_fini(&key);
}

static void authquery_answer_password(struct authquery_ask *ask, enum authquery_verdict verdict,
				      const char *why)
{
	authquery_answer(ask, verdict, NULL, why);
}

static void authquery_arrive(struct mail *mail, void *owner UNUSED, usec_t now)
{
	struct authquery_ask *ask = CONTAINER_OF(mail, struct authquery_ask, mail);
	struct authquery *aq = ask->aq;
	ask->is_remembered = false;
	if (aq->stopped)
		authquery_answer(ask, AUTHQUERY_FAILED, NULL, "The pooler is shutting down.");
	else if (ask->question == AUTHQUERY_PASSWORD)
		passcheck_ask(aq->passwords, ask, now);
	else
		authquery_seek(aq, ask, now);
}

void authquery_ask(struct authquery *aq, struct authquery_ask *ask)
{
	ask->aq = aq;
	list_init(&ask->link);
	ask->deliver = ask->mail.deliver;
	ask->mail.deliver = authquery_arrive;
	mailbox_send(aq->shared->main, &ask->mail);
}

/* ---- the beginning and the end
 * ------------------------------------------------------------------- */

struct authquery *authquery_new(struct loop *loop, struct worker_shared *shared, struct err *err)
{
	struct passcheck *passwords = passcheck_new(loop, shared, authquery_answer_password, err);
	if (!passwords)
		return NULL;
	struct authquery *aq = mem_zalloc(sizeof(*aq));
	aq->loop = loop;
	aq->shared = shared;
	aq->crew = helper_new_lazy(AUTHQUERY_HELPERS, AUTHQUERY_HELPER_QUEUE);
	helper_bound_places(aq->crew, AUTHQUERY_HELPERS_A_SERVER);
	aq->passwords = passwords;
	authcache_init(&aq->secrets, AUTHQUERY_MAX_YES, AUTHQUERY_MAX_NO);
	authtries_init(&aq->tries);
	map_init(&aq->flights);
	map_init(&aq->targets);
	list_init(&aq->entries);
	return aq;
}

void authquery_forget(struct authquery *aq)
{
	usec_t now = loop_now(aq->loop);
	aq->generation++;
	passcheck_forget(aq->passwords);
	authcache_clear(&aq->secrets);
	authtries_forget(&aq->tries);
	map_fini(&aq->targets);
	LIST_EACH (node, tmp, &aq->entries)
		authtarget_retire(LIST_ENTRY(node, struct authquery_entry, on_entries)->target,
				  now);
}

bool authquery_stop(struct authquery *aq, usec_t deadline)
{
	if (!aq)
		return true;
	aq->stopped = true;
	bool is_ended = helper_end(aq->crew, deadline);
	return passcheck_stop(aq->passwords, deadline) && is_ended;
}

void authquery_free(struct authquery *aq)
{
	if (!aq)
		return;
	BUG_ON(!helper_free(aq->crew, USEC_NEVER));
	passcheck_free(aq->passwords);
	LIST_EACH (node, tmp, &aq->entries)
		authquery_drop_entry(aq, LIST_ENTRY(node, struct authquery_entry, on_entries));
	BUG_ON(map_count(&aq->flights) > 0);
	map_fini(&aq->flights);
	map_fini(&aq->targets);
	authcache_fini(&aq->secrets);
	authtries_fini(&aq->tries);
	free(aq);
}
