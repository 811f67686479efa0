/*
 * passcheck.c - logins that are made to see whether they are let in.
 *
 *	WAITING ---> TRYING ---> LEAVING ---> answered
 *	   |            `--------------------------^
 *	   `---------------------------------------'
 *
 * WAITING for a seat and a helper; TRYING to log in (a connector's); LEAVING, until PostgreSQL has
 * hung up, for until then its connection counts.
 */
#include "proxy/passcheck.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "auth/authcache.h"
#include "auth/authtries.h"
#include "auth/scram.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/vault.h"
#include "net/loop.h"
#include "proxy/connector.h"
#include "proxy/connector_talk.h"
#include "proxy/dbtarget.h"
#include "proxy/helper.h"
#include "proxy/seat.h"
#include "proxy/setup.h"
#include "proxy/worker.h"
#include "wire/build.h"

#define PASSCHECK_HELPERS 4
#define PASSCHECK_PER_DATABASE 2 /* so that a dead server keeps no other's clients waiting */
#define PASSCHECK_MAX_WAITING 4096
#define PASSCHECK_MAX_RIGHT 10000
#define PASSCHECK_MAX_WRONG 1000
#define PASSCHECK_WRONG_US USEC_PER_SEC
#define PASSCHECK_RETRY_US (5 * USEC_PER_MSEC) /* how often a seat is asked for */
#define PASSCHECK_LEAVE_US (2 * USEC_PER_SEC)
#define PASSCHECK_WAIT_US (60 * USEC_PER_SEC) /* where pool_timeout is never */

/* clang-format off */
#define TO(state) (1u << PASSCHECK_##state)
#define PASSCHECK_STATES(X) \
	/*state    may become */ \
	X(WAITING, TO(TRYING) | TO(OVER)) \
	X(TRYING,  TO(LEAVING) | TO(OVER)) \
	X(LEAVING, TO(OVER)) \
	X(OVER,    0)
/* clang-format on */

enum passcheck_state {
#define X(state, edges) PASSCHECK_##state,
	PASSCHECK_STATES(X)
#undef X
};

/* One password of one user that is being tried, and all who wait for what comes of it. */
struct passcheck_trial {
	struct passcheck *p;
	struct list on_trials;
	struct list at_work; /* from TRYING on */
	struct list asks;
	enum passcheck_state state;
	struct setup *setup; /* a reference */
	const struct conf_database *db;
	char *database, *user, *password; /* owned; the last one of the vault */
	struct slice key;                 /* owned; of this password */
	size_t user_bytes;                /* of the key: configuration, database and user */
	bool is_named_by_client;
	unsigned generation;
	usec_t timeout, retry, deadline; /* the deadline: of waiting */
	struct seat seat;
	struct helper_job job; /* LEAVING; with what it will end, too */
	enum authquery_verdict verdict;
	const char *why;
	struct connector_link wire;
};

struct passcheck {
	struct loop *loop;
	struct worker_shared *shared; /* neither is owned */
	struct helper_crew *crew;
	passcheck_fn answer;
	struct list trials;  /* owned; the one that came first in front */
	struct list working; /* those that have a helper: few, where thousands may wait */
	struct map by_key;   /* key -> trial */
	struct authcache
		right; /* configuration, database and user -> the digest of what was right last */
	struct authcache wrong; /* key: the server has refused it */
	struct authcache down;  /* configuration and database: it could not be reached */
	struct authtries tries; /* of databases */
	struct timer tick;
	uint8_t secret[SCRAM_KEY_BYTES]; /* of the digests */
	unsigned generation;             /* of the configuration */
	bool stopped;
};

static const char passcheck_unreachable[] =
	"The server could not be reached, or refused for another reason than the password.";

/* The only writer of the state. */
static void passcheck_enter(struct passcheck_trial *t, enum passcheck_state to)
{
	static const unsigned edges[] = {
#define X(state, edges_) [PASSCHECK_##state] = (edges_),
		PASSCHECK_STATES(X)
#undef X
	};
	BUG_ON(!(edges[t->state] & 1u << to));
	t->state = to;
}

/* ---- what is remembered ---------------------------------------------------------------------- */

static struct slice passcheck_user_key(const struct passcheck_trial *t)
{
	return slice_head(t->key, t->user_bytes);
}

static struct slice passcheck_place_key(const struct passcheck_trial *t)
{
	return slice_head(t->key, t->user_bytes - strlen(t->user) - 1);
}

static struct slice passcheck_digest(struct slice key, size_t user_bytes)
{
	return slice_skip(key, user_bytes);
}

