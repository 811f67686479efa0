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
#include "base/bug.h"
#include "base/slice.h"
#include "proxy/stmt.h"

struct client;
struct frame;
struct prepared_entry;
struct prepared_executed;
struct prepared_name;
struct server;

/* What prepared_message works on. */
struct prepared_turn {
	struct client *c;
	struct server *s;
	const char *end; /* of what is in hand: the message, and what follows */
	struct buf *out;
	void (*flush)(void *arg);
	void *arg;
	bool flushed;
};

/* Something is about to be added to `out`. */
void prepared_turn_begin(struct prepared_turn *t);

/* A message of ours of that type is. */
void prepared_turn_own(struct prepared_turn *t, char type);

/* A command of ours runs, by so many messages of ours that leave nothing at the server. */
#define PREPARED_TURN_RUN_ITEMS 6u
void prepared_turn_run(struct prepared_turn *t, struct slice sql);

/* The transaction that commands of ours have begun, and nothing of the client's is in
 * (track_may_commit), ends well: by COMMIT behind a BEGIN, since alone it is warned of. */
void prepared_turn_commit(struct prepared_turn *t);

/* As servers know it. */
static inline struct slice prepared_turn_name(const struct stmt *stmt)
{
	return slice_make(stmt->name, stmt->name_bytes);
}

/* The head of a message, for a body of so many bytes of which the first follow; and a Parse, whose
 * body follows the name. The track is for the caller to tell. */
static inline void prepared_turn_head(struct buf *out, char type, size_t body_bytes)
{
	buf_u8(out, (uint8_t)type);
	buf_u32(out, (uint32_t)body_bytes + 4);
}
void prepared_turn_parse(struct buf *out, struct slice name, struct slice body);
/* With such types of its parameters; SLICE_NONE: those that it has. */
void prepared_turn_parse_typed(struct buf *out, struct slice name, struct slice body,
			       struct slice types);

/* A Close of ours. */
void prepared_turn_close(struct prepared_turn *t, struct slice name);

/* The entry of a statement that is about to be prepared there: its Parse comes next. */
struct prepared_entry *prepared_turn_enter(struct prepared_turn *t, struct stmt *stmt);

/* The client's message that is about the name comes next. Of one that fits this is said already. */
void prepared_turn_used(const struct prepared_turn *t, struct prepared_name *name);

enum prepared_fit {
	PREPARED_FITS,
	PREPARED_ASKS,   /* that is to be seen, or whether there is one: the message waits */
	PREPARED_MISFIT, /* the statement has other columns than those that the client goes by */
};

/* Does the client ask, right behind its Bind to the unnamed portal, what that gives? `portal`: with
 * its zero. */
bool prepared_turn_is_described(const struct prepared_turn *t, const struct frame *f,
				struct slice portal);

/* The next message is a Bind of the statement that the client knows by that name: the server shall
 * have a copy of it, which is that of name->stmt. `is_described`: the client asks right behind it
 * what it gives. */
enum prepared_fit prepared_turn_bind(struct prepared_turn *t, struct slice own,
				     struct prepared_name *name, bool is_described) MUST_CHECK;

/* The next message is a Describe of it: the client goes by what is said of the copy. No misfit. */
enum prepared_fit prepared_turn_describe(struct prepared_turn *t, struct slice own,
					 struct prepared_name *name) MUST_CHECK;

/* The last message was the Parse of that copy, and the client does not ask what it is: where the
 * server has inferred types, it shall say which. */
void prepared_turn_catch_up(struct prepared_turn *t, struct prepared_entry *entry);

/* The server shall say now what it was asked by the message at `asked_seq`, though no Sync comes.
 */
void prepared_turn_flush(struct prepared_turn *t, uint32_t asked_seq);

/* The server gets the client's own name, with nothing behind it, for a message that is about that
 * very name. It is closed in front of the next batch: what was lent comes home. */
void prepared_turn_lend(struct prepared_turn *t, struct slice name);
/* The same with what is behind it for the client, which may fail: what comes behind the next
 * message waits until that is known (prepared_answer_skipped_text). */
void prepared_turn_lend_whole(struct prepared_turn *t, struct slice name,
			      const struct prepared_name *there);
/* For a Parse of ours that comes next, of a statement that has found this by its name (or NULL), it
 * leads to that once more; and behind it to what it is the client's by then. */
void prepared_turn_settle(struct prepared_turn *t, const struct prepared_executed *executed);
void prepared_turn_settled(struct prepared_turn *t, const struct prepared_executed *executed);

/* For a Parse that comes next: the server says whether PREPARE has taken its name in this session,
 * if it has nothing else to say against it, and skips the rest. */
void prepared_turn_try(struct prepared_turn *t, struct slice name, struct slice body);
void prepared_turn_take_home(struct prepared_turn *t);

/* The same, a message of ours beginning the client's batch, where nothing can skip it. */
void prepared_turn_bring_home(struct server *s);

#endif
