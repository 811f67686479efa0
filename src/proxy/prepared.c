/*
 * prepared.c - messages of clients, written anew.
 */
#include "proxy/prepared.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "proxy/client.h"
#include "proxy/keep.h"
#include "proxy/localpool.h"
#include "proxy/paramset.h"
#include "proxy/prepared_names.h"
#include "proxy/prepared_portals.h"
#include "proxy/prepared_scene.h"
#include "proxy/prepared_set.h"
#include "proxy/prepared_text.h"
#include "proxy/prepared_turn.h"
#include "proxy/prepared_unnamed_turn.h"
#include "proxy/reset.h"
#include "proxy/server.h"
#include "proxy/stmt.h"
#include "proxy/suspect.h"
#include "proxy/worker.h"
#include "sql/effect.h"
#include "sql/literal.h"
#include "wire/frame.h"
#include "wire/reader.h"
#include "wire/track.h"

/* Names that are lent are closed when the next batch begins, whosever it is. */
#define PREPARED_MOST_LENT 8192u

/* ---- names of the client's ---------------------------------------------------------------- */

/* As the server keeps it: the rest tells nothing apart. */
static struct slice prepared_key(struct slice name)
{
	return slice_head(name, LITERAL_NAME_BYTES - 1);
}

/* Parse of a name that is there already: the server refuses it. A name like ours may be something
 * else there, and not the client's to lend. */
static enum prepared_step prepared_on_parse_again(struct prepared_turn *t, struct slice name,
						  struct slice body)
{
	if (!slice_starts(name, STMT_PREFIX)) {
		prepared_turn_lend(t, name);
		return PREPARED_PASSES;
	}
	prepared_turn_lend(t, SLICE(STMT_NOBODY));
	prepared_turn_parse(t->out, SLICE(STMT_NOBODY), body);
	return PREPARED_WRITTEN;
}

/* Parse of the unnamed statement. */
static enum prepared_step prepared_on_parse_unnamed(struct prepared_turn *t, const struct frame *f,
						    struct slice body)
{
	struct prepared_executed *executed = NULL;
	if (prepared_text_may_look(body) &&
	    !prepared_text_looks(t, slice_head(body, strnlen(body.ptr, body.len)), &executed))
		return PREPARED_FULL;
	prepared_unnamed_turn_parse(t, f, body);
	if (UNLIKELY(executed != NULL))
		prepared_unnamed_executes(&t->c->prepared->unnamed, executed);
	return PREPARED_PASSES;
}

/* Parse of a name, which is written so. */
static enum prepared_step prepared_on_parse(struct prepared_turn *t, const struct frame *f,
					    struct slice written, struct slice body)
{
	struct slice name = prepared_key(written);
	struct prepared_names *names = prepared_names_need(t->c);
	struct prepared_name *there = map_get(&names->map, name);

	if (!frame_is_whole(f)) { /* it is too long to be prepared again elsewhere */
		suspect_long_statement(t->c);
		return PREPARED_PASSES;
	}
	if (map_count(&names->map) >= PREPARED_MAX_NAMES ||
	    names->text_bytes + body.len > PREPARED_MAX_TEXT_BYTES)
		return PREPARED_TOO_MANY;
	if (prepared_names_is_open(names, name))
		return PREPARED_FULL;
	if (there)
		return prepared_on_parse_again(t, written, body);
	struct slice sql = slice_head(body, strnlen(body.ptr, body.len));
	struct prepared_executed *executed = NULL;
	if (UNLIKELY(prepared_text_may_look(sql)) && !prepared_text_looks(t, sql, &executed))
		return PREPARED_FULL;
	if (UNLIKELY(t->c->keep != NULL) &&
	    (t->c->keep->kept | t->c->keep->suspected) & KEEP(PREPARE))
		prepared_turn_try(t, written, body);
	struct prepared_name *made = mem_zalloc(sizeof(*made));
	made->stmt = stmt_get(t->c->worker->shared->stmts, paramset_meaning(t->c->params), body);
	made->is_unread = !prepared_scene_is_known(t);
	made->executed = executed;
	made->has_effects = suspect_has_effects(t->c, sql, &made->moves);
	prepared_names_put(names, name, made);
	struct prepared_entry *entry = prepared_turn_enter(t, made->stmt);
	entry->only_for = prepared_scene_is_known(t) ? 0 : t->c->id;
	prepared_names_go_by(made, entry->shape);
	prepared_turn_begin(t);
	prepared_names_note(names, track_next_seq(&t->s->track), name, NULL);
	prepared_turn_parse(t->out, prepared_turn_name(made->stmt), body);
	return PREPARED_WRITTEN;
}

