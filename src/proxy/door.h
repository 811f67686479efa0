/*
 * door.h - where clients come in: one worker accepts them, in its own loop, and each goes to the
 * worker that has the fewest (pool/balance.h).
 *
 * So a client of that worker's costs no thread more than the one that serves it, and with one
 * worker none does. That not all of them listen is for two reasons: each client would wake them
 * all, as the kernel wakes one of several only where each waits for the very socket, and libevent
 * waits for an epoll; and a worker that is busy would take those that another has time for.
 *
 * Thread: worker; door_close any.
 */
#ifndef PROXY_DOOR_H
#define PROXY_DOOR_H

#include "base/bug.h"
#include "base/err.h"

#include <stdbool.h>

struct listener;
struct worker;

/* The worker, which has not been started yet, will accept. The listener stays main's. */
bool door_open(struct worker *w, struct listener *l, struct err *err) MUST_CHECK;

/* No new clients from now on, but for those that were accepted. */
void door_close(struct worker *w);

/* At the worker's end, or at once: the listener is main's alone again. */
void door_leave(struct worker *w);

/* The worker has a new setup. */
void door_configure(struct worker *w);

#endif
