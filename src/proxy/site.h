/*
 * site.h - a database of a server, as all pools know it that lead there: of whatever name, user and
 * mode, in every worker.
 *
 * What they share is which names hide code there (proxy/hidden.h): one asks for all. And news of
 * commands that may change it, CREATE, ALTER, DO, from when they are sent to when they are done. A
 * connection that is lost amid such a command leaves a ghost: its backend may still do it. Until
 * the server says that there is no such backend any more nobody knows what hides code.
 *
 * It is the same one where host, port and database are written the same way.
 *
 * Counted by reference (proxy/registry.h). The lock is taken when something is learnt or lost, not
 * on the way of a query. Thread: any.
 */
#ifndef PROXY_SITE_H
#define PROXY_SITE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bug.h"
#include "base/map.h"
#include "base/slice.h"
#include "base/usec.h"

struct hidden_lore;

#define SITE_MAX_GHOSTS 64

/* Who asks and has not got an answer for so long keeps no other from asking. */
#define SITE_ANSWER_US (10 * USEC_PER_SEC)

struct site_ghost {
	int pid;
	usec_t since; /* when its connection was lost */
};

struct site {
	struct slice key;          /* owned */
	atomic_uint_fast64_t news; /* one more when a command begins, and when it is done */
	atomic_int open;           /* how many are under way */
	atomic_int minders;        /* localpools that want to know what hides code */
	_Atomic usec_t asked_at;   /* when the server was, and has not answered yet; or 0 */
	_Atomic usec_t peek_at;    /* when a server is to be asked how the catalogs are */
	_Atomic usec_t changed_at; /* when all was asked the last time since catalogs had changed */
	_Atomic usec_t vacated_at; /* when its idle servers were last closed (proxy/vacate.h) */
	atomic_uint *versions;     /* not owned; of all sites: the newest */
	atomic_uint version;       /* of what is known; 0: nothing */

	pthread_mutex_t lock;     /* guards the rest */
	struct hidden_lore *lore; /* a reference; NULL: nothing is known */
	struct map defaults;      /* a role, or "" for all -> a hash of what sessions begin with */
	usec_t defaults_asked_at; /* 0: nobody has been told yet */
	struct site_ghost ghosts[SITE_MAX_GHOSTS];
	size_t ghost_count;

	unsigned refs; /* the registry's lock guards it */
};

struct site *site_new(struct slice key, atomic_uint *versions);
void site_free(struct site *site);

/* A command that changes what is defined is about to be sent; is done; or its connection is lost
 * before it was. */
void site_begin(struct site *site);
void site_end(struct site *site);
void site_lose(struct site *site, int pid, usec_t now);

static inline uint64_t site_news(const struct site *site)
{
	return atomic_load_explicit(&site->news, memory_order_relaxed);
}

static inline bool site_is_minded(const struct site *site)
{
	return atomic_load_explicit(&site->minders, memory_order_relaxed) > 0;
}

/* Is somebody asking right now? */
bool site_is_asked(struct site *site, usec_t now);
void site_ask(struct site *site, usec_t now);
void site_answered(struct site *site, usec_t asked_at);

/* Is it time to ask how the catalogs are? One is told so, and others in SITE_ANSWER_US if that one
 * has not got an answer until then (which sets `peek_at`). */
bool site_peek(struct site *site, usec_t now);

/* The catalogs have changed. Is all to be asked: was it the last time for that reason before so
 * long? */
bool site_changed(struct site *site, usec_t now, usec_t again_us);

/* May its servers be closed, now: has that been done the last time before so long? */
bool site_vacate(struct site *site, usec_t now, usec_t again_us);

/* Copies those that are there; how many. And these are no more. */
size_t site_ghosts(struct site *site, struct site_ghost out[SITE_MAX_GHOSTS]);
void site_lay(struct site *site, const struct site_ghost *gone, size_t count);

/* What sessions of roles begin with, as the server has said it when it was asked at `asked_at`; it
 * is what was known that is left in *now. Adds the names of those for whom it is something else,
 * each with its zero; since when, 0: nothing was known. */
usec_t site_take_defaults(struct site *site, struct map *now, usec_t asked_at, struct buf *others);

/* Its version, that no other has, of whatever site. */
uint32_t site_next_version(struct site *site);

/* What was learnt, for all; a reference is taken. It is not to be written to any more. What is
 * known better is kept. */
void site_publish(struct site *site, struct hidden_lore *lore);

/* A new reference to what is known, if that is another version; else NULL. */
struct hidden_lore *site_lore(struct site *site, uint32_t than) MUST_CHECK;

#endif
