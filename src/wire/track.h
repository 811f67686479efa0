/*
 * track.h - where one server's conversation stands.
 *
 * The caller tells the track, in order, of every message it sends to a server and of every
 * message the server sends back. The track answers what can be answered from that alone:
 * may the server be given to somebody else, in which transaction state is it, and whose is
 * the message that just came: the client's, or the pooler's own.
 *
 * It is a queue of what the server still has to answer. What makes it more than that are
 * errors (the server skips everything up to a Sync) and COPY FROM STDIN (the server reads
 * and ignores Syncs while it is copying, so that how many of them it will answer after an
 * error depends on what it had read by then). Where that cannot be known the track says so
 * (track_is_uncertain) and never guesses.
 *
 * The protocol's state alone: that no frame was forwarded in part is for the caller to know.
 *
 * Embedded in the server; owned by it. May be moved in memory.
 * Thread: the server's worker.
 */
#ifndef WIRE_TRACK_H
#define WIRE_TRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bug.h"
#include "base/slice.h"

#define TRACK_MAX_ITEMS 32768u
#define TRACK_INLINE_ITEMS 32u

enum track_verdict {
	TRACK_OK,
	TRACK_SKIPPED,   /* forward it, but the server will ignore it: it is skipping to a Sync */
	TRACK_FULL,      /* not taken; read no more from this client until replies have come */
	TRACK_VIOLATION, /* no client may send this here */
};

enum track_reply {
	TRACK_PASS,    /* for the client */
	TRACK_SWALLOW, /* the answer to something of our own */
	TRACK_ASYNC,   /* A, N or S, which may come at any time: look at it; it completes nothing */
	TRACK_LAST_WORDS, /* an ErrorResponse that nobody asked for: the server is going away */
	TRACK_DESYNC,     /* cannot be; close the server */
};

/* What a message of the server's was about. */
struct track_news {
	char item; /* the client's message that it answers: one of PBDECQSF; 0: none */
	bool own;  /* that was one of our own; of what comes at any time: that is being answered */
	bool done; /* it was the last answer to it; with type Z: a batch is closed */
	bool failed;  /* an ErrorResponse */
	uint32_t seq; /* which one: what track_next_seq() said before it was sent; of what comes at
			 any time: the one that is being answered, or the next one */
};

enum track_copy {
	TRACK_COPY_NONE,
	TRACK_COPY_IN,
	TRACK_COPY_OUT,
	TRACK_COPY_BOTH,
};

struct track {
	uint8_t *heap;     /* owned; NULL while the inline ring is enough */
	uint32_t cap;      /* of the ring in use; a power of two */
	uint32_t head;     /* seq of the oldest item; runs freely, as does tail */
	uint32_t tail;     /* seq of the next one */
	uint32_t syncs;    /* items that end in a ReadyForQuery, the doubtful among them */
	uint32_t doubtful; /* Syncs that the server may have ignored */
	uint32_t sure;     /* doubtful > 0: behind the head, all before it is doubtful or gone */
	uint32_t data_at;  /* has_data: tail when data of a COPY was last sent */
	uint32_t end_at;   /* has_end: the last of those */
	uint32_t copied;   /* items behind the head that its earlier COPYs have read */
	char tx_status;    /* of the last ReadyForQuery */
	uint8_t copy;      /* enum track_copy */
	bool skipping;     /* the server ignores everything up to a Sync not yet sent */
	bool open;         /* extended messages were sent, and no Sync behind them */
	bool runs;         /* open: among them a Bind or Execute of the client's (track_ran) */
	bool chained;      /* the same behind which came a Query, which may be answered by now */
	bool has_data;     /* data of a COPY was sent behind the head */
	bool has_end;      /* so was what ends one */
	bool lost;         /* it cannot be known any more what will be answered; sticky */
	uint8_t ring[TRACK_INLINE_ITEMS];
};

void track_init(struct track *t); /* for a server that has just said its first ReadyForQuery, I */
void track_fini(struct track *t);

