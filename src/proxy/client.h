/*
 * client.h - one client connection, from its start-up packet to its end.
 *
 * Its life is the table below: states, the states that may follow, and what each waits for.
 * client.c holds the states and what can happen to a client at any time, login.h how it gets in,
 * relay.h what goes through it while it has a server.
 *
 * Owner: its worker (slab). Nothing frees it but the worker, after the loop's turn, once it is
 * CLOSING. Thread: worker.
 */
#ifndef PROXY_CLIENT_H
#define PROXY_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/wheel.h"
#include "net/addr.h"
#include "net/conn.h"
#include "net/loop.h"
#include "pool/pool.h"
#include "wire/errors.h"

struct journal;
struct localpool;
struct login;
struct paramset;
struct registry_entry;
struct prepared_names;
struct server;
struct keep;
struct worker;

/*
 *        state     may become                                    what it is
 *
 *   FRONTED, HANDSHAKE
 *      ^|
 *      |v
 *   STARTUP -[HELD]-> AUTH --> ADMITTED --> IDLE <--> WAITING
 *                                 |          |^         |
 *                                 v          ||         v
 *                              PROVING       |+------ LINKED
 *                                            +--<-->-- SKIPPING      (any) --> CLOSING
 */
#define CLIENT_STATES(X)                                                                           \
	X(STARTUP, TO(FRONTED) | TO(HANDSHAKE) | TO(HELD) | TO(AUTH) | TO(CLOSING), "login")       \
	X(FRONTED, TO(STARTUP) | TO(CLOSING), "login") /* nor the PROXY header of its balancer */  \
	X(HANDSHAKE, TO(STARTUP) | TO(CLOSING), "login") /* of TLS */                              \
	X(HELD, TO(AUTH) | TO(CLOSING), "login")     /* its address has failed before: it waits */ \
	X(AUTH, TO(ADMITTED) | TO(CLOSING), "login") /* proving who it is */                       \
	X(ADMITTED, TO(PROVING) | TO(IDLE) | TO(CLOSING), "waiting") /* for a server, to be        \
			greeted with its parameters and to have its own tried */                   \
	X(PROVING, TO(ADMITTED) | TO(IDLE) | TO(CLOSING), "active") /* its parameters are tried on \
			a server */                                                                \
	X(IDLE, TO(WAITING) | TO(LINKED) | TO(SKIPPING) | TO(CLOSING), "idle") /* has no server */ \
	X(WAITING, TO(LINKED) | TO(IDLE) | TO(SKIPPING) | TO(CLOSING), "waiting") /* for one */    \
	X(LINKED, TO(IDLE) | TO(CLOSING), "active")                               /* has one */    \
	X(SKIPPING, TO(IDLE) | TO(CLOSING), "idle") /* was refused: drops all up to a Sync */      \
	X(CLOSING, 0, "closing") /* its last words are on their way, or it is to be reaped */

#define CLIENT_STATE_ENUM_(state, edges, shown) CLIENT_##state,
enum client_state { CLIENT_STATES(CLIENT_STATE_ENUM_) };
#undef CLIENT_STATE_ENUM_

/* Why its connection is not read (conn_pause). */
enum client_pause {
	CLIENT_PAUSE_WAITING = 1 << 0, /* it asked for something that needs a server */
	CLIENT_PAUSE_PEER = 1 << 1,    /* the server does not take more */
	CLIENT_PAUSE_TRACK = 1 << 2,   /* too many requests of it are unanswered */
	CLIENT_PAUSE_AUTH = 1 << 3,    /* a helper computes */
	CLIENT_PAUSE_STUCK = 1 << 4,   /* it does not take what it was sent already */
};

struct client {
	struct conn conn;
	struct deferred reap;
	struct timer timer;  /* the one deadline that counts in this state */
	struct list link;    /* worker's list of clients */
	struct list in_pool; /* localpool's list of clients */

	struct worker *worker;  /* not owned */
	struct localpool *pool; /* not owned; NULL before AUTH has ended */
	struct server *server;  /* not owned; LINKED and PROVING */
	struct server *last;    /* not owned, perhaps gone: only compared; the one it had last */
	struct pool_waiter waiter;