/* ---- messages ----------------------------------------------------------------------------- */

/* What is here of a message whose statement has another name at the server: `before` stands in
 * front of the name. */
static void prepared_rename(struct prepared_turn *t, const struct frame *f, struct slice before,
			    struct slice other)
{
	struct slice rest = slice_skip(f->body, before.len);
	size_t name_bytes = strlen(rest.ptr); /* its zero was read */
	prepared_turn_begin(t);
	prepared_turn_head(t->out, f->type, f->body_bytes - name_bytes + other.len);
	buf_add_slice(t->out, before);
	buf_add_slice(t->out, other);
	buf_add_slice(t->out, slice_skip(rest, name_bytes));
}

/* Close: the server has no name like the client's, and says that it is closed. */
static enum prepared_step prepared_on_close(struct prepared_turn *t, const struct frame *f,
					    struct slice before, struct slice name)
{
	struct prepared_names *names = t->c->prepared;
	if (name.len == 0) {
		prepared_unnamed_turn_end(t);
		return PREPARED_PASSES;
	}
	if (names && prepared_names_is_open(names, name))
		return PREPARED_FULL;
	struct prepared_name *old = names ? prepared_names_remove(names, name) : NULL;
	if (old)
		prepared_names_note(names, track_next_seq(&t->s->track), name, old);
	if (!slice_starts(name, STMT_PREFIX))
		return PREPARED_PASSES;
	prepared_rename(t, f, before, SLICE(STMT_NOBODY));
	return PREPARED_WRITTEN;
}

/* What is prepared behind these is read by what they set. */
#define PREPARED_SETS (EFFECT(SETTING) | EFFECT(SETTING_LOCAL))

/* A statement that may leave something in the session is bound to a portal. */
static void prepared_run(struct prepared_turn *t, struct slice portal, struct slice sql)
{
	struct prepared_names *names = prepared_names_need(t->c);
	uint64_t effects = effect_of(sql, paramset_reading(t->c->params));
	t->c->worker->texts_bytes += sql.len;
	(void)suspect_text(t->c, sql, true);
	if (effects & (PREPARED_TEXT_NAMING | PREPARED_TEXT_FREES_ALL | PREPARED_SETS) ||
	    reset_concerns(t->c, effects))
		prepared_portals_bind(&names->portals, track_next_seq(&t->s->track), portal, sql);
}

/* It may reset what the client came with. */
static void prepared_run_settings(struct client *c, struct slice sql)
{
	uint64_t effects = effect_of(sql, paramset_reading(c->params));
	if (!reset_concerns(c, effects))
		return;
	reset_execute(c, sql);
	if (effects & EFFECT(DISCARD_ALL))
		suspect_reset_all(c);
}

/* Execute. */
static enum prepared_step prepared_on_execute(struct prepared_turn *t, struct slice name)
{
	struct prepared_portals *portals = &prepared_names_need(t->c)->portals;
	const struct prepared_portal *there = prepared_portals_get(portals, name);
	if (!there)
		return PREPARED_PASSES;
	if (prepared_text_waits(t, slice_of(there->sql)))
		return PREPARED_FULL;
	struct prepared_portal *portal = prepared_portals_take(portals, name);
	/* what an earlier batch has bound sets nothing before now */
	if (t->s->prepared && track_seq_before(portal->seq, t->s->prepared->synced_at))
		(void)suspect_text(t->c, slice_of(portal->sql), true);
	prepared_text_execute(t, slice_of(portal->sql));
	prepared_run_settings(t->c, slice_of(portal->sql));
	prepared_portals_free_one(portal);
	return PREPARED_PASSES;
}

/* The client goes by columns that are no more: the server refuses the Bind, and the client is told
 * why (prepared_answer_tells). `there`: the name's; NULL: the unnamed one. One at a time; what
 * follows in the same batch is skipped. */
