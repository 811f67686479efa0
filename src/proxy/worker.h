/*
 * worker.h - one thread with its loop, its clients, its servers and its part of each pool.
 *
 * Everything hangs off struct worker, and nothing in it is touched by another thread
 * but what says so. Others send mail.
 *
 * Owned by the proxy. Thread: worker.
 */
#ifndef PROXY_WORKER_H
#define PROXY_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "auth/judge.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "base/slab.h"
#include "net/loop.h"
#include "net/mailbox.h"
#include "pool/pool.h"
#include "proxy/balancer.h"
#include "proxy/moves.h"
#include "proxy/proxy.h"
#include "wire/errors.h"

/* What one recv may bring, and with it what one turn of one connection may cost. */
#define WORKER_SCRATCH_BYTES ((size_t)256 << 10)
/* Buffers that are kept for clients that have to wait, and how large each may be. */
#define WORKER_SPARE_BUFS 64
#define WORKER_SPARE_BUF_BYTES 1024

struct authquery;
struct client;
struct doorkeeper;
struct journal;
struct listener;
struct localpool;

/* What all workers share, written before they start. Owned by the proxy. */
struct worker_shared {
	struct proxy *proxy;
	/* Whatever waits for servers has bounds for each of them: one that does not answer keeps
	 * nobody waiting who wants another. */
	struct helper_crew *crew;      /* logs in to servers */
	struct helper_crew *cancelers; /* cancels */
	struct helper_crew *clerks;    /* computes for clients' logins: waits for nobody */
	/* who is asked about a login, each kind with threads of its own: one that hangs keeps
	 * nobody waiting but those whom it is asked about */
	struct helper_crew *judges[JUDGE_KIND_COUNT];
	struct authquery *authquery; /* asks servers about users */
	struct registry *registry;
	struct paramset_table *params;
	struct stmt_table *stmts;
	struct hub_table *hubs;
	struct mailbox *main; /* to the main thread */
	struct auth_mock mock;
	struct worker **workers;
	unsigned worker_count;
	atomic_int clients;  /* connected, over all workers; the console's apart */
	atomic_int admitted; /* of these, who count against max_client_conn */
	atomic_int at_gate;  /* of these, who has not logged in */
	struct doorkeeper *doorkeeper;
	struct moves moves;
	atomic_bool closing; /* no new logins */
	void (*on_console)(void *owner, struct proxy_console *console, usec_t now);
	void (*on_record)(void *owner);
	void *owner;
};

struct worker {
	struct worker_shared *shared;
	unsigned index;
	struct loop *loop;
	struct mailbox *box;
	pthread_t thread;
	struct listener
		*door;       /* main's; of the one that accepts: proxy/door.h; NULL: another does */
	struct setup *setup; /* a reference */
	struct tap_ring *tap;

	char *scratch;      /* where sockets are read to; owned */
	size_t texts_bytes; /* of prepared statements, read for what they do in this turn */
	struct buf *spare_in[WORKER_SPARE_BUFS]; /* owned; empty, for the next client's in */
	unsigned spare_in_count;
	struct slab clients;
	struct list client_list;
	struct list at_gate;     /* logins that have not shown who they are, the oldest first */
	struct timer gate_timer; /* what was not logged of failed logins is to be summed up */
	uint64_t shaking_turn;   /* of the loop, the last in which it shook hands itself */
	unsigned shaken;         /* in that turn: steps of handshakes (login_tls.c) */
	struct map keys;         /* cancel pid -> client */
	struct map pools;        /* route key -> localpool, owned */
	struct list spare_pools; /* of these, those that nobody uses, the longest first */
	struct timer spare_timer;
	usec_t spare_until; /* of the timer, while it is armed */
	struct pool_worker pool;
	struct list idle_journals;
	struct list touched; /* localpools whose timers are to be looked at */

	struct paramset *no_params; /* a reference: the empty set */
	uint64_t next_id;
	unsigned pending; /* logins and cancels in the helpers' hands */
	bool stopping;
	bool started;
	atomic_bool ended;
	bool carrying_out;
	struct balancer balancer;
	atomic_int load;      /* clients; read by who accepts */
	unsigned lingering;   /* clients that were told to go and may still read why */
	struct list commands; /* that wait for their end */
	struct list branches; /* owned; of hubs (proxy/branch.h) */
	struct list
		vacates; /* owned; commands that wait for a database to be left (proxy/vacate.h) */
};

struct worker *worker_new(struct worker_shared *shared, unsigned index, struct setup *setup,
			  struct tap_ring *tap, struct err *err) MUST_CHECK;
bool worker_start(struct worker *w, struct err *err) MUST_CHECK;
void worker_join(struct worker *w);
bool worker_has_ended(const struct worker *w); /* main: joining it will not wait */
void worker_free(struct worker *w);

/* Does the parameter follow the client from server to server? */
bool worker_tracks(const struct worker *w, struct slice name);

/* After every event: carries out what it has led to. */
void worker_settle(struct worker *w, usec_t now);

/* One less in the helpers' hands. */
void worker_done_pending(struct worker *w);

uint64_t worker_new_id(struct worker *w);

/* ---- mails from main; the mail is given away --------------------------------------- */

void worker_mail_setup(struct worker *w, struct setup *setup);
void worker_mail_stop(struct worker *w);

/* Fills a report about itself. */
void worker_report(struct worker *w, unsigned what, struct report *report, usec_t now);

#endif
