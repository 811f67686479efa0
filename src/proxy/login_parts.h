/*
 * login_parts.h - what the files of a login share, and nobody else sees.
 *
 *	login_front.c    the PROXY header, where it comes through a balancer
 *	login_start.c    the start-up packet, and what may come before it
 *	login_tls.c      the handshake
 *	login_gate.c     how many there may be, and who has to wait
 *	login_auth.c     who is it? Its method, its exchange
 *	login_away.c     what is done elsewhere meanwhile: by helpers, by main
 *	login.c          it is who it says: where it goes, its parameters, its greeting
 *
 * Owned by the client; while something of it is away, by who has it.
 *
 * Thread: worker.
 */
#ifndef PROXY_LOGIN_PARTS_H
#define PROXY_LOGIN_PARTS_H

#include <stdbool.h>

#include "auth/auth.h"
#include "auth/judge.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "base/usec.h"
#include "net/addr.h"
#include "net/loop.h"
#include "net/tls_accept.h"
#include "proxy/authquery.h"
#include "proxy/helper.h"
#include "proxy/login_rule.h"
#include "proxy/startparams.h"

struct client;
struct setup;

/*      away        where what the login waits for is done; nothing of the client is read then */
#define LOGIN_AWAYS(X)                                                                             \
	X(NOT)                                                                                     \
	X(SHAKING)   /* a clerk has the TLS session, and its socket */                             \
	X(COMPUTING) /* a clerk has the exchange (auth_work) */                                    \
	X(JUDGING)   /* a helper has the case (judge_run) */                                       \
	X(ASKING)    /* main has the question (authquery_ask) */

#define LOGIN_AWAY_ENUM_(id) LOGIN_AWAY_##id,
enum login_away { LOGIN_AWAYS(LOGIN_AWAY_ENUM_) };
#undef LOGIN_AWAY_ENUM_

struct login {
	struct client *client; /* NULL: it has left while something was away */
	struct setup *setup;   /* a reference: what this login is judged by */
	struct buf head;       /* in FRONTED: what has come of the PROXY header */
	struct list at_gate;   /* worker's, until it is known who it is */
	usec_t held_until;     /* HELD */
	struct startparams params;
	struct buf unsaid;          /* that it is let in: goes out with the greeting */
	struct login_rule rule;     /* from login_auth_begin on */
	struct secret *secret;      /* a reference, or NULL: nobody of that name is known */
	struct auth_exchange *auth; /* owned */
	enum login_away away;       /* written in login_away.c alone */
	struct helper_job job;      /* SHAKING, COMPUTING, JUDGING */
	struct judge_case judge;    /* owned */
	struct addr judge_from;     /* where the client is, for the helper */
	struct authquery_ask ask;
	struct deferred handover; /* to the console, once what came with its last message is kept */
	struct ssl_st *ssl;       /* owned; in HANDSHAKE */
	enum tls_accept_status tls_status;
	struct err tls_why;
	int lent_fd; /* owned; the client has left while a helper shook hands; or -1 */
	bool is_direct;
	bool is_console, is_admin;
	bool skips_auth;
	unsigned asks;
};

/* The client has left, and nothing is away: everything of it is freed. */
void login_destroy(struct login *login);

/* login_start: the start-up packet is read. */
void login_auth_begin(struct client *c, usec_t now);

/* login_start: the same, after the wait that its address has earned by failing. */
void login_gate_hold(struct client *c, usec_t now);

/* login_auth: a place among max_client_conn; whoever holds one and idles at the gate has to go. */
bool login_gate_admit(struct client *c, usec_t now);
/* login_auth: it has shown who it is, or has not, which is logged (`why` may be ""). */
void login_gate_passed(struct client *c);
void login_gate_failed(struct client *c, const char *why, usec_t now);

/* login_start: it is asked for TLS, and is told yes. */
bool login_tls_is_offered(const struct client *c);
void login_tls_begin(struct client *c, bool is_direct, usec_t now);
void login_tls_end(struct login *login); /* frees what is its */

/* login_auth: it has shown who it is. `accepted` is what it is to be told of that. */
void login_admit(struct client *c, struct slice accepted, usec_t now);

/* ---- login_auth, from login_away ------------------------------------------------------- */

/* The clerk is done. */
void login_auth_computed(struct client *c, usec_t now);

/* The judge's word on login->judge, or the server's on the password. */
void login_auth_judged(struct client *c, bool is_right, const char *why, usec_t now);

/* What there is to know about the user: login->secret. */
void login_auth_known(struct client *c, usec_t now);

/* The server was asked once more, after a refusal. */
void login_auth_asked_anew(struct client *c, usec_t now);

/* ---- login_away ------------------------------------------------------------------------ */

/* Going, and coming back; NULL: the client has left meanwhile, or was refused, and the login is
 * freed now or with it. */
void login_away_leave(struct client *c, enum login_away where);
struct client *login_away_back(struct login *login);

/* Each pauses the client until the function above is called, or fails it. */
void login_away_compute(struct client *c, usec_t now);
void login_away_judge(struct client *c, enum judge_kind kind, const char *password, usec_t now);
void login_away_ask(struct client *c, enum authquery_question question, const char *password,
		    usec_t now);

/* The client leaves: takes back what nobody has begun. True: nothing is away any more. */
bool login_away_give_up(struct client *c);

#endif
