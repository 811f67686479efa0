/*
 * note.h - a notification, once for all who hear it.
 *
 * Immutable, counted by reference. Thread: any.
 */
#ifndef PROXY_NOTE_H
#define PROXY_NOTE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bug.h"
#include "base/slice.h"

struct note {
	atomic_uint refs;
	uint32_t bytes;
	char message[]; /* NotificationResponse as PostgreSQL has sent it, its head included */
};

/* `body`: of a NotificationResponse, whole. NULL: it is none. */
struct note *note_new(struct slice body) MUST_CHECK;
struct note *note_ref(struct note *note);
void note_unref(struct note *note); /* NULL is fine */

/* Of a NotificationResponse's body; false: it is none. */
bool note_read(struct slice body, struct slice *channel, struct slice *payload) MUST_CHECK;

static inline struct slice note_message(const struct note *note)
{
	return slice_make(note->message, note->bytes);
}

struct slice note_body(const struct note *note);

#endif
