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

/* Reads the head of the message at the front of `in`. >0: bytes of the head, *out is
 * filled; 0: more bytes are needed; <0: an enum frame_error. */
int frame_read(struct slice in, uint32_t max_body_bytes, struct frame *out) MUST_CHECK;

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

/* From messages.def. For a type that the side may not send: NULL, false, and 0. */
const char *frame_name(enum frame_from from, char type);
bool frame_is_known(enum frame_from from, char type);
bool frame_wants_whole(enum frame_from from, char type);

/* The most that the body of such a message may have, never above `limit`. */
uint32_t frame_max_body(enum frame_from from, char type, uint32_t limit);

const char *frame_error_text(int error);

#endif
