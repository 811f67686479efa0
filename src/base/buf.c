/*
 * buf.c - a growable run of bytes with a cap and a sticky failure.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST_BYTES 256

void buf_init(struct buf *b, size_t max_bytes)
{
	*b = (struct buf){ .max_bytes = max_bytes };
}

void buf_fini(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ .max_bytes = b->max_bytes };
}

void buf_clear(struct buf *b)
{
	b->start = b->end = 0;
	b->failed = false;
}

void buf_release(struct buf *b)
{
	buf_fini(b);
}

static void buf_compact(struct buf *b)
{
	if (b->start == 0)
		return;
	memmove(b->data, b->data + b->start, buf_len(b));
	b->end -= b->start;
	b->start = 0;
}

static size_t buf_max(const struct buf *b)
{
	return b->max_bytes ? b->max_bytes : BUF_DEFAULT_MAX_BYTES;
}

char *buf_reserve(struct buf *b, size_t n)
{
	if (b->failed)
		return NULL;
	if (b->data && n <= b->cap - b->end)
		return b->data + b->end;
	if (n > buf_max(b) || buf_len(b) > buf_max(b) - n) {
		b->failed = true;
		return NULL;
	}
	if (b->data)
		buf_compact(b);
	if (n > b->cap - b->end) {
		size_t cap = b->cap ? b->cap : BUF_FIRST_BYTES;
		while (cap - b->end < n)
			cap *= 2;
		if (cap > buf_max(b))
			cap = buf_max(b);
		char *data = realloc(b->data, cap);
		if (!data) {
			b->failed = true;
			return NULL;
		}
		b->data = data;
		b->cap = cap;
	}
	return b->data + b->end;
}

void buf_commit(struct buf *b, size_t n)
{
	BUG_ON(n > b->cap - b->end);
	b->end += n;
}

void buf_consume(struct buf *b, size_t n)
{
	BUG_ON(n > buf_len(b));
	b->start += n;
	if (b->start == b->end)
		b->start = b->end = 0;
}

void buf_truncate(struct buf *b, size_t len)
{
	BUG_ON(len > buf_len(b));
	b->end = b->start + len;
}

void buf_add_growing(struct buf *b, const void *data, size_t n)
{
	if (n == 0)
		return;
	char *to = buf_reserve(b, n);
	if (!to)
		return;
	memcpy(to, data, n);
	b->end += n;
}

void buf_add_str(struct buf *b, const char *str)
{
	buf_add(b, str, strlen(str));
}

void buf_add_cstr(struct buf *b, const char *str)
{
	buf_add(b, str, strlen(str) + 1);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
		return;
	}
	char *to = buf_reserve(b, (size_t)n + 1);
	if (!to)
		return;
	va_start(ap, fmt);
	vsnprintf(to, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->end += (size_t)n;
}

void buf_put_u32(struct buf *b, size_t at, uint32_t v)
{
	if (b->failed)
		return;
	BUG_ON(at + 4 > buf_len(b));
	uint8_t raw[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };
	memcpy(b->data + b->start + at, raw, sizeof(raw));
}

const char *buf_cstr(struct buf *b)
{
	char *end = buf_reserve(b, 1);
	if (!end)
		return "";
	*end = '\0';
	return b->data + b->start;
}