static enum prepared_step prepared_on_changed(struct prepared_turn *t, const struct frame *f,
					      struct slice before, struct prepared_name *there)
{
	struct prepared_names *names = t->c->prepared;
	const struct track *track = &t->s->track;
	bool is_open = names->tells && !track_seq_before(names->untold_seq, track_head_seq(track));
	prepared_set_need(t->s);
	if (is_open && prepared_set_is_pending(t->s->prepared, track, names->untold_seq))
		return PREPARED_FULL;
	if (!is_open)
		prepared_names_tell(names, track_next_seq(track), !there);
	if (there)
		prepared_turn_used(t, there);
	prepared_rename(t, f, before, SLICE(STMT_NOBODY));
	return PREPARED_WRITTEN;
}

/* May it leave anything behind, if it is run, or undo what another one has? */
static bool prepared_has_effects(struct prepared_turn *t, struct prepared_name *there)
{
	return there->has_effects || (there->moves && suspect_minds_moves(t->c)) ||
	       (UNLIKELY(suspect_may_hide(t->c)) &&
		suspect_hides(t->c, &there->hidden, slice_of(there->stmt->body.ptr)));
}

/* The next message may come behind the Parse of a statement: it describes that, or (NULL) not. */
static inline void prepared_catch_up(struct prepared_turn *t, const struct stmt *described)
{
	struct prepared_entry *entry = prepared_set_last_parsed(t->s->prepared, &t->s->track);
	if (UNLIKELY(entry != NULL) && entry->stmt != described)
		prepared_turn_catch_up(t, entry);
}

/* May the unnamed statement leave anything behind? Most do not. */
static inline bool prepared_may_leave(const struct client *c, const struct prepared_body *now)
{
	return now->has_effects || now->moves || suspect_may_hide(c);
}

/* Bind, or Describe, of the unnamed statement. */
static enum prepared_step prepared_on_use_unnamed(struct prepared_turn *t, const struct frame *f,
						  struct slice before)
{
	struct prepared_names *names = t->c->prepared;
	bool is_bind = f->type == 'B';
	if (!is_bind)
		prepared_catch_up(t, NULL);
	if (names && UNLIKELY(names->unnamed.now.has_effects) &&
	    !prepared_text_looks(t, prepared_unnamed_turn_text(t), NULL))
		return PREPARED_FULL;
	bool may_leave = is_bind && names && prepared_may_leave(t->c, &names->unnamed.now);
	if (may_leave && prepared_scene_is_due(t))
		return PREPARED_FULL;
	struct slice sql = may_leave ? prepared_unnamed_turn_sql(t) : SLICE_NONE;
	switch (prepared_unnamed_turn_use(t, f, before)) {
	case PREPARED_FITS:
		break;
	case PREPARED_ASKS:
		return PREPARED_FULL;
	case PREPARED_MISFIT:
		return prepared_on_changed(t, f, before, NULL);
	}
	if (sql.ptr)
		prepared_run(t, slice_head(before, before.len - 1), sql);
	return PREPARED_PASSES;
}

/* Bind of what the client has prepared by that name. */
static enum prepared_step prepared_on_bind(struct prepared_turn *t, const struct frame *f,
					   struct slice before, struct slice name,
					   struct prepared_name *there)
{
	if (UNLIKELY(there->has_effects) &&
	    !prepared_text_looks(t, slice_of(there->stmt->body.ptr), NULL))
		return PREPARED_FULL;
	bool runs = prepared_has_effects(t, there);
	if (runs && prepared_scene_is_due(t))
		return PREPARED_FULL;
	switch (prepared_turn_bind(t, name, there, prepared_turn_is_described(t, f, before))) {
	case PREPARED_FITS:
		break;
	case PREPARED_ASKS:
		return PREPARED_FULL;
	case PREPARED_MISFIT:
		return prepared_on_changed(t, f, before, there);
	}
	struct stmt *stmt = there->stmt;
	if (runs)
		prepared_run(t, slice_head(before, before.len - 1), slice_of(stmt->body.ptr));
	prepared_rename(t, f, before, prepared_turn_name(stmt));
	return PREPARED_WRITTEN;
}

