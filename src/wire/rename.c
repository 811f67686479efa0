/*
 * rename.c - names read from messages and put into them.
 */
#include "wire/rename.h"

#include "wire/build.h"
#include "wire/reader.h"

bool rename_read_parse(struct slice body, struct rename_parse *out)
{
	struct reader r;
	reader_init(&r, body);
	out->name = reader_cstr(&r);
	out->text = reader_cstr(&r);
	out->types = r.rest;
	size_t count = reader_u16(&r);
	(void)reader_bytes(&r, count * 4);
	return reader_is_done(&r);
}

bool rename_read_target(struct slice body, struct rename_target *out)
{
	struct reader r;
	reader_init(&r, body);
	out->kind = (char)reader_u8(&r);
	out->name = reader_cstr(&r);
	return reader_is_done(&r) && (out->kind == 'S' || out->kind == 'P');
}

void rename_write_parse(struct buf *out, struct slice name, const struct rename_parse *parse)
{
	size_t at = build_begin(out, 'P');
	build_text(out, name);
	build_text(out, parse->text);
	buf_add_slice(out, parse->types);
	build_end(out, at);
}

void rename_write_target(struct buf *out, char type, struct slice name)
{
	size_t at = build_begin(out, type);
	buf_u8(out, 'S');
	build_text(out, name);
	build_end(out, at);
}

/* The text up to a zero byte at the start of what is left; false: there is none. */
static bool take_text(struct slice *rest, struct slice *out)
{
	const char *zero = rest->len > 0 ? memchr(rest->ptr, '\0', rest->len) : NULL;
	if (!zero)
		return false;
	*out = slice_make(rest->ptr, (size_t)(zero - rest->ptr));
	*rest = slice_skip(*rest, out->len + 1);
	return true;
}

int rename_read_bind(struct slice head, size_t body_bytes, struct rename_bind *out)
{
	struct slice rest = slice_head(head, body_bytes);
	if (!take_text(&rest, &out->portal) || !take_text(&rest, &out->statement))
		return head.len >= body_bytes ? -1 : 0;
	out->used = out->portal.len + out->statement.len + 2;
	return 1;
}

void rename_bind_head(struct buf *out, struct slice name, const struct rename_bind *bind,
		      size_t body_bytes)
{
	BUG_ON(bind->used > body_bytes || body_bytes > INT32_MAX - 4 - name.len);
	size_t length = 4 + bind->portal.len + 1 + name.len + 1 + (body_bytes - bind->used);
	buf_u8(out, 'B');
	buf_u32(out, (uint32_t)length);
	buf_add_slice(out, bind->portal);
	buf_u8(out, 0);
	buf_add_slice(out, name);
	buf_u8(out, 0);
}
