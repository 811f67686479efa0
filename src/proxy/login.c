/*
 * login.c - a client that has shown who it is, on its way in: where it goes, its parameters, its
 * greeting. That a database does not exist is told to those only who have come this far.
 */
#include "proxy/login.h"
#include "proxy/login_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/tls.h"
#include "proxy/cancel.h"
#include "proxy/client.h"
#include "proxy/era.h"
#include "proxy/keep.h"
#include "proxy/localpool.h"
#include "proxy/paramset.h"
#include "proxy/registry.h"
#include "proxy/replication.h"
#include "proxy/route.h"
#include "proxy/server.h"
#include "proxy/setup.h"
#include "proxy/swap.h"
#include "proxy/worker.h"
#include "wire/build.h"
#include "wire/notice.h"

static void login_hand_over(struct deferred *d, usec_t now);

struct login *login_new(struct client *c)
{
	struct login *login = mem_zalloc(sizeof(*login));
	login->client = c;
	list_init(&login->at_gate);
	login->lent_fd = -1;
	login->setup = setup_ref(c->worker->setup);
	loop_init_deferred(&login->handover, login_hand_over);
	return login;
}

void login_destroy(struct login *login)
{
	login_tls_end(login);
	buf_fini(&login->head);
	buf_fini(&login->unsaid);
	auth_free(login->auth);
	judge_fini(&login->judge);
	secret_unref(login->secret);
	startparams_fini(&login->params);
	setup_unref(login->setup);
	free(login);
}

void login_free(struct client *c)
{
	struct login *login = c->login;
	if (!login)
		return;
	login_gate_leave(c);
	bool is_over = login_away_give_up(c);
	login->client = NULL;
	loop_cancel_deferred(&login->handover);
	c->login = NULL;
	if (is_over)
		login_destroy(login);
}

const char *login_database(const struct login *login)
{
	return login->params.database ? login->params.database : "(nodb)";
}

/* ---- where it goes ----------------------------------------------------------------------------
 */

/* The console is main's: the socket goes there, with what the client has sent after its login. */
static void login_hand_over(struct deferred *d, usec_t now)
{
	struct login *login = CONTAINER_OF(d, struct login, handover);
	struct client *c = login->client;
	struct worker_shared *shared = c->worker->shared;
	if (c->state == CLIENT_CLOSING) /* it has not waited to hear that it is let in */
		return;
	struct proxy_console *console = mem_zalloc(sizeof(*console));

	console->user = mem_strdup(c->user);
	console->is_admin = login->is_admin;
	console->peer = c->peer;
	console->connected_wall = c->connected_wall;
	if (c->in)
		buf_add_slice(&console->pending, buf_slice(c->in));
	conn_give_up(&c->conn, &console->fd, &console->ssl);
	client_close(c, "handed to the console", now);
	proxy_hand_console(shared, console);
}

/* Where bytes came behind its last message, they are kept only after this. */
static void login_to_console(struct client *c, usec_t now)
{
	client_enter(c, CLIENT_ADMITTED, now);
	conn_pause(&c->conn, CLIENT_PAUSE_WAITING);
	loop_defer(c->worker->loop, &c->login->handover);
}

/* What the login leaves for logging in to the server in the client's name. */
static void login_leave_secret(struct client *c, struct route *route)
{
	struct scram_keys keys;
	char *password = c->login->auth ? auth_take_password(c->login->auth) : NULL;
	if (password)
		route_password_take(route, password);
	if (c->login->secret && !userlist_get(c->login->setup->users, slice_of(c->user)))
		route_secret_set(route, c->login->secret);
	if (c->login->auth && auth_take_scram_keys(c->login->auth, &keys)) {
		route_keys_set(route, &keys);
		mem_wipe(&keys, sizeof(keys));
	}
}

