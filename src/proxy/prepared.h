/*
 * prepared.h - prepared statements of the protocol (Parse, Bind, Describe, Close) that follow a
 * client from server to server.
 *
 * A client's name leads to a statement (proxy/stmt.h), a statement's number to its name on a
 * server ("pgweir_7"). Messages that name one are written anew with that name, and where the server
 * has not got it, a Parse of ours goes in front.
 * A name that the client has not got passes as it is: the server has no such name either and says
 * so in its own words. Nothing of this waits for an answer.
 *
 * The unnamed statement is the same with a generation for a number: it passes as it is as long as
 * it is the client's own that the server has.
 *
 * Names change when the messages are sent, and what the server then refuses or skips is undone
 * (prepared_answer.h), so that a batch that uses what it has just prepared is right either way.
 *
 * Where what a statement reads has got other columns, PostgreSQL refuses to run it ("cached plan
 * must not change result type"), each server its own copy and for ever; a copy that is made later
 * gives the new ones. A client may go by the columns that there were, and without a pooler it would
 * be told. So it is here, once, whichever server it meets. What a copy gives is known from the
 * answer to a Describe, the client's or one of ours (proxy/shape.h), and a Bind goes
 *
 *	to the copy                       where that gives what the client goes by, or was told
 *	                                  of by the Describe behind its Bind, or it goes by nothing
 *	nowhere yet                       where that is still to be heard: the server is asked
 *	to a copy that is made anew       where what there is gives other columns: it may be old
 *	to a name that leads to nothing   where that one does too: the refusal is put in
 *	                                  PostgreSQL's words for it, and nothing was run
 *
 * A client that was told goes by what the next copy gives. A copy that PostgreSQL has refused to
 * run is good for nobody. The unnamed statement: prepared_unnamed_turn.h.
 *
 * Types of parameters that a Parse leaves open are inferred from what is there by then, and are the
 * statement's for good. Each copy is asked for them, right behind its Parse if the client does not
 * ask; a copy that is made for a client elsewhere names them. A client whose types are not those of
 * the copy that others have made goes on with another statement, which names its own.
 *
 * Owner: the client has its names, the server its set; both may be NULL: nothing was prepared.
 * Thread: worker. Chapter: protocol-flow, extended query.
 */
#ifndef PROXY_PREPARED_H
#define PROXY_PREPARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bug.h"
#include "base/slice.h"
#include "proxy/client.h"
#include "proxy/prepared_names.h"
#include "proxy/prepared_set.h"
#include "proxy/server.h"

struct frame;
struct track_news;

/* What precedes the rest of a Bind: its names. So much of one must be in hand. */
#define PREPARED_PEEK_BYTES 1024u
/* A Parse must be in hand as a whole; a longer one passes as it is, and its client keeps the server
 * (keep.h). */
#define PREPARED_MAX_BYTES ((uint32_t)192 << 10)
/* Of a Query whose client has names so much must be: it may have them in it. */
#define PREPARED_QUERY_BYTES ((uint32_t)48 << 10)
#define PREPARED_MAX_NAMES 20000u                  /* of a client */
#define PREPARED_MAX_TEXT_BYTES ((size_t)64 << 20) /* of all that it has prepared together */
/* A message of the client's may need so many of ours in front of it, and is one itself. */
#define PREPARED_MAX_ITEMS 96u

enum prepared_step {
	PREPARED_PASSES,  /* goes to the server as it is */
	PREPARED_WRITTEN, /* what is here of it was added to `out`, in other words */
	PREPARED_FULL,    /* wait until the server has answered more */
	PREPARED_TOO_MANY,
};

/*
 * A message of the client's, before the track hears of it (prepared_concerns). Messages of ours
 * that must go in front, and the message where it has to be other, are added to `out`; before the
 * first byte is, `flush(arg)` is called, so that what came earlier is in front. `behind`: what is
 * in hand of what follows. One that is to wait may have added something, too.
 */
enum prepared_step prepared_message(struct client *c, const struct frame *f, const char *end,
				    struct buf *out, void (*flush)(void *arg), void *arg);

/* Does it have portals whose statements are minded when they are run? */
static inline bool prepared_has_portals(const struct client *c)
{
	return c->prepared && UNLIKELY(!prepared_portals_are_none(&c->prepared->portals));
}

/* Is something to stand behind what it has executed last (proxy/reset.h)? */
static inline bool prepared_is_behind_reset(const struct client *c)
{
	return c->prepared && UNLIKELY(buf_len(&c->prepared->behind) > 0);
}

/* Does what comes begin a batch, in front of which the server gives up names that it was lent? */
static inline bool prepared_is_first(const struct server *s)
{
	return UNLIKELY(!s->track.open) && prepared_set_lent(s->prepared);
}

/* Has the message to do with what is prepared? */
static inline bool prepared_concerns(const struct client *c, char type)
{
	switch (type) {
	case 'P':
	case 'B':
	case 'D':
	case 'C':
		return true;
	case 'E':
		return prepared_has_portals(c) || prepared_is_behind_reset(c) ||
		       prepared_is_first(c->server);
	case 'Q':
	case 'S':
		return c->prepared || (c->server && c->server->prepared);
	default:
		return prepared_is_behind_reset(c);
	}
}

/* How much of the body must be in hand. */
uint32_t prepared_wants(const struct client *c, const struct frame *f);

#endif