/* Was this the password that was right last? */
static bool passcheck_is_right(struct passcheck *p, struct slice key, size_t user_bytes, usec_t now)
{
	struct slice digest = passcheck_digest(key, user_bytes);
	const struct authcache_answer *known =
		authcache_get(&p->right, slice_head(key, user_bytes), now);
	if (!known)
		return false;
	struct slice kept = secret_text(known->secret);
	return kept.len == digest.len && CRYPTO_memcmp(kept.ptr, digest.ptr, kept.len) == 0;
}

static void passcheck_remember(struct passcheck_trial *t, enum authquery_verdict verdict,
			       usec_t now)
{
	struct passcheck *p = t->p;
	usec_t keep = t->setup->conf->global.auth_cache_time_us;
	if (t->generation != p->generation)
		return;
	if (verdict == AUTHQUERY_YES) {
		struct secret *digest = secret_new(passcheck_digest(t->key, t->user_bytes));
		authcache_put(&p->right, passcheck_user_key(t), AUTHCACHE_YES, digest, keep, now);
		secret_unref(digest);
		authtries_seen(&p->tries, slice_of(t->database), now);
	} else if (verdict == AUTHQUERY_NO) {
		authcache_put(&p->wrong, t->key, AUTHCACHE_NO, NULL,
			      usec_min(keep, PASSCHECK_WRONG_US), now);
	}
}

/* ---- the end of a trial ------------------------------------------------------------------------
 */

static void passcheck_schedule(struct passcheck *p, usec_t now);

static void passcheck_free_trial(struct passcheck_trial *t)
{
	map_remove(&t->p->by_key, t->key);
	list_remove(&t->on_trials);
	list_remove(&t->at_work);
	setup_unref(t->setup);
	vault_free(t->password);
	free(t->database);
	free(t->user);
	free((char *)t->key.ptr);
	free(t);
}

static void passcheck_end(struct passcheck_trial *t, enum authquery_verdict verdict,
			  const char *why, usec_t now)
{
	struct passcheck *p = t->p;
	passcheck_enter(t, PASSCHECK_OVER);
	passcheck_remember(t, verdict, now);
	t->seat.is_silent = p->stopped;
	seat_fini(&t->seat);
	LIST_EACH (node, tmp, &t->asks) {
		list_remove(node);
		p->answer(LIST_ENTRY(node, struct authquery_ask, link), verdict, why);
	}
	passcheck_free_trial(t);
}

/* ---- leaving
 * ------------------------------------------------------------------------------------- */

static void passcheck_leave(struct helper_job *job)
{
	struct passcheck_trial *t = CONTAINER_OF(job, struct passcheck_trial, job);
	struct connector_talk talk;
	struct buf out = { 0 };
	struct frame f;

	build_terminate(&out);
	connector_talk_init(&talk, job, t->wire.fd, t->wire.ssl);
	enum connector_talk_status status = connector_talk_send(&talk, buf_slice(&out));
	while (status == CONNECTOR_TALK_OK)
		status = connector_talk_next(&talk, &f);
	connector_talk_fini(&talk);
	buf_fini(&out);
}

static void passcheck_left(struct mail *mail, void *owner UNUSED, usec_t now)
{
	struct helper_job *job = CONTAINER_OF(mail, struct helper_job, mail);
	struct passcheck_trial *t = CONTAINER_OF(job, struct passcheck_trial, job);
	struct passcheck *p = t->p;
	connector_close(&t->wire, false);
	passcheck_end(t, t->verdict, t->why, now);
	passcheck_schedule(p, now);
}

/* ---- trying
 * ----------------------------------------------------------------------------------------
 */

static void passcheck_logged_in(struct passcheck_trial *t, struct connector *c, usec_t now)
{
	t->wire = connector_take(c);
	t->verdict = AUTHQUERY_YES;
	t->why = "";
	if (!t->wire.has_proved) {
		LOG_WARNING("server %s/%s: it asks for no password, so that it cannot judge one: "
			    "auth_type = pass needs a server that does",
			    t->database, t->user);
		t->verdict = AUTHQUERY_FAILED;
		t->why = "The server does not ask for a password: it cannot judge one.";
	}
	passcheck_enter(t, PASSCHECK_LEAVING);
	t->job = (struct helper_job){ .run = passcheck_leave,
				      .deadline = usec_after(now, PASSCHECK_LEAVE_US) };
	t->job.mail.deliver = passcheck_left;
	if (helper_submit(t->p->crew, &t->job, t->p->shared->main))
		return;
	connector_close(&t->wire, true);
	passcheck_end(t, t->verdict, t->why, now);
}

