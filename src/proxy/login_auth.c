/*
 * login_auth.c - who is it?
 *
 *	rule --> certificate --> peer: the system's name -------.
 *	     |              `--> PAM, LDAP, pass: a password --- | --> judged elsewhere --> in
 *	     |                                                   v
 *	     `-------------------------------> the user's secret, or that it has none
 *	                                             `--> exchange --> in
 *
 * A user that there is none of goes the same way as one with a wrong password: the exchange is
 * gone through with nobody's secret and ends alike.
 */
#include "proxy/login.h"
#include "proxy/login_parts.h"

#include <unistd.h>

#include "auth/secret.h"
#include "base/mem.h"
#include "net/tls_context.h"
#include "proxy/client.h"
#include "proxy/replication.h"
#include "proxy/setup.h"
#include "proxy/worker.h"
#include "wire/frame.h"

/* ---- refusals -------------------------------------------------------------------------------- */

/* What the client is told names the method, in PostgreSQL's words, and nothing else. */
static void login_auth_refuse_now(struct client *c, const char *why, usec_t now)
{
	const char *method = NULL;
	login_gate_failed(c, why, now);
	switch (c->login->rule.method) {
	case HBA_METHOD_TRUST:
	case HBA_METHOD_REJECT:
	case HBA_METHOD_PASSWORD:
	case HBA_METHOD_MD5:
	case HBA_METHOD_SCRAM:
	case HBA_METHOD_PASS:
		break;
	case HBA_METHOD_CERT:
		method = "certificate";
		break;
	case HBA_METHOD_PEER:
		method = "Peer";
		break;
	case HBA_METHOD_PAM:
		method = "PAM";
		break;
	case HBA_METHOD_LDAP:
		method = "LDAP";
		break;
	}
	if (method)
		client_fail(c, ERROR_AUTH_NOT_PROVEN, NULL, NULL, now, method, c->user);
	else
		client_fail(c, ERROR_AUTH_FAILED, NULL, NULL, now, c->user);
}

/* The password was wrong by what is remembered: by the time of the next login the server was asked
 * again. */
static void login_auth_refuse(struct client *c, const char *why, usec_t now)
{
	const struct authquery_ask *ask = &c->login->ask;
	if (ask->question == AUTHQUERY_SECRET && ask->is_remembered)
		login_away_ask(c, AUTHQUERY_ANEW, NULL, now);
	else
		login_auth_refuse_now(c, why, now);
}

/* ---- the exchange ---------------------------------------------------------------------------- */

static void login_auth_judge(struct client *c, usec_t now)
{
	const char *password = auth_password(c->login->auth);
	switch (c->login->rule.method) {
	case HBA_METHOD_PAM:
		login_away_judge(c, JUDGE_PAM, password, now);
		break;
	case HBA_METHOD_LDAP:
		login_away_judge(c, JUDGE_LDAP, password, now);
		break;
	default:
		login_away_ask(c, AUTHQUERY_PASSWORD, password, now);
		break;
	}
}

/* The verdict of a step, with what is to be sent. */
static void login_auth_verdict(struct client *c, enum auth_status status, struct buf *out,
			       usec_t now)
{
	if (status == AUTH_OK) {
		if (c->state != CLIENT_CLOSING) /* it may have left while somebody was asked */
			login_admit(c, buf_slice(out), now);
		return;
	}
	if (buf_len(out) && !client_send(c, buf_slice(out), now))
		return;
	switch (status) {
	case AUTH_MORE:
	case AUTH_OK:
		break;
	case AUTH_REFUSED:
		login_auth_refuse(c, auth_reason(c->login->auth), now);
		break;
	case AUTH_MALFORMED:
		client_fail(c, ERROR_PROTOCOL_VIOLATION, auth_reason(c->login->auth), NULL, now,
			    "malformed authentication message");
		break;
	case AUTH_WORK:
		login_away_compute(c, now);
		break;
	case AUTH_JUDGE:
		login_auth_judge(c, now);
		break;
	}
}

void login_auth_computed(struct client *c, usec_t now)
{
	struct buf out = { 0 };
	enum auth_status status = auth_resume(c->login->auth, &out);
	login_auth_verdict(c, status, &out, now);
	buf_fini(&out);
}

size_t login_auth_bytes(struct client *c, struct slice in, usec_t now)
{
	struct frame f;
	if (c->login->away !=
	    LOGIN_AWAY_NOT) /* what comes behind a password waits for the verdict */
		return 0;
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
	if (!frame_is_whole(&f))
		return 0;

	struct buf out = { 0 };
	enum auth_status status = auth_step(c->login->auth, f.body, &out);
	mem_wipe((char *)f.body.ptr,
		 f.body.len); /* the buffer stays, a password in it should not */
	login_auth_verdict(c, status, &out, now);
	buf_fini(&out);
	return frame_bytes(&f);
}

