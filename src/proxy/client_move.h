/*
 * client_move.h - an idle client goes from one worker to another, in the mail, and notices nothing.
 *
 * Only one that has no server, and nothing under way, and nothing of whose bytes is held: its
 * socket, its TLS session, its parameters and what it has prepared go along, its place in its pool
 * is taken anew there. What it sends meanwhile waits in its socket.
 *
 * Thread: worker.
 */
#ifndef PROXY_CLIENT_MOVE_H
#define PROXY_CLIENT_MOVE_H

#include <stdbool.h>

#include "base/bug.h"
#include "base/usec.h"

struct client;
struct worker;

bool client_move_can(const struct client *c);

/* The client, which can, is gone here when it returns. Not inside its own callback. False: nobody
 * moves now (proxy/moves.h). */
bool client_move(struct client *c, struct worker *to, usec_t now) MUST_CHECK;

#endif
