/*
 * rig.h - a few workers, pools, clients and servers for a test, and a log of what happens.
 *
 * What the pool orders is done at once and written down: "OPEN s0; GRANT c1 s0; ...".
 * Clients are c0, c1, ...; servers s0, s1, ... in the order of their OPEN. What goes to
 * another worker waits in the mail until rig_mail. A login ends when the test says so.
 */
#ifndef RIG_H
#define RIG_H

#include <check.h>

#include "pool/pool.h"

#define RIG_WORKERS 3
#define RIG_POOLS 2
#define RIG_CLIENTS 16
#define RIG_SERVERS 64
#define RIG_MAILS 64
#define RIG_LOG 4096

struct rig {
	usec_t now;
	unsigned n_workers;
	struct pool_cap db; /* both pools are under it */
	struct pool_shared pools[RIG_POOLS];
	struct pool_worker workers[RIG_WORKERS];
	struct pool_slice slices[RIG_POOLS][RIG_WORKERS];
	struct pool_waiter clients[RIG_CLIENTS];
	struct pool_member servers[RIG_SERVERS];
	unsigned n_servers;
	struct pool_order mails[RIG_MAILS];
	unsigned n_mails;
	char log[RIG_LOG];
	char said[RIG_LOG]; /* what rig_log returned last */
	bool is_held;       /* orders stay where they are until rig_run */
};

/* The usual: pool_size 2, max_overflow 1, no timeouts but pool_timeout 30 s, lifo. */
struct pool_limits rig_limits(void);

/* There is one rig: each call makes it anew. */
struct rig *rig_new(unsigned n_workers, struct pool_limits limits);

/* What happened since it was asked last. */
const char *rig_log(struct rig *r);
#define RIG_EXPECT(r, text) ck_assert_str_eq(rig_log(r), (text))

void rig_run(struct rig *r);            /* carries out what is ordered */
void rig_mail(struct rig *r);           /* delivers until there is no mail left */
void rig_at(struct rig *r, usec_t now); /* the clock, and what is due by then */

/* Logs "SERVED cN sM" where it is served at once. */
void rig_request_in(struct rig *r, unsigned pool, unsigned worker, unsigned client);
void rig_request(struct rig *r, unsigned client); /* pool 0, worker 0 */
void rig_leave(struct rig *r, unsigned client);

void rig_opened(struct rig *r, unsigned server);
void rig_open_failed(struct rig *r, unsigned server);
void rig_return(struct rig *r, unsigned server);
void rig_lost(struct rig *r, unsigned server);
void rig_ping_ok(struct rig *r, unsigned server);
void rig_ping_failed(struct rig *r, unsigned server);

/* Clients 0 to n-1 of pool 0 and worker 0 have servers 0 to n-1; the log is empty. */
void rig_serve(struct rig *r, unsigned n);

void rig_configure(struct rig *r, struct pool_limits limits); /* pool 0, in every worker */
int32_t rig_used(const struct rig *r);                        /* of pool 0 */

#endif
