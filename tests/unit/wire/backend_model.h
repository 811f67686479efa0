/*
 * backend_model.h - how a PostgreSQL server reads messages and answers them, without any SQL.
 *
 * A reference for the track: it reads one message at a time from a queue that the client
 * fills, as late as it likes, and draws at random what becomes of it: an error, rows, a
 * transaction, a COPY. It follows PostgreSQL's main loop: what is skipped after an error, what
 * a COPY FROM STDIN reads, what ends the connection.
 */
#ifndef BACKEND_MODEL_H
#define BACKEND_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define MODEL_QUEUE 1024u

struct model_message {
	char type;
	char status; /* of a ReadyForQuery */
	bool own;    /* asked for, or an answer to what was asked for, by the pooler itself */
};

struct model_queue {
	struct model_message ring[MODEL_QUEUE];
	uint32_t head, tail;
};

struct model {
	struct model_queue in, out;
	uint64_t rng;
	unsigned errors_in_1000; /* how much goes wrong */
	unsigned copies_in_100;  /* of the statements */

	struct model_message at; /* the message being worked on */
	bool querying;           /* it is a simple query that is not done */
	unsigned statements;     /* of that, still to be run */
	bool copying;            /* reads the data of a COPY */
	bool copy_is_fresh;      /* and has read nothing yet */
	bool skipping;           /* to the next Sync */
	bool open;               /* has read extended messages, and no Sync behind them */
	bool runs;               /* among them a Bind or Execute of the client's */
	char tx_status;
	bool dead; /* the connection is closed */
};

void model_init(struct model *m, uint64_t seed);

/* A random number below n. */
uint32_t model_random(struct model *m, uint32_t n);

static inline uint32_t model_len(const struct model_queue *q)
{
	return q->tail - q->head;
}

void model_put(struct model_queue *q, struct model_message msg);
struct model_message model_take(struct model_queue *q);

/* Is there room for a message, and for the answers of one step? */
bool model_has_room(const struct model *m);

/* Runs a statement, or reads a message. False: there was nothing to do. */
bool model_step(struct model *m);

/* Has it nothing to do, and is nothing on its way? */
bool model_is_settled(const struct model *m);

/* The same, and could another client go on here without meeting anything of the last one's?
 * Messages that it will ignore do not matter. */
bool model_is_clean(const struct model *m);

#endif
