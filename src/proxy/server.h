/*
 * server.h - one connection to PostgreSQL, from its login to its end.
 *
 * Owner: the localpool of the worker that has it; it moves between workers by being
 * detached, mailed and attached. Freed after the loop's turn, once CLOSING. Thread: worker.
 */
#ifndef PROXY_SERVER_H
#define PROXY_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/wheel.h"
#include "net/conn.h"
#include "net/loop.h"
#include "net/mailbox.h"
#include "pool/pool.h"
#include "proxy/connector.h"
#include "wire/track.h"

struct client;
struct hub;
struct inspect;
struct learn;
struct localpool;
struct paramset;
struct prepared_set;
struct reset;
struct retry;

/*
 *   LOGIN --> IDLE <--> LINKED
 *              |^ ^        |
 *              v|  \       v
 *            PINGING +-- CLEANING        LINKED --> LISTENING --> CLEANING: it hears for all
 *                                        MOVING: between two workers
 *                                        (any) --> CLOSING
 */
#define SERVER_STATES(X)                                                                           \
	X(LOGIN, TO(IDLE) | TO(CLOSING), "login") /* a helper logs in; there is no socket here */  \
	X(IDLE, TO(LINKED) | TO(LISTENING) | TO(PINGING) | TO(MOVING) | TO(CLOSING), "idle")       \
	X(LINKED, TO(IDLE) | TO(CLEANING) | TO(LISTENING) | TO(CLOSING), "active") /* a client     \
			has it */                                                                  \
	X(LISTENING, TO(CLEANING) | TO(CLOSING), "listener") /* for all clients (proxy/hub.h) */   \
	X(CLEANING, TO(IDLE) | TO(CLOSING), "tested")        /* finishes what its client has left: \
			       drained, rolled back, reset, and no cancel under way */             \
	X(PINGING, TO(IDLE) | TO(LINKED) | TO(CLOSING), "tested") /* is it alive? */               \
	X(MOVING, TO(IDLE) | TO(CLOSING), "idle") /* in the mail to another worker */              \
	X(CLOSING, 0, "closing")

#define SERVER_STATE_ENUM_(state, edges, shown) SERVER_##state,
enum server_state { SERVER_STATES(SERVER_STATE_ENUM_) };
#undef SERVER_STATE_ENUM_

enum server_pause {
	SERVER_PAUSE_PEER = 1 << 0, /* the client does not take more */
};

/* What the message of ours is for that the server is answering; one at a time. */
enum server_errand {
	SERVER_ERRAND_NONE,
	SERVER_ERRAND_PARAMS, /* SET and RESET before the client's query */
	SERVER_ERRAND_SYNC,   /* closing what a client has left open */
	SERVER_ERRAND_ROLLBACK,
	SERVER_ERRAND_RESET,   /* server_reset_query */
	SERVER_ERRAND_DISCARD, /* what a client has left that kept its server */
	SERVER_ERRAND_PING,
	SERVER_ERRAND_LOOK,     /* what its client has left in the session (proxy/inspect.h) */
	SERVER_ERRAND_LEARN,    /* which names hide code (proxy/learn.h) */
	SERVER_ERRAND_SPOIL,    /* a transaction that has failed already (proxy/opening.h) */
	SERVER_ERRAND_UNDO,     /* a block of ours that has failed is rolled back (proxy/aside.h) */
	SERVER_ERRAND_MARK,     /* a marker among notifications (proxy/ear.h) */
	SERVER_ERRAND_LISTEN,   /* LISTENING: what it is to listen to */
	SERVER_ERRAND_UNLISTEN, /* its client hears from elsewhere */
	SERVER_ERRAND_PROBE,    /* an empty query whose answer tells where a conversation stands */
};

/* A BEGIN of its client's that we have sent (proxy/opening.h). */
enum server_opening {
	SERVER_OPENING_NONE,    /* or it is answered */
	SERVER_OPENING_SENT,    /* and is to be answered */
	SERVER_OPENING_CLOSED,  /* ..., and what ends in ReadyForQuery was sent behind it */
	SERVER_OPENING_SKIPPED, /* was refused; all is skipped up to the client's Sync */
	SERVER_OPENING_REFUSED, /* was refused; ReadyForQuery is to come */
};

