/*
 * login_away.c - what a login waits for, done elsewhere.
 *
 * The client is not read meanwhile, and may leave: the login then stays until what is away has
 * come back, and ends there. PAM, directories and the name service have threads of their own
 * each, so that one that hangs keeps nobody waiting but those whom only it can judge.
 */
#include "proxy/login.h"
#include "proxy/login_parts.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "auth/secret.h"
#include "base/mem.h"
#include "base/vault.h"
#include "proxy/client.h"
#include "proxy/intake.h"
#include "proxy/setup.h"
#include "proxy/worker.h"

/* ---- going and coming back ------------------------------------------------------------------ */

void login_away_leave(struct client *c, enum login_away where)
{
	c->login->away = where;
	c->worker->pending++;
	conn_pause(&c->conn, CLIENT_PAUSE_AUTH);
}

struct client *login_away_back(struct login *login)
{
	struct client *c = login->client;
	login->away = LOGIN_AWAY_NOT;
	if (!c)
		login_destroy(login);
	else
		conn_resume(&c->conn, CLIENT_PAUSE_AUTH);
	/* one that was refused meanwhile lingers for its last words: nothing is decided about it
	 * any more, and its login goes with it */
	return c && c->state != CLIENT_CLOSING ? c : NULL;
}

/* What it has sent meanwhile is looked at. */
static void login_away_go_on(struct worker *w, struct client *c, usec_t now)
{
	if (c && c->state != CLIENT_CLOSING)
		intake_pump(c, now);
	worker_done_pending(w);
	worker_settle(w, now);
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

static void login_away_run_compute(struct helper_job *job)
{
	auth_work(CONTAINER_OF(job, struct login, job)->auth);
}

static void login_away_computed(struct mail *mail, void *owner, usec_t now)
{
	struct helper_job *job = CONTAINER_OF(mail, struct helper_job, mail);
	bool has_run = job->outcome == HELPER_RAN;
	struct client *c = login_away_back(CONTAINER_OF(job, struct login, job));
	if (c && has_run)
		login_auth_computed(c, now);
	else if (c)
		client_fail(c, ERROR_LOGIN_TIMEOUT, NULL, NULL, now);
	login_away_go_on(owner, c, now);
}

void login_away_compute(struct client *c, usec_t now)
{
	struct login *login = c->login;
	login->job = (struct helper_job){ .run = login_away_run_compute, .deadline = USEC_NEVER };
	login->job.mail.deliver = login_away_computed;
	if (helper_submit(c->worker->shared->clerks, &login->job, c->worker->box))
		login_away_leave(c, LOGIN_AWAY_COMPUTING);
	else
		client_fail(c, ERROR_LOGIN_TIMEOUT, "Too many logins are under way.", NULL, now);
}

/* ---- judges ---------------------------------------------------------------------------------- */

/* pam_use_hostname: asks for the name of the client's address, which may take its time. */
static void login_away_name_host(struct login *login)
{
	const struct addr *a = &login->judge_from;
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	char name[NI_MAXHOST];
	if (a->kind != ADDR_V4 && a->kind != ADDR_V6)
		return;
	memcpy(&v4.sin_addr, a->ip, sizeof(v4.sin_addr));
	memcpy(&v6.sin6_addr, a->ip, sizeof(v6.sin6_addr));
	bool is_v4 = a->kind == ADDR_V4;
	if (getnameinfo(is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6,
			is_v4 ? sizeof(v4) : sizeof(v6), name, sizeof(name), NULL, 0,
			NI_NAMEREQD) != 0)
		return;
	free(login->judge.host);
	login->judge.host = mem_strdup(name);
}

static void login_away_run_judge(struct helper_job *job)
{
	struct login *login = CONTAINER_OF(job, struct login, job);
	if (login->judge.kind == JUDGE_PAM && login->rule.pam_use_hostname)
		login_away_name_host(login);
	judge_run(&login->judge);
}

static void login_away_judged(struct mail *mail, void *owner, usec_t now)
{
	struct helper_job *job = CONTAINER_OF(mail, struct helper_job, mail);
	struct login *login = CONTAINER_OF(job, struct login, job);
	bool has_run = job->outcome == HELPER_RAN;
	struct client *c = login_away_back(login);
	if (c && has_run)
		login_auth_judged(c, login->judge.is_right, login->judge.why, now);
	else if (c)
		client_fail(c, ERROR_LOGIN_TIMEOUT, NULL, NULL, now);
	login_away_go_on(owner, c, now);
}

/* All that a case may need; what it does not is left alone. */
static void login_away_make_case(struct client *c, enum judge_kind kind, const char *password)
{
	struct login *login = c->login;
	char host[ADDR_HOST_BYTES];
	judge_fini(&login->judge);
	login->judge_from = c->peer;
	login->judge = (struct judge_case){
		.kind = kind,
		.user = mem_strdup(c->user),
		.password = vault_dup(slice_of(password)),
		.service = mem_strdup(login->rule.pam_service),
		.host = mem_strdup(c->is_unix ? "[local]" : addr_host(&c->peer, host)),
		.ldap = login->rule.ldap,
		.deadline = client_deadline_login(c),
		.uid = c->peer.kind == ADDR_UNIX ? c->peer.peer.uid : UINT32_MAX,
	};
}

void login_away_judge(struct client *c, enum judge_kind kind, const char *password, usec_t now)
{
	struct login *login = c->login;
	login_away_make_case(c, kind, password);
	login->job = (struct helper_job){ .run = login_away_run_judge,
					  .deadline = login->judge.deadline };
	login->job.mail.deliver = login_away_judged;
	if (helper_submit(c->worker->shared->judges[kind], &login->job, c->worker->box))
		login_away_leave(c, LOGIN_AWAY_JUDGING);
	else
		client_fail(c, ERROR_AUTH_BUSY, NULL, NULL, now, judge_kind_name(kind));
}

/* ---- questions to a server ---------------------------------------------------------------------
 */

static void login_away_go_on_with(struct client *c, const struct authquery_ask *ask, usec_t now)
{
	bool is_yes = ask->verdict == AUTHQUERY_YES;
	if (ask->question == AUTHQUERY_ANEW)
		login_auth_asked_anew(c, now);
	else if (ask->verdict == AUTHQUERY_FAILED)
		client_fail(c,
			    ask->question == AUTHQUERY_PASSWORD ? ERROR_AUTH_PASS_FAILED
								: ERROR_AUTH_QUERY_FAILED,
			    ask->why, NULL, now, c->user);
	else if (ask->question == AUTHQUERY_SECRET)
		login_auth_known(c, now);
	else
		login_auth_judged(c, is_yes, ask->why ? ask->why : "the server says no", now);
}

static void login_away_answered(struct mail *mail, void *owner, usec_t now)
{
	struct authquery_ask *ask = CONTAINER_OF(mail, struct authquery_ask, mail);
	struct login *login = CONTAINER_OF(ask, struct login, ask);
	if (ask->secret) {
		secret_unref(login->secret);
		login->secret = ask->secret;
		ask->secret = NULL;
	}
	struct client *c = login_away_back(login);
	if (c)
		login_away_go_on_with(c, ask, now);
	login_away_go_on(owner, c, now);
}

void login_away_ask(struct client *c, enum authquery_question question, const char *password,
		    usec_t now)
{
	struct login *login = c->login;
	(void)now;
	login->ask = (struct authquery_ask){ .reply = c->worker->box,
					     .question = question,
					     .setup = login->setup,
					     .database = login->params.database,
					     .user = login->params.user,
					     .password = password,
					     .pool_startup = buf_slice(&login->params.startup) };
	login->ask.mail.deliver = login_away_answered;
	login_away_leave(c, LOGIN_AWAY_ASKING);
	authquery_ask(c->worker->shared->authquery, &login->ask);
}

/* ---- leaving
 * -------------------------------------------------------------------------------------- */

bool login_away_give_up(struct client *c)
{
	struct login *login = c->login;
	struct worker_shared *shared = c->worker->shared;
	bool is_back = false;
	switch (login->away) {
	case LOGIN_AWAY_NOT:
		return true;
	case LOGIN_AWAY_SHAKING:
	case LOGIN_AWAY_COMPUTING:
		is_back = helper_cancel(shared->clerks, &login->job);
		break;
	case LOGIN_AWAY_JUDGING:
		is_back = helper_cancel(shared->judges[login->judge.kind], &login->job);
		break;
	case LOGIN_AWAY_ASKING:
		break;
	}
	if (is_back) {
		login->away = LOGIN_AWAY_NOT;
		worker_done_pending(c->worker);
	}
	return is_back;
}
