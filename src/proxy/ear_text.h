/*
 * ear_text.h - does what a client is about to send concern what it listens to?
 *
 * Thread: worker.
 */
#ifndef PROXY_EAR_TEXT_H
#define PROXY_EAR_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct client;

/*
 * How many bytes of the messages in hand go before the first batch that does: that has to do with
 * LISTEN and NOTIFY, or may have; that begins a transaction block; that does more than read, for a
 * trigger or a rule may notify; or that is not in hand to its end, so that it cannot be told.
 * `*sends`: it notifies somebody.
 */
size_t ear_text_passes(const struct client *c, struct slice in, bool *sends);

/* How many belong to the batch that is open, whatever it has to do with; all, where its Sync is not
 * in hand. */
size_t ear_text_batch(const struct client *c, struct slice in);

#endif
