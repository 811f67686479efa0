/*
 * frame.c - heads of messages, and what messages.def says of them.
 *
 * Not here: what is inside a message (reader.h), and the packets before the first typed
 * message (startup.h).
 */
#include "wire/frame.h"

enum { FRAME_CLIENT = FRAME_FROM_CLIENT, FRAME_SERVER = FRAME_FROM_SERVER };

const struct frame_row frame_rows[2][FRAME_LETTERS] = {
#define MESSAGE(from, letter, title, gather, max)                                                  \
	[FRAME_##from][letter] = { .name = title, .max_body_bytes = max, .whole = gather },
#include "wire/messages.def"
#undef MESSAGE
};

size_t frame_more(struct slice in, char type, uint32_t max_body_bytes, uint32_t *body_left)
{
	size_t done = 0;
	while (in.len - done > FRAME_HEAD_BYTES && in.ptr[done] == type) {
		size_t all = (size_t)frame_length(in.ptr + done) + 1;
		if (all < FRAME_HEAD_BYTES || all - FRAME_HEAD_BYTES > max_body_bytes)
			break;
		if (all > in.len - done) {
			*body_left = (uint32_t)(all - (in.len - done));
			return in.len;
		}
		done += all;
	}
	return done;
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
