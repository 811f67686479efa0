/*
 * aside.h - a transaction block of our own amid a batch of a client's.
 *
 * What is put in front of a client's message may have to end the transaction that it has begun
 * (prepared_scene.h), and alone COMMIT is warned of: BEGIN stands in front of it. What fails
 * between the two (a cancel, statement_timeout) fails the client's batch, as it would directly; but
 * the client has begun no block, and is not to be told of one that has failed. So ROLLBACK goes
 * out, and its ReadyForQuery comes behind that. What the client sends behind the batch waits until
 * it is known that the block has ended.
 *
 *	NONE --(sent)--> SENT --(refused)--> FAILED --(ReadyForQuery, E)--> NONE, the errand is UNDO
 *	                 SENT --(ReadyForQuery)--> NONE
 *
 * Owner: what the server has prepared (prepared_set.h); its state is the server's. Thread: worker.
 */
#ifndef PROXY_ASIDE_H
#define PROXY_ASIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/usec.h"

struct server;

enum aside_state { ASIDE_NONE, ASIDE_SENT, ASIDE_FAILED };

struct aside {
	uint32_t from_seq;  /* of its BEGIN; of several in one batch, the first's */
	uint32_t to_seq;    /* of its COMMIT; the last's */
	uint32_t ready_seq; /* UNDO: of the Sync that is still to be answered to the client */
};

/* Its BEGIN and its COMMIT are sent, or come next, as these messages. */
void aside_begin(struct server *s, uint32_t from_seq, uint32_t to_seq);

/* Must what the client sends next wait? */
bool aside_holds(const struct server *s);

/* The server has refused the message. */
void aside_failed(struct server *s, uint32_t seq);

/* ReadyForQuery to the message `seq`, a client's: true where that is not to be told now. */
bool aside_ready(struct server *s, uint32_t seq, usec_t now);

/* The errand UNDO is done. */
void aside_undone(struct server *s, usec_t now);

#endif
