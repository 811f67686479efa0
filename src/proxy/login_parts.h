/*
 * login_parts.h - what the files of a login share, and nobody else sees.
 *
 *	login_front.c    the PROXY header, where it comes through a balancer
 *	login_start.c    the start-up packet, and what may come before it
 *	login_tls.c      the handshake
 *	login_auth.c     who is it?
 *	login.c          it is who it says: where it goes, its parameters, its greeting
 *
 * Owned by the client; by the helper's job while that is out (`computing`), by the question to
 * a server while that is out (`asking`).
 *
 * Thread: worker.
 */
#ifndef PROXY_LOGIN_PARTS_H
#define PROXY_LOGIN_PARTS_H

#include <stdbool.h>

#include "auth/auth.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/usec.h"
#include "net/loop.h"
#include "net/tls_accept.h"
#include "proxy/authquery.h"
#include "proxy/helper.h"
#include "proxy/startparams.h"

struct client;
struct setup;

struct login {
	struct client *client; /* NULL: it has left while a helper was computing */
	struct setup *setup;   /* a reference: what this login is judged by */
	struct buf head;       /* in FRONTED: what has come of the PROXY header */
	struct startparams params;
	struct auth_exchange *auth; /* owned */
	struct helper_job job;
	struct deferred handover; /* to the console, once what came with its last message is kept */
	bool computing;           /* the job is out: auth, or ssl, is the helper's */
	struct ssl_st *ssl;       /* owned; in HANDSHAKE */
	enum tls_accept_status tls_status;
	struct err tls_why;
	int lent_fd; /* owned; the client has left while a helper shook hands; or -1 */
	bool is_direct;
	struct authquery_ask ask; /* about the user, to a server */
	bool asking;              /* it is out */
	struct secret *secret;    /* a reference; what a server said it is */
	bool is_console, is_admin;
	bool skips_auth;
	unsigned asks;
};

/* The client has left, and so has the helper: everything of it is freed. */
void login_destroy(struct login *login);

/* login_start: the start-up packet is read. */
void login_auth_begin(struct client *c, usec_t now);

/* login_start: it is asked for TLS, and is told yes. */
bool login_tls_is_offered(const struct client *c);
void login_tls_begin(struct client *c, bool is_direct, usec_t now);
void login_tls_end(struct login *login); /* frees what is its */

/* login_auth: it has shown who it is. */
void login_admit(struct client *c, usec_t now);

#endif
