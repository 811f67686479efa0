/*
 * prepared.h - prepared statements of the protocol (Parse, Bind, Describe, Close) that follow a
 * client from server to server.
 *
 * A client's name leads to a statement (proxy/stmt.h), a statement's number to its name on a
 * server ("pgweir_7"). Messages that name one are written anew with that name, and where the server
 * has not got it, or has it from before the client prepared it, a Parse of ours goes in front.
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
 * must not change result type"), each server its own copy and for ever. The copy that has failed is
 * good for nobody. The client is told, as it would be without a pooler, since it may go by the
 * columns that there were; from then on it counts as one that has prepared the statement just now,
 * and no server's older copy is good for it. Another client that has prepared it before and finds a
 * copy that is good is told the same by us: its Bind goes out with a name that leads to nothing,
 * and the refusal is put in those words. A client that has prepared it between the change and its
 * discovery is told without need.
 * Not seen is that a server prepares it for a client that has not had it there yet, after the
 * change and before an older copy has failed: that client gets rows of the new columns.
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
#include "base/slice.h"
#include "base/usec.h"
#include "proxy/client.h"
#include "proxy/server.h"

struct frame;
struct track_news;
struct prepared_names;
struct prepared_set;

/* What precedes the rest of a Bind: its names. So much of one must be in hand. */
#define PREPARED_PEEK_BYTES 1024u
/* A Parse that names a statement must be in hand as a whole; a longer one passes as it is, and its
 * client keeps the server (keep.h). */
#define PREPARED_MAX_BYTES ((uint32_t)48 << 10)
#define PREPARED_MAX_NAMES 20000u                  /* of a client */
#define PREPARED_MAX_TEXT_BYTES ((size_t)64 << 20) /* of all that it has prepared together */

enum prepared_step {
	PREPARED_PASSES,  /* goes to the server as it is */
	PREPARED_WRITTEN, /* what is here of it was added to `out`, in other words */
	PREPARED_FULL,    /* wait until the server has answered more */
	PREPARED_TOO_MANY,
};

/*
 * A message of the client's, before the track hears of it: Q P B D C S. Messages of ours that must
 * go in front, and the message where it has to be other, are added to `out`; before the first
 * byte is, `flush(arg)` is called, so that what came earlier is in front.
 */
enum prepared_step prepared_message(struct client *c, const struct frame *f, struct buf *out,
				    void (*flush)(void *arg), void *arg, usec_t now);

/* Has the message to do with what is prepared? */
static inline bool prepared_concerns(const struct client *c, char type)
{
	switch (type) {
	case 'P':
	case 'B':
	case 'D':
	case 'C':
		return true;
	case 'Q':
	case 'S':
		return c->prepared || (c->server && c->server->prepared);
	default:
		return false;
	}
}

/* How much of the body must be in hand. */
uint32_t prepared_wants(const struct client *c, const struct frame *f);

#endif
