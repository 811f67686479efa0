/*
 * prepared_set.h - the statements that a server has prepared, and whose unnamed one.
 *
 * What is sent changes it at once; what the server then skips is written down as doubtful, so that
 * the next one who needs it has it prepared anew. Entries are in the order of their last use.
 *
 * Owner: the server; NULL: nothing was prepared. For prepared*.c alone but for the functions that
 * take a server. Thread: worker.
 */
#ifndef PROXY_PREPARED_SET_H
#define PROXY_PREPARED_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "base/slice.h"
#include "proxy/aside.h"
#include "wire/track.h"

struct server;
struct shape;
struct stmt;

/* A statement that a server has. */
struct prepared_entry {
	struct list lru;     /* the one used last comes first */
	struct stmt *stmt;   /* a reference */
	struct shape *shape; /* a reference; of this copy */
	uint32_t seq;        /* the item of its Parse; leaving: of its Close */
	uint32_t used_seq;   /* of the last one that was about it */
	uint32_t asked_seq;  /* was_asked: of the Describe that is to tell its shape */
	bool was_asked;
	uint64_t only_for; /* a client's id, while nobody knows by which settings it was read; 0:
			      anybody's */
	bool is_good;      /* else: perhaps the server has it, perhaps not, or it fails for ever */
};

struct prepared_set {
	struct map map; /* number -> prepared_entry, owned */
	struct list lru;
	struct list asks;    /* Describes that are to tell a shape, in their order */
	struct list leaving; /* entries that had to make room, until the server has answered */
	/* whose unnamed statement it has, if that is known */
	uint64_t unnamed_client;
	uint64_t unnamed_generation;
	uint32_t unnamed_seq; /* the item that has made it so */
	bool has_unnamed;
	struct shape *unnamed_shape; /* a reference; of a copy of ours that is still to be compared
					with what its client was told; or NULL */
	bool is_doubtful;            /* it may have what it is not known to have */
	uint32_t own_seq;            /* of our last Parse or Close */
	uint32_t synced_at;          /* of the last Sync */
	uint32_t flushed_at;         /* what was sent before is answered without one */
	uintptr_t text;              /* the number of the text that names are lent to, from one */
	struct map lent;     /* names of the client's own that it got for a moment -> their text */
	struct map unsure;   /* those that `unsure_of` may have by PREPARE since, if its text got so
				far -> not NULL */
	uint64_t unsure_of;  /* a client's id */
	char *lent_encoding; /* owned; in which names beyond ASCII were lent; NULL: there are none
			      */
	bool holds;         /* in front of the message `held_seq` stands something that may fail: */
	uint32_t held_seq;  /* what comes behind it waits until it is answered */
	struct aside aside; /* in the batch of the client that has the server */
	bool has_exit;      /* holds: there is what its text begins with, too, */
	uint32_t exit_seq;  /* run by this Execute */
};

/* The server's; made where it has none yet. */
struct prepared_set *prepared_set_need(struct server *s);
void prepared_set_free(struct server *s);
size_t prepared_set_count(const struct server *s); /* for SHOW */

struct prepared_entry *prepared_set_find(const struct prepared_set *set, const struct stmt *stmt);
/* The statement that servers know by that name. */
struct prepared_entry *prepared_set_find_name(const struct prepared_set *set, struct slice name);
void prepared_set_drop(struct prepared_set *set, struct prepared_entry *entry);

/* A Close, which is the next message, shall make room of it. */
void prepared_set_evict(struct prepared_set *set, struct prepared_entry *entry,
			const struct track *track);

/* Is a Close of it under way, which may yet be skipped? */
bool prepared_set_evicts(const struct prepared_set *set, const struct stmt *stmt,
			 const struct track *track);

/* The message `seq`, which is sent or comes next, describes the entry's copy. */
void prepared_set_ask(struct prepared_set *set, struct prepared_entry *entry, uint32_t seq,
		      const struct track *track);

/* The Describe that was asked last is the client's and comes behind a Parse of ours, of a statement
 * that takes such types (as ParameterDescription has them): where that is refused, the server would
 * have said as much to who has the statement. SLICE_NONE: nobody was told. */
void prepared_set_ask_behind(struct prepared_set *set, uint32_t parse_seq, struct slice types);
struct slice prepared_set_refused(const struct prepared_set *set, uint32_t parse_seq);

/* Is the answer to that under way? */
bool prepared_set_is_asked(const struct prepared_entry *entry, const struct track *track);

/* The message `seq` describes what has that shape. */
void prepared_set_listen(struct prepared_set *set, struct shape *shape, uint32_t seq,
			 const struct track *track);

/* Is there anything to learn from a description? And an answer to the message `seq`, which is one,
 * as shape_learn() has it. */
static inline bool prepared_set_asks(const struct prepared_set *set)
{
	return set && !list_is_empty(&set->asks);
}
void prepared_set_hear(struct prepared_set *set, uint32_t seq, char type, struct slice body);

/* It gets the client's own name for a moment; and: has it got that for the text at hand? */
void prepared_set_lend(struct prepared_set *set, struct slice name);
bool prepared_set_lends(const struct prepared_set *set, struct slice name);

/* The name, or whichever is lent where it is empty, may be what PREPARE has taken. */
void prepared_set_lends_no_more(struct prepared_set *set, struct slice name, uint64_t client);

/* How many names are to be closed in front of the next batch, at most. */
static inline size_t prepared_set_lent(const struct prepared_set *set)
{
	return set ? map_count(&set->lent) + map_count(&set->unsure) : 0;
}

/* Must what comes now still wait? */
bool prepared_set_holds(struct prepared_set *set, const struct track *track);

/* The copy whose Parse is the last message of those that are answered; or NULL. */
static inline struct prepared_entry *prepared_set_last_parsed(const struct prepared_set *set,
							      const struct track *track)
{
	if (!set || list_is_empty(&set->lru))
		return NULL;
	struct prepared_entry *entry = LIST_FIRST(&set->lru, struct prepared_entry, lru);
	return entry->seq + 1 == track_next_seq(track) ? entry : NULL;
}

/* Is the message still to be answered, and of a batch before the one that is open? Then it may yet
 * be skipped, and what comes next not with it. */
static inline bool prepared_set_is_pending(const struct prepared_set *set,
					   const struct track *track, uint32_t seq)
{
	return !track_seq_before(seq, track_head_seq(track)) &&
	       track_seq_before(seq, set->synced_at);
}

/* The server has refused the message `from`, and skipped those up to `to`. */
void prepared_set_skipped(struct prepared_set *set, uint32_t from, uint32_t to);

/* What the message `seq` has made the server forget: all that came before it. */
void prepared_set_forget(struct prepared_set *set, uint32_t seq);

/* A message of ours has taken the server's unnamed statement away; or its place. */
void prepared_set_unnamed_lost(struct server *s);
void prepared_set_unnamed_taken(struct server *s);

/* server_reset_query: what it has left prepared is not known. */
void prepared_set_doubt(struct server *s);

#endif
