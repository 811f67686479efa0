/*
 * frame.c - heads of messages, and what messages.def says of them.
 *
 * Not here: what is inside a message (reader.h), and the packets before the first typed
 * message (startup.h).
 */
#include "wire/frame.h"

#define LENGTH_BYTES 4

enum { FRAME_CLIENT = FRAME_FROM_CLIENT, FRAME_SERVER = FRAME_FROM_SERVER };

struct frame_row {
	const char *name; /* NULL: the side may not send it */
	uint32_t max_body_bytes;
	bool whole;
};

static const struct frame_row frame_rows[2][128] = {
#define MESSAGE(from, letter, title, gather, max)                                                  \
	[FRAME_##from][letter] = { .name = title, .max_body_bytes = max, .whole = gather },
#include "wire/messages.def"
#undef MESSAGE
};

static const struct frame_row *frame_row(enum frame_from from, char type)
{
	static const struct frame_row unknown;
	uint8_t letter = (uint8_t)type;

	return letter < COUNT_OF(frame_rows[0]) ? &frame_rows[from][letter] : &unknown;
}

int frame_read(struct slice in, uint32_t max_body_bytes, struct frame *out)
{
	if (in.len < FRAME_HEAD_BYTES)
		return 0;
	const uint8_t *p = (const uint8_t *)in.ptr;
	uint32_t length = (uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 8 | p[4];
	if (length < LENGTH_BYTES)
		return FRAME_TOO_SHORT;
	if (length - LENGTH_BYTES > max_body_bytes)
		return FRAME_TOO_LONG;
	out->type = in.ptr[0];
	out->head_bytes = FRAME_HEAD_BYTES;
	out->body_bytes = length - LENGTH_BYTES;
	out->body = slice_head(slice_skip(in, FRAME_HEAD_BYTES), out->body_bytes);
	return FRAME_HEAD_BYTES;
}

const char *frame_name(enum frame_from from, char type)
{
	return frame_row(from, type)->name;
}

bool frame_is_known(enum frame_from from, char type)
{
	return frame_row(from, type)->name != NULL;
}

bool frame_wants_whole(enum frame_from from, char type)
{
	return frame_row(from, type)->whole;
}

uint32_t frame_max_body(enum frame_from from, char type, uint32_t limit)
{
	const struct frame_row *row = frame_row(from, type);

	if (!row->name)
		return 0;
	return row->max_body_bytes && row->max_body_bytes < limit ? row->max_body_bytes : limit;
}

const char *frame_error_text(int error)
{
	switch ((enum frame_error)error) {
	case FRAME_TOO_SHORT:
		return "message length too small";
	case FRAME_TOO_LONG:
		return "message too long";
	}
	return "unknown fault";
}
