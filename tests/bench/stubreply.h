/*
 * stubreply.h - what the stub PostgreSQL answers: messages in, bytes out.
 *
 * It knows no tables. What it understands, of simple and of extended queries:
 *
 *	select 'text'          one row with that text: the nonce comes back
 *	select $1              the same for the first parameter of the Bind
 *	stream BYTES ROW       so many bytes of rows of ROW bytes each
 *	copy_out BYTES ROW     the same as COPY TO STDOUT
 *	copy_in                COPY FROM STDIN, counted
 *	set, reset, discard    with ParameterStatus where PostgreSQL reports the parameter
 *	begin, commit, rollback, any other select
 *
 * All else is a syntax error, as is a Bind to a statement that was not prepared here: so that
 * a pooler that mixes its clients' statements up is found out.
 *
 * Owner of a session: its connection in stubserver.c. One thread.
 */
#ifndef BENCH_STUBREPLY_H
#define BENCH_STUBREPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/slice.h"

#define STUBREPLY_TEXT_BYTES 64

struct stubreply_session {
	struct map statements; /* name -> its text, owned */
	char sql[STUBREPLY_TEXT_BYTES];
	char param[STUBREPLY_TEXT_BYTES]; /* of the last Bind */
	char tx_status;
	bool skipping; /* after an error, up to the Sync */
	bool copy_in;
	uint64_t copy_bytes;
	/* a stream under way: what is still to be sent of it, and how long its rows are */
	uint64_t stream_left;
	uint64_t stream_bytes;
	uint32_t stream_row;
	bool stream_copies;
	bool stream_ready; /* ReadyForQuery follows */
};

void stubreply_init(struct stubreply_session *s);
void stubreply_fini(struct stubreply_session *s);

/* What is said after a login. */
void stubreply_greet(struct buf *out, uint32_t pid);

/* A message of the client's; 'X' is not for here. True: a batch has ended with it. */
bool stubreply_message(struct stubreply_session *s, char type, struct slice body, struct buf *out);

/* The stream has gone out: its end. */
void stubreply_stream_end(struct stubreply_session *s, struct buf *out);

/* A stretch of whole rows to be sent again and again: of at least 256 KiB. Kept for ever. */
struct slice stubreply_rows(uint32_t row_bytes, bool copies);

#endif
