/*
 * track.c - the queue of what a server still has to answer.
 *
 * An item is put in for each message that is answered, and leaves with its last answer:
 *
 *   Parse 1, Bind 2, Close 3, Describe T or n, Execute C, I or s, Query, Sync and
 *   FunctionCall Z
 *
 * ErrorResponse to an extended message: the server skips to the next Sync, so everything up
 * to there leaves the queue. Where no Sync was sent yet, `skipping` stays until one is. To a
 * Query, a Sync or a FunctionCall: nothing is skipped, Z follows.
 *
 * COPY FROM STDIN (G at the head): the server reads data until CopyDone or CopyFail, and
 * ignores Sync and Flush among it. Only now is it known that the Syncs queued behind the head,
 * up to the first CopyDone or CopyFail (which are queued as marks for that), are not answered:
 *
 *   it ends well (C)   these Syncs are gone
 *   it fails (E)       no data had been sent: the server has read none of them either, for it
 *                      cannot fail while it waits for a message; all of them are answered.
 *                      Data had been sent: where in it the server stopped, and so which of
 *                      these Syncs it will answer, cannot be known: they become doubtful.
 *
 * A doubtful Sync may be answered or not. It is resolved by the next answer that cannot be its
 * own; a Z that could be its own or that of a Sync behind it leaves as much doubt as before.
 * Where an error leaves it open even which messages the server skips, the track is lost.
 *
 * Not here: the bytes, which statements are prepared, and what to do about any of it.
 */
#include "wire/track.h"

#include <stdlib.h>
#include <string.h>

#include "wire/track_table.h"

#define KEEP_RING_ITEMS 1024u /* a ring larger than this is given back once it is empty */

/* ---- the ring ------------------------------------------------------------------------- */

static inline uint8_t *track_at(struct track *t, uint32_t seq)
{
	return (t->heap ? t->heap : t->ring) + (seq & (t->cap - 1));
}

static inline uint8_t track_item(const struct track *t, uint32_t seq)
{
	return (t->heap ? t->heap : t->ring)[seq & (t->cap - 1)];
}

static inline enum track_kind track_kind(const struct track *t, uint32_t seq)
{
	return (enum track_kind)(track_item(t, seq) & ITEM_KIND);
}

static inline bool track_is_doubtful(const struct track *t, uint32_t seq)
{
	return track_item(t, seq) & ITEM_DOUBTFUL;
}

/* Ends in a ReadyForQuery. */
static inline bool track_is_sync(enum track_kind kind)
{
	return kind >= ITEM_QUERY;
}

static void track_to_inline(struct track *t)
{
	free(t->heap);
	t->heap = NULL;
	t->cap = TRACK_INLINE_ITEMS;
}

static bool track_grow(struct track *t)
{
	uint32_t cap = t->cap * 2;
	if (cap > TRACK_MAX_ITEMS)
		return false;
	uint8_t *ring = malloc(cap);
	if (!ring)
		return false;
	for (uint32_t seq = t->head; seq != t->tail; seq++)
		ring[seq & (cap - 1)] = track_item(t, seq);
	free(t->heap);
	t->heap = ring;
	t->cap = cap;
	return true;
}

static inline bool track_push(struct track *t, uint8_t item)
{
	if (UNLIKELY(t->tail - t->head == t->cap) && !track_grow(t))
		return false;
	*track_at(t, t->tail) = item;
	t->tail++;
	return true;
}

/* The head is never one that is not answered. */
static inline void track_pop(struct track *t)
{
	do
		t->head++;
	while (t->head != t->tail && track_kind(t, t->head) <= ITEM_COPY_END);
	t->copied = 0;
	if (UNLIKELY(t->has_data)) {
		t->has_data = track_seq_before(t->head, t->data_at);
		t->has_end &= t->has_data && track_seq_before(t->head, t->end_at);
	}
	if (UNLIKELY(t->heap != NULL) && t->head == t->tail && t->cap > KEEP_RING_ITEMS)
		track_to_inline(t);
}

/* An item that is not at the head will not be answered. */
static void track_forget(struct track *t, uint32_t seq)
{
	if (track_is_sync(track_kind(t, seq)))
		t->syncs--;
	if (track_is_doubtful(t, seq))
		t->doubtful--;
	*track_at(t, seq) = ITEM_GONE;
}

void track_init(struct track *t)
{
	*t = (struct track){ .cap = TRACK_INLINE_ITEMS, .tx_status = 'I' };
}

