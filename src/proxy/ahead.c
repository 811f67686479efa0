/*
 * ahead.c - texts of messages that wait.
 */
#include "proxy/ahead.h"

#include <string.h>

#include "base/map.h"
#include "proxy/client.h"
#include "proxy/prepared_names.h"
#include "proxy/stmt.h"
#include "wire/frame.h"
#include "wire/reader.h"

static enum ahead_step ahead_parse(struct slice body, struct slice *sql)
{
	struct reader r;
	reader_init(&r, body);
	(void)reader_cstr(&r);
	*sql = reader_cstr(&r);
	return reader_failed(&r) ? AHEAD_UNKNOWN : AHEAD_TEXT;
}

/* What was prepared earlier; else it is among what is parsed here, or there is none. */
static enum ahead_step ahead_bind(const struct client *c, struct slice body, struct slice *sql)
{
	struct reader r;
	reader_init(&r, body);
	(void)reader_cstr(&r);
	struct slice name = reader_cstr(&r);
	struct prepared_name *there =
		name.len && c->prepared ? map_get(&c->prepared->map, name) : NULL;
	*sql = there ? slice_of(there->stmt->body.ptr) : SLICE("");
	return reader_failed(&r) ? AHEAD_UNKNOWN : AHEAD_TEXT;
}

static enum ahead_step ahead_message(struct ahead *a, const struct frame *f, struct slice *sql)
{
	*sql = SLICE("");
	switch (f->type) {
	case 'Q':
		*sql = slice_head(f->body, strnlen(f->body.ptr, f->body.len));
		a->is_over = true;
		return AHEAD_TEXT;
	case 'S':
		a->is_over = true;
		return AHEAD_END;
	case 'P':
		return ahead_parse(f->body, sql);
	case 'B':
		return ahead_bind(a->c, f->body, sql);
	case 'C':
	case 'D':
	case 'E':
	case 'H':
		return AHEAD_TEXT;
	default:
		return AHEAD_UNKNOWN;
	}
}

enum ahead_step ahead_next(struct ahead *a, struct slice *sql)
{
	struct frame f;
	if (a->is_over)
		return AHEAD_END;
	if (frame_read(a->rest, UINT32_MAX, &f) <= 0 || !frame_is_whole(&f))
		return AHEAD_UNKNOWN;
	a->rest = slice_skip(a->rest, frame_bytes(&f));
	return ahead_message(a, &f, sql);
}