/* Is somebody unknown asked for SCRAM under md5? As those are who come from where it would. */
static bool login_auth_like_scram(const struct client *c, enum auth_method method)
{
	const struct login *login = c->login;
	if (method != AUTH_METHOD_MD5)
		return false;
	return authquery_is_on(login->setup, slice_of(login->params.database))
		       ? authquery_like_scram(c->worker->shared->authquery)
		       : login->setup->like_scram;
}

/* The certificate that it was shown is its login's own setup's: a reload meanwhile is another one.
 */
static struct slice login_auth_binding(const struct client *c)
{
	return c->conn.ssl ? tls_context_end_point(c->login->setup->tls) : SLICE_NONE;
}

static void login_auth_exchange(struct client *c, enum auth_method method, usec_t now)
{
	struct login *login = c->login;
	struct auth_request request = { .method = method,
					.user = slice_of(c->user),
					.secret = login->secret,
					.mock = &c->worker->shared->mock,
					.like_scram = login_auth_like_scram(c, method),
					.like_iterations = login->setup->like_iterations,
					.binding = login_auth_binding(c) };
	struct buf out = { 0 };
	login->auth = auth_new(&request);
	enum auth_status status = auth_start(login->auth, &out);
	login_auth_verdict(c, status, &out, now);
	buf_fini(&out);
}

/* ---- the user -------------------------------------------------------------------------------- */

/* What needs no password is for those who are listed, where there is a list. */
static bool login_auth_is_known(const struct login *login)
{
	return login->secret || login->rule.is_any ||
	       (!*login->setup->conf->global.auth_file &&
		!authquery_is_on(login->setup, slice_of(login->params.database)));
}

void login_auth_known(struct client *c, usec_t now)
{
	static const enum auth_method methods[] = { [HBA_METHOD_PASSWORD] = AUTH_METHOD_PLAIN,
						    [HBA_METHOD_MD5] = AUTH_METHOD_MD5,
						    [HBA_METHOD_SCRAM] = AUTH_METHOD_SCRAM };
	switch (c->login->rule.method) {
	case HBA_METHOD_PASSWORD:
	case HBA_METHOD_MD5:
	case HBA_METHOD_SCRAM:
		login_auth_exchange(c, methods[c->login->rule.method], now);
		break;
	default:
		if (login_auth_is_known(c->login))
			login_auth_exchange(c, AUTH_METHOD_TRUST, now);
		else
			login_auth_refuse(c, "no such user", now);
		break;
	}
}

void login_auth_asked_anew(struct client *c, usec_t now)
{
	struct login *login = c->login;
	struct buf out = { 0 };
	enum auth_status status;
	if (!login->auth && login->ask.verdict == AUTHQUERY_YES) {
		login_auth_known(c, now);
	} else if (!login->auth) {
		login_auth_refuse_now(c, "no such user", now);
	} else if ((status = auth_reconsider(login->auth, login->secret, &out)) == AUTH_REFUSED) {
		login_auth_refuse_now(c, auth_reason(login->auth), now);
	} else {
		login_auth_verdict(c, status, &out, now);
	}
	buf_fini(&out);
}

static void login_auth_look_up(struct client *c, usec_t now)
{
	struct login *login = c->login;
	login->secret = secret_ref(userlist_get(login->setup->users, slice_of(c->user)));
	if (!login->secret && !login->rule.is_any &&
	    authquery_is_on(login->setup, slice_of(login->params.database)))
		login_away_ask(c, AUTHQUERY_SECRET, NULL, now);
	else
		login_auth_known(c, now);
}

void login_auth_judged(struct client *c, bool is_right, const char *why, usec_t now)
{
	struct login *login = c->login;
	if (login->auth) {
		struct buf out = { 0 };
		enum auth_status status = auth_judged(login->auth, is_right, why, &out);
		login_auth_verdict(c, status, &out, now);
		buf_fini(&out);
		return;
	}
	/* peer: the system has told a name, or none */
	if (!is_right) {
		login_auth_refuse(c, why, now);
	} else if (!ident_allows(login->setup->ident, login->rule.map,
				 slice_of(login->judge.system_name), slice_of(c->user))) {
		login_auth_refuse(c, "it is another user to the system", now);
	} else {
		login_auth_look_up(c, now);
	}
}

/* ---- the rule -------------------------------------------------------------------------------- */

