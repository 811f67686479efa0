/*
 * batch.h - the times and texts of one batch, and the record that is made of it.
 *
 * A batch is a simple Query, an extended batch up to its Sync, or a FunctionCall: what the server
 * ends with one ReadyForQuery. The journal fills it in.
 *
 * Owned by the journal. Thread: worker.
 */
#ifndef PROXY_BATCH_H
#define PROXY_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/usec.h"
#include "tap/record.h"
#include "tap/texts.h"

struct client;

struct batch {
	struct tap_texts texts;
	uint32_t end_seq; /* of the item that ends it, once `sealed` */
	bool sealed;      /* its last message was forwarded */
	bool ended;       /* its ReadyForQuery was passed on */
	enum record_protocol protocol;
	usec_t start;      /* when its first message was there */
	usec_t wait_us;    /* for a server */
	usec_t first_byte; /* when it came; 0: not yet */
	usec_t end;        /* when ReadyForQuery came */
	usec_t drain_us;
	usec_t gap_us; /* the client thought */
	uint64_t rows, bytes_in, bytes_out;
	uint32_t statements, errors, flags;
	char sqlstate[6];
	usec_t xact_at;
};

/* It has ended: a record of it goes into the tap if it took as long as the client's settings say.
 */
void batch_judge(const struct batch *b, struct client *c, usec_t end);

#endif
