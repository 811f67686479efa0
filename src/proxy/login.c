/*
 * login.c - a client on its way in.
 *
 * A user that there is none of goes the same way as one with a wrong password: the exchange is
 * gone through with nobody's secret and ends alike. That a database does not exist is told to
 * those only who have shown who they are.
 */
#include "proxy/login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/auth.h"
#include "base/log.h"
#include "base/mem.h"
#include "proxy/cancel.h"
#include "proxy/client.h"
#include "proxy/helper.h"
#include "proxy/intake.h"
#include "proxy/localpool.h"
#include "proxy/paramset.h"
#include "proxy/registry.h"
#include "proxy/replication.h"
#include "proxy/route.h"
#include "proxy/server.h"
#include "proxy/setup.h"
#include "proxy/startparams.h"
#include "proxy/worker.h"
#include "wire/build.h"
#include "wire/frame.h"
#include "wire/notice.h"
#include "wire/startup.h"

#define LOGIN_MAX_ASKS 4 /* SSLRequest and GSSENCRequest before the start-up packet */

struct login {
	struct client *client; /* NULL: it has left while a helper was computing */
	struct setup *setup;   /* a reference: what this login is judged by */
	struct startparams params;
	struct auth_exchange *auth; /* owned */
	struct helper_job job;
	bool computing; /* the job is out: auth is the helper's */
	bool is_console, is_admin;
	bool skips_auth;
	unsigned asks;
};

struct login *login_new(struct client *c)
{
	struct login *login = mem_zalloc(sizeof(*login));
	login->client = c;
	login->setup = setup_ref(c->worker->setup);
	return login;
}

static void login_destroy(struct login *login)
{
	auth_free(login->auth);
	startparams_fini(&login->params);
	setup_unref(login->setup);
	free(login);
}

void login_free(struct client *c)
{
	struct login *login = c->login;
	c->login = NULL;
	if (!login)
		return;
	login->client = NULL;
	if (!login->computing)
		login_destroy(login);
}

const char *login_database(const struct login *login)
{
	return login->params.database ? login->params.database : "(nodb)";
}

/* ---- the start-up packet ------------------------------------------------------------------ */

static void login_choose(struct client *c, usec_t now);

static void login_refuse_version(struct client *c, const struct startup *packet, usec_t now)
{
	client_fail(c, ERROR_UNSUPPORTED_PROTOCOL, NULL, NULL, now, (unsigned)packet->major,
		    (unsigned)packet->minor);
}

static void login_take_packet(struct client *c, const struct startup *packet, usec_t now)
{
	struct login *login = c->login;
	struct err err;

	if (!startparams_read(&login->params, packet, login->setup->conf, &err)) {
		if (!login->params.user)
			client_fail(c, ERROR_NO_USER, NULL, NULL, now);
		else
			client_fail(c, ERROR_UNSUPPORTED_STARTUP_PARAM, NULL, NULL, now, err.text);
		return;
	}
	c->user = mem_strdup(login->params.user);
	if (buf_len(&login->params.unknown) || packet->minor > 0) {
		struct buf out = { 0 };
		startparams_build_negotiation(&login->params, &out);
		client_send(c, buf_slice(&out), now);
		buf_fini(&out);
	}
	if (c->state != CLIENT_CLOSING)
		login_choose(c, now);
}

static void login_deny_encryption(struct client *c, usec_t now)
{
	if (++c->login->asks > LOGIN_MAX_ASKS)
		client_close(c, "it asks for encryption again and again", now);
	else
		client_send(c, SLICE("N"), now);
}

size_t login_startup_bytes(struct client *c, struct slice in, usec_t now)
{
	struct startup packet;
	int n = startup_read(in, &packet);
	if (n == 0)
		return 0;
	if (n < 0 || startup_is_tls(in)) {
		client_fail(c, ERROR_BAD_STARTUP, NULL, NULL, now,
			    startup_is_tls(in) ? "direct TLS is not offered"
					       : startup_error_text(n));
		return in.len;
	}
	switch (packet.kind) {
	case STARTUP_SSL:
	case STARTUP_GSSENC:
		login_deny_encryption(c, now);
		break;
	case STARTUP_CANCEL:
		conn_pause(&c->conn, CLIENT_PAUSE_WAITING);
		cancel_route(c, packet.cancel_pid, packet.cancel_key);
		break;
	case STARTUP_MESSAGE:
		login_take_packet(c, &packet, now);
		break;
	case STARTUP_UNKNOWN_VERSION:
		login_refuse_version(c, &packet, now);
		break;
	}
	return (size_t)n;
}