#define SERVER_SEQUENCES_MIXED UINT64_MAX

struct server {
	struct conn conn;
	struct deferred reap;
	struct timer timer;
	struct timer recancel; /* CLEANING: when what runs on is cancelled once more */
	struct mail mail;      /* to the next worker */
	struct list link;      /* localpool's list of servers */
	struct list askers;    /* who waits for a cancel of what it runs (proxy/cancel.h) */
	struct pool_member member;
	struct localpool *pool; /* not owned */
	struct client *client;  /* not owned; LINKED */

	struct connector *connector; /* owned; LOGIN */
	struct connector_link wire;  /* owned; what the login gave */
	struct track track;

	struct prepared_set *prepared; /* owned; what is prepared there; NULL: nothing */
	struct retry *retry;           /* owned; a batch that may have to be sent again */
	struct reset *reset;           /* owned; what was put into its client's Queries */
	struct paramset *base;         /* a reference; the reported parameters at login; of those
					  that are not tracked, the last reports */
	struct paramset *params;       /* a reference; how it differs from its login now, or did
					  when the errand PARAMS began */
	union {
		struct inspect *look; /* owned; while the errand is LOOK */
		struct learn *learn;  /* owned; while the errand is LEARN */
	};
	struct hub *hub;         /* a reference; LISTENING */
	struct paramset *wanted; /* a reference while the errand is PARAMS: what it will have */
	struct buf in;           /* a reply's beginning that must wait for its end */
	struct buf before;       /* our own messages, to go out before the client's next bytes */
	uint32_t body_left;      /* of a reply that is passed on piece by piece */
	int pid;
	uint32_t reported; /* while the errand is PARAMS: of which members of base it has said what
			      they are now, a bit each */

	uint8_t state;    /* enum server_state; written by server_enter alone */
	uint8_t errand;   /* enum server_errand */
	uint8_t opening;  /* enum server_opening */
	uint8_t discard;  /* enum discard_state; while a client has it */
	uint8_t aside;    /* enum aside_state; while a client has it */
	bool body_passes; /* those bytes are for the client */
	bool errand_failed;
	bool holds_client;   /* the client's bytes wait for the end of the errand: PARAMS, SPOIL,
				UNDO, LEARN */
	bool needs_discard;  /* CLEANING: its client has left what DISCARD ALL ends */
	bool needs_unlisten; /* CLEANING: its client has gone on to hear from elsewhere */
	bool needs_reset;    /* CLEANING: server_reset_query is to be run */
	bool was_reset; /* while the errand is PARAMS: its parameters are in doubt if that fails */
	bool has_numbers; /* somebody may have taken numbers of sequences there (numbers.h) */
	bool is_unasked;  /* unknown code has run there, and nobody has asked what it left */
	bool is_worn;     /* it may have had temporary tables (proxy/worn.h) */
	bool is_outdated; /* its client has come after ALTER ROLE ... SET, and it has not */
	bool is_seeded;   /* what random() gives there can be foretold: doomed when it is given back
			   */
	bool is_doomed;   /* close it instead of using it again */
	bool cancel_waits; /* one more cancel is wanted, after the errand or the cancel under way */
	bool retries;      /* its client's batch goes out again behind ReadyForQuery */
	bool last_words;   /* a FATAL was passed on */
	bool is_last_call; /* CLEANING: the next deadline closes it */
	bool copy_failed;  /* CLEANING: CopyFail was sent */
	bool is_reaped;    /* CLOSING: it only waits for its cancel or its login to come back */
	bool has_run;      /* its client has run more than BEGIN since it got it */
	bool is_cancelling; /* a cancel is under way: nobody else may have it */

	uint32_t era; /* of its route, when its login began (proxy/era.h) */
	char *alters; /* owned; the role that begins with other settings after this transaction;
			 empty: any; NULL: none (era.h) */
	struct site *defines;  /* a reference: what runs there changes what is defined (define.h) */
	uint64_t sequences_of; /* pool_mode auto: the client whose numbers of sequences it may
				  hold; 0: none; SERVER_SEQUENCES_MIXED: of several */
	uint64_t id;
	uint64_t tainted_by; /* the client that has run unknown code there last; 0: nobody */
	usec_t connected_at;
	usec_t connected_wall;
	usec_t released_at;
	usec_t linked_at; /* the last time */
	usec_t errand_at; /* when the last message of ours was made */
};

