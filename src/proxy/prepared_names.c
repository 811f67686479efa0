/*
 * prepared_names.c - what a client's names lead to, and how that is taken back.
 */
#include "proxy/prepared_names.h"

#include <stdlib.h>

#include "base/mem.h"
#include "proxy/client.h"
#include "proxy/paramset.h"
#include "proxy/prepared_executed.h"
#include "proxy/prepared_portals.h"
#include "proxy/server.h"
#include "proxy/shape.h"
#include "proxy/stmt.h"
#include "wire/track.h"

struct prepared_names *prepared_names_need(struct client *c)
{
	if (!c->prepared) {
		c->prepared = mem_zalloc(sizeof(*c->prepared));
		struct track none = { 0 };
		c->prepared->server_id = c->server ? c->server->id : 0;
		c->prepared->stay = 1;
		prepared_unnamed_init(&c->prepared->unnamed, c->server ? &c->server->track : &none);
		map_init(&c->prepared->map);
		map_init(&c->prepared->open);
		list_init(&c->prepared->undos);
		prepared_portals_init(&c->prepared->portals);
	}
	return c->prepared;
}

void prepared_names_set_unnamed(struct client *c, struct slice body)
{
	if (body.ptr || c->prepared)
		prepared_unnamed_answered(&prepared_names_need(c)->unnamed, body);
}

void prepared_names_free_one(struct prepared_name *name)
{
	if (!name)
		return;
	stmt_unref(name->stmt);
	shape_unref(name->shape);
	shape_unref(name->made);
	prepared_executed_unref(name->executed);
	free(name);
}

/* Out of those of its name. */
static void unchain(struct prepared_names *names, struct prepared_undo *undo)
{
	struct slice name = slice_of(undo->name);
	struct prepared_undo *first = map_get(&names->open, name);
	if (undo->later)
		undo->later->earlier = undo->earlier;
	else
		first->last = undo->earlier;
	if (undo->earlier) {
		undo->earlier->later = undo->later;
		return;
	}
	map_remove(&names->open, name);
	if (undo->later) {
		undo->later->last = undo->last;
		map_put(&names->open, name, undo->later);
	}
}

static void free_undo(struct prepared_names *names, struct prepared_undo *undo)
{
	if (undo->name)
		unchain(names, undo);
	else
		names->syncs--;
	list_remove(&undo->link);
	prepared_names_free_one(undo->old);
	free(undo->name);
	free(undo);
}

void prepared_names_free(struct client *c)
{
	struct prepared_names *names = c->prepared;
	struct slice key;
	void *value;
	if (!names)
		return;
	LIST_EACH (node, tmp, &names->undos)
		free_undo(names, LIST_ENTRY(node, struct prepared_undo, link));
	for (size_t at = 0; map_next(&names->map, &at, &key, &value);)
		prepared_names_free_one(value);
	map_fini(&names->map);
	map_fini(&names->open);
	prepared_unnamed_fini(&names->unnamed);
	prepared_portals_clear(&names->portals);
	buf_fini(&names->behind);
	free(names);
	c->prepared = NULL;
}

size_t prepared_names_count(const struct client *c)
{
	return c->prepared ? map_count(&c->prepared->map) : 0;
}

/* Is it still to be answered what an earlier batch has done with the name? */
bool prepared_names_is_open(const struct prepared_names *names, struct slice name)
{
	const struct prepared_undo *first = names->syncs ? map_get(&names->open, name) : NULL;
	return first && !track_seq_before(names->last_sync, first->seq);
}

struct prepared_name *prepared_names_remove(struct prepared_names *names, struct slice name)
{
	struct prepared_name *old = map_remove(&names->map, name);
	if (old)
		names->text_bytes -= old->stmt->body.len;
	return old;
}

void prepared_names_go_by(struct prepared_name *name, struct shape *shape)
{
	struct shape *before = name->shape;
	name->shape = shape_ref(shape);
	name->is_told = false;
	shape_unref(before);
}

