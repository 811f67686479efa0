/*
 * hub.h - the one server connection that listens for all clients of a database: the shared
 * listener (listen = shared).
 *
 *	client's ear --join--> branch --WANT, DROP, BYE--> hub        (mails to the hub's owner)
 *	client's ear <--note-- branch <--NOTE, THERE, LEAVE, LOST-- hub   (mails to each worker)
 *
 * The server of the first client that listens becomes the hub's: it is listening already, so that
 * nothing is lost, and no other connection has to be opened. It stays where it was, in its pool and
 * with the worker that it was with (the hub's owner), counts against all limits and max_kept there
 * (lend.h), and is LISTENING. It listens to whatever any client of any worker wants to hear, and to
 * one channel of ours, the marker's (proxy/seam.h). What it hears goes to the workers that have
 * listeners (proxy/branch.h), each notification once (proxy/note.h).
 *
 * While nobody hears from it (a client that comes home for a transaction is back soon) it has no
 * place among those that are kept, and ends as soon as anybody waits for a server of its database
 * or user. Who joins it then waits until it has a place again; if there is none it ends, too.
 *
 * There is a hub for each database as clients name it and each client_encoding: PostgreSQL sends
 * names and payloads in that of the session. It ends, for good, when nobody has wanted anything for
 * a while (its server goes back to its pool), or when its server is lost: then all who hear from it
 * are told, for what they missed meanwhile nobody knows. After RECONNECT another server takes over
 * from its own (proxy/heir.h). PAUSE dismisses it, and so does a reload
 * that leads its database elsewhere: who hears from it is told as soon as he is in no transaction,
 * and it ends with the last of them.
 *
 * Counted by reference: branches, the owner's server, mails. The table (proxy/hub_table.h) has
 * those that can be joined.
 *
 * Thread: any where it says so; else the owner's worker.
 */
#ifndef PROXY_HUB_H
#define PROXY_HUB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bug.h"
#include "base/map.h"
#include "base/slice.h"
#include "base/usec.h"
#include "proxy/proxy.h"

struct heir;
struct hub_table;
struct note;
struct server;
struct worker;

#define HUB_MARKER_BYTES 32
#define HUB_NOBODY (-1)

struct hub {
	atomic_uint refs;
	struct hub_table *table; /* not owned */
	struct slice key;        /* owned: database, zero, client_encoding */
	char marker[HUB_MARKER_BYTES];
	atomic_int owner;     /* the number of a worker; HUB_NOBODY: not yet */
	atomic_int listeners; /* clients that hear from it, over all workers */
	atomic_bool is_lent;  /* its server has a place (lend.h); written by the owner */
	bool is_ended;        /* the table's lock guards it: nobody can join any more */

	/* the owner's worker has the rest */
	struct server *server;               /* not owned; NULL: it has ended */
	struct heir *heir;                   /* owned; what is to take over; or NULL */
	bool yields;                         /* somebody waits for a server */
	const char *dismissed_by;            /* static: its members are to leave; or NULL */
	uint64_t target;                     /* where its server is (route_target) */
	struct map channels;                 /* name -> who wants it */
	struct buf todo;                     /* what its server is to be told next */
	uint64_t members;                    /* workers with a branch, a bit each */
	uint64_t asked[PROXY_MAX_WORKERS];   /* the last WANT of each */
	uint64_t running[PROXY_MAX_WORKERS]; /* ... that what its server is told now is for */
	uint64_t told[PROXY_MAX_WORKERS];    /* ... that THERE was said to */
	uint64_t notes;
	usec_t since;
};

/* For the table: of a key, with a marker of its own; no reference yet. */
struct hub *hub_new(struct hub_table *table, struct slice key, uint64_t mark) MUST_CHECK;

struct hub *hub_ref(struct hub *hub); /* Thread: any */
void hub_unref(struct hub *hub);      /* NULL is fine. Thread: any */

/* Its server is still to be found: true, and the worker has to give it one (hub_adopt). Thread:
 * any. */
bool hub_claim(struct hub *hub, unsigned worker) MUST_CHECK;

/* The server is LISTENING, to `names` (each with a zero behind it) so far, for its own worker's
 * branch, which is told THERE with `seq` when it hears markers too. */
void hub_adopt(struct hub *hub, struct server *s, struct slice names, uint64_t seq, usec_t now);

/* Who hears from it is to leave, and is told `by` what: a static text. */
void hub_dismiss(struct hub *hub, const char *by, usec_t now);

/* After RECONNECT: its server shall be another (proxy/heir.h). */
void hub_renew(struct hub *hub, usec_t now);

/* Its server, or the one that is to take over, has sent a NotificationResponse; has answered; is
 * gone; may take the next step. */
void hub_heard(struct server *s, struct slice body);
void hub_answered(struct server *s, bool failed, usec_t now);
void hub_lost(struct server *s, usec_t now);
void hub_settle(struct server *s, usec_t now);

/* A branch's mails; `names` is taken over, and emptied. Thread: any. */
void hub_want(struct hub *hub, struct worker *from, uint64_t seq, struct buf *names);
void hub_drop(struct hub *hub, struct worker *from, struct buf *names);
void hub_bye(struct hub *hub, struct worker *from);

/* The last of those who hear from it has left, over all workers. Thread: any. */
void hub_is_spare(struct hub *hub, struct worker *from);

/* Its server, which has nothing else to do, is asked so, and lost if it does not answer within
 * server_connect_timeout. */
void hub_query(struct hub *hub, struct slice sql, usec_t now);

/* The same of what it was asked already. */
void hub_expect_answer(struct hub *hub, usec_t now);

/* A marker has not come through it, or it has not listened to what it was asked to, for seconds. If
 * its server does not answer either, it is lost. Thread: any. */
void hub_doubt(struct hub *hub, struct worker *from);

/* Somebody waits for a server: it is to end, if nobody hears from it. Thread: any. */
void hub_yield(struct hub *hub, struct worker *from);

/* A notification, to all who hear from it. */
void hub_say(struct hub *hub, struct note *note);

/* In which client_encoding; empty: that of the server's login. Thread: any. */
struct slice hub_encoding(const struct hub *hub);

/* The server's parameters shall be as at its login, but for the encoding: whatever a client has set
 * there is not to end what others listen to. Sent now, if there is anything to be set. */
void hub_fit(const struct hub *hub, struct server *s, usec_t now);

/* It has not taken them. One that was its client's goes on as it was, in that one's encoding; one
 * that was to take over (proxy/heir.h) might not have it, and does not. */
void hub_unfit(struct server *s, usec_t now);

#endif
