/*
 * prepared_unnamed_turn.c - the unnamed statement, made to be the client's on the server it has.
 */
#include "proxy/prepared_unnamed_turn.h"

#include <string.h>

#include "proxy/client.h"
#include "proxy/localpool.h"
#include "proxy/prepared.h"
#include "proxy/prepared_names.h"
#include "proxy/prepared_set.h"
#include "proxy/prepared_unnamed.h"
#include "proxy/server.h"
#include "proxy/shape.h"
#include "proxy/stmt.h"
#include "proxy/suspect.h"
#include "wire/build.h"
#include "wire/frame.h"
#include "wire/track.h"

static void end_comparison(struct prepared_set *set)
{
	if (LIKELY(!set->unnamed_shape))
		return;
	shape_unref(set->unnamed_shape);
	set->unnamed_shape = NULL;
}

/* The server's is the client's, once the next message is done. */
static void own(struct prepared_turn *t, uint64_t generation)
{
	struct prepared_set *set = prepared_set_need(t->s);
	end_comparison(set);
	set->unnamed_client = t->c->id;
	set->unnamed_generation = generation;
	set->unnamed_seq = track_next_seq(&t->s->track);
	set->has_unnamed = true;
}

static bool is_own(const struct prepared_turn *t)
{
	const struct prepared_set *set = t->s->prepared;
	const struct prepared_names *names = t->c->prepared;
	return set && names && set->has_unnamed && set->unnamed_client == t->c->id &&
	       set->unnamed_generation == names->unnamed.generation;
}

void prepared_unnamed_turn_parse(struct prepared_turn *t, const struct frame *f, struct slice body)
{
	struct prepared_unnamed *unnamed = &prepared_names_need(t->c)->unnamed;
	bool is_whole = frame_is_whole(f);
	if (prepared_unnamed_parse(unnamed, &t->s->track, is_whole ? body : SLICE_NONE)) {
		struct slice sql = slice_head(body, strnlen(body.ptr, body.len));
		unnamed->now.has_effects = suspect_has_effects(t->c, sql, &unnamed->now.moves);
		unnamed->now.has_effects |= !is_whole;
		unnamed->now.hidden = (struct hidden_verdict){ 0 };
	}
	if (!is_whole)
		suspect_long_statement(t->c);
	own(t, unnamed->generation);
}

/* On both sides. */
void prepared_unnamed_turn_end(struct prepared_turn *t)
{
	if (t->c->prepared)
		prepared_unnamed_end(&t->c->prepared->unnamed, &t->s->track);
	if (t->s->prepared) {
		t->s->prepared->unnamed_seq = track_next_seq(&t->s->track);
		t->s->prepared->has_unnamed = false;
	}
}

/* A Describe of ours, from which that shape is to be learned. */
static void ask(struct prepared_turn *t, struct shape *shape)
{
	uint32_t seq = track_next_seq(&t->s->track);
	prepared_turn_own(t, 'D');
	build_describe(t->out, 'S', SLICE(""));
	prepared_set_listen(t->s->prepared, shape, seq, &t->s->track);
}

/* Prepared anew, as the client was told of it: are the columns the same? */
static enum prepared_fit compare(struct prepared_turn *t, const struct prepared_body *now,
				 bool is_described)
{
	struct prepared_set *set = t->s->prepared;
	bool is_heard = shape_is_known(set->unnamed_shape);
	bool is_same = is_described || shape_is_same(now->shape, set->unnamed_shape);
	if (!is_heard && !is_described) {
		prepared_turn_flush(t, set->unnamed_seq + 1);
		return PREPARED_ASKS;
	}
	end_comparison(set);
	return is_same ? PREPARED_FITS : PREPARED_MISFIT;
}