/* But for its parameters: they stay as they were. */
static void go_by_nothing(struct prepared_name *name)
{
	struct shape *before = name->shape;
	name->shape = shape_new_like(before);
	name->is_told = true;
	shape_unref(before);
	shape_unref(name->made);
	name->made = NULL;
}

void prepared_names_pin(struct prepared_names *names, struct prepared_name *name)
{
	struct stmt *stmt = name->stmt;
	struct shape *shape = name->shape;
	names->text_bytes -= stmt->body.len;
	name->stmt = stmt_get_typed(stmt, shape_types(shape));
	names->text_bytes += name->stmt->body.len;
	name->shape = shape_new_closed(shape);
	shape_unref(name->made);
	name->made = NULL;
	stmt_unref(stmt);
	shape_unref(shape);
}

void prepared_names_told(struct prepared_names *names, uint32_t from, uint32_t to)
{
	uint64_t refused = prepared_names_at(names, from);
	struct prepared_name *only = NULL;
	bool is_it = false;
	unsigned count = names->unnamed.used_seq - from < to - from;
	struct slice key;
	void *value;
	for (size_t at = 0; map_next(&names->map, &at, &key, &value);) {
		struct prepared_name *name = value;
		is_it = name->used_at == refused || name->asked_at == refused;
		if (!is_it && name->used_at - refused >= to - from)
			continue;
		only = name;
		count++;
		if (is_it)
			break;
	}
	if (only && (is_it || count == 1))
		go_by_nothing(only);
}

void prepared_names_tell(struct prepared_names *names, uint32_t seq, bool is_unnamed)
{
	names->tells = true;
	names->untold_seq = seq;
	names->tells_unnamed = is_unnamed;
}

void prepared_names_tell_no_more(struct prepared_names *names)
{
	names->tells = false;
}

void prepared_names_learn(struct prepared_names *names, uint32_t seq, struct slice name,
			  struct shape *shape)
{
	struct prepared_name *old = prepared_names_remove(names, name);
	struct prepared_name *made = mem_zalloc(sizeof(*made));
	made->stmt = stmt_ref(old->stmt);
	made->shape = shape_ref(shape);
	made->used_at = old->used_at;
	made->asked_at = old->asked_at;
	made->executed = prepared_executed_ref(old->executed);
	made->is_unread = old->is_unread;
	made->has_effects = old->has_effects;
	made->moves = old->moves;
	made->hidden = old->hidden;
	prepared_names_put(names, name, made);
	prepared_names_note(names, seq, name, old);
}

void prepared_names_put(struct prepared_names *names, struct slice name,
			struct prepared_name *value)
{
	map_put(&names->map, name, value);
	names->text_bytes += value->stmt->body.len;
	names->has_unread |= value->is_unread;
}

static void read_by(struct prepared_name *name, const struct paramset *params)
{
	struct stmt *stmt = name->stmt;
	name->stmt = stmt_get(stmt->table, paramset_meaning(params), stmt->body);
	name->is_unread = false;
	stmt_unref(stmt);
}

void prepared_names_read(struct client *c)
{
	struct prepared_names *names = c->prepared;
	struct slice key;
	void *value;
	if (LIKELY(!names || !names->has_unread))
		return;
	names->has_unread = false;
	for (size_t at = 0; map_next(&names->map, &at, &key, &value);) {
		struct prepared_name *name = value;
		if (name->is_unread)
			read_by(name, c->params);
	}
}

struct prepared_undo *prepared_names_note(struct prepared_names *names, uint32_t seq,
					  struct slice name, struct prepared_name *old)
{
	struct prepared_undo *undo = mem_zalloc(sizeof(*undo));
	undo->seq = seq;
	undo->old = old;
	list_init(&undo->link);
	list_push_back(&names->undos, &undo->link);
	if (!name.ptr) {
		names->syncs++;
		names->last_sync = seq;
		return undo;
	}
	undo->name = slice_dup(name);
	struct prepared_undo *first = map_get(&names->open, name);
	if (first) {
		undo->earlier = first->last;
		first->last->later = undo;
		first->last = undo;
	} else {
		undo->last = undo;
		map_put(&names->open, name, undo);
	}
	return undo;
}

