/*
 * prepared_turn.c - what is put in front of a client's message.
 */
#include "proxy/prepared_turn.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proxy/aside.h"
#include "proxy/client.h"
#include "proxy/keep.h"
#include "proxy/localpool.h"
#include "proxy/paramset.h"
#include "proxy/prepared_executed.h"
#include "proxy/prepared_names.h"
#include "proxy/prepared_scene.h"
#include "proxy/prepared_set.h"
#include "proxy/server.h"
#include "proxy/setup.h"
#include "proxy/shape.h"
#include "proxy/stmt.h"
#include "proxy/worker.h"
#include "sql/naming.h"
#include "wire/build.h"
#include "wire/frame.h"
#include "wire/track.h"

/* Statements that make room for one, at most. */
#define MAX_EVICTED 3u

/* Of a statement of ours and its portal: the client's unnamed ones are in use, perhaps. */
#define RUN_NAME SLICE(STMT_PREFIX "run")

void prepared_turn_begin(struct prepared_turn *t)
{
	if (!t->flushed)
		t->flush(t->arg);
	t->flushed = true;
}

void prepared_turn_own(struct prepared_turn *t, char type)
{
	prepared_turn_begin(t);
	struct prepared_set *set = prepared_set_need(t->s);
	if (type != 'D')
		set->own_seq = track_next_seq(&t->s->track);
	enum track_verdict verdict = track_client(&t->s->track, type, true);
	BUG_ON(verdict != TRACK_OK);
}

void prepared_turn_close(struct prepared_turn *t, struct slice name)
{
	prepared_turn_own(t, 'C');
	build_close(t->out, 'S', name);
}

void prepared_turn_used(const struct prepared_turn *t, struct prepared_name *name)
{
	name->used_at = prepared_names_at(t->c->prepared, track_next_seq(&t->s->track));
}

void prepared_turn_run(struct prepared_turn *t, struct slice sql)
{
	prepared_turn_close(t, RUN_NAME); /* one that an error has left */
	prepared_turn_own(t, 'P');
	build_parse(t->out, RUN_NAME, sql, NULL, 0);
	prepared_turn_own(t, 'B');
	build_bind(t->out, RUN_NAME, RUN_NAME, NULL, 0);
	prepared_turn_own(t, 'E');
	build_execute(t->out, RUN_NAME, 0);
	prepared_turn_own(t, 'C');
	build_close(t->out, 'P', RUN_NAME);
	prepared_turn_close(t, RUN_NAME);
}

void prepared_turn_commit(struct prepared_turn *t)
{
	const struct track *track = &t->s->track;
	uint32_t from_seq = track_next_seq(track);
	prepared_turn_run(t, SLICE("BEGIN"));
	prepared_turn_run(t, SLICE("COMMIT"));
	aside_begin(t->s, from_seq, track_next_seq(track) - 1);
}

void prepared_turn_parse(struct buf *out, struct slice name, struct slice body)
{
	prepared_turn_head(out, 'P', name.len + 1 + body.len);
	buf_add_slice(out, name);
	buf_u8(out, 0);
	buf_add_slice(out, body);
}

void prepared_turn_parse_typed(struct buf *out, struct slice name, struct slice body,
			       struct slice types)
{
	struct buf typed = { 0 };
	stmt_write_body(&typed, body, types);
	prepared_turn_parse(out, name, buf_slice(&typed));
	buf_fini(&typed);
}

/* Room for one more: those used longest ago go. There may be too many where the server has skipped
 * that before. */
static void make_room(struct prepared_turn *t, struct prepared_set *set)
{
	size_t most = (size_t)t->c->worker->setup->conf->global.max_prepared_statements;
	if (most == 0) /* auto mode follows them all the same */
		most = 1;
	for (unsigned n = 0; n < MAX_EVICTED && map_count(&set->map) >= most; n++) {
		if (list_is_empty(&set->lru))
			return;
		struct prepared_entry *oldest = LIST_LAST(&set->lru, struct prepared_entry, lru);
		prepared_set_evict(set, oldest, &t->s->track);
		prepared_turn_close(t, prepared_turn_name(oldest->stmt));
	}
}

struct prepared_entry *prepared_turn_enter(struct prepared_turn *t, struct stmt *stmt)
{
	struct prepared_set *set = prepared_set_need(t->s);
	struct prepared_entry *entry = prepared_set_find(set, stmt);