/* A message is about to be sent to the server; `own` where it is not the client's. Tell of
 * every one, in order, Flush and the messages of a COPY too. */
enum track_verdict track_client(struct track *t, char type, bool own) MUST_CHECK;

/* The server sent a message; of the body only the first byte is looked at. *news is always
 * filled. */
enum track_reply track_server(struct track *t, char type, struct slice body,
			      struct track_news *news) MUST_CHECK;

/* The seq that the next message gets which is queued (PBDECQSF and TRACK_OK); and the oldest
 * one still unanswered. Everything between a completed item and track_head_seq() was skipped
 * by the server after an error. They wrap: compare by track_seq_before. */
static inline uint32_t track_next_seq(const struct track *t)
{
	return t->tail;
}

static inline uint32_t track_head_seq(const struct track *t)
{
	return t->head;
}

static inline bool track_seq_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* Nothing is outstanding, and no batch, skip or copy is open: it answers all it is asked next. */
static inline bool track_is_quiet(const struct track *t)
{
	return t->head == t->tail && !t->skipping && !t->open && !t->lost &&
	       t->copy == TRACK_COPY_NONE;
}

/* Quiet and in no transaction: the server may be released. */
static inline bool track_is_idle(const struct track *t)
{
	return t->tx_status == 'I' && track_is_quiet(t);
}

/* All that surely will be answered was answered, but the server may owe one more
 * ReadyForQuery, or worse. Such a track is never quiet: ask this before waiting for that. Do
 * not release the server: at a ReadyForQuery close it, or send it a Query of our own (or the
 * client's next one), which resolves a doubt but not a loss. (Only after an error in a COPY
 * FROM STDIN with Syncs sent into it, or after Terminate.) */
bool track_is_uncertain(const struct track *t);

static inline char track_tx_status(const struct track *t) /* I, T or E */
{
	return t->tx_status;
}

/* ReadyForQuery messages that are surely still to come. */
static inline uint32_t track_outstanding_syncs(const struct track *t)
{
	return t->syncs - t->doubtful;
}

/* Is one to come behind the message `seq`, which is still to be answered, or as its answer? */
bool track_ends_behind(const struct track *t, uint32_t seq);

static inline enum track_copy track_in_copy(const struct track *t)
{
	return (enum track_copy)t->copy;
}

/* A COPY reads what is sent next: it has begun, and nothing that ends it was sent. */
bool track_copy_reads(const struct track *t); /* of one that has begun */
static inline bool track_feeds_copy(const struct track *t)
{
	return UNLIKELY(t->copy != TRACK_COPY_NONE) && track_copy_reads(t);
}

/* The end of a COPY was sent, and nothing behind it that ends in ReadyForQuery: unless more comes,
 * the server may say what became of it only where it is asked to by Flush. */
bool track_wants_flush(const struct track *t);

/* The server becomes idle only if somebody sends a Sync. */
static inline bool track_wants_sync(const struct track *t)
{
	return t->skipping || t->open;
}

static inline bool track_is_full(const struct track *t)
{
	return t->tail - t->head >= TRACK_MAX_ITEMS;
}

/* What is sent now is skipped if something that is under way fails: a Query amid a batch does not
 * end it. */
static inline bool track_may_skip(const struct track *t)
{
	return t->skipping || t->open || (t->chained && t->head != t->tail);
}

/* An Execute of our own, the message before, was the client's all the same. */
static inline void track_ran(struct track *t)
{
	t->runs = t->open;
}

/* It answers in no transaction block, and the batch that is open, if any, has nothing of the
 * client's that ends with a transaction: one that is begun and ended here is noticed by nobody. */
static inline bool track_may_commit(const struct track *t)
{
	return t->tx_status == 'I' && t->syncs == 0 && !t->runs && !t->skipping && !t->lost;
}

/* Asserts the invariants; for tests and fuzzing. */
void track_check(const struct track *t);

#endif