void track_fini(struct track *t)
{
	track_to_inline(t);
}

/* ---- what is sent --------------------------------------------------------------------- */

static enum track_verdict track_send_item(struct track *t, enum track_kind kind, bool own)
{
	if (UNLIKELY(t->skipping) && kind != ITEM_SYNC) {
		if (t->doubtful > 0)
			t->lost = true; /* if a doubtful Sync ended the skip, it is not skipped */
		return TRACK_SKIPPED;
	}
	if (!track_push(t, (uint8_t)(kind | (own ? ITEM_OWN : 0))))
		return TRACK_FULL;
	if (!track_is_sync(kind)) {
		t->open = true;
		t->runs |= !own && (kind == ITEM_BIND || kind == ITEM_EXECUTE);
		return TRACK_OK;
	}
	bool chains = t->open || (t->chained && t->tail - t->head > 1);
	t->chained = chains && kind != ITEM_SYNC;
	t->syncs++;
	t->open = t->skipping = t->runs = false;
	return TRACK_OK;
}

/* Data, or the end of it, before the item that will be `at`. */
static void track_send_data(struct track *t, uint32_t at)
{
	t->data_at = at;
	t->has_data = t->head != t->tail;
}

static enum track_verdict track_send_copy_end(struct track *t)
{
	if (t->head == t->tail)
		return TRACK_OK; /* nobody copies; the server ignores it */
	if (!track_push(t, ITEM_COPY_END))
		return TRACK_FULL;
	t->has_end = true;
	t->end_at = t->tail - 1;
	track_send_data(t, t->tail - 1);
	return TRACK_OK;
}

enum track_verdict track_client(struct track *t, char type, bool own)
{
	const struct track_row *row = &track_rows[(uint8_t)type & 127];

	if ((uint8_t)type > 127)
		return TRACK_VIOLATION;
	switch ((enum track_sent)row->sent) {
	case SENT_ITEM:
		return track_send_item(t, (enum track_kind)row->kind, own);
	case SENT_COPY_END:
		return track_send_copy_end(t);
	case SENT_DATA:
		track_send_data(t, t->tail);
		return TRACK_OK;
	case SENT_FLUSH:
		return TRACK_OK;
	case SENT_BYE:
		t->lost = true;
		return TRACK_OK;
	case SENT_NEVER:
		break;
	}
	return TRACK_VIOLATION;
}

/* ---- COPY FROM STDIN ------------------------------------------------------------------- */

/* The first item that the COPY at hand may read; what is before it an earlier COPY of the same
 * Query has read. */
static uint32_t track_copy_from(const struct track *t)
{
	return t->head + t->copied + 1;
}

bool track_copy_reads(const struct track *t)
{
	return t->copy != TRACK_COPY_OUT &&
	       !(t->has_end && !track_seq_before(t->end_at, track_copy_from(t)));
}

bool track_wants_flush(const struct track *t)
{
	for (uint32_t end = t->tail; end != t->head; end--) {
		enum track_kind kind = track_kind(t, end - 1);
		if (kind == ITEM_COPY_END)
			return true;
		if (track_is_sync(kind))
			return false;
	}
	return false;
}

/* It ended well: the Syncs that it has read are gone, and so is its CopyDone. */
static bool track_copy_done(struct track *t)
{
	t->copy = TRACK_COPY_NONE;
	for (uint32_t seq = track_copy_from(t); seq != t->tail; seq++) {
		enum track_kind kind = track_kind(t, seq);
		if (kind != ITEM_GONE && kind != ITEM_SYNC && kind != ITEM_COPY_END)
			return false; /* the server would not have survived that */
		track_forget(t, seq);
		if (kind == ITEM_COPY_END) {
			t->copied = seq - t->head;
			if (t->syncs == 0)
				t->open = t->runs = true;
			return true;
		}
	}
	return false; /* without a CopyDone it cannot end well */
}

/* It failed: can the server have read a Sync that was sent into it? Only one before the first
 * message that ends a COPY, one way or another: all but data, Sync and Flush do. */
static bool track_copy_failed(struct track *t)
{
	bool was_in = t->copy == TRACK_COPY_IN;
	if (t->copy != TRACK_COPY_BOTH)
		t->copy = TRACK_COPY_NONE;
	return was_in && t->has_data && !track_seq_before(t->data_at, track_copy_from(t));
}