/* ---- who is it? --------------------------------------------------------------------------------
 */

static enum auth_method login_method(enum conf_auth_type type)
{
	switch (type) {
	case CONF_AUTH_TYPE_TRUST:
	case CONF_AUTH_TYPE_ANY:
		return AUTH_METHOD_TRUST;
	case CONF_AUTH_TYPE_PLAIN:
		return AUTH_METHOD_PLAIN;
	case CONF_AUTH_TYPE_MD5:
		return AUTH_METHOD_MD5;
	default: /* those that conf refuses, and SCRAM */
		return AUTH_METHOD_SCRAM;
	}
}

/* The same system user as ours, over the Unix socket, may into the console without a password. */
static bool login_is_own_user(const struct client *c)
{
	return c->is_unix && c->peer.kind == ADDR_UNIX && c->peer.peer.uid == geteuid() &&
	       setup_is_console(slice_of(c->user));
}

static void login_look_up_console(struct client *c)
{
	struct login *login = c->login;
	const struct conf_global *g = &login->setup->conf->global;
	struct slice user = slice_of(c->user);

	login->is_console = true;
	login->skips_auth = login_is_own_user(c);
	login->is_admin = login->skips_auth || g->auth_type == CONF_AUTH_TYPE_ANY ||
			  conf_list_has(&g->admin_users, user);
}

static bool login_may_use_console(const struct client *c)
{
	const struct conf_global *g = &c->login->setup->conf->global;
	return c->login->is_admin || conf_list_has(&g->stats_users, slice_of(c->user));
}

static void login_refuse_password(struct client *c, usec_t now)
{
	char who[256];
	const char *reason = c->login->auth ? auth_reason(c->login->auth) : "";
	LOG_INFO("client %s: login refused%s%s", client_text(c, who, sizeof(who)),
		 *reason ? ": " : "", reason);
	client_fail(c, ERROR_AUTH_FAILED, NULL, NULL, now, c->user);
}

static void login_admit(struct client *c, usec_t now);

/* The verdict of a step, with what is to be sent. */
static void login_verdict(struct client *c, enum auth_status status, struct buf *out, usec_t now);

static void login_computed(struct mail *mail, void *owner, usec_t now)
{
	struct helper_job *job = CONTAINER_OF(mail, struct helper_job, mail);
	struct login *login = CONTAINER_OF(job, struct login, job);
	struct worker *w = owner;
	struct client *c = login->client;

	login->computing = false;
	if (!c) {
		login_destroy(login);
	} else if (job->outcome != HELPER_RAN) {
		client_fail(c, ERROR_LOGIN_TIMEOUT, NULL, NULL, now);
	} else {
		struct buf out = { 0 };
		conn_resume(&c->conn, CLIENT_PAUSE_AUTH);
		enum auth_status status = auth_resume(login->auth, &out);
		login_verdict(c, status, &out, now);
		buf_fini(&out);
		if (c->state != CLIENT_CLOSING)
			intake_pump(c, now);
	}
	worker_done_pending(w);
	worker_settle(w, now);
}

static void login_compute(struct helper_job *job)
{
	auth_work(CONTAINER_OF(job, struct login, job)->auth);
}

static void login_start_computing(struct client *c, usec_t now)
{
	struct login *login = c->login;
	struct worker *w = c->worker;
	login->job = (struct helper_job){ .run = login_compute, .deadline = USEC_NEVER };
	login->job.mail.deliver = login_computed;
	if (!helper_submit(w->shared->clerks, &login->job, w->box)) {
		client_fail(c, ERROR_LOGIN_TIMEOUT, "Too many logins are under way.", NULL, now);
		return;
	}
	login->computing = true;
	w->pending++;
	conn_pause(&c->conn, CLIENT_PAUSE_AUTH);
}