/* On another server all that was asked of the one before has been answered. */
void prepared_names_arrive(struct prepared_names *names, const struct server *s)
{
	if (names->server_id == s->id)
		return;
	names->server_id = s->id;
	names->stay++;
	prepared_names_tell_no_more(names);
	names->forgets = false;
	prepared_portals_clear(&names->portals);
	buf_release(&names->behind);
	prepared_unnamed_arrive(&names->unnamed, &s->track);
}

/* Has the server still to say whether what was run has made it forget all? */
bool prepared_names_awaits_forget(struct prepared_names *names, const struct track *track)
{
	if (names->forgets)
		names->forgets = !track_seq_before(names->forgets_at, track_head_seq(track));
	return names->forgets;
}

void prepared_names_done(struct client *c, uint32_t seq)
{
	struct prepared_names *names = c->prepared;
	names->deallocated = 0;
	LIST_EACH (node, tmp, &names->undos) {
		struct prepared_undo *undo = LIST_ENTRY(node, struct prepared_undo, link);
		if (track_seq_before(seq, undo->seq))
			return;
		free_undo(names, undo);
	}
}

/* It is as if the message had not been sent; where a later one has changed the name once more, that
 * one has found what was there before this one. */
static void take_back(struct prepared_names *names, struct prepared_undo *undo)
{
	struct slice name = slice_of(undo->name);
	if (undo->later) {
		prepared_names_free_one(undo->later->old);
		undo->later->old = undo->old;
	} else {
		prepared_names_free_one(prepared_names_remove(names, name));
		if (undo->old)
			prepared_names_put(names, name, undo->old);
	}
	undo->old = NULL;
}

/* A text failed amid its statements: what it had deallocated before is gone for good. */
void prepared_names_text_failed(struct prepared_names *names, uint32_t seq)
{
	LIST_EACH (node, tmp, &names->undos) {
		struct prepared_undo *undo = LIST_ENTRY(node, struct prepared_undo, link);
		if (track_seq_before(seq, undo->seq))
			return;
		if (undo->name && undo->seq == seq && undo->nth > names->deallocated)
			take_back(names, undo);
		free_undo(names, undo);
	}
}

void prepared_names_skipped(struct prepared_names *names, uint32_t from, uint32_t to)
{
	LIST_EACH (node, tmp, &names->undos) {
		struct prepared_undo *undo = LIST_ENTRY(node, struct prepared_undo, link);
		if (!track_seq_before(undo->seq, to))
			return;
		if (undo->name && !track_seq_before(undo->seq, from))
			take_back(names, undo);
		free_undo(names, undo);
	}
}

void prepared_names_deallocated(struct client *c)
{
	c->prepared->deallocated++;
}

void prepared_names_forget(struct client *c, uint32_t seq)
{
	struct prepared_names *names = c->prepared;
	struct map kept;
	struct slice key;
	void *value;
	prepared_names_done(c, seq);
	/* what is not done yet comes after it */
	LIST_EACH (node, tmp, &names->undos) {
		struct prepared_undo *undo = LIST_ENTRY(node, struct prepared_undo, link);
		if (undo->name && !undo->earlier) {
			prepared_names_free_one(undo->old);
			undo->old = NULL;
		}
	}
	map_init(&kept);
	names->text_bytes = 0;
	for (size_t at = 0; map_next(&names->map, &at, &key, &value);) {
		struct prepared_name *name = value;
		if (map_get(&names->open, key)) {
			map_put(&kept, key, name);
			names->text_bytes += name->stmt->body.len;
		} else {
			prepared_names_free_one(name);
		}
	}
	map_fini(&names->map);
	names->map = kept;
}
