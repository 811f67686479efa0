/*
 * prepared_turn.h - messages of ours that go in front of one of the client's.
 *
 * A turn is the handling of one message of a client's that has a server (prepared.c). What is added
 * goes into `out`, with `flush` called before the first byte; the track has room for all of it, and
 * the server is not skipping.
 *
 * For prepared.c. Thread: worker.
 */
#ifndef PROXY_PREPARED_TURN_H
#define PROXY_PREPARED_TURN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"
#include "base/usec.h"

struct client;
struct prepared_entry;
struct prepared_name;
struct server;
struct stmt;

/* What prepared_message works on. */
struct prepared_turn {
	struct client *c;
	struct server *s;
	struct buf *out;
	void (*flush)(void *arg);
	void *arg;
	bool flushed;
	usec_t now;
};

/* Something is about to be added to `out`. */
void prepared_turn_begin(struct prepared_turn *t);

/* A message of ours of that type is. */
void prepared_turn_own(struct prepared_turn *t, char type);

/* As servers know it. */
struct slice prepared_turn_name(const struct stmt *stmt);

/* The head of a message, for a body of so many bytes of which the first follow; and a Parse, whose
 * body follows the name. The track is for the caller to tell. */
void prepared_turn_head(struct buf *out, char type, size_t body_bytes);
void prepared_turn_parse(struct buf *out, struct slice name, struct slice body);

/* A Close of ours. */
void prepared_turn_close(struct prepared_turn *t, struct slice name);

/* The entry of a statement that is about to be prepared there: its Parse comes next. */
struct prepared_entry *prepared_turn_enter(struct prepared_turn *t, struct stmt *stmt);

/* Is it still to be seen whether the server has it? */
bool prepared_turn_waits(const struct prepared_turn *t, const struct stmt *stmt);

/* The server shall have it, no older than the client's own Parse of it; the next message uses it.
 */
void prepared_turn_ensure(struct prepared_turn *t, const struct prepared_name *name);

/* The server gets the client's own name, with nothing behind it, for a message that is about that
 * very name. It is closed in front of the next batch: what was lent comes home. */
void prepared_turn_lend(struct prepared_turn *t, struct slice name);
void prepared_turn_take_home(struct prepared_turn *t);

/* The same, a message of ours beginning the client's batch, where nothing can skip it. */
void prepared_turn_bring_home(struct server *s);

#endif
