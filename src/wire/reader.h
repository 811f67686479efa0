/*
 * reader.h - a cursor over the body of a message that cannot run past its end.
 *
 * A failure is sticky: once something was missing, everything reads as zero or empty, and
 * the caller looks once, at the end (reader_failed, reader_is_done).
 *
 * Owns nothing: slices point into the body.
 * Thread: any.
 */
#ifndef WIRE_READER_H
#define WIRE_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct reader {
	struct slice rest;
	bool failed;
};

void reader_init(struct reader *r, struct slice body);

uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
struct slice reader_bytes(struct reader *r, size_t n);
struct slice reader_cstr(struct reader *r); /* up to a zero byte, which is eaten and not shown */
struct slice reader_rest(struct reader *r); /* all that is left */

/* A value with a length of four bytes in front; -1 is null: a slice with ptr NULL. */
struct slice reader_value(struct reader *r);

static inline bool reader_failed(const struct reader *r)
{
	return r->failed;
}

/* Nothing was missing and nothing is left. */
static inline bool reader_is_done(const struct reader *r)
{
	return !r->failed && r->rest.len == 0;
}

#endif
