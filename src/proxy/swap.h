/*
 * swap.h - a client gives its server up for another one, before that has got anything of its.
 *
 * What is in the server's way nothing can undo there: it is worn (proxy/worn.h), or has begun with
 * other settings than its client's session is to begin with (proxy/era.h), or the statement_timeout
 * of an earlier client ends the commands that are to take it back, or it ends itself. It is closed,
 * so that it is not met twice; the client hears nothing of it.
 *
 * Thread: worker.
 */
#ifndef PROXY_SWAP_H
#define PROXY_SWAP_H

#include <stdbool.h>

#include "base/bug.h"
#include "base/slice.h"
#include "base/usec.h"

struct client;
struct server;

/* Is the client, whose messages `in` are the first that its server is to get, to have another one?
 * Asked of one whose server is worn or outdated. */
bool swap_is_wanted(const struct client *c, struct slice in);

/* Its client, of which it has got nothing, asks for another one. */
void swap_server(struct server *s, usec_t now);

/* It has said in answer to a command of ours that it ends. The client has left it if it had nothing
 * there yet, and an earlier one had used it: to its next client a server that dies idle is none. */
bool swap_dying_server(struct server *s, usec_t now) MUST_CHECK;

/* It has refused the parameters of its client, in this ErrorResponse: because of an earlier one?
 * The client has left it then. */
bool swap_refusing_server(struct server *s, struct slice error_body, usec_t now) MUST_CHECK;

#endif
