/*
 * login_tls.c - a client's handshake.
 *
 *	STARTUP --SSLRequest, or a first byte that is TLS's--> HANDSHAKE --finished--> STARTUP
 *
 * A step has only what the socket has already and never waits, so that a slow client holds no
 * thread. Where it comes to arithmetic that takes its time, a helper does that, and while it is out
 * the session is the helper's, and so is the socket: if the client leaves meanwhile, they are
 * closed when the step comes back. Of the others each turn of the loop has a few: a session that is
 * taken up again takes some 200 us, and where a hundred come at once those who have logged in are
 * served in between.
 */
#include <unistd.h>

#include "base/log.h"
#include "net/tls.h"
#include "net/tls_accept.h"
#include "proxy/client.h"
#include "proxy/login.h"
#include "proxy/login_parts.h"
#include "proxy/setup.h"
#include "proxy/worker.h"
#include "wire/startup.h"

#define LOGIN_TLS_STEPS_A_TURN 4

bool login_tls_is_offered(const struct client *c)
{
	return c->login->setup->tls && !c->is_unix && !c->conn.ssl;
}

void login_tls_begin(struct client *c, bool is_direct, usec_t now)
{
	struct login *login = c->login;
	login->is_direct = is_direct;
	login->ssl = tls_accept_new(login->setup->tls, c->conn.fd);
	if (login->ssl)
		client_enter(c, CLIENT_HANDSHAKE, now);
	else
		client_close(c, "no memory for a TLS session", now);
}

static void login_tls_fail(struct client *c, const char *why, usec_t now)
{
	char who[256];
	if (c->worker->setup->conf->global.log_pooler_errors)
		LOG_WARNING("client %s: TLS handshake failed: %s", client_text(c, who, sizeof(who)),
			    why);
	client_fail_with(c, SLICE_NONE, "TLS handshake failed", now);
}

/* The client speaks on, unseen by others: as if it had come just now. */
static void login_tls_done(struct client *c, usec_t now)
{
	struct login *login = c->login;
	conn_set_tls(&c->conn, login->ssl);
	login->ssl = NULL;
	client_enter(c, CLIENT_STARTUP, now);
	if (login->is_direct && !tls_accept_has_alpn(c->conn.ssl))
		client_fail(c, ERROR_BAD_STARTUP, NULL, NULL, now,
			    "TLS without SSLRequest needs the ALPN protocol \"postgresql\"");
}

static void login_tls_send_out(struct client *c, usec_t now);

static void login_tls_go_on(struct client *c, usec_t now)
{
	switch (c->login->tls_status) {
	case TLS_ACCEPT_DONE:
		login_tls_done(c, now);
		break;
	case TLS_ACCEPT_WANTS_BYTES:
		break;
	case TLS_ACCEPT_WANTS_ROOM:
		if (!conn_await_room(&c->conn, true))
			client_close(c, "the loop cannot take its socket", now);
		break;
	case TLS_ACCEPT_WANTS_WORK:
		login_tls_send_out(c, now);
		break;
	case TLS_ACCEPT_FAILED:
		login_tls_fail(c, c->login->tls_why.text, now);
		break;
	}
}

static void login_tls_stepped(struct mail *mail, void *owner, usec_t now)
{
	struct helper_job *job = CONTAINER_OF(mail, struct helper_job, mail);
	struct login *login = CONTAINER_OF(job, struct login, job);
	struct worker *w = owner;
	bool has_run = job->outcome == HELPER_RAN;
	struct client *c = login_away_back(login);

	if (c && has_run)
		login_tls_go_on(c, now);
	else if (c)
		client_fail(c, ERROR_LOGIN_TIMEOUT, NULL, NULL, now);
	worker_done_pending(w);
	worker_settle(w, now);
}

static void login_tls_run(struct helper_job *job)
{
	struct login *login = CONTAINER_OF(job, struct login, job);
	login->tls_status = tls_accept_work(login->ssl, &login->tls_why);
}

static void login_tls_send_out(struct client *c, usec_t now)
{
	struct login *login = c->login;
	struct worker *w = c->worker;
	login->job = (struct helper_job){ .run = login_tls_run, .deadline = USEC_NEVER };
	login->job.mail.deliver = login_tls_stepped;
	if (!helper_submit(w->shared->clerks, &login->job, w->box)) {
		client_close(c, "too many logins are under way", now);
		return;
	}
	login_away_leave(c, LOGIN_AWAY_SHAKING);
}

/* Is there room for one more in this turn? Who is put off is announced by the next one, since
 * nothing was read; but room to write in is announced once. */
static bool login_tls_has_turn(struct client *c)
{
	struct worker *w = c->worker;
	uint64_t turn = loop_stats(w->loop)->turns;
	if (w->shaking_turn != turn)
		w->shaken = 0;
	w->shaking_turn = turn;
	return w->shaken++ < LOGIN_TLS_STEPS_A_TURN ||
	       c->login->tls_status == TLS_ACCEPT_WANTS_ROOM;
}

static void login_tls_step(struct client *c, usec_t now)
{
	struct login *login = c->login;
	if (!login_tls_has_turn(c))
		return;
	if (!conn_await_room(&c->conn, false)) {
		client_close(c, "the loop cannot take its socket", now);
		return;
	}
	login->tls_status = tls_accept_step(login->ssl, &login->tls_why);
	login_tls_go_on(c, now);
}

bool login_tls_takes(struct client *c, usec_t now)
{
	char first;
	if (c->state == CLIENT_STARTUP && login_tls_is_offered(c) && !c->in && !c->login->asks &&
	    conn_peek(&c->conn, &first, 1) == 1 && startup_is_tls(slice_make(&first, 1)))
		login_tls_begin(c, true, now);
	if (c->state != CLIENT_HANDSHAKE)
		return c->state == CLIENT_CLOSING;
	login_tls_step(c, now);
	return true;
}

bool login_tls_is_out(const struct client *c)
{
	return c->state == CLIENT_HANDSHAKE && c->login->away == LOGIN_AWAY_SHAKING;
}

void login_tls_leave(struct client *c)
{
	struct ssl_st *none;
	if (c->login->away == LOGIN_AWAY_SHAKING)
		conn_give_up(&c->conn, &c->login->lent_fd, &none);
}

void login_tls_end(struct login *login)
{
	tls_free(login->ssl);
	if (login->lent_fd >= 0)
		close(login->lent_fd);
}
