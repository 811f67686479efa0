/*
 * buf.h - bytes that grow, up to a cap.
 *
 * Owned by whoever embeds it. Writers append at the end and readers consume from the
 * front. Numbers are written in network order, as the protocol has them. A failure (the
 * cap, no memory) is sticky: later writes do nothing, and the caller looks once, at the
 * end (buf_failed). An empty buffer holds no memory after buf_release.
 *
 * Thread: the owner's.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bug.h"
#include "base/slice.h"

#define BUF_DEFAULT_MAX_BYTES ((size_t)256 << 20)

struct buf {
	char *data;   /* owned; NULL while nothing was ever written */
	size_t start; /* what was consumed lies before it */
	size_t end;   /* one past the last byte */
	size_t cap;
	size_t max_bytes; /* 0: BUF_DEFAULT_MAX_BYTES */
	bool failed;
};

void buf_init(struct buf *b, size_t max_bytes); /* all zeros is a valid empty buffer too */
void buf_fini(struct buf *b);
void buf_clear(struct buf *b);   /* empty, memory and cap kept, failure forgotten */
void buf_release(struct buf *b); /* empty, memory given back, failure forgotten */

static inline size_t buf_len(const struct buf *b)
{
	return b->end - b->start;
}

static inline struct slice buf_slice(const struct buf *b)
{
	return slice_make(b->data ? b->data + b->start : NULL, buf_len(b));
}

static inline bool buf_failed(const struct buf *b)
{
	return b->failed;
}

/* Room for n more bytes at the end, to be followed by buf_commit; NULL on failure. */
char *buf_reserve(struct buf *b, size_t n) MUST_CHECK;
void buf_commit(struct buf *b, size_t n);

void buf_consume(struct buf *b, size_t n);    /* n bytes off the front */
void buf_truncate(struct buf *b, size_t len); /* keeps the first len bytes */

void buf_add_growing(struct buf *b, const void *data, size_t n); /* buf_add, where room lacks */

static inline void buf_add(struct buf *b, const void *data, size_t n)
{
	if (UNLIKELY(n == 0 || n > b->cap - b->end || b->failed)) {
		buf_add_growing(b, data, n);
		return;
	}
	memcpy(b->data + b->end, data, n);
	b->end += n;
}

static inline void buf_add_slice(struct buf *b, struct slice s)
{
	buf_add(b, s.ptr, s.len);
}

void buf_add_str(struct buf *b, const char *str);  /* without its zero */
void buf_add_cstr(struct buf *b, const char *str); /* with its zero */
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

static inline void buf_u8(struct buf *b, uint8_t v)
{
	buf_add(b, &v, 1);
}

static inline void buf_u16(struct buf *b, uint16_t v)
{
	uint8_t raw[2] = { (uint8_t)(v >> 8), (uint8_t)v };
	buf_add(b, raw, sizeof(raw));
}

static inline void buf_u32(struct buf *b, uint32_t v)
{
	uint8_t raw[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };
	buf_add(b, raw, sizeof(raw));
}

/* Overwrites four bytes at offset `at` (from the front): a length known only later. */
void buf_put_u32(struct buf *b, size_t at, uint32_t v);

/* The content as a C string that lives in the buffer until it is next written to. */
const char *buf_cstr(struct buf *b);

#endif
