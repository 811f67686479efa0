/*
 * note.c - a notification, once for all who hear it.
 */
#include "proxy/note.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/frame.h"
#include "wire/reader.h"

bool note_read(struct slice body, struct slice *channel, struct slice *payload)
{
	struct reader r;
	reader_init(&r, body);
	reader_u32(&r); /* who has sent it */
	*channel = reader_cstr(&r);
	*payload = reader_cstr(&r);
	return reader_is_done(&r);
}

struct note *note_new(struct slice body)
{
	struct slice channel, payload;
	if (!note_read(body, &channel, &payload))
		return NULL;
	struct note *note = mem_alloc(sizeof(*note) + FRAME_HEAD_BYTES + body.len);
	uint32_t length = htonl((uint32_t)body.len + 4);
	atomic_init(&note->refs, 1);
	note->bytes = (uint32_t)(FRAME_HEAD_BYTES + body.len);
	note->message[0] = 'A';
	memcpy(note->message + 1, &length, sizeof(length));
	memcpy(note->message + FRAME_HEAD_BYTES, body.ptr, body.len);
	return note;
}

struct note *note_ref(struct note *note)
{
	atomic_fetch_add(&note->refs, 1);
	return note;
}

void note_unref(struct note *note)
{
	if (note && atomic_fetch_sub(&note->refs, 1) == 1)
		free(note);
}

struct slice note_body(const struct note *note)
{
	return slice_skip(note_message(note), FRAME_HEAD_BYTES);
}