/* Class 28 is about who one is; what else a server may say is not the password's fault. */
static void passcheck_refused(struct passcheck_trial *t, const struct connector_fault *fault,
			      usec_t now)
{
	bool is_no = fault->is_quoted && strncmp(fault->sqlstate, "28", 2) == 0;
	bool is_nowhere = t->is_named_by_client && strcmp(fault->sqlstate, "3D000") == 0;

	LOG_INFO("server %s/%s: the client's password is not taken: %s", t->database, t->user,
		 fault->log);
	if (fault->kind != CONNECTOR_FAULT_SERVER)
		authcache_put(&t->p->down, passcheck_place_key(t), AUTHCACHE_NO, NULL, t->retry,
			      now);
	if (is_no || is_nowhere)
		passcheck_end(t, AUTHQUERY_NO, NULL, now);
	else
		passcheck_end(t, AUTHQUERY_FAILED, passcheck_unreachable, now);
}

static void passcheck_tried(struct connector *c, void *owner UNUSED, usec_t now)
{
	struct passcheck_trial *t = connector_arg(c);
	struct passcheck *p = t->p;
	if (connector_is_ok(c))
		passcheck_logged_in(t, c, now);
	else
		passcheck_refused(t, connector_fault(c), now);
	connector_free(c);
	passcheck_schedule(p, now);
}

static void passcheck_try(struct passcheck_trial *t, usec_t now)
{
	struct connector *c = connector_new();
	struct buf options = { 0 };

	passcheck_enter(t, PASSCHECK_TRYING);
	list_push_back(&t->p->working, &t->at_work);
	dbtarget_tell(c, t->db, t->database, &options);
	if (buf_len(&options))
		connector_set(c, "options", buf_cstr(&options));
	buf_fini(&options);
	connector_set(c, "user", t->user);
	connector_set(c, "password", t->password);
	if (connector_start(c, t->p->crew, t->p->shared->main, usec_after(now, t->timeout),
			    passcheck_tried, t))
		return;
	connector_free(c);
	passcheck_end(t, AUTHQUERY_FAILED, "Too many logins are under way.", now);
}

/* ---- waiting
 * ---------------------------------------------------------------------------------------
 */

/* Is there a helper for it? */
static bool passcheck_has_room(const struct passcheck_trial *t)
{
	int all = 0, same = 0;
	LIST_EACH (node, tmp, &t->p->working) {
		const struct passcheck_trial *other =
			LIST_ENTRY(node, struct passcheck_trial, at_work);
		all++;
		same += strcmp(other->database, t->database) == 0;
	}
	return all < PASSCHECK_HELPERS && same < PASSCHECK_PER_DATABASE;
}

static void passcheck_consider(struct passcheck_trial *t, usec_t now)
{
	struct passcheck *p = t->p;
	if (p->stopped)
		passcheck_end(t, AUTHQUERY_FAILED, "The pooler is shutting down.", now);
	else if (authcache_get(&p->down, passcheck_place_key(t), now))
		passcheck_end(t, AUTHQUERY_FAILED, passcheck_unreachable, now);
	else if (now >= t->deadline)
		passcheck_end(
			t, AUTHQUERY_FAILED,
			"The pool's limit is reached, so that the password could not be tried.",
			now);
	else if (passcheck_has_room(t) && seat_take(&t->seat))
		passcheck_try(t, now);
}

static void passcheck_schedule(struct passcheck *p, usec_t now)
{
	bool is_one_waiting = false;
	LIST_EACH (node, tmp, &p->trials) {
		struct passcheck_trial *t = LIST_ENTRY(node, struct passcheck_trial, on_trials);
		if (t->state == PASSCHECK_WAITING)
			passcheck_consider(t, now);
	}
	LIST_EACH (node, tmp, &p->trials)
		is_one_waiting |= LIST_ENTRY(node, struct passcheck_trial, on_trials)->state ==
				  PASSCHECK_WAITING;
	if (is_one_waiting)
		loop_set_timer(p->loop, &p->tick, usec_after(now, PASSCHECK_RETRY_US));
	else
		loop_clear_timer(&p->tick);
}

static void passcheck_on_tick(struct timer *timer, usec_t now)
{
	passcheck_schedule(CONTAINER_OF(timer, struct passcheck, tick), now);
}

/* ---- questions
 * ---------------------------------------------------------------------------------------
 */

static void passcheck_begin(struct passcheck *p, struct authquery_ask *ask,
			    const struct conf_database *db, struct slice key, size_t user_bytes,
			    usec_t now)
{
	const struct conf *conf = ask->setup->conf;
	const char *user = *db->user ? db->user : ask->user; /* whose pool it is */
	struct passcheck_trial *t = mem_zalloc(sizeof(*t));
	struct conf_pool settings;

	conf_resolve(conf, db, conf_find_user(conf, slice_of(user)), &settings);
	t->p = p;
	t->setup = setup_ref(ask->setup);
	t->db = db;
	t->database = mem_strdup(ask->database);
	t->user = mem_strdup(ask->user);
	t->password = vault_dup(slice_of(ask->password));
	t->key = slice_make(slice_dup(key), key.len);
	t->user_bytes = user_bytes;
	t->is_named_by_client = strcmp(db->name, "*") == 0 && !*db->dbname;
	t->generation = p->generation;
	t->timeout = settings.server_connect_timeout_us;
	t->retry = settings.server_login_retry_us;
	t->deadline = usec_after(now, usec_min(settings.pool_timeout_us, PASSCHECK_WAIT_US));
	t->wire.fd = -1;
	list_init(&t->at_work);
	list_init(&t->asks);
	list_push_back(&t->asks, &ask->link);
	list_push_back(&p->trials, &t->on_trials);
	map_put(&p->by_key, key, t);
	seat_init(&t->seat, p->shared, slice_of(ask->database), slice_of(user), ask->pool_startup,
		  &settings, now);
	passcheck_schedule(p, now);
}

