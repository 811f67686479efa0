/*
 * intake.h - what a client sends, until a server or nobody has it.
 *
 * Thread: worker.
 */
#ifndef PROXY_INTAKE_H
#define PROXY_INTAKE_H

#include "base/usec.h"

struct client;

/* Its socket is readable: one read, and all that can be made of it. */
void intake_read(struct client *c, usec_t now);

/* Offers what was kept once more: the state has changed, or the server takes more. */
void intake_pump(struct client *c, usec_t now);

#endif
