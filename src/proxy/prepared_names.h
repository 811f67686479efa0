/*
 * prepared_names.h - the prepared statements that a client knows by name, and the unnamed one.
 *
 * A message changes names when it is sent; what it has changed is remembered until the server has
 * answered, and taken back where the server refuses or skips it. Undos are in the order of their
 * messages, and those of one name are chained, so that none of it depends on how many there are.
 *
 * Owner: the client; NULL: it has prepared nothing. Thread: worker.
 */
#ifndef PROXY_PREPARED_NAMES_H
#define PROXY_PREPARED_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "base/slice.h"
#include "proxy/hidden.h"
#include "proxy/prepared_portals.h"
#include "proxy/prepared_unnamed.h"

struct client;
struct prepared_executed;
struct server;
struct shape;
struct stmt;
struct track;

/* A name of a client's. */
struct prepared_name {
	struct stmt *stmt;   /* a reference */
	struct shape *shape; /* a reference; what its client goes by */
	bool is_told;        /* that its columns are others now: it takes what comes */
	struct shape *made;  /* a reference; of the copy that was made for it last, by a Parse of
				ours, since it goes by them; or NULL */
	uint64_t used_at;    /* the last message that was about it (prepared_names_at); 0: none */
	uint64_t asked_at;   /* the last Describe of ours in front of one */
	struct prepared_executed *executed; /* a reference; it is an EXECUTE; or NULL */
	bool is_unread; /* it was prepared behind a SET of what its literals mean, which is still to
			   be known: its meaning is that of before */
	bool has_effects;             /* to run it may leave something in the session */
	bool moves;                   /* or take a number from a sequence */
	struct hidden_verdict hidden; /* or what names in it hide may */
};

/* What a message has changed, until the server has answered it. */
struct prepared_undo {
	struct list link;
	uint32_t seq;
	unsigned nth;              /* of the DEALLOCATEs in a text, from one */
	char *name;                /* owned; NULL: the end of a batch */
	struct prepared_name *old; /* owned; what the name led to before; NULL: nothing */
	/* those of the same name */
	struct prepared_undo *earlier, *later;
	struct prepared_undo *last; /* of the first of them */
};

struct prepared_names {
	struct map map;     /* name -> prepared_name, owned */
	struct list undos;  /* in the order of their messages */
	struct map open;    /* name -> the first of its undos */
	uint64_t server_id; /* whose are the seqs */
	uint32_t stay;      /* which of the servers that it has come to that is, from one */
	size_t text_bytes;
	bool has_unread;      /* some may be */
	size_t syncs;         /* the ends of batches among the undos */
	uint32_t last_sync;   /* the seq of the last one */
	unsigned deallocated; /* by the Query that is being answered */
	struct prepared_portals
		portals;     /* that are minded once they are run (prepared_portals.h) */
	struct buf behind;   /* SETs for behind the last Execute, a zero behind each (reset.h) */
	bool forgets;        /* a DEALLOCATE ALL is under way, */
	uint32_t forgets_at; /* its seq */
	bool tells;          /* a change of columns is told by the answer to a Bind, */
	uint32_t untold_seq; /* its seq, */
	bool tells_unnamed;  /* which is of the unnamed statement */
	struct prepared_unnamed unnamed;
};

struct prepared_names *prepared_names_need(struct client *c);
void prepared_names_free(struct client *c);
void prepared_names_free_one(struct prepared_name *name); /* NULL is fine */
size_t prepared_names_count(const struct client *c);

/* By which settings its texts are read is known by now: those that it has. */
void prepared_names_read(struct client *c);

/* Is it still to be answered what an earlier batch has done with the name? */
bool prepared_names_is_open(const struct prepared_names *names, struct slice name);

/* The message `seq` to the server that the client has now, told apart from those to others. */
static inline uint64_t prepared_names_at(const struct prepared_names *names, uint32_t seq)
{
	return (uint64_t)names->stay << 32 | seq;
}

/* By the answer to the message `from`, behind which those up to `to` were skipped, its client was
 * told that the columns of what that was about have changed. Of which name it was, is known where
 * that was not used since; or in what was skipped alone, and nothing else was. Another one, and one
 * that is used in a later batch, goes by what it did: what comes of that is the client's knowledge,
 * too. */
void prepared_names_told(struct prepared_names *names, uint32_t from, uint32_t to);

/* It will be told so by the answer to the message `seq`, a Bind of a name or of the unnamed
 * statement; and: so it was, or that is not asked any more. */
void prepared_names_tell(struct prepared_names *names, uint32_t seq, bool is_unnamed);
void prepared_names_tell_no_more(struct prepared_names *names);

/* The client goes by other types than what servers infer now: it gets the statement that names
 * those that it was told. */
void prepared_names_pin(struct prepared_names *names, struct prepared_name *name);

/* What comes next goes by such columns; and the same where the message `seq` is to tell of them,
 * if that is done. The latter makes another prepared_name of it. */
void prepared_names_go_by(struct prepared_name *name, struct shape *shape);
void prepared_names_learn(struct prepared_names *names, uint32_t seq, struct slice name,
			  struct shape *shape);

/* Without a server: the unnamed statement is what this body of a Parse says, and runs without
 * effects; SLICE_NONE: there is none any more. */
void prepared_names_set_unnamed(struct client *c, struct slice body);

/* What the name leads to, given away, or NULL; and a name that leads to nothing so far. */
struct prepared_name *prepared_names_remove(struct prepared_names *names, struct slice name);
void prepared_names_put(struct prepared_names *names, struct slice name,
			struct prepared_name *value);

/* The message `seq` changes a name that led to `old` (given away); a name without bytes: it is a
 * Sync or a Query, which end a batch. */
struct prepared_undo *prepared_names_note(struct prepared_names *names, uint32_t seq,
					  struct slice name, struct prepared_name *old);

/* On another server all that was asked of the one before has been answered. */
void prepared_names_arrive(struct prepared_names *names, const struct server *s);

/* Has the server still to say whether what was run has made it forget all? */
bool prepared_names_awaits_forget(struct prepared_names *names, const struct track *track);

/* The server has done all up to the message `seq`. */
void prepared_names_done(struct client *c, uint32_t seq);

/* It has refused the one at `from` and skipped those up to `to`. */
void prepared_names_skipped(struct prepared_names *names, uint32_t from, uint32_t to);

/* A text failed amid its statements: what it had deallocated before is gone for good. */
void prepared_names_text_failed(struct prepared_names *names, uint32_t seq);

/* A DEALLOCATE of the text that is being answered was carried out. */
void prepared_names_deallocated(struct client *c);

/* The message `seq` has made the server forget all that came before it. */
void prepared_names_forget(struct client *c, uint32_t seq);

#endif
