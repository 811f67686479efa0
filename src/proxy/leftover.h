/*
 * leftover.h - statements that leave something in a session, where no session lasts: pool_mode
 * transaction and statement (on_session_state).
 *
 * By the text alone, and only what it names: what a function or a DO does is not seen. Settings
 * that follow the client are no leftover.
 *
 * Thread: worker.
 */
#ifndef PROXY_LEFTOVER_H
#define PROXY_LEFTOVER_H

#include <stdbool.h>

#include "base/buf.h"
#include "proxy/client.h"

struct frame;

/* A Query or Parse is about to be sent: the log hears of it once for each client. True: it is to be
 * refused: `body` is what is sent in its place, which the server refuses in our words, so that the
 * transaction that it is in fails as it should. */
bool leftover_refuses(struct client *c, const struct frame *f, struct buf *body);

#endif
