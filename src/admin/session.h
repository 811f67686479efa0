/*
 * session.h - one operator at the console: a socket, and the talk on it.
 *
 *	OPEN -- Terminate, a fault --> LEAVING (its last words go out) -- EOF, 5 s --> CLOSED
 *	OPEN -- EOF ------------------------------------------------------------------> CLOSED
 *
 * Owned by the console (struct admin). Thread: main.
 */
#ifndef ADMIN_SESSION_H
#define ADMIN_SESSION_H

#include <stdbool.h>

#include "admin/talk.h"
#include "base/list.h"
#include "net/addr.h"
#include "net/conn.h"

struct admin;
struct proxy_console;
struct report_conn;
struct request;

/*      state    may become */
#define SESSION_STATES(X)                                                                          \
	X(OPEN, SESSION_TO(LEAVING) | SESSION_TO(CLOSED))                                          \
	X(LEAVING, SESSION_TO(CLOSED))                                                             \
	X(CLOSED, 0)

#define SESSION_TO(state) (1u << SESSION_##state)
#define SESSION_STATE_ENUM_(state, edges) SESSION_##state,
enum session_state { SESSION_STATES(SESSION_STATE_ENUM_) SESSION_STATE_COUNT };
#undef SESSION_STATE_ENUM_

struct session {
	struct list link;    /* admin->sessions */
	struct admin *admin; /* not owned */
	enum session_state state;
	struct conn conn;
	struct talk talk;
	struct buf in, out;      /* out: empty but while messages are handled */
	struct request *request; /* the command that is out; not owned */
	bool is_pumping;
	struct timer linger;
	struct deferred reap;
	char *user; /* owned */
	struct addr peer;
	usec_t connected_wall, request_wall; /* since 1970 */
};

/* Takes the socket and all else that is in the console; greets, and handles what the client has
 * sent already. */
void session_start(struct admin *admin, struct proxy_console *console, usec_t now);
void session_free(struct session *s); /* at once: when the console ends */

/* The command that was out has its answer. */
void session_answer(struct session *s, struct answer *answer, usec_t now);

/* As a line of SHOW CLIENTS. */
void session_describe(const struct session *s, struct report_conn *row);

#endif