void server_enter(struct server *s, enum server_state to, usec_t now);
const char *server_state_name(enum server_state state);
const char *server_state_shown(enum server_state state);

/* A server object in LOGIN, that is nowhere yet. */
struct server *server_new(struct localpool *lp, timer_fn on_deadline, usec_t now);

/* Starts a login; how it ended is told to the pool. */
void server_login(struct localpool *pool, usec_t now);

/* Its client has left: cancels what still runs, unless the client said goodbye, and cleans up. */
void server_part(struct server *s, usec_t now);

/* Parts it from its client, and does nothing else with either. */
void server_unlink(struct server *s);

/* The client it is linked to needs it no more. */
void server_let_go(struct server *s, usec_t now);

/* Its client needs it no more, but for what it listens to: it listens no more; or for all. */
void server_give_back(struct server *s, usec_t now);
void server_lend(struct server *s, usec_t now);

/* It is not to listen for all any more. */
void server_stop_listening(struct server *s, usec_t now);

/* Looks at where it stands and takes the next step. Called after all that came was handled. */
void server_settle(struct server *s, usec_t now);

/* Has it messages to answer? */
static inline bool server_is_busy(const struct server *s)
{
	return track_head_seq(&s->track) != track_next_seq(&s->track);
}

/* CLEANING has met its deadline: what still runs is cancelled first, then it is closed. */
void server_take_too_long(struct server *s, usec_t now);

/* Sends our own messages and what the client wants sent, in one write. */
void server_send(struct server *s, struct slice bytes, usec_t now);

void server_on_conn(struct conn *conn, enum conn_event event, usec_t now);

/* `set` as it is with what the server has just said of a setting; a new reference. */
struct paramset *server_param_said(const struct server *s, struct paramset *set, struct slice name,
				   struct slice value);

/* A ParameterStatus of its: keeps track. True where the client should hear of it. */
bool server_param(struct server *s, struct slice body);

/* It was set to what it is to have, s->wanted, which becomes what it has, as it spells that. */
void server_param_spell(struct server *s);

/* It said ReadyForQuery to the client. */
void server_note_ready(struct server *s, usec_t now);

/* ---- linking (server_link.c) ---- */

/* Gives it to a client: the parameters that differ go out before the client's bytes. */
void server_link(struct server *s, struct client *c, usec_t now);

/* Its parameters shall be its client's, before that one's bytes go out. */
void server_link_fit(struct server *s, usec_t now);

/* ---- cancelling (server_cancel.c) ---- */

/* What runs on it now is cancelled: because a client asks for it, or for nobody wants it. */
void server_cancel(struct server *s, usec_t now);

/* What it waited for is over: the cancel that waits is sent, if anything still runs. */
void server_cancel_waiting(struct server *s, usec_t now);

/* Its client parts from it, and what a cancel waits for was never sent: nothing is to be hit. */
void server_cancel_drop(struct server *s);

void server_cancel_on_timer(struct timer *t, usec_t now); /* server->recancel */

/* ---- the end (server_close.c) ---- */

/* Closes it. `why` is for the log. The pool is told that it is gone. */
void server_close(struct server *s, const char *why, usec_t now);

/* It said that it is going, to nobody in particular: it is closed. */
void server_close_last_words(struct server *s, struct slice body, usec_t now);

/* It sent what it cannot have sent: it is closed. */
void server_close_desync(struct server *s, char type, usec_t now);

/* CLOSING: does not wait for PostgreSQL to hang up any more. Harmless when it has ended. */
void server_close_at_once(struct server *s, usec_t now);

/* ---- elsewhere ---- */

/* To another worker. */
void server_move(struct server *s, unsigned worker, usec_t now);

/* Gives up a login that has not ended. */
void server_login_stop(struct server *s);

#endif
