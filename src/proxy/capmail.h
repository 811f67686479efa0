/*
 * capmail.h - what a worker is told of a limit that it shares with others: of a pool, of a database
 * or of a user.
 *
 * Thread: any; the worker that is told acts on it in its own.
 */
#ifndef PROXY_CAPMAIL_H
#define PROXY_CAPMAIL_H

struct pool_cap;
struct worker_shared;

/* A permit is free; somebody is short of one, so that an idle server has to go. */
enum capmail_news { CAPMAIL_WAKE, CAPMAIL_EVICT };

/* Holds a reference to what the cap is of until it has arrived. */
void capmail_send(struct worker_shared *shared, enum capmail_news news, unsigned worker,
		  struct pool_cap *cap);

#endif
