/*
 * intake.h - what a client sends, until a server or nobody has it.
 *
 * Thread: worker.
 */
#ifndef PROXY_INTAKE_H
#define PROXY_INTAKE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/usec.h"

struct client;
struct frame;
struct worker;

/* A message of which so much is at most to come is waited for before it is acted upon. */
#define INTAKE_GATHER_BYTES ((size_t)8 << 10)

/* Its socket is readable: one read, and all that can be made of it. */
void intake_read(struct client *c, usec_t now);

/* Offers what was kept once more: the state has changed, or the server takes more. */
void intake_pump(struct client *c, usec_t now);

/* What was kept for what clients will send: when the worker ends. */
void intake_free_spare(struct worker *w);

/* Is it a Query or Parse that begins a transaction block? */
bool intake_is_begin(const struct frame *f);

#endif