/* What the rule asks of the client's certificate. False: refused. */
static bool login_auth_check_cert(struct client *c, usec_t now)
{
	struct login *login = c->login;
	struct tls_peer peer = { 0 };
	if (login->rule.clientcert == HBA_CLIENTCERT_NONE)
		return true;
	bool is_verified = c->conn.ssl && tls_peer_names(c->conn.ssl, &peer);
	enum login_rule_cert cert = login_rule_judge_cert(
		&login->rule, login->setup->ident, is_verified ? &peer : NULL, slice_of(c->user));
	tls_peer_fini(&peer);
	switch (cert) {
	case LOGIN_RULE_CERT_FITS:
		return true;
	case LOGIN_RULE_CERT_MISSING:
		login_gate_failed(c, "it has shown no certificate that is good", now);
		client_fail(c, ERROR_CERT_REQUIRED, NULL, NULL, now);
		return false;
	case LOGIN_RULE_CERT_ELSES_NAME:
		login->rule.method = HBA_METHOD_CERT; /* that is what has failed */
		login_auth_refuse(c, "its certificate has another name", now);
		return false;
	}
	return false;
}

/* The server is asked about those whom auth_file does not have. */
static void login_auth_pass(struct client *c, usec_t now)
{
	struct login *login = c->login;
	bool is_covered = c->conn.ssl || c->is_unix;
	if (!is_covered && login->setup->conf->global.pass_requires_tls) {
		login_gate_failed(c, "it would send its password in clear text", now);
		client_fail(c, ERROR_AUTH_PASS_NEEDS_TLS, NULL, NULL, now);
		return;
	}
	login->secret = secret_ref(userlist_get(login->setup->users, slice_of(c->user)));
	login_auth_exchange(c, login->secret ? AUTH_METHOD_PLAIN : AUTH_METHOD_JUDGED, now);
}

static void login_auth_by_rule(struct client *c, usec_t now)
{
	switch (c->login->rule.method) {
	case HBA_METHOD_PAM:
	case HBA_METHOD_LDAP:
		login_auth_exchange(c, AUTH_METHOD_JUDGED, now);
		break;
	case HBA_METHOD_PASS:
		login_auth_pass(c, now);
		break;
	case HBA_METHOD_PEER:
		if (c->is_unix && c->peer.kind == ADDR_UNIX)
			login_away_judge(c, JUDGE_PEER, "", now);
		else
			login_auth_refuse(c, "peer is for Unix sockets alone", now);
		break;
	default:
		login_auth_look_up(c, now);
		break;
	}
}

static void login_auth_choose(struct client *c, usec_t now)
{
	struct login *login = c->login;
	struct buf refusal = { 0 };
	struct slice database = slice_of(login->params.database);
	const struct hba_query query = {
		.addr = c->peer,
		.is_tls = c->conn.ssl != NULL,
		.is_replication = !login->is_console && replication_is_physical(&login->params),
		.database = database,
		.alias = setup_console_alias(database),
		.user = slice_of(c->user),
	};
	if (login->skips_auth) {
		login_auth_exchange(c, AUTH_METHOD_TRUST, now);
	} else if (!login_rule_find(login->setup, &query, login->is_console, &login->rule,
				    &refusal)) {
		login_gate_failed(c, "no rule lets it in", now);
		client_fail(c, ERROR_AUTH_REJECTED, NULL, NULL, now, buf_cstr(&refusal));
	} else if (login_auth_check_cert(c, now)) {
		login_auth_by_rule(c, now);
	}
	buf_fini(&refusal);
}

/* ---- the beginning --------------------------------------------------------------------------- */

/* The same system user as ours, over the Unix socket, may into the console without a password. */
static bool login_auth_is_own_user(const struct client *c)
{
	return c->is_unix && c->peer.kind == ADDR_UNIX && c->peer.peer.uid == geteuid() &&
	       setup_is_console(slice_of(c->user));
}

static void login_auth_look_up_console(struct client *c)
{
	struct login *login = c->login;
	const struct conf_global *g = &login->setup->conf->global;
	struct slice user = slice_of(c->user);

	login->is_console = true;
	login->skips_auth = login_auth_is_own_user(c);
	login->is_admin = login->skips_auth || g->auth_type == CONF_AUTH_TYPE_ANY ||
			  conf_list_has(&g->admin_users, user);
}

void login_auth_begin(struct client *c, usec_t now)
{
	struct login *login = c->login;

	client_enter(c, CLIENT_AUTH, now);
	if (setup_is_console(slice_of(login->params.database)))
		login_auth_look_up_console(c);
	if (atomic_load(&c->worker->shared->closing) && !login->is_console)
		client_fail(c, ERROR_SHUTDOWN, NULL, NULL, now);
	else if (!login->is_console && !login_gate_admit(c, now))
		client_fail(c, ERROR_TOO_MANY_CLIENTS, NULL, NULL, now);
	else
		login_auth_choose(c, now);
}
