/*
 * prepared_unnamed.c - the unnamed statement: what it is, and what it was before each message that
 * is still to be answered.
 */
#include "proxy/prepared_unnamed.h"

#include <stdlib.h>

#include "base/mem.h"
#include "proxy/prepared_executed.h"
#include "proxy/shape.h"
#include "wire/track.h"

/* A batch with more than that is not undone: the client prepares again. */
#define OLD_MAX_BYTES ((size_t)1 << 20)

struct prepared_change {
	struct list link;
	uint32_t seq;
	struct prepared_body old;
};

static void swap_bodies(struct prepared_body *a, struct prepared_body *b)
{
	struct prepared_body body = *a;
	*a = *b;
	*b = body;
}

/* What is known of it besides its text. */
static void drop_known(struct prepared_body *body)
{
	if (LIKELY(!body->shape && !body->executed))
		return;
	shape_unref(body->shape);
	prepared_executed_unref(body->executed);
	body->shape = NULL;
	body->executed = NULL;
}

static void free_change(struct prepared_change *change)
{
	if (change)
		buf_fini(&change->old.text);
	free(change);
}

/* It can not be taken back any more. */
static void drop_change(struct prepared_unnamed *u, struct prepared_change *change)
{
	u->old_bytes -= buf_len(&change->old.text);
	drop_known(&change->old);
	list_remove(&change->link);
	free_change(u->spare);
	u->spare = change;
}

static void drop_before(struct prepared_unnamed *u, uint32_t seq)
{
	LIST_EACH (node, tmp, &u->changes) {
		struct prepared_change *change = LIST_ENTRY(node, struct prepared_change, link);
		if (!track_seq_before(change->seq, seq))
			return;
		drop_change(u, change);
	}
}

void prepared_unnamed_init(struct prepared_unnamed *u, const struct track *track)
{
	list_init(&u->changes);
	u->seq = u->synced_at = u->used_seq = track_head_seq(track) - 1;
}

void prepared_unnamed_fini(struct prepared_unnamed *u)
{
	LIST_EACH (node, tmp, &u->changes)
		drop_change(u, LIST_ENTRY(node, struct prepared_change, link));
	free_change(u->spare);
	drop_known(&u->now);
	buf_fini(&u->now.text);
}

/* What it is now is old; `now` is left with what it was at some earlier time. */
static void begin_change(struct prepared_unnamed *u, const struct track *track)
{
	struct prepared_change *change = u->spare;
	if (!change) {
		change = mem_zalloc(sizeof(*change));
		list_init(&change->link);
	}
	u->spare = NULL;
	swap_bodies(&change->old, &u->now);
	if (u->old_bytes + buf_len(&change->old.text) > OLD_MAX_BYTES)
		buf_release(&change->old.text);
	u->old_bytes += buf_len(&change->old.text);
	change->seq = u->seq = track_next_seq(track);
	list_push_back(&u->changes, &change->link);
	u->generation++;
}

bool prepared_unnamed_parse(struct prepared_unnamed *u, const struct track *track,
			    struct slice text)
{
	drop_before(u, track_head_seq(track));
	begin_change(u, track);
	if (text.len && slice_eq(text, buf_slice(&u->now.text)))
		return false; /* most clients ask the same, or one of two, again and again */
	buf_clear(&u->now.text);
	buf_add_slice(&u->now.text, text);
	return true;
}

void prepared_unnamed_executes(struct prepared_unnamed *u, struct prepared_executed *executed)
{
	u->now.executed = executed;
}

void prepared_unnamed_end(struct prepared_unnamed *u, const struct track *track)
{
	drop_before(u, track_head_seq(track));
	if (!buf_len(&u->now.text) && list_is_empty(&u->changes))
		return;
	begin_change(u, track);
	buf_clear(&u->now.text);
}

void prepared_unnamed_answered(struct prepared_unnamed *u, struct slice text)
{
	drop_before(u, u->seq + 1);
	buf_clear(&u->now.text);
	buf_add_slice(&u->now.text, text);
	drop_known(&u->now);
	u->now.has_effects = u->now.moves = false;
	u->now.hidden = (struct hidden_verdict){ 0 };
	u->generation++;
}

void prepared_unnamed_sync(struct prepared_unnamed *u, const struct track *track)
{
	u->synced_at = track_next_seq(track);
}

bool prepared_unnamed_waits(const struct prepared_unnamed *u, const struct track *track)
{
	return !track_seq_before(u->seq, track_head_seq(track)) &&
	       track_seq_before(u->seq, u->synced_at);
}

void prepared_unnamed_arrive(struct prepared_unnamed *u, const struct track *track)
{
	drop_before(u, u->seq + 1);
	u->seq = u->synced_at = u->used_seq = track_head_seq(track) - 1;
}

/* What there was before a message that was skipped is there behind it as well; behind one that was
 * refused there is none. */
static void take_back(struct prepared_unnamed *u, struct prepared_change *change, bool is_refused)
{
	bool is_last = change->link.next == &u->changes;
	struct prepared_change *later = LIST_ENTRY(change->link.next, struct prepared_change, link);
	struct prepared_body *behind = is_last ? &u->now : &later->old;

	u->old_bytes -= buf_len(&change->old.text) + (is_last ? 0 : buf_len(&behind->text));
	swap_bodies(behind, &change->old);
	if (is_refused) {
		buf_clear(&behind->text);
		drop_known(behind);
	}
	u->old_bytes += buf_len(&change->old.text) + (is_last ? 0 : buf_len(&behind->text));
	drop_change(u, change);
}

void prepared_unnamed_failed(struct prepared_unnamed *u, uint32_t from, uint32_t to)
{
	drop_before(u, from);
	LIST_EACH (node, tmp, &u->changes) {
		struct prepared_change *change = LIST_ENTRY(node, struct prepared_change, link);
		if (!track_seq_before(change->seq, to))
			break;
		take_back(u, change, change->seq == from);
		u->generation++;
	}
	u->seq = list_is_empty(&u->changes)
			 ? from - 1
			 : LIST_LAST(&u->changes, struct prepared_change, link)->seq;
}

void prepared_unnamed_told(struct prepared_unnamed *u, uint32_t seq)
{
	struct shape *shape = u->now.shape;
	LIST_EACH (node, tmp, &u->changes) {
		struct prepared_change *change = LIST_ENTRY(node, struct prepared_change, link);
		if (!track_seq_before(seq, change->seq))
			continue;
		shape = change->old.shape;
		break;
	}
	if (shape)
		shape_forget_columns(shape);
}