/* Bind, or Describe of a statement: `name` is in the body behind `before`. */
static enum prepared_step prepared_on_use(struct prepared_turn *t, const struct frame *f,
					  struct slice before, struct slice name)
{
	struct prepared_names *names = t->c->prepared;
	if (f->type == 'B' && names && !prepared_portals_are_none(&names->portals)) {
		prepared_portals_bind(&names->portals, 0, slice_head(before, before.len - 1),
				      SLICE_NONE);
		if (names->portals.bytes > PREPARED_MAX_TEXT_BYTES)
			return PREPARED_TOO_MANY;
	}
	if (name.len == 0)
		return prepared_on_use_unnamed(t, f, before);
	struct prepared_name *there = names ? map_get(&names->map, name) : NULL;
	if (names && prepared_names_is_open(names, name))
		return PREPARED_FULL;
	if (!there && !slice_starts(name, STMT_PREFIX))
		return PREPARED_PASSES;
	if (!there) {
		prepared_rename(t, f, before, SLICE(STMT_NOBODY));
		return PREPARED_WRITTEN;
	}
	if (f->type == 'B')
		return prepared_on_bind(t, f, before, name, there);
	prepared_catch_up(t, there->stmt);
	if (UNLIKELY(there->has_effects) &&
	    !prepared_text_looks(t, slice_of(there->stmt->body.ptr), NULL))
		return PREPARED_FULL;
	if (prepared_turn_describe(t, name, there) == PREPARED_ASKS)
		return PREPARED_FULL;
	prepared_rename(t, f, before, prepared_turn_name(there->stmt));
	return PREPARED_WRITTEN;
}

/* Who uses a name behind the next message waits for what came before it. */
static void prepared_end_batch(struct prepared_turn *t)
{
	struct prepared_names *names = t->c->prepared;
	if (names && !list_is_empty(&names->undos))
		prepared_names_note(names, track_next_seq(&t->s->track), SLICE_NONE, NULL);
}

static void prepared_on_sync(struct prepared_turn *t)
{
	struct prepared_set *set = t->s->prepared;
	if (set && UNLIKELY(set->unnamed_seq + 1 == track_next_seq(&t->s->track)))
		prepared_unnamed_turn_catch_up(t);
	if (set)
		set->synced_at = track_next_seq(&t->s->track);
	if (t->c->prepared)
		prepared_unnamed_sync(&t->c->prepared->unnamed, &t->s->track);
	prepared_end_batch(t);
}

/* What is here of a Query, without a part that is not to be run any more. Where the rest stands in
 * it stays the same: errors tell of that. */
static void prepared_blank(struct prepared_turn *t, const struct frame *f, struct slice part)
{
	size_t before = (size_t)(part.ptr - f->body.ptr);
	prepared_turn_head(t->out, f->type, f->body_bytes);
	buf_add_slice(t->out, slice_head(f->body, before));
	for (size_t i = 0; i < part.len; i++)
		buf_u8(t->out, ' ');
	buf_add_slice(t->out, slice_skip(f->body, before + part.len));
}

static enum prepared_step prepared_on_query(struct prepared_turn *t, const struct frame *f)
{
	struct slice sql = slice_head(f->body, strnlen(f->body.ptr, f->body.len));
	if (prepared_scene_is_due(t) || prepared_text_query_waits(t, sql))
		return PREPARED_FULL;
	prepared_unnamed_turn_end(t);
	struct slice done = prepared_text_query(t, sql);
	prepared_end_batch(t);
	if (LIKELY(!done.ptr))
		return PREPARED_PASSES;
	prepared_blank(t, f, done);
	return PREPARED_WRITTEN;
}

