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
