/*
 * canceler.h - cancels a server's running query, in a helper thread.
 *
 * The request goes over a connection of its own, to the address that the server was reached
 * at; the callback comes only after the server has closed that one (it has then signalled
 * its backend) or the deadline passed. Until then the caller keeps the server from anybody
 * else, and afterwards, if it was not confirmed, closes it: a late cancel must hit nobody.
 *
 * Thread: that of the mailbox, unless noted.
 */
#ifndef PROXY_CANCELER_H
#define PROXY_CANCELER_H

#include <stdbool.h>

#include "base/bug.h"
#include "base/usec.h"

struct canceler;
struct connector_cancel;
struct helper_crew;
struct mailbox;

/* sent: the server took the request and closed. Else nobody knows. */
typedef void (*canceler_fn)(void *arg, bool sent, usec_t now);

/* False: the crew has no room; nothing was sent, no callback comes. The target is referenced as
 * long as it needs it; `arg` must live until the callback, which always comes otherwise. */
bool canceler_start(struct connector_cancel *target, struct helper_crew *crew,
		    struct mailbox *reply, usec_t deadline, canceler_fn done, void *arg) MUST_CHECK;

#endif
