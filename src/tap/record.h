/*
 * record.h - what is known of one finished batch: a simple Query, an extended batch up to its
 * Sync, or a FunctionCall.
 *
 * The server answers a batch at once, so there are times of batches and none of single
 * statements. The worker fills a record with slices that point wherever the strings are and pushes
 * it (record_push): they are copied into the ring. The reader gets slices into the ring
 * (record_decode) that die when its callback returns.
 *
 * Times, where t0 is when the last byte of the batch had come from the client:
 *   wait        t0 until a server was linked (0 where one was already)
 *   first_byte  from the end of that wait until the server's first byte
 *   server      from the end of that wait until the server's ReadyForQuery
 *   drain       the part of all this, and after it, in which we waited for the client to take
 *               (in COPY IN: to send) data
 *   total       t0 until the last byte was accepted by the client's socket
 * What did not happen is 0.
 *
 * Thread: any.
 */
#ifndef TAP_RECORD_H
#define TAP_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/usec.h"
#include "tap/ring.h"
#include "tap/texts.h"

/* flag, its word in the log */
#define RECORD_FLAGS(X)                                                                            \
	X(COPY_IN, "copy_in")                                                                      \
	X(COPY_OUT, "copy_out")                                                                    \
	X(CANCELLED, "cancelled")     /* a cancel was sent for it */                               \
	X(TIMED_OUT, "timed_out")     /* one of our timeouts ended it */                           \
	X(CLIENT_GONE, "client_gone") /* the client left before the end */                         \
	X(SERVER_GONE, "server_gone") /* the server did */

enum record_flag_bit {
#define RECORD_FLAG_BIT_(flag, word) RECORD_BIT_##flag,
	RECORD_FLAGS(RECORD_FLAG_BIT_)
#undef RECORD_FLAG_BIT_
		RECORD_FLAG_COUNT
};

enum record_flag {
#define RECORD_FLAG_ENUM_(flag, word) RECORD_##flag = 1 << RECORD_BIT_##flag,
	RECORD_FLAGS(RECORD_FLAG_ENUM_)
#undef RECORD_FLAG_ENUM_
};

#define RECORD_PROTOCOLS(X)                                                                        \
	X(SIMPLE, "simple")                                                                        \
	X(EXTENDED, "extended")                                                                    \
	X(FUNCTION, "function")

#define RECORD_PROTOCOL_ENUM_(protocol, name) RECORD_##protocol,
enum record_protocol { RECORD_PROTOCOLS(RECORD_PROTOCOL_ENUM_) RECORD_PROTOCOL_COUNT };
#undef RECORD_PROTOCOL_ENUM_

/* How the database's and user's settings want the record shown, and how its texts read. */
struct record_policy {
	bool show_values;        /* log_parameter_values: the texts as they are */
	bool backslashes;        /* standard_conforming_strings was off: struct lexer_mode */
	uint8_t encoding;        /* enum lexer_encoding */
	uint32_t text_max_bytes; /* log_statement_max_bytes: for all texts together; 0: no bound */
};

struct tap_record {
	usec_t started_wall_us; /* t0 by the wall clock, since 1970 */
	usec_t wait_us, first_byte_us, server_us, drain_us, total_us;
	usec_t xact_age_us; /* age of the transaction when the batch ended, 0 outside one */
	uint64_t rows;      /* as the command tags say */
	uint64_t bytes_in, bytes_out; /* from the client, to the client */
	uint32_t statements;          /* run; more than are in texts where some were left out */
	uint32_t errors;              /* ErrorResponses */
	uint32_t flags;               /* enum record_flag */
	enum record_protocol protocol;
	int32_t server_pid; /* 0: none was ever linked */
	char sqlstate[6];   /* of the first error, "" */
	struct record_policy policy;
	struct slice database, user, client, application_name; /* client: "10.0.0.7:5123", "unix" */
	struct slice texts;                                    /* texts_slice() */
};

#define RECORD_NAME_MAX_BYTES 256 /* longer names are cut */

const char *record_flag_word(enum record_flag_bit bit);
const char *record_protocol_name(enum record_protocol protocol);

/* Copies the record into the ring, see ring.h for the answers. */
enum ring_pushed record_push(struct tap_ring *ring, const struct tap_record *record) MUST_CHECK;

/* False when the bytes are no record. */
bool record_decode(struct slice bytes, struct tap_record *out) MUST_CHECK;

#endif