/* The client's, where the server has not got it. */
static enum prepared_fit prepare(struct prepared_turn *t, bool is_bind, bool is_described)
{
	const struct prepared_unnamed *unnamed = &t->c->prepared->unnamed;
	const struct prepared_body *now = &unnamed->now;
	struct slice types = now->shape ? shape_types(now->shape) : SLICE_NONE;
	prepared_turn_settle(t, now->executed);
	own(t, unnamed->generation);
	prepared_turn_own(t, 'P');
	prepared_turn_parse_typed(t->out, SLICE(""), buf_slice(&now->text), types);
	prepared_turn_settled(t, now->executed);
	t->c->pool->stats.server_parses++;
	if (LIKELY(!now->shape) || !is_bind || stmt_is_fetch(buf_slice(&now->text)))
		return PREPARED_FITS;
	if (is_described) {
		uint32_t described_at = track_next_seq(&t->s->track) + 1;
		prepared_set_listen(t->s->prepared, now->shape, described_at, &t->s->track);
		return PREPARED_FITS;
	}
	if (!shape_is_known(now->shape)) {
		ask(t, now->shape);
		return PREPARED_FITS;
	}
	t->s->prepared->unnamed_shape = shape_new_like(now->shape);
	ask(t, t->s->prepared->unnamed_shape);
	return compare(t, now, false);
}

/* The server's shall be the client's: its own, or none. */
static enum prepared_fit ensure(struct prepared_turn *t, const struct frame *f, struct slice before)
{
	const struct prepared_body *now = t->c->prepared ? &t->c->prepared->unnamed.now : NULL;
	struct prepared_set *set = prepared_set_need(t->s);
	bool is_bind = f->type == 'B';
	if (LIKELY(is_own(t)) && (LIKELY(!set->unnamed_shape) || !is_bind || !now->shape))
		return PREPARED_FITS;
	bool is_described = is_bind && prepared_turn_is_described(t, f, before);
	if (is_own(t))
		return compare(t, now, is_described);
	if (now && buf_len(&now->text))
		return prepare(t, is_bind, is_described);
	if (set->has_unnamed) {
		set->unnamed_seq = track_next_seq(&t->s->track);
		prepared_turn_close(t, SLICE(""));
		set->has_unnamed = false;
	}
	return PREPARED_FITS;
}

/* The client asks what it is: it goes by what is said. */
static void listen(struct prepared_turn *t)
{
	struct prepared_body *now = &t->c->prepared->unnamed.now;
	if (!buf_len(&now->text))
		return;
	if (!now->shape)
		now->shape = shape_new(stmt_is_open(buf_slice(&now->text)));
	end_comparison(t->s->prepared);
	prepared_set_listen(t->s->prepared, now->shape, track_next_seq(&t->s->track), &t->s->track);
}

enum prepared_fit prepared_unnamed_turn_use(struct prepared_turn *t, const struct frame *f,
					    struct slice before)
{
	struct prepared_names *names = t->c->prepared;
	const struct prepared_set *set = t->s->prepared;
	if ((names && prepared_unnamed_waits(&names->unnamed, &t->s->track)) ||
	    (set && prepared_set_is_pending(set, &t->s->track, set->unnamed_seq)))
		return PREPARED_ASKS;
	enum prepared_fit fit = ensure(t, f, before);
	if (!names)
		return fit;
	if (f->type == 'D')
		listen(t);
	names->unnamed.used_seq = track_next_seq(&t->s->track);
	return fit;
}

void prepared_unnamed_turn_catch_up(struct prepared_turn *t)
{
	struct prepared_names *names = t->c->prepared;
	if (!is_own(t) || names->unnamed.now.shape || t->s->track.skipping)
		return;
	struct prepared_body *now = &names->unnamed.now;
	if (!stmt_is_open(buf_slice(&now->text)))
		return;
	now->shape = shape_new(true);
	ask(t, now->shape);
}

struct slice prepared_unnamed_turn_text(const struct prepared_turn *t)
{
	struct slice body = buf_slice(&t->c->prepared->unnamed.now.text);
	return body.len ? slice_head(body, strnlen(body.ptr, body.len)) : SLICE("");
}

struct slice prepared_unnamed_turn_sql(struct prepared_turn *t)
{
	struct prepared_body *now = &t->c->prepared->unnamed.now;
	bool does = now->has_effects || (now->moves && suspect_minds_moves(t->c));
	bool runs = buf_len(&now->text) && (does || UNLIKELY(suspect_may_hide(t->c)));
	struct slice sql = runs ? prepared_unnamed_turn_text(t) : SLICE_NONE;
	if (!does)
		runs = runs && suspect_hides(t->c, &now->hidden, sql);
	return runs ? sql : SLICE_NONE;
}