static void login_verdict(struct client *c, enum auth_status status, struct buf *out, usec_t now)
{
	if (buf_len(out) && !client_send(c, buf_slice(out), now))
		return;
	switch (status) {
	case AUTH_MORE:
		break;
	case AUTH_OK:
		login_admit(c, now);
		break;
	case AUTH_REFUSED:
		login_refuse_password(c, now);
		break;
	case AUTH_MALFORMED:
		client_fail(c, ERROR_PROTOCOL_VIOLATION, auth_reason(c->login->auth), NULL, now,
			    "malformed authentication message");
		break;
	case AUTH_WORK:
		login_start_computing(c, now);
		break;
	}
}

size_t login_auth_bytes(struct client *c, struct slice in, usec_t now)
{
	struct frame f;
	int head = frame_read(in, AUTH_MAX_MESSAGE_BYTES, &f);
	if (head == 0)
		return 0;
	if (head > 0 && f.type == 'X') {
		client_close(c, "client close request", now);
		return in.len;
	}
	if (head < 0 || f.type != 'p') {
		client_fail(c, ERROR_PROTOCOL_VIOLATION, NULL, NULL, now,
			    head < 0 ? frame_error_text(head) : "expected a password message");
		return in.len;
	}
	if (c->login->computing || !frame_is_whole(&f))
		return 0;

	struct buf out = { 0 };
	enum auth_status status = auth_step(c->login->auth, f.body, &out);
	login_verdict(c, status, &out, now);
	buf_fini(&out);
	return frame_bytes(&f);
}

/* Whom the exchange is with, or nobody; *is_known: may it be trusted at its word? */
static struct secret *login_secret(const struct client *c, bool *is_known)
{
	const struct setup *setup = c->login->setup;
	struct secret *secret = userlist_get(setup->users, slice_of(c->user));
	enum conf_auth_type type = setup->conf->global.auth_type;

	*is_known = secret || type == CONF_AUTH_TYPE_ANY ||
		    (type == CONF_AUTH_TYPE_TRUST && !*setup->conf->global.auth_file);
	return secret;
}

static void login_choose(struct client *c, usec_t now)
{
	struct login *login = c->login;
	const struct conf_global *g = &login->setup->conf->global;
	struct slice database = slice_of(login->params.database);
	bool is_known;

	client_enter(c, CLIENT_AUTH, now);
	if (setup_is_console(database))
		login_look_up_console(c);
	if (atomic_load(&c->worker->shared->closing) && !login->is_console) {
		client_fail(c, ERROR_SHUTDOWN, NULL, NULL, now);
		return;
	}
	if (!login->is_console && atomic_load(&c->worker->shared->clients) > g->max_client_conn) {
		client_fail(c, ERROR_TOO_MANY_CLIENTS, NULL, NULL, now);
		return;
	}

	struct secret *secret = login_secret(c, &is_known);
	enum auth_method method = login_method(g->auth_type);
	if (login->skips_auth)
		method = AUTH_METHOD_TRUST;
	else if (method == AUTH_METHOD_TRUST && !is_known) {
		login_refuse_password(c, now);
		return;
	}
	struct auth_request request = { .method = method,
					.user = slice_of(c->user),
					.secret = secret,
					.mock = &c->worker->shared->mock };
	struct buf out = { 0 };
	login->auth = auth_new(&request);
	enum auth_status status = auth_start(login->auth, &out);
	login_verdict(c, status, &out, now);
	buf_fini(&out);
}

/* ---- it is who it says --------------------------------------------------------------------------
 */

/* The console is main's: the socket goes there. */
static void login_hand_to_console(struct client *c, usec_t now)
{
	struct worker_shared *shared = c->worker->shared;
	struct proxy_console *console = mem_zalloc(sizeof(*console));
	struct ssl_st *ssl;

	console->user = mem_strdup(c->user);
	console->is_admin = c->login->is_admin;
	console->peer = c->peer;
	console->connected_wall = c->connected_wall;
	if (c->in)
		buf_add_slice(&console->pending, buf_slice(c->in));
	conn_give_up(&c->conn, &console->fd, &ssl);
	client_close(c, "handed to the console", now);
	proxy_hand_console(shared, console);
}

/* What the login leaves for logging in to the server in the client's name. */
static void login_leave_secret(struct client *c, struct route *route)
{
	struct scram_keys keys;
	char *password = c->login->auth ? auth_take_password(c->login->auth) : NULL;
	if (password)
		route_password_take(route, password);
	if (c->login->auth && auth_take_scram_keys(c->login->auth, &keys)) {
		route_keys_set(route, &keys);
		mem_wipe(&keys, sizeof(keys));
	}
}

