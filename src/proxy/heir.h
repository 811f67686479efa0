/*
 * heir.h - the server that takes over from a shared listener's (proxy/hub.h): after RECONNECT, none
 * of before it is to stay.
 *
 * It is a server of the same pool, of the same worker, asked for in the pool's queue like a
 * client's. It listens to all that the old one does and sends a marker in the same transaction;
 * proxy/seam.h says why each notification is then heard exactly once. What is to be listened to
 * besides waits meanwhile, for the two round trips that it takes. The old one goes to its pool.
 *
 *	state     what happens                                          the old one
 *	RESTING   the pool has refused, or it went wrong: tries again   as ever
 *	SEEKING   a server is waited for                                as ever
 *	FITTING   it gets its parameters                                finishes what it was told
 *	CROSSING  it was told to listen; the seam decides what is heard is told nothing else
 *	FAILED    what is heard is the old one's again; RESTING soon    is told nothing else
 *
 * The old one may be at another PostgreSQL than the new one: RECONNECT is for that, too. Then it
 * never hears the marker. It is asked for an answer, of no matter what, once the new one has heard
 * it: PostgreSQL tells what was notified before that. So it is known, and not guessed from how long
 * it takes; and who listens is told so and disconnected (hub_dismiss), since what was sent where
 * the new one is, until then, nobody has heard.
 *
 * What is held of one until the other has caught up is bounded by listen_buffer.
 *
 * Owner: the hub. Thread: the hub's owner.
 */
#ifndef PROXY_HEIR_H
#define PROXY_HEIR_H

#include <stdbool.h>

#include "base/bug.h"
#include "base/usec.h"
#include "pool/pool_order.h"

struct heir;
struct hub;
struct note;
struct pool_waiter;
struct server;

/* Another server shall take over from the hub's. One that is about to, but is of before the last
 * RECONNECT itself, shall not. */
void heir_seek(struct hub *hub, usec_t now);

/* The hub needs none any more: what was begun is undone. None is there: fine. */
void heir_end(struct hub *hub, usec_t now);

/* Is the hub's server not to be told anything now? */
bool heir_forbids(const struct hub *hub);

/* A notification of one of the two: is it for those who hear from the hub? */
bool heir_passes(struct hub *hub, const struct server *s, struct note *note) MUST_CHECK;

/* If both are behind the marker, the hub's server is the new one from here on. */
void heir_conclude(struct hub *hub, usec_t now);

/* One of the two may take the next step; its own has answered; is gone. */
void heir_settle(struct hub *hub, usec_t now);
void heir_answered(struct hub *hub, bool failed, usec_t now);
void heir_lost(struct hub *hub, usec_t now);

/* The pool's orders. */
void heir_granted(struct pool_waiter *waiter, struct server *s, usec_t now);
void heir_refused(struct pool_waiter *waiter, enum pool_reason why, usec_t now);

#endif
