/*
 * reader.c - bounded reading of numbers, strings and values.
 */
#include "wire/reader.h"

#include <string.h>

#define NULL_VALUE 0xffffffffu

void reader_init(struct reader *r, struct slice body)
{
	*r = (struct reader){ .rest = body };
}

static struct slice reader_fail(struct reader *r)
{
	r->failed = true;
	r->rest.len = 0;
	return SLICE_NONE;
}

struct slice reader_bytes(struct reader *r, size_t n)
{
	if (n > r->rest.len)
		return reader_fail(r);
	if (n == 0)
		return slice_make(r->rest.ptr ? r->rest.ptr : "", 0);
	struct slice s = slice_head(r->rest, n);
	r->rest = slice_skip(r->rest, n);
	return s;
}

static uint32_t reader_number(struct reader *r, size_t n)
{
	struct slice s = reader_bytes(r, n);
	uint32_t v = 0;
	for (size_t i = 0; i < s.len; i++)
		v = v << 8 | (uint8_t)s.ptr[i];
	return v;
}

uint8_t reader_u8(struct reader *r)
{
	return (uint8_t)reader_number(r, 1);
}

uint16_t reader_u16(struct reader *r)
{
	return (uint16_t)reader_number(r, 2);
}

uint32_t reader_u32(struct reader *r)
{
	return reader_number(r, 4);
}

struct slice reader_cstr(struct reader *r)
{
	const char *zero = r->rest.len ? memchr(r->rest.ptr, '\0', r->rest.len) : NULL;
	if (!zero)
		return reader_fail(r);
	struct slice s = reader_bytes(r, (size_t)(zero - r->rest.ptr));
	r->rest = slice_skip(r->rest, 1);
	return s;
}

struct slice reader_rest(struct reader *r)
{
	return reader_bytes(r, r->rest.len);
}

struct slice reader_value(struct reader *r)
{
	uint32_t n = reader_u32(r);
	if (n == NULL_VALUE)
		return SLICE_NONE;
	return reader_bytes(r, n);
}