	if (entry) {
		prepared_turn_close(t, prepared_turn_name(stmt));
		list_remove(&entry->lru);
		shape_unref(entry->shape);
	} else {
		make_room(t, set);
		if (set->is_doubtful || prepared_set_evicts(set, stmt, &t->s->track))
			prepared_turn_close(t, prepared_turn_name(stmt));
		entry = mem_zalloc(sizeof(*entry));
		entry->stmt = stmt_ref(stmt);
		list_init(&entry->lru);
		map_put(&set->map, slice_make(&stmt->id, sizeof(stmt->id)), entry);
	}
	list_push_front(&set->lru, &entry->lru);
	entry->shape = shape_new(stmt->is_open);
	entry->was_asked = false;
	entry->is_good = true;
	entry->only_for = 0;
	entry->seq = entry->used_seq = track_next_seq(&t->s->track); /* the Parse comes next */
	return entry;
}

/* The server gets a copy of it now, instead of what it may have. Its parameters are of the types
 * that the client was told of, as far as it was, whatever the server would infer by now. */
static struct prepared_entry *prepare(struct prepared_turn *t, struct prepared_name *name)
{
	struct stmt *stmt = name->stmt;
	prepared_turn_settle(t, name->executed);
	prepared_scene_set(t, stmt);
	struct prepared_entry *entry = prepared_turn_enter(t, stmt);
	struct shape *any = entry->shape;
	entry->shape = shape_new_like(name->shape);
	shape_unref(any);
	prepared_turn_own(t, 'P');
	prepared_turn_parse_typed(t->out, prepared_turn_name(stmt), stmt->body,
				  shape_types(name->shape));
	prepared_scene_end(t, stmt);
	prepared_turn_settled(t, name->executed);
	entry->used_seq = track_next_seq(&t->s->track);
	entry->only_for = prepared_scene_is_known(t) ? 0 : t->c->id;
	t->c->pool->stats.server_parses++;
	shape_unref(name->made);
	name->made = shape_ref(entry->shape);
	return entry;
}

static bool is_good(const struct prepared_turn *t, const struct prepared_entry *entry)
{
	return entry->is_good && LIKELY(!entry->only_for || (entry->only_for == t->c->id &&
							     !prepared_scene_is_known(t)));
}

/* The copy that the next message is about; NULL: whether there is one is still to be seen. */
static struct prepared_entry *use(struct prepared_turn *t, struct prepared_name *name)
{
	struct prepared_set *set = prepared_set_need(t->s);
	struct prepared_entry *entry = prepared_set_find(set, name->stmt);
	if (entry && prepared_set_is_pending(set, &t->s->track, entry->seq))
		return NULL;
	if (!entry || !is_good(t, entry))
		return UNLIKELY(prepared_scene_waits(t, name->stmt)) ? NULL : prepare(t, name);
	list_remove(&entry->lru);
	list_push_front(&set->lru, &entry->lru);
	entry->used_seq = track_next_seq(&t->s->track);
	return entry;
}

static bool differs(const struct prepared_name *name, const struct prepared_entry *entry)
{
	return shape_is_known(name->shape) && shape_is_known(entry->shape) &&
	       !shape_is_same(name->shape, entry->shape);
}

/* Of two that differ either may be out of date; so may be any for who was told of a change, by
 * another server. One that was made for it since is not. */
static struct prepared_entry *renew(struct prepared_turn *t, struct prepared_name *name,
				    struct prepared_entry *entry)
{
	if ((!name->is_told && !differs(name, entry)) || entry->shape == name->made)
		return entry;
	return prepare(t, name);
}

/* A Describe of ours. */
static void ask(struct prepared_turn *t, struct prepared_entry *entry)
{
	uint32_t seq = track_next_seq(&t->s->track);
	prepared_turn_own(t, 'D');
	build_describe(t->out, 'S', prepared_turn_name(entry->stmt));
	prepared_set_ask(t->s->prepared, entry, seq, &t->s->track);
	entry->used_seq = seq;
}

/* The same in front of the client's message about that name. */
static void ask_of(struct prepared_turn *t, struct prepared_name *name,
		   struct prepared_entry *entry)
{
	ask(t, entry);
	name->asked_at = prepared_names_at(t->c->prepared, entry->asked_seq);
}

/* The copy for who goes by such types: another one, where this has other ones. NULL: whether there
 * is one is still to be seen. */
static struct prepared_entry *settle(struct prepared_turn *t, struct prepared_name *name,
				     struct prepared_entry *entry)
{
	if (LIKELY(!shape_takes_other(name->shape, entry->shape)))
		return entry;
	entry->used_seq = entry->seq; /* it is not, after all */
	prepared_names_pin(t->c->prepared, name);
	return use(t, name);
}

/* The client goes by types, and what those of the copy are is not known. */
static bool is_untyped(const struct prepared_name *name, const struct prepared_entry *entry)
{
	return shape_types(name->shape).ptr && !shape_has_types(entry->shape);
}

