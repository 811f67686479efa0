/*
 * loadconn.h - one client of the load generator: it logs in, then does what its role says.
 *
 * Whatever is not as it must be ends the program with a line that says what: a wrong nonce, an
 * ErrorResponse, a connection that breaks.
 *
 * Owner: main. One thread.
 */
#ifndef BENCH_LOADCONN_H
#define BENCH_LOADCONN_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/scram.h"
#include "base/buf.h"
#include "base/bug.h"
#include "base/hist.h"
#include "base/list.h"
#include "base/usec.h"
#include "loadlink.h"

/*     role     option        what it does */
#define LOADCONN_ROLES(X)                                                                          \
	X(QUERY, "clients")     /* a query with a nonce, and again when the answer has come */     \
	X(IDLE, "idle")         /* nothing: it is logged in */                                     \
	X(STREAM, "streams")    /* a large result, again and again */                              \
	X(COPY_OUT, "copy-out") /* the same as COPY TO */                                          \
	X(COPY_IN, "copy-in")   /* COPY FROM */                                                    \
	X(STORM, "storm")       /* connects, logs in, asks once, disconnects, again and again */

enum loadconn_role {
#define X(role, option) LOADCONN_##role,
	LOADCONN_ROLES(X)
#undef X
		LOADCONN_ROLE_COUNT
};

enum loadconn_proto { LOADCONN_SIMPLE, LOADCONN_EXTENDED, LOADCONN_PREPARED };

/* What ends the program. */
enum loadconn_exit {
	LOADCONN_EXIT_USAGE = 2,
	LOADCONN_EXIT_REFUSED = 3, /* an ErrorResponse */
	LOADCONN_EXIT_WRONG = 4,   /* an answer that is not the one to what was asked */
	LOADCONN_EXIT_BROKEN = 5,  /* a connection ended */
	LOADCONN_EXIT_STUCK = 6,   /* nothing has come for long */
};

struct loadconn_group {
	unsigned count;
	uint64_t done; /* what was answered since the measuring began */
	uint64_t bytes;
	struct hist latency;
};

struct loadrun {
	struct loadtarget target;
	const char *user, *database;
	struct scram_keys keys;
	enum loadconn_proto proto;
	unsigned app_names; /* clients have so many in turn; 0: none is said */
	uint64_t stream_bytes;
	unsigned row_bytes;
	usec_t rest_us;        /* between an answer and a client's next query; 0: none */
	unsigned logins_per_s; /* that the storm offers, whether they are answered or not; 0: each
				  connection is followed by the next */

	bool asks;     /* whoever is free asks */
	bool measures; /* what is answered counts */
	uint64_t left; /* how many more queries may be asked */
	uint64_t unanswered;
	uint64_t progress;   /* anything at all */
	struct list resting; /* clients, by when they wake */
	unsigned logging_in, up;
	struct loadconn_group groups[LOADCONN_ROLE_COUNT];
	char *scratch;
};

struct loadconn {
	struct loadlink link;
	struct loadrun *run;
	struct scram_client *scram;
	struct buf in;
	enum loadconn_role role;
	uint8_t state; /* enum loadconn_state, in loadconn.c */
	bool has_row;
	uint32_t skip; /* of a message that is not looked at */
	unsigned id;
	uint32_t seq;
	uint64_t done;
	uint64_t bytes;  /* of a stream or a COPY */
	usec_t asked_at; /* a storm's: when its login was offered */
	struct list resting;
	usec_t wakes_at;
	char nonce[24];
};

#define LOADCONN_SCRATCH_BYTES ((size_t)1 << 20)

void loadconn_open(struct loadconn *c, struct loadrun *run, enum loadconn_role role, unsigned id);
void loadconn_event(struct loadconn *c, uint32_t events);

/* Asks, if it is free and may. */
void loadconn_go(struct loadconn *c);

/* Will do so then; in the order of these times. */
void loadconn_rest(struct loadconn *c, usec_t until);

/* Those whose rest is over ask. When the next one will; USEC_NEVER. */
usec_t loadconn_wake(struct loadrun *run, usec_t now);

_Noreturn void loadconn_die(enum loadconn_exit status, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
