/*
 * ear_queue.c - what a client is to be told that it has heard, and when.
 */
#include "proxy/ear_queue.h"

#include <stdlib.h>

#include "base/mem.h"
#include "proxy/client.h"
#include "proxy/ear.h"
#include "proxy/localpool.h"
#include "proxy/note.h"
#include "proxy/server.h"

struct ear_queue_item {
	struct list link;
	struct note *note; /* a reference */
};

static void ear_queue_drop(struct ear *ear, struct ear_queue_item *item)
{
	ear->bytes -= sizeof(*item) + item->note->bytes;
	list_remove(&item->link);
	note_unref(item->note);
	free(item);
}

void ear_queue_clear(struct ear *ear, struct list *items)
{
	for (struct ear_queue_item *item; (item = LIST_FIRST(items, struct ear_queue_item, link));)
		ear_queue_drop(ear, item);
}

void ear_queue_put(struct ear *ear, struct list *items, struct note *note, usec_t now)
{
	struct client *c = ear->client;
	int max = (int)c->pool->settings.listen_buffer;
	struct ear_queue_item *item = mem_zalloc(sizeof(*item));
	item->note = note_ref(note);
	ear->bytes += sizeof(*item) + note->bytes;
	list_push_back(items, &item->link);
	if (ear->bytes > (size_t)max) {
		char names[200];
		ear_describe(ear, names, sizeof(names));
		client_fail(c, ERROR_LISTEN_BUFFER, names, NULL, now, max);
	}
}

void ear_queue_resolve(struct ear *ear, enum seam_held held)
{
	switch (held) {
	case SEAM_KEEP_HELD:
		break;
	case SEAM_DROP_HELD:
		ear_queue_clear(ear, &ear->held);
		break;
	case SEAM_DELIVER_HELD:
		LIST_EACH (node, tmp, &ear->held) {
			list_remove(node);
			list_push_back(&ear->queue, node);
		}
		break;
	}
}

/* PostgreSQL sends notifications between transactions only. */
static bool ear_queue_is_due(const struct client *c)
{
	if (conn_is_stuck(&c->conn))
		return false;
	switch ((enum client_state)c->state) {
	case CLIENT_IDLE:
	case CLIENT_WAITING:
	case CLIENT_SKIPPING:
		return true;
	case CLIENT_LINKED:
		return track_is_idle(&c->server->track) && !c->server->body_left && !c->body_left;
	case CLIENT_STARTUP:
	case CLIENT_FRONTED:
	case CLIENT_HANDSHAKE:
	case CLIENT_HELD:
	case CLIENT_AUTH:
	case CLIENT_ADMITTED:
	case CLIENT_PROVING:
	case CLIENT_CLOSING:
		return false;
	}
	return false;
}

bool ear_queue_tell(struct ear *ear, usec_t now)
{
	struct client *c = ear->client;
	while (!list_is_empty(&ear->queue) && ear_queue_is_due(c)) {
		struct ear_queue_item *item = LIST_FIRST(&ear->queue, struct ear_queue_item, link);
		struct slice message = note_message(item->note);
		c->pool->stats.sent_bytes += message.len;
		c->pool->stats.notes++;
		bool sent = client_send(c, message, now);
		ear_queue_drop(ear, item);
		if (!sent)
			return false;
	}
	return true;
}
