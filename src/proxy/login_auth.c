/*
 * login_auth.c - who is it?
 *
 * A user that there is none of goes the same way as one with a wrong password: the exchange is
 * gone through with nobody's secret and ends alike.
 */
#include "proxy/login.h"
#include "proxy/login_parts.h"

#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "proxy/client.h"
#include "proxy/intake.h"
#include "proxy/setup.h"
#include "proxy/worker.h"
#include "wire/frame.h"

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

static void login_refuse_password(struct client *c, usec_t now)
{
	char who[256];
	const char *reason = c->login->auth ? auth_reason(c->login->auth) : "";
	LOG_INFO("client %s: login refused%s%s", client_text(c, who, sizeof(who)),
		 *reason ? ": " : "", reason);
	client_fail(c, ERROR_AUTH_FAILED, NULL, NULL, now, c->user);
}

/* The verdict of a step, with what is to be sent. */
static void login_verdict(struct client *c, enum auth_status status, struct buf *out, usec_t now);

/* The login is refused: now, or when a server was asked once more. */
static void login_refuse(struct client *c, usec_t now);

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
		login_refuse(c, now);
		break;
	case AUTH_MALFORMED:
		client_fail(c, ERROR_PROTOCOL_VIOLATION, auth_reason(c->login->auth), NULL, now,
			    "malformed authentication message");
		break;
	case AUTH_WORK:
		login_start_computing(c, now);
		break;
	case AUTH_JUDGE:
		BUG_ON("nobody asked for a judge");
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
	if (c->login->computing || c->login->asking || !frame_is_whole(&f))
		return 0;

	struct buf out = { 0 };
	enum auth_status status = auth_step(c->login->auth, f.body, &out);
	login_verdict(c, status, &out, now);
	buf_fini(&out);
	return frame_bytes(&f);
}

/* ---- the beginning ------------------------------------------------------------------------- */

/* May somebody be trusted at its word of whom no secret is known? */
static bool login_may_be_anybody(const struct client *c)
{
	const struct conf_global *g = &c->login->setup->conf->global;
	return g->auth_type == CONF_AUTH_TYPE_ANY ||
	       (g->auth_type == CONF_AUTH_TYPE_TRUST && !*g->auth_file && !*g->auth_user);
}

/* The exchange with somebody whose secret is this, or with nobody (NULL). */
static void login_begin_exchange(struct client *c, struct secret *secret, usec_t now)
{
	struct login *login = c->login;
	enum auth_method method = login_method(login->setup->conf->global.auth_type);

	if (login->skips_auth)
		method = AUTH_METHOD_TRUST;
	else if (method == AUTH_METHOD_TRUST && !secret && !login_may_be_anybody(c)) {
		login_refuse_password(c, now);
		return;
	}
	struct auth_request request = { .method = method,
					.user = slice_of(c->user),
					.secret = secret,
					.mock = &c->worker->shared->mock,
					.like_scram = login->setup->like_scram };
	struct buf out = { 0 };
	login->auth = auth_new(&request);
	enum auth_status status = auth_start(login->auth, &out);
	login_verdict(c, status, &out, now);
	buf_fini(&out);
}

/* ---- a server is asked ----------------------------------------------------------------------- */

static void login_looked_up(struct client *c, usec_t now)
{
	struct login *login = c->login;
	if (login->ask.verdict == AUTHQUERY_FAILED)
		client_fail(c, ERROR_AUTH_QUERY_FAILED, login->ask.why, NULL, now, c->user);
	else
		login_begin_exchange(c, login->secret, now);
}

static void login_answered(struct mail *mail, void *owner, usec_t now)
{
	struct authquery_ask *ask = CONTAINER_OF(mail, struct authquery_ask, mail);
	struct login *login = CONTAINER_OF(ask, struct login, ask);
	struct worker *w = owner;
	struct client *c = login->client;

	login->asking = false;
	secret_unref(login->secret);
	login->secret = ask->secret;
	if (!c) {
		login_destroy(login);
		return;
	}
	conn_resume(&c->conn, CLIENT_PAUSE_AUTH);
	if (ask->question == AUTHQUERY_SECRET)
		login_looked_up(c, now);
	else
		login_refuse_password(c, now);
	if (c->state != CLIENT_CLOSING)
		intake_pump(c, now);
	worker_settle(w, now);
}

static void login_ask(struct client *c, enum authquery_question question)
{
	struct login *login = c->login;
	login->ask = (struct authquery_ask){ .mail.deliver = login_answered,
					     .reply = c->worker->box,
					     .question = question,
					     .setup = login->setup,
					     .database = login->params.database,
					     .user = c->user };
	login->asking = true;
	conn_pause(&c->conn, CLIENT_PAUSE_AUTH);
	authquery_ask(c->worker->shared->authquery, &login->ask);
}

/* The password was wrong by what is remembered: by the time of the next login the server was asked
 * again. */
static void login_refuse(struct client *c, usec_t now)
{
	struct login *login = c->login;
	if (login->ask.question == AUTHQUERY_SECRET && login->ask.is_remembered)
		login_ask(c, AUTHQUERY_ANEW);
	else
		login_refuse_password(c, now);
}

void login_auth_begin(struct client *c, usec_t now)
{
	struct login *login = c->login;
	const struct conf_global *g = &login->setup->conf->global;
	struct slice database = slice_of(login->params.database);

	client_enter(c, CLIENT_AUTH, now);
	if (setup_is_console(database))
		login_look_up_console(c);
	if (atomic_load(&c->worker->shared->closing) && !login->is_console) {
		client_fail(c, ERROR_SHUTDOWN, NULL, NULL, now);
		return;
	}
	if (!login->is_console && !client_admit(c, g->max_client_conn)) {
		client_fail(c, ERROR_TOO_MANY_CLIENTS, NULL, NULL, now);
		return;
	}

	struct secret *secret = userlist_get(login->setup->users, slice_of(c->user));
	if (!secret && !login->skips_auth && g->auth_type != CONF_AUTH_TYPE_ANY &&
	    authquery_is_on(login->setup, database))
		login_ask(c, AUTHQUERY_SECRET);
	else
		login_begin_exchange(c, secret, now);
}
