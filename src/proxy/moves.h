/*
 * moves.h - clients that have moved from the worker that they came to: where each is now.
 *
 * A cancel key says in its number which worker gave it out (proxy/cancel.h). Who has moved is
 * listed here, so that cancels find it; and while a command to end clients is under way nobody
 * moves, so that none escapes it from a worker that has yet to hear of it to one that has already.
 *
 * Shared by all workers, owned by the proxy. Thread: any.
 */
#ifndef PROXY_MOVES_H
#define PROXY_MOVES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bug.h"
#include "base/map.h"

struct mail;
struct worker_shared;

struct moves {
	pthread_mutex_t lock;
	struct map away; /* the number of a cancel key -> its worker's, and one; under the lock */
	atomic_size_t away_count;
	int barred; /* commands under way; under the lock */
};

void moves_init(struct moves *m);
void moves_fini(struct moves *m);

/* main: a command to end clients goes out to the workers, or all have carried it out. */
void moves_bar(struct moves *m);
void moves_unbar(struct moves *m);

/* A move, in one piece between the two, so that mail sent by moves_send arrives behind the client.
 * False: nobody moves now, and there is nothing to end. */
bool moves_begin(struct moves *m) MUST_CHECK;
void moves_end(struct worker_shared *shared, uint32_t pid, unsigned home, unsigned to,
	       struct mail *client);

/* Sends the mail to where the client of that number is, who came to `home`. False: it is `here`,
 * if anywhere, and the mail is still the caller's. */
bool moves_send(struct worker_shared *shared, uint32_t pid, unsigned home, unsigned here,
		struct mail *mail) MUST_CHECK;

/* Is there one of that number that has moved? */
bool moves_has(struct moves *m, uint32_t pid);

void moves_forget(struct moves *m, uint32_t pid); /* it has left */

#endif
