/*
 * ear.h - what a client listens to, and from where it hears it (listen = shared).
 *
 * LISTEN, UNLISTEN and all that can change, show or send notifications run on a server that
 * listens for this client alone, as without a pooler: it is at HOME, and keeps that server. What it
 * listens to is then asked of the server (proxy/inspect.h). When it could be released but for that,
 * the client goes AWAY: it hears from its database's hub (proxy/hub.h), and its server is told
 * UNLISTEN * and goes to others. Before its next statement that has to do with notifications, does
 * more than read, or begins a transaction block, it comes back: the server that it gets for it is
 * made to listen first. So a rollback, a savepoint, pg_listening_channels(), a NOTIFY to oneself
 * and an error mean what they mean in PostgreSQL, and nothing of it is imitated.
 *
 *	state      it hears                    what happens                  its server
 *	HOME       its server                                                kept
 *	ASKING     its server                  the hub is asked to listen    kept
 *	LEAVING    its server, then the hub    the marker is under way       kept
 *	AWAY       the hub                                                   none for this
 *	RECALLED   the hub                    it is not known to listen yet  kept; statements wait
 *	RETURNING  the hub, then its server    the marker is under way       kept; statements wait
 *
 * The marker is a NOTIFY by the client's server on the hub's own channel, which that server listens
 * to only meanwhile; proxy/seam.h says why each notification is heard exactly once. ASKING and
 * LEAVING are given up when the client says something, or when the hub does not answer in time
 * (then for good). A client that sends notifications itself stays at HOME: it is to hear its own at
 * once, in front of the ReadyForQuery of the transaction that sent them.
 *
 * PAUSE is not to wait for who only listens. Who keeps a server for nothing but LISTEN, or none, is
 * told so and disconnected once it is in no transaction; who is RECALLED or RETURNING comes home
 * first, for that.
 *
 * What it hears while it is in the middle of something (a query, its socket full) waits until it is
 * not, up to listen_buffer bytes.
 *
 * Owner: the client's struct keep. Thread: worker.
 */
#ifndef PROXY_EAR_H
#define PROXY_EAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/slice.h"
#include "base/usec.h"
#include "base/wheel.h"
#include "proxy/seam.h"

struct branch;
struct branch_seat;
struct client;

#define EAR_STATES(X)                                                                              \
	X(HOME, TO(ASKING) | TO(LEAVING) | TO(AWAY))                                               \
	X(ASKING, TO(HOME) | TO(LEAVING))                                                          \
	X(LEAVING, TO(HOME) | TO(AWAY))                                                            \
	X(AWAY, TO(RECALLED) | TO(RETURNING))                                                      \
	X(RECALLED, TO(RETURNING))                                                                 \
	X(RETURNING, TO(HOME))

#define EAR_STATE_ENUM_(state, edges) EAR_##state,
enum ear_state { EAR_STATES(EAR_STATE_ENUM_) };
#undef EAR_STATE_ENUM_

/* By what it is ended, in words for it. */
#define EAR_PAUSE "PAUSE"
#define EAR_ELSEWHERE "RECONNECT to where nobody has listened"
#define EAR_MOVED "a change of where the database leads"

/* Who listens to more keeps its server. */
#define EAR_MAX_NAMES 256

struct ear {
	struct client *client; /* not owned */
	struct branch *branch; /* not owned; all but HOME */
	struct list on_branch;
	struct branch_seat *seats; /* owned; in front of its channels, with `branch` */
	uint64_t asked;            /* what it has to wait for there */
	char **names;              /* owned; what it listens to, as PostgreSQL says it */
	size_t count;
	struct list queue; /* what it is to be told next */
	struct list held;  /* what the seam has held */
	size_t bytes;      /* of both */
	struct timer timer;
	char *cause;      /* owned; of its keeping, while it is AWAY; or NULL */
	char marker[32];  /* the channel of the hub that it dealt with last; "": none */
	char payload[32]; /* of the marker that is under way: no other has had it */
	uint8_t state;    /* enum ear_state; written by ear_enter alone */
	enum seam_state seam;
	bool stays;  /* HOME for good */
	bool speaks; /* HOME: what it has said is offered in a moment */
};

/* The server has said what the client listens to there: names, each with a zero behind it. */
void ear_found(struct client *c, struct slice names);

void ear_free(struct ear *ear); /* NULL is fine */

/* Before its bytes go to its server: how many of them may. The others wait: they are offered again
 * when its server listens for it, or has answered. The client may be CLOSING. */
size_t ear_allows(struct ear *ear, struct slice in, usec_t now);

/* It has run something that sends notifications. */
void ear_sent(struct ear *ear);

/* Its server is quiet. True: the client has no server any more (it may be CLOSING), or still needs
 * it as it is. */
bool ear_settle(struct ear *ear, usec_t now);

/* Is its server kept for nothing but LISTEN, as far as is known, and would it do without it? */
bool ear_may_leave(const struct ear *ear);

/* It is asked to. False: it keeps its server. */
bool ear_leave(struct ear *ear, usec_t now);

/* Its server has answered to the marker's command. */
void ear_answered(struct ear *ear, bool failed, usec_t now);

/* Tells the client what waits, if this is the time for it. False: it has gone, and is CLOSING. */
bool ear_flush(struct ear *ear, usec_t now);

/* From the branch: the hub listens; the hub is dismissed; there is no hub any more, and no branch.
 */
void ear_is_there(struct ear *ear, usec_t now);
void ear_dismiss(struct ear *ear, usec_t now);
void ear_lost_hub(struct ear *ear, usec_t now);

/* "LISTEN a, b", and ", ..." where there is no room for more. */
const char *ear_describe(const struct ear *ear, char *out, size_t out_bytes);

static inline bool ear_is_home(const struct ear *ear)
{
	return ear->state == EAR_HOME || ear->state == EAR_ASKING || ear->state == EAR_LEAVING;
}

#endif