static void track_doubt(struct track *t, uint32_t seq)
{
	if (track_is_doubtful(t, seq))
		return;
	if (t->doubtful == 0)
		t->sure = t->head;
	*track_at(t, seq) |= ITEM_DOUBTFUL;
	t->doubtful++;
}

/* An error within a Query: nothing is skipped, but Syncs may have been read by its COPY. */
static void track_fault(struct track *t)
{
	if (!track_copy_failed(t) || track_kind(t, t->head) != ITEM_QUERY)
		return;
	uint32_t seq = track_copy_from(t);
	if (t->doubtful > 0 && track_seq_before(seq, t->sure))
		seq = t->sure; /* so it was with an earlier error */
	for (; seq != t->tail; seq++) {
		enum track_kind kind = track_kind(t, seq);
		if (kind == ITEM_SYNC)
			track_doubt(t, seq);
		else if (kind != ITEM_GONE)
			break;
	}
	t->sure = seq;
}

/* An error in an extended message: the server skips to the first Sync that it has not read
 * yet. */
static void track_fail(struct track *t)
{
	bool may_be_read = track_copy_failed(t), doubted = false;
	uint32_t seq = t->head + 1;

	for (; seq != t->tail; seq++) {
		enum track_kind kind = track_kind(t, seq);
		if (kind == ITEM_SYNC && !may_be_read)
			break;
		if (kind == ITEM_SYNC) {
			track_doubt(t, seq);
			doubted = true;
			continue;
		}
		if (kind != ITEM_GONE)
			may_be_read = false;
		if (kind > ITEM_COPY_END && doubted)
			t->lost = true;
		track_forget(t, seq);
	}
	t->sure = seq;
	t->skipping = seq == t->tail;
	if (t->skipping)
		t->open = false;
	track_pop(t);
}

/* ---- what comes back -------------------------------------------------------------------- */

static bool track_ready(struct track *t, struct slice body)
{
	char status = body.len > 0 ? body.ptr[0] : '\0';
	if (status != 'I' && status != 'T' && status != 'E')
		return false;
	t->copy = TRACK_COPY_NONE;
	t->tx_status = status;
	return true;
}

/* May it come in the COPY at hand, or in none? A COPY FROM STDIN ends with it. */
static inline bool track_copy_allows(struct track *t, char type)
{
	if (LIKELY(t->copy == TRACK_COPY_NONE))
		return type != 'd' && type != 'c';
	if (!strchr(track_in_copy_answers[t->copy], type))
		return false;
	return t->copy != TRACK_COPY_IN || type != 'C' || track_copy_done(t);
}

/* Does to the head what the answer says; false where it cannot be. */
static bool track_take(struct track *t, char type, struct slice body, struct track_news *news)
{
	uint8_t answer = (uint8_t)type < 128 ? track_answers[track_kind(t, t->head)][(uint8_t)type]
					     : (uint8_t)NEVER;

	if (UNLIKELY(answer == NEVER) || !track_copy_allows(t, type))
		return false;
	switch ((enum track_answer)answer) {
	case NEVER:
		return false;
	case MORE:
		return true;
	case READY:
		if (!track_ready(t, body))
			return false;
		t->syncs--;
		/* fall through */
	case DONE:
		news->done = true;
		track_pop(t);
		return true;
	case FAIL:
		news->done = true;
		track_fail(t);
		return true;
	case FAULT:
		track_fault(t);
		return true;
	case TO_IN:
		t->copy = TRACK_COPY_IN;
		return true;
	case TO_OUT:
		t->copy = TRACK_COPY_OUT;
		return true;
	case TO_BOTH:
		t->copy = TRACK_COPY_BOTH;
		return true;
	case OUT_END:
		if (t->copy == TRACK_COPY_OUT)
			t->copy = TRACK_COPY_NONE;
		return true;
	}
	return false;
}

/* What nothing in the queue explains. */
static enum track_reply track_unexpected(struct track *t, char type, struct slice body,
					 struct track_news *news)
{
	if (t->head == t->tail && type == 'E')
		return TRACK_LAST_WORDS;
	if (!t->lost)
		return TRACK_DESYNC;
	if (type == 'Z' && track_ready(t, body))
		news->done = true;
	return TRACK_PASS;
}

/* The oldest item that will surely be answered, or the tail. */
static uint32_t track_first_sure(const struct track *t)
{
	uint32_t seq = t->head;
	if (seq != t->tail && !track_is_doubtful(t, seq))
		return seq;
	if (t->doubtful > 0 && track_seq_before(seq, t->sure))
		seq = t->sure;
	while (seq != t->tail && (track_kind(t, seq) <= ITEM_COPY_END || track_is_doubtful(t, seq)))
		seq++;
	return seq;
}

