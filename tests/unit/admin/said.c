/*
 * said.c - messages of the console taken apart for the tests.
 */
#include <stdio.h>
#include <string.h>

#include "check_admin.h"
#include "wire/frame.h"
#include "wire/notice.h"
#include "wire/reader.h"

static bool said_next(struct slice *rest, struct frame *f)
{
	if (rest->len == 0)
		return false;
	ck_assert_int_gt(frame_read(*rest, FRAME_MAX_BODY_BYTES, f), 0);
	ck_assert(frame_is_whole(f));
	*rest = slice_skip(*rest, frame_bytes(f));
	return true;
}

const char *said_kinds(const struct buf *b)
{
	static char kinds[4096];
	struct slice rest = buf_slice(b);
	struct frame f;
	size_t n = 0;
	while (said_next(&rest, &f) && n < sizeof(kinds) - 1)
		kinds[n++] = f.type;
	kinds[n] = '\0';
	return kinds;
}

static bool said_find(const struct buf *b, char type, size_t n, struct slice *body)
{
	struct slice rest = buf_slice(b);
	struct frame f;
	while (said_next(&rest, &f))
		if (f.type == type && n-- == 0) {
			*body = f.body;
			return true;
		}
	return false;
}

struct slice said_body(const struct buf *b, char type, size_t n)
{
	struct slice body = SLICE_NONE;
	ck_assert_msg(said_find(b, type, n, &body), "no message %zu of type %c in %s", n, type,
		      said_kinds(b));
	return body;
}

const char *said_field(const struct buf *b, char type, char field)
{
	static char text[4096];
	struct slice s = notice_get(said_body(b, type, 0), field);
	snprintf(text, sizeof(text), "%.*s", SLICE_ARGS(s));
	return text;
}

size_t said_rows(const struct buf *b)
{
	struct slice body;
	size_t n = 0;
	while (said_find(b, 'D', n, &body))
		n++;
	return n;
}

const char *said_value(const struct buf *b, size_t row, size_t column)
{
	static char texts[8][1024];
	static unsigned at;
	char *text = texts[at++ % 8];
	struct reader r;
	reader_init(&r, said_body(b, 'D', row));
	ck_assert_uint_gt(reader_u16(&r), column);
	struct slice value = SLICE_NONE;
	for (size_t i = 0; i <= column; i++)
		value = reader_value(&r);
	ck_assert(!reader_failed(&r));
	snprintf(text, sizeof(texts[0]), "%.*s", value.ptr ? (int)value.len : 4,
		 value.ptr ? value.ptr : "NULL");
	return text;
}

size_t said_columns(const struct buf *b)
{
	struct reader r;
	reader_init(&r, said_body(b, 'T', 0));
	return reader_u16(&r);
}

const char *said_column(const struct buf *b, size_t column)
{
	static char text[256];
	struct reader r;
	reader_init(&r, said_body(b, 'T', 0));
	ck_assert_uint_gt(reader_u16(&r), column);
	for (size_t i = 0; i <= column; i++) {
		struct slice name = reader_cstr(&r);
		snprintf(text, sizeof(text), "%.*s", SLICE_ARGS(name));
		reader_bytes(&r, 18);
	}
	ck_assert(!reader_failed(&r));
	return text;
}

const char *said_names(const struct buf *b)
{
	static char names[4096];
	size_t n = 0;
	names[0] = '\0';
	for (size_t i = 0; i < said_columns(b); i++)
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s", i ? " " : "",
				      said_column(b, i));
	return names;
}
