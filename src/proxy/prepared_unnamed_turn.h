/*
 * prepared_unnamed_turn.h - messages about the unnamed statement.
 *
 * The server's is the client's as long as nobody else has used that server; then it is prepared
 * anew, from the same text. What its client was told of it (a Describe) holds there as well: its
 * parameters get those types, and where it gives other columns a Bind is refused once, as with
 * those that have a name (prepared.h). Of one that was not described the client knows nothing that
 * could be wrong, but for types that it knows by itself: an open one that is prepared and not bound
 * in the same batch is asked for them.
 *
 * For prepared.c. Thread: worker.
 */
#ifndef PROXY_PREPARED_UNNAMED_TURN_H
#define PROXY_PREPARED_UNNAMED_TURN_H

#include <stdbool.h>

#include "base/bug.h"
#include "base/slice.h"
#include "proxy/prepared_turn.h"

struct frame;

/* The next message is its Parse, with that behind the name. */
void prepared_unnamed_turn_parse(struct prepared_turn *t, const struct frame *f, struct slice body);

/* It ends it: a Query, or a Close. */
void prepared_unnamed_turn_end(struct prepared_turn *t);

/* It is this one, a Bind or a Describe of it; `before` is what precedes the name. */
enum prepared_fit prepared_unnamed_turn_use(struct prepared_turn *t, const struct frame *f,
					    struct slice before) MUST_CHECK;

/* It is a Sync, right behind the Parse: what is prepared and neither bound nor described in its
 * batch is so later, somewhere. */
void prepared_unnamed_turn_catch_up(struct prepared_turn *t);

/* Its text; empty where there is none. */
struct slice prepared_unnamed_turn_text(const struct prepared_turn *t);

/* What a Bind of it would run, if that may leave anything in the session; else SLICE_NONE. */
struct slice prepared_unnamed_turn_sql(struct prepared_turn *t);

#endif