static void passcheck_seek(struct passcheck *p, struct authquery_ask *ask,
			   const struct conf_database *db, struct slice key, size_t user_bytes,
			   usec_t now)
{
	struct passcheck_trial *t = map_get(&p->by_key, key);
	bool is_bold = strcmp(db->name, "*") == 0 && !*db->dbname;

	if (passcheck_is_right(p, key, user_bytes, now))
		p->answer(ask, AUTHQUERY_YES, "");
	else if (authcache_get(&p->wrong, key, now))
		p->answer(ask, AUTHQUERY_NO, "");
	else if (t)
		list_push_back(&t->asks, &ask->link);
	else if (map_count(&p->by_key) >= PASSCHECK_MAX_WAITING ||
		 (is_bold && !authtries_take(&p->tries, slice_of(ask->database), now)))
		p->answer(ask, AUTHQUERY_FAILED, "Too many logins are under way.");
	else
		passcheck_begin(p, ask, db, key, user_bytes, now);
}

void passcheck_ask(struct passcheck *p, struct authquery_ask *ask, usec_t now)
{
	const struct conf_database *db =
		setup_is_console(slice_of(ask->database))
			? NULL
			: conf_find_database(ask->setup->conf, slice_of(ask->database));
	uint8_t digest[SCRAM_KEY_BYTES];
	struct buf key = { 0 };

	if (!db) {
		p->answer(ask, AUTHQUERY_NO, "");
		return;
	}
	buf_u32(&key, ask->setup->number); /* a login may be older than the last reload */
	buf_add_cstr(&key, ask->database);
	buf_add_cstr(&key, ask->user);
	size_t user_bytes = buf_len(&key);
	if (scram_hmac(slice_make(p->secret, sizeof(p->secret)), slice_of(ask->password), digest)) {
		buf_add(&key, digest, sizeof(digest));
		passcheck_seek(p, ask, db, buf_slice(&key), user_bytes, now);
	} else {
		p->answer(ask, AUTHQUERY_FAILED, "No cryptography to be had from OpenSSL.");
	}
	buf_fini(&key);
}

/* ---- the beginning and the end
 * ------------------------------------------------------------------------
 */

struct passcheck *passcheck_new(struct loop *loop, struct worker_shared *shared,
				passcheck_fn answer, struct err *err)
{
	struct passcheck *p = mem_zalloc(sizeof(*p));
	p->loop = loop;
	p->shared = shared;
	p->crew = helper_new_lazy(PASSCHECK_HELPERS, PASSCHECK_MAX_WAITING);
	p->answer = answer;
	list_init(&p->trials);
	list_init(&p->working);
	map_init(&p->by_key);
	authcache_init(&p->right, PASSCHECK_MAX_RIGHT, 0);
	authcache_init(&p->wrong, 0, PASSCHECK_MAX_WRONG);
	authcache_init(&p->down, 0, PASSCHECK_MAX_WRONG);
	authtries_init(&p->tries);
	wheel_init_timer(&p->tick, passcheck_on_tick);
	if (RAND_bytes(p->secret, sizeof(p->secret)) == 1)
		return p;
	err_set(err, "the system has no randomness to give");
	passcheck_free(p);
	return NULL;
}

void passcheck_forget(struct passcheck *p)
{
	p->generation++;
	authcache_clear(&p->right);
	authcache_clear(&p->wrong);
	authcache_clear(&p->down);
	authtries_forget(&p->tries);
}

bool passcheck_stop(struct passcheck *p, usec_t deadline)
{
	p->stopped = true;
	passcheck_schedule(p, loop_now(p->loop));
	return helper_end(p->crew, deadline);
}

void passcheck_free(struct passcheck *p)
{
	BUG_ON(!helper_free(p->crew, USEC_NEVER));
	BUG_ON(!list_is_empty(&p->trials));
	loop_clear_timer(&p->tick);
	map_fini(&p->by_key);
	authcache_fini(&p->right);
	authcache_fini(&p->wrong);
	authcache_fini(&p->down);
	authtries_fini(&p->tries);
	mem_wipe(p, sizeof(*p));
	free(p);
}
