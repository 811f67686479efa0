/*
 * ear_queue.h - notifications that a client has heard and was not told yet.
 *
 * Two lists of an ear's: the queue, which it is told of between its statements, in order, and those
 * that the seam holds until it is known whether they are heard from elsewhere too (proxy/seam.h).
 * Both together are bounded by listen_buffer: who reads none of it is disconnected.
 *
 * State: in the ear. Thread: worker.
 */
#ifndef PROXY_EAR_QUEUE_H
#define PROXY_EAR_QUEUE_H

#include <stdbool.h>

#include "base/usec.h"
#include "proxy/seam.h"

struct ear;
struct list;
struct note;

/* One more in ear->queue or ear->held. The client may be CLOSING afterwards: it has too many. */
void ear_queue_put(struct ear *ear, struct list *items, struct note *note, usec_t now);

/* Those held go to the queue, or nowhere, or stay. */
void ear_queue_resolve(struct ear *ear, enum seam_held held);

/* Tells the client what is in the queue, if this is the time for it. False: it is CLOSING. */
bool ear_queue_tell(struct ear *ear, usec_t now);

void ear_queue_clear(struct ear *ear, struct list *items);

#endif