/* Is it known what there is to know of the copy, or under way? */
static bool is_asked(const struct prepared_turn *t, const struct prepared_entry *entry)
{
	return shape_is_known(entry->shape) || prepared_set_is_asked(entry, &t->s->track);
}

void prepared_turn_catch_up(struct prepared_turn *t, struct prepared_entry *entry)
{
	if (entry->is_good && !t->s->track.skipping && !entry->was_asked &&
	    !shape_has_types(entry->shape))
		ask(t, entry);
}

bool prepared_turn_is_described(const struct prepared_turn *t, const struct frame *f,
				struct slice portal)
{
	static const char describe[] = "D\0\0\0\x06P";
	const char *behind = f->body.ptr + f->body.len;
	return frame_is_whole(f) && portal.len == 1 &&
	       (size_t)(t->end - behind) >= sizeof(describe) &&
	       memcmp(behind, describe, sizeof(describe)) == 0;
}

void prepared_turn_flush(struct prepared_turn *t, uint32_t asked_seq)
{
	struct prepared_set *set = prepared_set_need(t->s);
	if (track_seq_before(asked_seq, set->flushed_at))
		return;
	set->flushed_at = track_next_seq(&t->s->track);
	prepared_turn_own(t, 'H');
	build_flush(t->out);
}

/* What the copy gives is not known to be what the client goes by. */
static enum prepared_fit fit(struct prepared_turn *t, struct slice own, struct prepared_name *name,
			     struct prepared_entry *entry, bool is_described)
{
	const struct track *track = &t->s->track;
	uint32_t described_at = track_next_seq(track) + 1;
	if (!is_asked(t, entry) && is_described && shape_has_types(entry->shape)) {
		prepared_set_ask(t->s->prepared, entry, described_at, track);
	} else if (!is_asked(t, entry)) {
		ask_of(t, name, entry);
		described_at = track_next_seq(track) + 1;
	}
	entry->used_seq = track_next_seq(track);
	if (!shape_is_known(name->shape) && !is_untyped(name, entry)) {
		if (name->shape != entry->shape)
			prepared_names_go_by(name, entry->shape);
		prepared_turn_used(t, name);
		return PREPARED_FITS;
	}
	if (is_described && !is_untyped(name, entry)) {
		prepared_turn_used(t, name);
		prepared_names_learn(t->c->prepared, described_at, own, entry->shape);
		return PREPARED_FITS;
	}
	if (differs(name, entry)) {
		entry->used_seq = entry->seq; /* it is not, after all */
		return PREPARED_MISFIT;
	}
	prepared_turn_flush(t, entry->asked_seq);
	return PREPARED_ASKS;
}

enum prepared_fit prepared_turn_bind(struct prepared_turn *t, struct slice own,
				     struct prepared_name *name, bool is_described)
{
	struct prepared_entry *entry = use(t, name);
	if (UNLIKELY(!entry))
		return PREPARED_ASKS;
	if (UNLIKELY(!shape_is_same(name->shape, entry->shape))) {
		entry = settle(t, name, entry);
		if (!entry)
			return PREPARED_ASKS;
	}
	if (LIKELY(shape_is_same(name->shape, entry->shape))) {
		prepared_turn_used(t, name);
		return PREPARED_FITS;
	}
	if (name->stmt->is_fetch)
		return PREPARED_FITS;
	return fit(t, own, name, renew(t, name, entry), is_described);
}

/* The types of its parameters, as far as they are known. */
static struct slice types_of(const struct prepared_name *name)
{
	struct slice body = name->stmt->body;
	if (name->shape->is_open)
		return shape_types(name->shape);
	return slice_skip(body, strlen(body.ptr) + 1); /* the Parse has said all */
}

enum prepared_fit prepared_turn_describe(struct prepared_turn *t, struct slice own,
					 struct prepared_name *name)
{
	const struct track *track = &t->s->track;
	uint32_t from_seq = track_next_seq(track);
	struct prepared_entry *entry = use(t, name);
	if (entry)
		entry = settle(t, name, entry);
	if (!entry)
		return PREPARED_ASKS;
	entry = renew(t, name, entry);
	if (is_untyped(name, entry)) {
		if (!is_asked(t, entry))
			ask_of(t, name, entry);
		prepared_turn_flush(t, entry->asked_seq);
		return PREPARED_ASKS;
	}
	prepared_turn_used(t, name);
	if (!is_asked(t, entry))
		prepared_set_ask(t->s->prepared, entry, track_next_seq(track), track);
	if (!track_seq_before(entry->seq, from_seq))
		prepared_set_ask_behind(t->s->prepared, entry->seq, types_of(name));
	if (name->shape != entry->shape && !shape_is_same(name->shape, entry->shape))
		prepared_names_learn(t->c->prepared, track_next_seq(track), own, entry->shape);
	return PREPARED_FITS;
}