/* Z with a doubtful Sync at the head: its own, or that of a sure Sync behind it. One is
 * answered, and it is as doubtful as before whether the other is. */
static void track_ready_in_doubt(struct track *t, struct track_news *news)
{
	uint32_t sure = track_first_sure(t);

	*news = (struct track_news){ .item = 'S', .done = true, .seq = t->head };
	t->sure = sure;
	if (sure != t->tail && track_kind(t, sure) == ITEM_SYNC)
		track_doubt(t, sure);
	t->doubtful--;
	t->syncs--;
	t->skipping = false;
	track_pop(t);
}

/* Something else with a doubtful Sync at the head. Where it answers something behind, the Sync
 * was not answered and is gone. */
static void track_resolve(struct track *t, char type)
{
	uint32_t sure = track_first_sure(t);

	t->sure = sure;
	if (sure == t->tail || track_kind(t, sure) == ITEM_SYNC || (uint8_t)type > 127)
		return;
	if (track_answers[track_kind(t, sure)][(uint8_t)type] == NEVER)
		return;
	for (uint32_t seq = t->head + 1; seq != sure; seq++)
		track_forget(t, seq);
	t->doubtful--;
	t->syncs--;
	track_pop(t);
}

enum track_reply track_server(struct track *t, char type, struct slice body,
			      struct track_news *news)
{
	*news = (struct track_news){ .failed = type == 'E' };
	if (type == 'A' || type == 'N' || type == 'S') {
		news->own = t->head != t->tail && track_item(t, t->head) & ITEM_OWN;
		news->seq = t->head;
		return TRACK_ASYNC;
	}
	if (UNLIKELY(t->doubtful > 0) && track_is_doubtful(t, t->head)) {
		if (type == 'Z') {
			if (!track_ready(t, body))
				return TRACK_DESYNC;
			track_ready_in_doubt(t, news);
			return TRACK_PASS;
		}
		track_resolve(t, type);
	}
	if (t->head == t->tail)
		return track_unexpected(t, type, body, news);
	uint8_t item = track_item(t, t->head);
	news->item = track_letters[item & ITEM_KIND];
	news->own = item & ITEM_OWN;
	news->seq = t->head;
	if (!track_take(t, type, body, news))
		return track_unexpected(t, type, body, news);
	return news->own ? TRACK_SWALLOW : TRACK_PASS;
}

bool track_ends_behind(const struct track *t, uint32_t seq)
{
	for (uint32_t end = t->tail; end != seq; end--)
		if (track_is_sync(track_kind(t, end - 1)) && !track_is_doubtful(t, end - 1))
			return true;
	return false;
}

bool track_is_uncertain(const struct track *t)
{
	return (t->lost || t->doubtful > 0) && track_first_sure(t) == t->tail;
}

void track_check(const struct track *t)
{
	uint32_t syncs = 0, doubtful = 0;
	bool ends_copy = false;

	BUG_ON(t->tail - t->head > t->cap || t->cap > TRACK_MAX_ITEMS);
	BUG_ON((t->heap == NULL) != (t->cap == TRACK_INLINE_ITEMS));
	BUG_ON(t->head != t->tail && track_kind(t, t->head) <= ITEM_COPY_END);
	for (uint32_t seq = t->head; seq != t->tail; seq++) {
		syncs += track_is_sync(track_kind(t, seq));
		ends_copy |= track_kind(t, seq) == ITEM_COPY_END &&
			     !track_seq_before(seq, track_copy_from(t));
		doubtful += track_is_doubtful(t, seq);
		BUG_ON(track_is_doubtful(t, seq) && track_kind(t, seq) != ITEM_SYNC);
		BUG_ON(t->doubtful && seq != t->head && track_seq_before(seq, t->sure) &&
		       track_kind(t, seq) > ITEM_COPY_END && !track_is_doubtful(t, seq));
	}
	BUG_ON(syncs != t->syncs || doubtful != t->doubtful);
	BUG_ON(t->skipping && syncs != doubtful);
	BUG_ON(t->tx_status != 'I' && t->tx_status != 'T' && t->tx_status != 'E');
	BUG_ON(t->skipping && t->open);
	BUG_ON((t->copy & TRACK_COPY_IN) && track_copy_reads(t) == ends_copy); /* or BOTH */
}