/* Counts it in where the limits allow. */
static bool login_count(struct client *c, usec_t now)
{
	const struct localpool *lp = c->pool;
	struct registry_entry *database = lp->route->database_entry;
	struct registry_entry *user = registry_user(c->worker->shared->registry, slice_of(c->user));

	if (!registry_enter(database, lp->settings.max_db_client_connections)) {
		client_fail(c, ERROR_TOO_MANY_DB_CLIENTS, NULL, NULL, now, database->name);
		return false;
	}
	if (!registry_enter(user, lp->settings.max_user_client_connections)) {
		registry_leave(database);
		client_fail(c, ERROR_TOO_MANY_USER_CLIENTS, NULL, NULL, now, user->name);
		return false;
	}
	c->counted = true;
	return true;
}

static void login_greet(struct client *c, usec_t now);

/* Known parameters of a known pool: it can be greeted without a server. */
static bool login_is_proven(struct client *c)
{
	struct route_welcome *welcome = route_welcome_get(c->pool->route);
	if (!welcome)
		return false;
	route_welcome_unref(welcome);
	if (c->params == c->worker->no_params)
		return true;
	struct paramset *got = localpool_proven(c->pool, c->params);
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

static void login_admit(struct client *c, usec_t now)
{
	struct login *login = c->login;
	struct slice database, user = slice_of(c->user);
	const char *hint;

	if (login->is_console) {
		if (login_may_use_console(c))
			login_hand_to_console(c, now);
		else
			client_fail(c, ERROR_ADMIN_NO_LOGIN, NULL, NULL, now, c->user);
		return;
	}
	const struct conf_database *db = login_find_database(login, &database, &hint);
	struct localpool *lp = NULL;
	if (db)
		lp = localpool_get(c->worker, database, *db->user ? slice_of(db->user) : user,
				   buf_slice(&login->params.startup), now);
	if (!lp) {
		client_fail(c, ERROR_NO_DATABASE, NULL, hint, now, login->params.database);
		return;
	}
	c->pool = lp;
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

/* ---- its parameters
 * --------------------------------------------------------------------------------- */

void login_granted(struct client *c, struct server *s, usec_t now)
{
	client_enter(c, CLIENT_PROVING, now);
	server_link(s, c, now);
	if (s->errand == SERVER_ERRAND_NONE) {
		login_params_taken(c, now);
		return;
	}
	server_send(s, SLICE_NONE, now);
}

void login_params_taken(struct client *c, usec_t now)
{
	struct paramset *got = c->server->params;
	if (c->params != c->worker->no_params)
		localpool_prove(c->pool, c->params, got);
	if (c->params != got)
		paramset_replace(&c->params, paramset_ref(got));
	server_let_go(c->server, now);
	login_greet(c, now);
}

void login_params_refused(struct client *c, struct slice error_body, usec_t now)
{
	char message[512], sqlstate[6];
	struct slice text = notice_get(error_body, NOTICE_MESSAGE);
	struct buf out = { 0 };

	notice_sqlstate(error_body, sqlstate);
	snprintf(message, sizeof(message), "%.*s", SLICE_ARGS(text));
	struct build_notice notice = { .severity = "FATAL",
				       .sqlstate = sqlstate,
				       .message = message };
	build_error(&out, &notice);
	client_fail_with(c, buf_slice(&out), message, now);
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
	char text[256];
	struct buf out = { 0 };

	cancel_enlist(c);
	login_build_params(c, &out);
	build_backend_key(&out, c->cancel_pid, slice_make(&c->cancel_key, sizeof(c->cancel_key)));
	build_ready(&out, 'I');
	c->pool->stats.client_logins++;
	if (c->login->setup->conf->global.log_connections)
		LOG_INFO("client %s: login ok", client_text(c, text, sizeof(text)));
	login_free(c);
	client_enter(c, CLIENT_IDLE, now);
	conn_resume(&c->conn, CLIENT_PAUSE_WAITING);
	client_send(c, buf_slice(&out), now);
	buf_fini(&out);
	if (c->state != CLIENT_CLOSING && c->in)
		conn_again(&c->conn);
}
