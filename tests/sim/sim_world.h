/*
 * sim_world.h - a world in which the pool lives: workers, clients, servers, mail, and a
 * clock that jumps from event to event.
 *
 * Everything is drawn from one seed, so that a failure is seen again with the same seed.
 * The world keeps its own books (who has what, what is under way) and never asks the pool
 * for them; sim_check.c compares the two after every event.
 *
 * Thread: one.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "base/list.h"
#include "pool/pool.h"

#define SIM_MAX_WORKERS 4
#define SIM_MAX_POOLS 4
#define SIM_MAX_CAPS 4 /* two databases and two users */
#define SIM_MAX_CLIENTS 64
#define SIM_MAX_SERVERS 512

/*
 *  CLIENT   it thinks, is served, or loses its patience: what comes next
 *  LOGIN    of a server ends
 *  PING     of a server ends
 *  CLOSED   a server that was closed is gone
 *  CLEANED  a server that its client has left is clean
 *  MAIL     the next mail in a worker's box is due
 *  TICK     pool_next of a slice
 *  CHAOS    something that nobody asked for
 */
#define SIM_EVENTS(X) X(CLIENT) X(LOGIN) X(PING) X(CLOSED) X(CLEANED) X(MAIL) X(TICK) X(CHAOS)

enum sim_event_kind {
#define X(kind) SIM_EVENT_##kind,
	SIM_EVENTS(X)
#undef X
};

struct sim_event {
	usec_t at;
	uint64_t order; /* of those at one time, the one added first */
	enum sim_event_kind kind;
	unsigned index;  /* of a client, server or worker */
	unsigned pool;   /* TICK */
	uint64_t serial; /* what it was for is over if its object has another */
};

enum sim_mail_kind {
	SIM_MAIL_WAKE,
	SIM_MAIL_EVICT,
	SIM_MAIL_HAND,
	SIM_MAIL_CONFIGURE,
	SIM_MAIL_PAUSE,
	SIM_MAIL_RESUME,
	SIM_MAIL_SWEEP,
	SIM_MAIL_KILL,
};

struct sim_mail {
	enum sim_mail_kind kind;
	unsigned pool;
	struct pool_cap *cap;
	struct sim_server *server;
	struct pool_limits limits;
};

enum sim_client_state { SIM_THINKS, SIM_WAITS, SIM_SERVED };

struct sim_client {
	struct pool_waiter waiter;
	enum sim_client_state state;
	unsigned index, worker, pool;
	uint64_t serial;           /* of its next event */
	struct sim_server *server; /* while SERVED */
	usec_t asked_at, deadline;
};

/* What the world knows of a server, whatever the pool thinks. */
enum sim_server_state {
	SIM_FREE, /* the slot is not used */
	SIM_LOGIN,
	SIM_IDLE,
	SIM_ACTIVE,
	SIM_CLEANED, /* its client has left it; it is being made clean */
	SIM_PINGED,  /* and not yet answered */
	SIM_MOVED,   /* in the mail */
	SIM_CLOSED,  /* ordered, not yet gone */
};

struct sim_server {
	struct pool_member member;
	enum sim_server_state state;
	unsigned index, worker, pool;
	uint64_t serial;
	struct sim_client *client; /* while ACTIVE */
	usec_t last_done;          /* when it last did anything */
	usec_t opened_at;
	bool was_moved; /* since last_done */
};

#define SIM_BOX 4096 /* mails under way to one worker */

struct sim_worker {
	struct pool_worker pool_worker;
	struct sim_mail box[SIM_BOX];
	usec_t due[SIM_BOX];
	size_t first, count;
	usec_t last_due;
};

struct sim_pool {
	struct pool_shared shared;
	struct pool_slice slices[SIM_MAX_WORKERS];
	bool is_here[SIM_MAX_WORKERS]; /* the slice; it comes with a request, and ends unused */
	struct pool_limits limits;
	usec_t tick_at[SIM_MAX_WORKERS]; /* the earliest TICK that is in the queue */
	int32_t used;                    /* by the world's own count */
	bool is_down;                    /* no login succeeds */
	bool is_paused;
	usec_t retry_at;    /* 0: the last login that ended succeeded */
	unsigned unsettled; /* reloads and pauses that some worker has not yet read */
	usec_t served_at;   /* a server was last given or handed to somebody */
	usec_t idle_since[SIM_MAX_WORKERS];   /* waiting here though one idles elsewhere */
	usec_t permit_since[SIM_MAX_WORKERS]; /* ... though one could be opened */
	usec_t evict_since[SIM_MAX_WORKERS];  /* ... though another pool's could be closed */
	usec_t min_since;                     /* fewer are open than min_pool_size asks for */
	int32_t last_used;
};