static enum prepared_step prepared_read(struct prepared_turn *t, const struct frame *f)
{
	struct reader r;
	struct slice first, name;
	reader_init(&r, f->body);
	if (f->type != 'D' && f->type != 'E')
		prepared_catch_up(t, NULL);
	switch (f->type) {
	case 'P':
		name = reader_cstr(&r);
		if (reader_failed(&r))
			return PREPARED_PASSES; /* the server will say what it thinks of it */
		if (name.len)
			return prepared_on_parse(t, f, name, reader_rest(&r));
		return prepared_on_parse_unnamed(t, f, reader_rest(&r));
	case 'B':
		first = reader_cstr(&r);
		name = reader_cstr(&r);
		return reader_failed(&r) ? PREPARED_PASSES
					 : prepared_on_use(t, f, slice_head(f->body, first.len + 1),
							   prepared_key(name));
	case 'D':
	case 'C':
		first = reader_bytes(&r, 1);
		name = reader_cstr(&r);
		if (reader_failed(&r) || first.ptr[0] != 'S')
			return PREPARED_PASSES;
		if (f->type == 'D')
			return prepared_on_use(t, f, first, prepared_key(name));
		return prepared_on_close(t, f, first, prepared_key(name));
	case 'E':
		name = reader_cstr(&r);
		return reader_failed(&r) ? PREPARED_PASSES : prepared_on_execute(t, name);
	case 'Q':
		return prepared_on_query(t, f);
	case 'S':
		prepared_on_sync(t);
		return PREPARED_PASSES;
	default:
		return PREPARED_PASSES;
	}
}

static uint32_t prepared_most_wanted(const struct client *c, char type)
{
	switch (type) {
	case 'P':
		return PREPARED_MAX_BYTES;
	case 'Q':
		return prepared_names_count(c) ? PREPARED_QUERY_BYTES : 0;
	case 'B':
	case 'D':
	case 'C':
		return PREPARED_PEEK_BYTES;
	case 'E':
		return prepared_has_portals(c) ? PREPARED_PEEK_BYTES : 0;
	default:
		return 0;
	}
}

uint32_t prepared_wants(const struct client *c, const struct frame *f)
{
	uint32_t most = prepared_most_wanted(c, f->type);
	return f->body_bytes < most ? f->body_bytes : most;
}

/* Whether the server got the names that were lent is not known yet, and PREPARE may have taken one.
 */
static bool prepared_lent_in_doubt(const struct client *c, const struct server *s)
{
	return UNLIKELY(c->keep != NULL) && (c->keep->kept | c->keep->suspected) & KEEP(PREPARE) &&
	       map_count(&s->prepared->lent) > 0 &&
	       track_head_seq(&s->track) != track_next_seq(&s->track);
}

static enum prepared_step prepared_in_turn(struct prepared_turn *t, const struct frame *f)
{
	struct client *c = t->c;
	struct server *s = t->s;
	if (UNLIKELY(prepared_is_behind_reset(c)) && !reset_catch_up(t))
		return PREPARED_FULL;
	size_t lent = prepared_set_lent(s->prepared);
	if (track_next_seq(&s->track) - track_head_seq(&s->track) + lent >
	    TRACK_MAX_ITEMS - PREPARED_MAX_ITEMS)
		return PREPARED_FULL;
	if (s->prepared && UNLIKELY(s->prepared->holds) &&
	    prepared_set_holds(s->prepared, &s->track))
		return PREPARED_FULL;
	if (c->prepared)
		prepared_names_arrive(c->prepared, s);
	if (UNLIKELY(c->prepared && c->prepared->forgets) && f->type != 'Q' && f->type != 'S' &&
	    f->type != 'E' && prepared_text_awaits_forget(t))
		return PREPARED_FULL;
	/* a Sync begins nothing, and may be one of those that stand amid the data of a COPY */
	if (lent && f->type != 'S' && !track_may_skip(&s->track)) {
		if (prepared_lent_in_doubt(c, s))
			return PREPARED_FULL;
		prepared_turn_take_home(t); /* nothing can skip it */
	} else if (lent >= PREPARED_MOST_LENT) {
		return PREPARED_TOO_MANY;
	}
	return prepared_read(t, f);
}

enum prepared_step prepared_message(struct client *c, const struct frame *f, const char *end,
				    struct buf *out, void (*flush)(void *arg), void *arg)
{
	struct server *s = c->server;
	struct prepared_turn turn = {
		.c = c, .s = s, .end = end, .out = out, .flush = flush, .arg = arg
	};
	if (track_feeds_copy(&s->track) || (s->track.skipping && f->type != 'S'))
		return PREPARED_PASSES; /* the server does not even look at it */
	enum prepared_step step = prepared_in_turn(&turn, f);
	/* what it waits for may be the answer to a Sync that a COPY has read, and is none */
	if (UNLIKELY(step == PREPARED_FULL) && track_wants_flush(&s->track))
		prepared_turn_flush(&turn, track_next_seq(&s->track) - 1);
	return step;
}