static const char nothing[] = { 0, 0, 0 };

static struct slice encoding_of(const struct prepared_turn *t)
{
	const char *own = paramset_get(t->c->params, SLICE("client_encoding"));
	const char *base = paramset_get(t->s->base, SLICE("client_encoding"));
	return slice_of(own ? own : base ? base : "");
}

/* It is the client's by a Parse, so that PREPARE has not taken it: what may be there is of no use.
 */
static void lend(struct prepared_turn *t, struct slice name, struct slice body, struct slice types)
{
	struct prepared_set *set = prepared_set_need(t->s);
	prepared_turn_close(t, name);
	prepared_turn_own(t, 'P');
	prepared_turn_parse_typed(t->out, name, body, types);
	prepared_set_lend(set, name);
	if (!naming_is_foreign(name))
		return;
	free(set->lent_encoding);
	set->lent_encoding = slice_dup(encoding_of(t));
}

void prepared_turn_lend(struct prepared_turn *t, struct slice name)
{
	lend(t, name, slice_make(nothing, sizeof(nothing)), SLICE_NONE);
}

void prepared_turn_lend_whole(struct prepared_turn *t, struct slice name,
			      const struct prepared_name *there)
{
	prepared_scene_set(t, there->stmt);
	lend(t, name, there->stmt->body, shape_types(there->shape));
	prepared_scene_end(t, there->stmt);
}

/* May the client have something by PREPARE? */
static bool keeps_prepared(const struct client *c)
{
	return c->keep && (c->keep->kept | c->keep->suspected) & KEEP(PREPARE);
}

static bool can_settle(const struct prepared_turn *t, const struct prepared_executed *executed)
{
	return map_get(&t->c->prepared->map, slice_of(executed->name)) || !keeps_prepared(t->c);
}

void prepared_turn_settle(struct prepared_turn *t, const struct prepared_executed *executed)
{
	if (LIKELY(!executed) || !can_settle(t, executed))
		return;
	if (!executed->stmt) {
		prepared_turn_lend(t, slice_of(executed->name));
		return;
	}
	prepared_scene_set(t, executed->stmt);
	lend(t, slice_of(executed->name), executed->stmt->body, SLICE_NONE);
	prepared_scene_end(t, executed->stmt);
}

void prepared_turn_settled(struct prepared_turn *t, const struct prepared_executed *executed)
{
	if (LIKELY(!executed) || !can_settle(t, executed))
		return;
	struct slice name = slice_of(executed->name);
	struct prepared_name *there = map_get(&t->c->prepared->map, name);
	if (there)
		prepared_turn_lend_whole(t, name, there);
	else
		prepared_turn_close(t, name);
}

void prepared_turn_try(struct prepared_turn *t, struct slice name, struct slice body)
{
	prepared_turn_own(t, 'P');
	prepared_turn_parse(t->out, name, body);
	prepared_turn_close(t, name);
}

/* Names beyond ASCII can be said in the encoding alone that they were lent in. */
static void close_all(struct prepared_turn *t, struct map *names)
{
	struct prepared_set *set = t->s->prepared;
	struct slice name;
	void *value;
	bool can_say = !set->lent_encoding || slice_eq_str(encoding_of(t), set->lent_encoding);
	for (size_t at = 0; map_next(names, &at, &name, &value);) {
		if (can_say || !naming_is_foreign(name))
			prepared_turn_close(t, name);
		else
			t->s->is_doomed = true;
	}
	map_fini(names);
}

/* Who keeps something by PREPARE may keep it by one of these names. */
static bool may_have_prepared(const struct client *c, const struct prepared_set *set)
{
	return c->id == set->unsure_of && keeps_prepared(c);
}

void prepared_turn_take_home(struct prepared_turn *t)
{
	struct prepared_set *set = t->s->prepared;
	close_all(t, &set->lent);
	if (!may_have_prepared(t->c, set))
		close_all(t, &set->unsure);
	if (UNLIKELY(set->lent_encoding != NULL) && !map_count(&set->unsure)) {
		free(set->lent_encoding);
		set->lent_encoding = NULL;
	}
}

static void nothing_in_front(void *arg)
{
	(void)arg;
}

void prepared_turn_bring_home(struct server *s)
{
	struct prepared_turn turn = {
		.c = s->client, .s = s, .out = &s->before, .flush = nothing_in_front
	};
	if (prepared_set_lent(s->prepared) && !track_wants_sync(&s->track))
		prepared_turn_take_home(&turn);
}