struct sim_totals {
	uint64_t grants, opens, refused, left, hands, wakes, evicts, closes, pings, cleans, ends,
		worlds;
};

/* How the world behaves. Chances are out of a thousand. */
struct sim_habits {
	usec_t mail_max_us, login_max_us, served_max_us, think_max_us, patience_max_us;
	usec_t close_max_us, clean_max_us, chaos_every_us;
	unsigned login_fails, ping_fails, server_dies, client_leaves, cleans, meddles, slices_end;
	bool is_uneven; /* one client in four is busy, the others hardly, in turns */
};

struct sim_world {
	uint64_t rng;
	uint64_t seed;
	long step;
	usec_t now;
	unsigned n_workers, n_pools, n_clients, n_caps;
	struct sim_habits habits;
	struct sim_worker workers[SIM_MAX_WORKERS];
	struct sim_pool pools[SIM_MAX_POOLS];
	struct pool_cap caps[SIM_MAX_CAPS];
	int32_t cap_used[SIM_MAX_CAPS], cap_last_used[SIM_MAX_CAPS];
	struct sim_client clients[SIM_MAX_CLIENTS];
	struct sim_server servers[SIM_MAX_SERVERS];
	unsigned n_servers;     /* slots that were ever used */
	struct sim_event *heap; /* owned */
	size_t n_events, heap_cap;
	uint64_t next_order;
	bool is_ending;                      /* clients ask no more, nothing more goes wrong */
	const struct sim_client *pinged_for; /* whose ping was answered by this event */
	bool is_meddled; /* in the orders being carried out: strict order cannot be checked */
	struct sim_totals totals;
};

/* ---- sim_world.c: randomness, events, mail, making and ending ---- */
uint64_t sim_world_random(struct sim_world *w, uint64_t below);
bool sim_world_chance(struct sim_world *w, unsigned of_thousand);
void sim_world_add(struct sim_world *w, usec_t after, enum sim_event_kind kind, unsigned index,
		   unsigned pool, uint64_t serial);
bool sim_world_next(struct sim_world *w, struct sim_event *out);
void sim_world_mail(struct sim_world *w, unsigned worker, const struct sim_mail *mail);
struct sim_mail sim_world_read(struct sim_world *w, unsigned worker);
void sim_world_init(struct sim_world *w, uint64_t seed);
void sim_world_init_uneven(struct sim_world *w, uint64_t seed, unsigned n_workers);
void sim_world_fini(struct sim_world *w);
struct pool_limits sim_world_limits(struct sim_world *w);
void sim_world_add_slice(struct sim_world *w, unsigned pool, unsigned worker);

/* ---- sim_event.c: what happens, and the carrying out of orders ---- */
void sim_event_run(struct sim_world *w, const struct sim_event *event);
void sim_event_calm(struct sim_world *w); /* nobody asks any more; runs for a while */
void sim_event_end(struct sim_world *w);  /* everybody is sent home; runs until all is quiet */

void sim_event_free_server(struct sim_world *w, struct sim_server *srv);

/* ---- sim_chaos.c: what goes wrong, and what the operator does ---- */
void sim_chaos_run(struct sim_world *w);
void sim_chaos_stop(struct sim_world *w); /* the operator puts everything right */
void sim_chaos_meddle(struct sim_world *w, unsigned worker); /* while orders are carried out */
void sim_chaos_lose(struct sim_world *w, struct sim_server *srv);
void sim_chaos_leave(struct sim_world *w, struct sim_client *c);
void sim_chaos_restart_thinking(struct sim_world *w, struct sim_client *c);

/* ---- sim_check.c: what must hold ---- */
void sim_check_world(struct sim_world *w);
void sim_check_grant(struct sim_world *w, const struct sim_client *c, const struct sim_server *srv);
void sim_check_open(struct sim_world *w, const struct pool_slice *s, struct sim_pool *p);
void sim_check_refuse(struct sim_world *w, const struct sim_client *c, enum pool_reason why);
void sim_check_queued(struct sim_world *w, const struct sim_client *c);
void sim_check_close(struct sim_world *w, const struct sim_server *srv, enum pool_reason why);
void sim_check_calm(struct sim_world *w); /* nobody has asked for long, nothing goes wrong */
void sim_check_end(struct sim_world *w, unsigned pool, unsigned worker); /* of a slice */
void sim_check_empty(struct sim_world *w);

#define SIM_CHECK(w, cond)                                                                         \
	do {                                                                                       \
		if (!(cond))                                                                       \
			sim_check_failed((w), __FILE__, __LINE__, #cond);                          \
	} while (0)
NORETURN void sim_check_failed(const struct sim_world *w, const char *file, int line,
			       const char *cond);

#endif
