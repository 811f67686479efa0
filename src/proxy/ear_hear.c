/*
 * ear_hear.c - which of two servers a client hears a notification from.
 */
#include "proxy/ear_hear.h"

#include "base/list.h"
#include "proxy/client.h"
#include "proxy/ear_queue.h"
#include "proxy/note.h"
#include "proxy/server.h"

static void ear_hear_note(struct ear *ear, enum seam_fate fate, struct note *note, usec_t now)
{
	switch (fate) {
	case SEAM_DELIVER:
		ear_queue_put(ear, &ear->queue, note, now);
		break;
	case SEAM_HOLD:
		ear_queue_put(ear, &ear->held, note, now);
		break;
	case SEAM_DROP:
		break;
	}
}

void ear_hear_hub(struct ear *ear, struct note *note, usec_t now)
{
	if (ear->client->state == CLIENT_CLOSING)
		return;
	switch ((enum ear_state)ear->state) {
	case EAR_HOME:
	case EAR_ASKING:
		return;
	case EAR_LEAVING:
		ear_hear_note(ear, seam_fate(ear->seam, SEAM_NEW), note, now);
		return;
	case EAR_AWAY:
	case EAR_RECALLED:
		ear_hear_note(ear, SEAM_DELIVER, note, now);
		break;
	case EAR_RETURNING:
		ear_hear_note(ear, seam_fate(ear->seam, SEAM_OLD), note, now);
		break;
	}
	(void)ear_flush(ear, now);
}

static bool ear_hear_knows(const struct ear *ear, struct slice name)
{
	for (size_t i = 0; i < ear->count; i++)
		if (slice_eq_str(name, ear->names[i]))
			return true;
	return false;
}

/* From its own server, on a channel that is not the marker's. */
static enum seam_fate ear_hear_fate_of_own(const struct ear *ear, struct slice name)
{
	switch ((enum ear_state)ear->state) {
	case EAR_HOME:
	case EAR_ASKING:
		return SEAM_DELIVER;
	case EAR_LEAVING:
		return seam_fate(ear->seam, SEAM_OLD);
	case EAR_AWAY: /* the hub says it too */
	case EAR_RECALLED:
		return ear_hear_knows(ear, name) ? SEAM_DROP : SEAM_DELIVER;
	case EAR_RETURNING:
		return seam_fate(ear->seam, SEAM_NEW);
	}
	return SEAM_DELIVER;
}

bool ear_hear_own(struct ear *ear, struct slice body, usec_t now)
{
	struct slice name, payload;
	if (!note_read(body, &name, &payload))
		return true;
	if (*ear->marker && slice_eq_str(name, ear->marker)) {
		if (slice_eq_str(payload, ear->payload))
			ear_hear_marker(ear, EAR_HEAR_OWN, now);
		return false;
	}
	enum seam_fate fate = ear_hear_fate_of_own(ear, name);
	if (fate == SEAM_DELIVER && list_is_empty(&ear->queue) && ear->state != EAR_RETURNING)
		return true;
	struct note *note = note_new(body);
	ear_hear_note(ear, fate, note, now);
	note_unref(note);
	return false;
}

void ear_hear_marker(struct ear *ear, enum ear_hear_source source, usec_t now)
{
	struct client *c = ear->client;
	if (ear->state != EAR_LEAVING && ear->state != EAR_RETURNING)
		return;
	bool is_old = (ear->state == EAR_LEAVING) == (source == EAR_HEAR_OWN);
	ear_queue_resolve(ear, seam_mark(&ear->seam, is_old ? SEAM_OLD : SEAM_NEW));
	if (source == EAR_HEAR_HUB && c->server) /* else it is settled once all is read */
		server_settle(c->server, now);
}
