/*
 * desk.h - carrying out the console's commands.
 *
 * Thread: main.
 */
#ifndef ADMIN_DESK_H
#define ADMIN_DESK_H

#include "base/usec.h"

struct admin;
struct request;

/* Ends in request_done: at once, or when the workers have answered. */
void desk_run(struct request *r, usec_t now);

/* The console ends: what waits for a timer is not going to be done any more. */
void desk_give_up(struct request *r, usec_t now);

#endif
