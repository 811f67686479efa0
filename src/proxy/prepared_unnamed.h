/*
 * prepared_unnamed.h - what a client's unnamed statement is.
 *
 * A message changes it when it is sent: a Parse makes another one, a Close or a simple Query ends
 * it. What there was before is kept until the server has answered: a message that it skips has
 * changed nothing, and a Parse that it refuses has ended the one before.
 *
 * Its shape is what its client was told last; it changes with the answers.
 *
 * Owner: the names of a client (prepared_names.h). Thread: worker.
 */
#ifndef PROXY_PREPARED_UNNAMED_H
#define PROXY_PREPARED_UNNAMED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/slice.h"
#include "proxy/hidden.h"

struct prepared_change;
struct prepared_executed;
struct shape;
struct track;

/* What a Parse without a name says behind it. */
struct prepared_body {
	struct buf text;                    /* empty: there is none */
	struct prepared_executed *executed; /* a reference; it is an EXECUTE; or NULL */
	bool has_effects;                   /* to run it may leave something in the session */
	bool moves;                         /* or take a number from a sequence */
	struct hidden_verdict hidden;       /* or what names in it hide may */
	struct shape
		*shape; /* a reference; its own, of what it was described as; NULL: it was not */
};

struct prepared_unnamed {
	struct prepared_body now;      /* if the server does all that it was asked */
	struct list changes;           /* that it may still refuse or skip, in their order */
	size_t old_bytes;              /* of what there was before each */
	struct prepared_change *spare; /* with memory for the next; or NULL */
	uint32_t seq;                  /* of the last one */
	uint32_t used_seq;             /* of the last Bind or Describe of it */
	uint32_t synced_at;            /* of the last Sync */
	uint64_t generation;           /* another one for each thing that it was */
};

/* The message that comes next is the first. */
void prepared_unnamed_init(struct prepared_unnamed *u, const struct track *track);
void prepared_unnamed_fini(struct prepared_unnamed *u);

/* The next message makes another one, or the same again. True: its effects are to be read. A text
 * that is not in hand as a whole is an empty one here. */
bool prepared_unnamed_parse(struct prepared_unnamed *u, const struct track *track,
			    struct slice text);

/* That is an EXECUTE, which has found so much by its name (given away; or NULL). */
void prepared_unnamed_executes(struct prepared_unnamed *u, struct prepared_executed *executed);

/* The next message ends it. */
void prepared_unnamed_end(struct prepared_unnamed *u, const struct track *track);

/* All that was asked before is answered, and without a server so is a Parse of that text, which has
 * no effects; SLICE_NONE: a Query. */
void prepared_unnamed_answered(struct prepared_unnamed *u, struct slice text);

/* The next message is a Sync. */
void prepared_unnamed_sync(struct prepared_unnamed *u, const struct track *track);

/* The client was told, by the answer to the message `seq`, that its columns are others now. */
void prepared_unnamed_told(struct prepared_unnamed *u, uint32_t seq);

/* Has an earlier batch changed it, and is that still to be answered? */
bool prepared_unnamed_waits(const struct prepared_unnamed *u, const struct track *track);

/* Another server, which has answered all that it was asked. */
void prepared_unnamed_arrive(struct prepared_unnamed *u, const struct track *track);

/* The server has refused the message `from` and skipped those up to `to`. */
void prepared_unnamed_failed(struct prepared_unnamed *u, uint32_t from, uint32_t to);

#endif