	struct login *login;     /* owned; until IDLE is reached the first time */
	struct journal *journal; /* owned; while there are batches or statements to remember */
	struct keep *keep;       /* owned; what it may have left in its server; NULL: nothing */
	struct prepared_names *prepared; /* owned; what it has prepared; NULL: nothing */
	struct paramset *params;    /* a reference; what it wants, against what the server gave */
	struct paramset *came_with; /* a reference; what it asked for at its login */
	struct buf *in;             /* owned; what was read and must wait; NULL: nothing */

	char *user;                        /* owned; as it logged in */
	struct registry_entry *user_entry; /* a reference; it counts against the user's and the
					      database's clients; NULL: not yet, or no more */
	struct addr peer;
	uint32_t cancel_pid; /* what it was given as BackendKeyData, with cancel_key */

	uint64_t id;
	uint32_t cancel_key;
	uint32_t body_left;     /* of a message that is passed on, or dropped, piece by piece */
	uint32_t era;           /* of its pool, when it came (proxy/era.h) */
	uint32_t moved_at_tick; /* the balancer's, of this worker; 0: it has not moved */
	uint16_t opening;       /* it has begun a transaction that no server knows of (opening.h) */
	uint8_t state;          /* enum client_state; written by client_enter alone */
	bool is_unix;
	bool said_goodbye;    /* it sent Terminate: what it asked for before is still done */
	bool admitted;        /* it counts against max_client_conn */
	bool lingers;         /* CLOSING: it is in worker->lingering */
	bool has_left;        /* something in a session that was not its own: the log knows */
	bool named_defines;   /* some statement that it has prepared changes what is defined */
	bool unnamed_defines; /* ... the unnamed one does */
	bool was_kept;        /* it has kept a server before: the log knows */

	usec_t connected_at;
	usec_t connected_wall;
	usec_t idle_at;    /* when it came into its state */
	usec_t request_at; /* when it asked for what it waits for or has */
	usec_t linked_at;  /* when it got its server */
	usec_t batch_at;   /* when the oldest unanswered request went to the server; 0 */
	usec_t quiet_at;   /* when it was last answered in full */
	usec_t xact_at;    /* when its transaction began; 0: in none */
};

/* A socket that was accepted for this worker. */
void client_accept(struct worker *w, int fd, const struct addr *peer, usec_t now);

/* It is this worker's from here on; what else it has is as it was. */
void client_join(struct client *c, struct worker *w);

/* Counts it in, unless `max` are in already; it counts until it is CLOSING. */
bool client_admit(struct client *c, int max) MUST_CHECK;

/* The only writer of the state: checks the edge, sets the deadline. */
void client_enter(struct client *c, enum client_state to, usec_t now);
const char *client_state_name(enum client_state state);  /* "LINKED" */
const char *client_state_shown(enum client_state state); /* as SHOW CLIENTS has it */

/* Ends it. With an error the client is told first; `why` is for the log. What its server
 * must go through is seen to (server_part). */
void client_close(struct client *c, const char *why, usec_t now);
void client_fail(struct client *c, enum error_id error, const char *detail, const char *hint,
		 usec_t now, ...);
/* The same with an ErrorResponse that is already built. */
void client_fail_with(struct client *c, struct slice message, const char *why, usec_t now);

void client_on_conn(struct conn *conn, enum conn_event event, usec_t now);

/* The pool's answers to its request. */
void client_granted(struct client *c, struct server *s, usec_t now);
void client_refused(struct client *c, enum error_id error, const char *message, usec_t now);

/* Its server is taken from it: the transaction is over. */
void client_unlinked(struct client *c, usec_t now);

/* Sends, and closes it where that is not possible any more. False: it is closing. */
bool client_send(struct client *c, struct slice bytes, usec_t now);

/* "db/user@1.2.3.4:55", for log lines. */
const char *client_text(const struct client *c, char *out, size_t out_bytes);

/* ---- deadlines (client_deadline.c) ---- */

/* The one that this state, and what its server does, ask for: to be set anew when either changes,
 * where the pool has any. */
void client_deadline_set(struct client *c, usec_t now);

usec_t client_deadline_login(const struct client *c);       /* when its login has to be over */
void client_deadline_on_timer(struct timer *t, usec_t now); /* client->timer */

#endif
