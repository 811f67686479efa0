/*
 * whole.c - the messages of one statement.
 */
#include "proxy/whole.h"

#include <string.h>

#include "wire/frame.h"
#include "wire/reader.h"

/* The next message, if it is whole and of that type. */
static bool whole_next(struct slice in, struct whole *out, char type, struct frame *f)
{
	if (frame_read(slice_skip(in, out->bytes), UINT32_MAX, f) <= 0 || f->type != type ||
	    !frame_is_whole(f))
		return false;
	out->bytes += f->head_bytes + f->body.len;
	return true;
}

/* Such a message may be there, of that kind and without a name. */
static bool whole_describe(struct slice in, struct whole *out, char kind)
{
	struct whole ahead = *out;
	struct frame f;
	if (!whole_next(in, &ahead, 'D', &f) || f.body.len != 2 || f.body.ptr[0] != kind)
		return false;
	out->bytes = ahead.bytes;
	return true;
}

static bool whole_read_parse(const struct frame *f, struct whole *out)
{
	struct reader r;
	reader_init(&r, f->body);
	struct slice name = reader_cstr(&r);
	out->parse = r.rest;
	out->sql = reader_cstr(&r);
	uint16_t types = reader_u16(&r);
	return reader_is_done(&r) && name.len == 0 && types == 0;
}

static bool whole_read_bind(const struct frame *f)
{
	struct reader r;
	reader_init(&r, f->body);
	struct slice portal = reader_cstr(&r), statement = reader_cstr(&r);
	uint16_t formats = reader_u16(&r), values = reader_u16(&r), results = reader_u16(&r);
	reader_bytes(&r, results * sizeof(uint16_t));
	return reader_is_done(&r) && !portal.len && !statement.len && !formats && !values &&
	       results <= 1;
}

static bool whole_read_batch(struct slice in, struct whole *out)
{
	struct frame f;
	if (!whole_next(in, out, 'P', &f) || !whole_read_parse(&f, out))
		return false;
	out->describes_statement = whole_describe(in, out, 'S');
	if (!whole_next(in, out, 'B', &f) || !whole_read_bind(&f))
		return false;
	out->describes_portal = whole_describe(in, out, 'P');
	return whole_next(in, out, 'E', &f) && f.body.len == 5 && f.body.ptr[0] == '\0' &&
	       whole_next(in, out, 'S', &f) && f.body.len == 0;
}

bool whole_read(struct slice in, const struct frame *f, struct whole *out)
{
	*out = (struct whole){ 0 };
	if (f->type == 'P')
		return f->body.len && f->body.ptr[0] == '\0' && whole_read_batch(in, out);
	if (f->type != 'Q')
		return false;
	out->bytes = f->head_bytes + f->body.len;
	out->sql = slice_head(f->body, strnlen(f->body.ptr, f->body.len));
	return true;
}