/* Counts it in where the limits allow. */
static bool login_count(struct client *c, usec_t now)
{
	const struct localpool *lp = c->pool;
	struct registry *registry = c->worker->shared->registry;
	struct registry_entry *database = lp->route->database_entry;

	if (!registry_enter(database, lp->settings.max_db_client_connections)) {
		client_fail(c, ERROR_TOO_MANY_DB_CLIENTS, NULL, NULL, now, database->name);
		return false;
	}
	struct registry_entry *user = registry_user(registry, slice_of(c->user));
	if (!registry_enter(user, lp->settings.max_user_client_connections)) {
		registry_leave(database);
		registry_release(registry, user);
		client_fail(c, ERROR_TOO_MANY_USER_CLIENTS, NULL, NULL, now, c->user);
		return false;
	}
	c->user_entry = user;
	return true;
}

static void login_greet(struct client *c, usec_t now);

/* Known parameters of a known pool: it can be greeted without a server. */
static bool login_is_proven(struct client *c)
{
	struct route_welcome *welcome = route_welcome_get(c->pool->route);
	bool is_of_now = welcome && !era_is_over(c->pool, welcome->era);
	route_welcome_unref(welcome);
	if (!is_of_now)
		return false;
	if (c->params == c->worker->no_params)
		return true;
	struct paramset *got = proven_get(&c->pool->proven, c->params);
	if (!got)
		return false;
	paramset_replace(&c->params, got);
	return true;
}

/* What it wants of a server: what it said, and where it comes from if that is to be shown. */
static void login_want_params(struct client *c)
{
	struct paramset *set = startparams_make_set(&c->login->params, c->worker->no_params);
	if (c->pool->settings.application_name_add_host) {
		const char *name = paramset_get(set, SLICE("application_name"));
		char text[128], addr[ADDR_TEXT_BYTES];
		snprintf(text, sizeof(text), "%.*s - %s", 40, name ? name : "app",
			 addr_text(&c->peer, addr));
		paramset_replace(&set, paramset_with(set, SLICE("application_name"),
						     slice_head(slice_of(text), 63)));
	}
	paramset_replace(&c->params, set);
}

/* The database that it names, in *name; for physical replication one that leads to the server.
 * NULL: there is none, *hint may say what to do. */
static const struct conf_database *login_find_database(const struct login *login,
						       struct slice *name, const char **hint)
{
	const struct conf *conf = login->setup->conf;
	const struct conf_database *db;

	*name = slice_of(login->params.database);
	*hint = NULL;
	db = conf_find_database(conf, *name);
	if (db || !replication_is_physical(&login->params))
		return db;
	*hint = REPLICATION_HINT;
	db = replication_choose(conf);
	if (db)
		*name = slice_of(db->name);
	return db;
}

void login_say(struct client *c, usec_t now)
{
	struct buf unsaid = { 0 };
	if (!c->login || buf_len(&c->login->unsaid) == 0)
		return;
	unsaid = c->login->unsaid;
	c->login->unsaid = (struct buf){ 0 };
	client_send(c, buf_slice(&unsaid), now);
	buf_fini(&unsaid);
}

static bool login_may_use_console(const struct client *c)
{
	const struct conf_global *g = &c->login->setup->conf->global;
	return c->login->is_admin || conf_list_has(&g->stats_users, slice_of(c->user));
}

/* To its pool, or to the console, or it is told why not. */
static void login_find_place(struct client *c, usec_t now)
{
	struct login *login = c->login;
	struct slice database, user = slice_of(c->user);
	const char *hint;
	enum error_id refusal = ERROR_NO_DATABASE;

	login_gate_passed(c);
	if (login->is_console) {
		if (login_may_use_console(c))
			login_to_console(c, now);
		else
			client_fail(c, ERROR_ADMIN_NO_LOGIN, NULL, NULL, now, c->user);
		return;
	}
	const struct conf_database *db = login_find_database(login, &database, &hint);
	struct localpool *lp = NULL;
	if (db)
		lp = localpool_get(c->worker, database, *db->user ? slice_of(db->user) : user,
				   buf_slice(&login->params.startup), &refusal, now);
	if (!lp) {
		client_fail(c, refusal, NULL, hint, now, login->params.database);
		return;
	}
	c->pool = lp;
	c->era = atomic_load(&lp->route->era);
	list_push_back(&lp->clients, &c->in_pool);
	if (atomic_load(&lp->route->database_entry->disabled)) {
		client_fail(c, ERROR_DATABASE_DISABLED, NULL, NULL, now, lp->route->database);
		return;
	}
	if (!login_count(c, now))
		return;
	if (!*db->user)
		login_leave_secret(c, lp->route);
	login_want_params(c);
	client_enter(c, CLIENT_ADMITTED, now);
	if (login_is_proven(c)) {
		login_greet(c, now);
		return;
	}
	c->request_at = now;
	conn_pause(&c->conn, CLIENT_PAUSE_WAITING);
	localpool_request(lp, c, now);
}

