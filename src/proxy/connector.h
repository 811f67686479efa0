/*
 * connector.h - logs in to a PostgreSQL server, in a helper thread.
 *
 * libpq reads the options, resolves, connects, negotiates TLS and sends the startup packet; then
 * the wire is ours and the PGconn is kept only to own the socket. Who we are the server is shown by
 * ourselves (connector_exchange.h): by the password, by SCRAM keys (from the client's own login) or
 * by an md5 secret. libpq has no call for the last two, nor any that tells the key to cancel with
 * and which parameters were reported. At the end the server is idle, every message of the login was
 * read, and connect_query, if any, has run.
 *
 *     struct connector *c = connector_new();
 *     connector_set(c, "host", "10.0.0.1"); ...          (keywords of libpq; strings are copied)
 *     if (!connector_start(c, crew, mailbox, deadline, done, arg)) { connector_free(c); ... }
 *     static void done(struct connector *c, void *owner, usec_t now)   (in the mailbox's thread)
 *     {
 *             if (connector_is_ok(c)) { link = connector_take(c); ... }
 *             else { const struct connector_fault *f = connector_fault(c); ... }
 *             connector_free(c);
 *     }
 */
#ifndef PROXY_CONNECTOR_H
#define PROXY_CONNECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bug.h"
#include "base/usec.h"

struct connector;
struct helper_crew;
struct mailbox;
struct pg_conn;
struct ssl_st;

#define CONNECTOR_KEY_BYTES 32
#define CONNECTOR_MD5_BYTES 32

typedef void (*connector_fn)(struct connector *c, void *owner, usec_t now);

/* What the server reported at login (ParameterStatus). */
struct connector_param {
	char *name, *value;
};

/* How to reach the server once more to cancel (proxy/canceler.h). Shared, immutable, counted. */
struct connector_cancel;

/* A logged-in, idle server connection. Owned by whoever took it; ended by connector_close. */
struct connector_link {
	struct pg_conn *pg; /* owns fd and ssl */
	int fd;             /* non-blocking */
	struct ssl_st *ssl; /* NULL: plain */
	int backend_pid;
	int server_version; /* 150018; 0: not known */
	bool is_unix;
	bool has_proved;                 /* the server asked for a secret, and was content */
	struct connector_cancel *cancel; /* a reference */
	struct connector_param *params;
	size_t param_count;
};

/*      kind       what went wrong */
#define CONNECTOR_FAULTS(X)                                                                        \
	X(NONE, "")                                                                                \
	X(SERVER, "the server refused")              /* its own words: sqlstate, message */        \
	X(UNREACHABLE, "connection failed")          /* 08006: address, network, TLS, protocol */  \
	X(TIMEOUT, "the login took too long")        /* 08006 */                                   \
	X(CANCELLED, "the login was given up")       /* connector_cancel, or the crew ends */      \
	X(OPTIONS, "the connection string is wrong") /* 08001 */

#define CONNECTOR_FAULT_ENUM_(kind, text) CONNECTOR_FAULT_##kind,
enum connector_fault_kind { CONNECTOR_FAULTS(CONNECTOR_FAULT_ENUM_) CONNECTOR_FAULT_COUNT };
#undef CONNECTOR_FAULT_ENUM_

#define CONNECTOR_TEXT_BYTES 512

struct connector_fault {
	enum connector_fault_kind kind;
	bool is_quoted;  /* sqlstate, message, detail and hint are the server's own */
	bool is_refusal; /* and it said so before it knew who comes */
	bool is_of_role; /* the login was done: this came of the question what the session is */
	char sqlstate[6];
	char message[CONNECTOR_TEXT_BYTES]; /* the server's primary message, or ours; for the client
					     */
	char detail[CONNECTOR_TEXT_BYTES];  /* "" where there is none */
	char hint[CONNECTOR_TEXT_BYTES];
	char log[CONNECTOR_TEXT_BYTES]; /* one line for the log: says which host too */
};

/* ---- the requester (thread: the mailbox's) ------------------------------------- */

struct connector *connector_new(void);
void connector_free(struct connector *c); /* not while it is under way; closes what was not taken */

/* A keyword of libpq; the last value wins; NULL takes it out again. */
void connector_set(struct connector *c, const char *keyword, const char *value);

/* Where no password is known: SCRAM keys, or the hex of an md5 secret; of both, what the server
 * asks for. */
void connector_set_keys(struct connector *c, const uint8_t client_key[CONNECTOR_KEY_BYTES],
			const uint8_t server_key[CONNECTOR_KEY_BYTES]);
void connector_set_md5(struct connector *c, const char hex[CONNECTOR_MD5_BYTES]);

/* Run once after the login; an error in it is logged and nothing else. NULL or "": none. */
void connector_set_query(struct connector *c, const char *sql);

bool connector_start(struct connector *c, struct helper_crew *crew, struct mailbox *reply,
		     usec_t deadline, connector_fn done, void *arg) MUST_CHECK;
void *connector_arg(const struct connector *c);

/* Gives it up. True: it had not begun, and is the caller's again (no callback comes). False: the
 * callback comes, soon. */
bool connector_stop(struct connector *c) MUST_CHECK;

/* In the callback: */
bool connector_is_ok(const struct connector *c);
struct connector_link connector_take(struct connector *c); /* once, and only if it is ok */
const struct connector_fault *connector_fault(const struct connector *c);

/* ---- the link --------------------------------------------------------------------- */

const char *connector_param(const struct connector_link *link, const char *name); /* or NULL */
void connector_drop_params(struct connector_link *link); /* once their values were copied */

/* Ends the connection and frees all. Never blocks. Says goodbye (Terminate) if `politely`, which
 * is allowed only between messages; else the socket is just shut down. The conn over it was
 * given up before (conn_give_up). Thread: whoever owns the link. */
void connector_close(struct connector_link *link, bool politely);

/* ---- the process (thread: main, before any other thread runs) ------------------------- */

/* Takes PG* and what else libpq would read out of the environment. */
void connector_clear_environment(void);

#endif
