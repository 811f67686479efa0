/*
 * opening.h - a transaction that a client has begun, and that no server knows of yet.
 *
 * A client without a server that sends BEGIN and nothing else is answered here, and takes no server
 * before its first statement: BEGIN then goes out in front of that in the same write, and its
 * answers are swallowed. A COMMIT or ROLLBACK with nothing in between is answered here too. So an
 * application that opens its transactions early holds no server while it thinks.
 *
 *	none --(BEGIN)--> begun --(first statement)--> sent to the server: none
 *	                    |
 *	                    +--(the pool or the server refuses)--> failed
 *
 * A failed one lasts until the client ends it, as it would at the server. A statement that comes
 * before that gets a server whose transaction has failed, which says what is to be said.
 *
 * BEGIN goes as Parse, Bind and Execute, and where it came as a Query Close, without a Sync: if the
 * server refuses it after all (a cancel, a standby that cannot do what it asks for), it skips the
 * client's statement too, and that is answered with the error. Until BEGIN is answered nothing is
 * sent behind the first request that ends in ReadyForQuery.
 *
 * Thread: worker.
 */
#ifndef PROXY_OPENING_H
#define PROXY_OPENING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/usec.h"
#include "proxy/client.h"
#include "proxy/server.h"
#include "wire/frame.h"

/* client->opening: 0: none; else these and what BEGIN has said (sql/block.h). */
#define OPENING_BEGUN (1u << 15)
#define OPENING_FAILED (1u << 14)
#define OPENING_PORTAL (1u << 13) /* it was bound by the client */

/* Can the message at the front of what a client without a server has sent be one of these? Nearly
 * all are not. */
static inline bool opening_may_be(const struct client *c, const struct frame *f)
{
	const char *sql = f->body.ptr + (f->type == 'P'); /* the unnamed one's */
	if ((f->type != 'Q' && f->type != 'P') || !frame_is_whole(f) || f->body.len < 5)
		return false;
	if ((sql[0] | 0x20) == 'b' || ((sql[0] | 0x20) == 's' && (sql[1] | 0x20) == 't'))
		return true;
	return c->opening; /* then it may be its end as well */
}

/* One that may be, and what follows it: is it answered here? How many bytes that were; 0: a server
 * is needed. The client may be CLOSING. */
size_t opening_answer(struct client *c, struct slice in, const struct frame *f, usec_t now);

/* What ReadyForQuery says to a client that has no server. */
static inline char opening_status(const struct client *c)
{
	if (!c->opening)
		return 'I';
	return c->opening & OPENING_FAILED ? 'E' : 'T';
}

/* The client's first statement was refused. */
static inline void opening_fail(struct client *c)
{
	if (c->opening)
		c->opening = OPENING_BEGUN | OPENING_FAILED;
}

/* Its client is about to send the server something: BEGIN goes in front. False: not yet. */
bool opening_send(struct server *s, usec_t now);

/* BEGIN is under way: must the client's message wait? And: it was sent. */
bool opening_holds(const struct server *s);
void opening_sent(struct server *s, char type);

/* An answer to BEGIN, 'C' or 'E'. */
void opening_reply(struct server *s, char type, usec_t now);

/* ReadyForQuery behind a BEGIN that was refused: what the client is told instead. */
void opening_refused_ready(struct server *s, usec_t now);

#endif