void login_admit(struct client *c, struct slice accepted, usec_t now)
{
	buf_add_slice(&c->login->unsaid, accepted);
	login_find_place(c, now);
	login_say(c, now);
}

/* ---- its parameters
 * --------------------------------------------------------------------------------- */

void login_granted(struct client *c, struct server *s, usec_t now)
{
	client_enter(c, CLIENT_PROVING, now);
	server_link(s, c, now);
	if (era_is_over(c->pool, s->era)) {
		swap_server(s, now);
		return;
	}
	if (s->errand == SERVER_ERRAND_NONE) {
		login_params_taken(c, now);
		return;
	}
	server_send(s, SLICE_NONE, now);
}

void login_params_taken(struct client *c, usec_t now)
{
	struct paramset *got = c->server->params;
	if (c->params != c->worker->no_params && !pool_is_stale(&c->server->member))
		proven_put(&c->pool->proven, c->params, got);
	if (c->params != got)
		paramset_replace(&c->params, paramset_ref(got));
	server_let_go(c->server, now);
	login_greet(c, now);
}

void login_try_again(struct client *c, usec_t now)
{
	client_enter(c, CLIENT_ADMITTED, now);
	c->request_at = now;
	localpool_request(c->pool, c, now);
}

void login_params_refused(struct client *c, struct slice error_body, usec_t now)
{
	char why[512];
	struct buf out = { 0 };

	snprintf(why, sizeof(why), "%.*s", SLICE_ARGS(notice_get(error_body, NOTICE_MESSAGE)));
	notice_retell(error_body, "FATAL", &out);
	client_fail_with(c, buf_slice(&out), why, now);
	buf_fini(&out);
}

static void login_build_params(const struct client *c, struct buf *out)
{
	struct route_welcome *welcome = route_welcome_get(c->pool->route);
	for (size_t i = 0; welcome && i < welcome->count; i++) {
		struct slice name = slice_of(welcome->params[i].name);
		const char *own = paramset_get(c->params, name);
		build_parameter_status(out, name, slice_of(own ? own : welcome->params[i].value));
	}
	route_welcome_unref(welcome);
}

static void login_greet(struct client *c, usec_t now)
{
	char text[256], tls[TLS_INFO_BYTES];
	struct buf out = c->login->unsaid; /* all of it in one write */

	c->login->unsaid = (struct buf){ 0 };
	paramset_replace(&c->came_with, paramset_ref(c->params));
	cancel_enlist(c);
	login_build_params(c, &out);
	build_backend_key(&out, c->cancel_pid, slice_make(&c->cancel_key, sizeof(c->cancel_key)));
	build_ready(&out, 'I');
	c->pool->stats.client_logins++;
	if (c->login->setup->conf->global.log_connections)
		LOG_INFO("client %s: login ok%s%s", client_text(c, text, sizeof(text)),
			 c->conn.ssl ? " tls=" : "", tls_info(c->conn.ssl, tls));
	keep_greet(c, now);
	login_free(c);
	client_enter(c, CLIENT_IDLE, now);
	conn_resume(&c->conn, CLIENT_PAUSE_WAITING);
	client_send(c, buf_slice(&out), now);
	buf_fini(&out);
	if (c->state != CLIENT_CLOSING && c->in)
		conn_again(&c->conn);
}
