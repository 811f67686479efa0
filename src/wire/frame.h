/*
 * frame.h - finding the borders of messages in a run of bytes.
 *
 * Every message after the start-up packet is a type byte, a length of four bytes that
 * counts itself, and a body. A frame may be met before all of its body is there: big
 * messages are passed on piece by piece, and only those that messages.def marks whole are
 * gathered. No length is believed before it is bounded.
 *
 * Owns nothing: slices point into what the caller handed in.
 * Thread: any.
 */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bug.h"
#include "base/slice.h"

#define FRAME_HEAD_BYTES 5
#define FRAME_LENGTH_BYTES 4
#define FRAME_MAX_BODY_BYTES 0x3ffffffau /* what PostgreSQL itself takes of one message */

enum frame_from {
	FRAME_FROM_CLIENT,
	FRAME_FROM_SERVER,
};

enum frame_error {
	FRAME_TOO_SHORT = -1, /* the length does not even cover itself */
	FRAME_TOO_LONG = -2,  /* the body is longer than the caller takes */
};

struct frame {
	char type;
	uint8_t head_bytes;  /* always FRAME_HEAD_BYTES */
	uint32_t body_bytes; /* of the whole body, here or still to come */
	struct slice body;   /* the part of it that is here; never more than body_bytes */
};

/* What the head at `head` says: of the length itself and of the body. */
static inline uint32_t frame_length(const char *head)
{
	const uint8_t *p = (const uint8_t *)head;
	return (uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 8 | p[4];
}

/* Reads the head of the message at the front of `in`. >0: bytes of the head, *out is
 * filled; 0: more bytes are needed; <0: an enum frame_error. */
static inline int MUST_CHECK frame_read(struct slice in, uint32_t max_body_bytes, struct frame *out)
{
	if (in.len < FRAME_HEAD_BYTES)
		return 0;
	uint32_t length = frame_length(in.ptr);
	if (length < FRAME_LENGTH_BYTES)
		return FRAME_TOO_SHORT;
	if (length - FRAME_LENGTH_BYTES > max_body_bytes)
		return FRAME_TOO_LONG;
	out->type = in.ptr[0];
	out->head_bytes = FRAME_HEAD_BYTES;
	out->body_bytes = length - FRAME_LENGTH_BYTES;
	out->body = slice_head(slice_skip(in, FRAME_HEAD_BYTES), out->body_bytes);
	return FRAME_HEAD_BYTES;
}

/* Is all of the body here? */
static inline bool frame_is_whole(const struct frame *f)
{
	return f->body.len == f->body_bytes;
}

/* Bytes of head and body together. */
static inline size_t frame_bytes(const struct frame *f)
{
	return (size_t)f->head_bytes + f->body_bytes;
}

/* The rows of messages.def, for the functions below. */
#define FRAME_LETTERS 128
struct frame_row {
	const char *name; /* NULL: the side may not send it */
	uint32_t max_body_bytes;
	bool whole;
};
extern const struct frame_row frame_rows[2][FRAME_LETTERS];

static inline const struct frame_row *frame_row(enum frame_from from, char type)
{
	uint8_t letter = (uint8_t)type;
	return &frame_rows[from][letter < FRAME_LETTERS ? letter : 0];
}

/* For a type that the side may not send: NULL, false, and 0. */
static inline const char *frame_name(enum frame_from from, char type)
{
	return frame_row(from, type)->name;
}

static inline bool frame_is_known(enum frame_from from, char type)
{
	return frame_row(from, type)->name != NULL;
}

static inline bool frame_wants_whole(enum frame_from from, char type)
{
	return frame_row(from, type)->whole;
}

/* The most that the body of such a message may have, never above `limit`. */
static inline uint32_t frame_max_body(enum frame_from from, char type, uint32_t limit)
{
	const struct frame_row *row = frame_row(from, type);
	if (!row->name)
		return 0;
	return row->max_body_bytes && row->max_body_bytes < limit ? row->max_body_bytes : limit;
}

/* Messages of that type at the front of `in`, of which nobody needs to know more than the length:
 * how many bytes they are. Of the last one *body_left bytes are still to come, where it is not
 * whole; else *body_left is as it was. A head that is not whole, or says more than the caller
 * takes, ends them. */
size_t frame_more(struct slice in, char type, uint32_t max_body_bytes, uint32_t *body_left);

const char *frame_error_text(int error);

#endif
