/*
 * prepared.c - names of clients, numbers on servers, and messages written anew.
 */
#include "proxy/prepared.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "proxy/client.h"
#include "proxy/keep.h"
#include "proxy/localpool.h"
#include "proxy/paramset.h"
#include "proxy/server.h"
#include "proxy/setup.h"
#include "proxy/stmt.h"
#include "proxy/worker.h"
#include "sql/effect.h"
#include "wire/build.h"
#include "wire/frame.h"
#include "wire/reader.h"

/* A message of the client's may need so many of ours in front of it, and is one itself. */
#define PREPARED_MAX_ITEMS 12u
#define PREPARED_MAX_LENT 4u

/* A name of a client's. */
struct prepared_name {
	struct stmt *stmt; /* a reference */
	usec_t parsed_at;
	bool has_effects; /* to run it may leave something in the session */
};

/* What a message has changed, until the server has answered it. */
struct prepared_undo {
	struct list link;
	uint32_t seq;
	char *name;                /* owned; NULL: a Sync */
	struct prepared_name *old; /* owned; what the name led to before; NULL: nothing */
};

struct prepared_names {
	struct map map;    /* name -> prepared_name, owned */
	struct list undos; /* in the order of their messages */
	/* the unnamed statement */
	struct buf unnamed; /* of its Parse, behind the name; empty: there is none */
	uint64_t generation;
	bool unnamed_has_effects;
};

/* A statement that a server has. */
struct prepared_entry {
	struct list lru; /* the one used last comes first */
	struct stmt *stmt;
	usec_t prepared_at; /* 0: perhaps it has it, perhaps not */
	uint32_t seq;       /* the item of its Parse */
};

struct prepared_set {
	struct map map; /* number -> prepared_entry, owned */
	struct list lru;
	/* whose unnamed statement it has, if that is known */
	uint64_t unnamed_client;
	uint64_t unnamed_generation;
	bool has_unnamed;
	bool is_doubtful; /* it may have what it is not known to have */
	struct buf lent;  /* names of the client's own that it got for a moment: "a\0b\0" */
};

/* ---- the two sides ------------------------------------------------------------------------ */

static struct prepared_names *prepared_need_names(struct client *c)
{
	if (!c->prepared) {
		c->prepared = mem_zalloc(sizeof(*c->prepared));
		map_init(&c->prepared->map);
		list_init(&c->prepared->undos);
	}
	return c->prepared;
}

static struct prepared_set *prepared_need_set(struct server *s)
{
	if (!s->prepared) {
		s->prepared = mem_zalloc(sizeof(*s->prepared));
		map_init(&s->prepared->map);
		list_init(&s->prepared->lru);
	}
	return s->prepared;
}

static void prepared_free_name(struct prepared_name *name)
{
	if (name)
		stmt_unref(name->stmt);
	free(name);
}

static void prepared_free_undo(struct prepared_undo *undo)
{
	list_remove(&undo->link);
	prepared_free_name(undo->old);
	free(undo->name);
	free(undo);
}

static void prepared_clear_names(struct prepared_names *names)
{
	struct slice key;
	void *value;
	for (size_t at = 0; map_next(&names->map, &at, &key, &value);)
		prepared_free_name(value);
	map_fini(&names->map);
	LIST_EACH (node, tmp, &names->undos)
		prepared_free_undo(LIST_ENTRY(node, struct prepared_undo, link));
}

void prepared_free_names(struct client *c)
{
	if (!c->prepared)
		return;
	prepared_clear_names(c->prepared);
	buf_fini(&c->prepared->unnamed);
	free(c->prepared);
	c->prepared = NULL;
}

static void prepared_drop_entry(struct prepared_set *set, struct prepared_entry *entry)
{
	map_remove(&set->map, slice_make(&entry->stmt->id, sizeof(entry->stmt->id)));
	list_remove(&entry->lru);
	stmt_unref(entry->stmt);
	free(entry);
}

void prepared_free_set(struct server *s)
{
	struct prepared_set *set = s->prepared;
	if (!set)
		return;
	LIST_EACH (node, tmp, &set->lru)
		prepared_drop_entry(set, LIST_ENTRY(node, struct prepared_entry, lru));
	map_fini(&set->map);
	buf_fini(&set->lent);
	free(set);
	s->prepared = NULL;
}

size_t prepared_count_names(const struct client *c)
{
	return c->prepared ? map_count(&c->prepared->map) : 0;
}

size_t prepared_count_set(const struct server *s)
{
	return s->prepared ? map_count(&s->prepared->map) : 0;
}

static struct prepared_entry *prepared_find(const struct prepared_set *set, const struct stmt *stmt)
{
	return map_get(&set->map, slice_make(&stmt->id, sizeof(stmt->id)));
}

/* Is it still to be answered what an earlier batch has done with the name? */
static bool prepared_is_open(const struct prepared_names *names, struct slice name)
{
	bool has_name = false;
	LIST_EACH (node, tmp, &names->undos) {
		const struct prepared_undo *undo = LIST_ENTRY(node, struct prepared_undo, link);
		if (!undo->name && has_name)
			return true;
		has_name |= undo->name && slice_eq_str(name, undo->name);
	}
	return false;
}

/* ---- one message -------------------------------------------------------------------------- */

/* What prepared_message works on. */
struct prepared_turn {
	struct client *c;
	struct server *s;
	struct buf *out;
	void (*flush)(void *arg);
	void *arg;
	bool flushed;
	usec_t now;
};

static void prepared_begin(struct prepared_turn *t)
{
	if (!t->flushed)
		t->flush(t->arg);
	t->flushed = true;
}

/* A message of ours; the track has room for it, and the server is not skipping. */
static void prepared_own(struct prepared_turn *t, char type)
{
	prepared_begin(t);
	enum track_verdict verdict = track_client(&t->s->track, type, true);
	BUG_ON(verdict != TRACK_OK);
}

static struct slice prepared_server_name(const struct stmt *stmt)
{
	return slice_make(stmt->name, stmt->name_bytes);
}

static void prepared_close(struct prepared_turn *t, struct slice name)
{
	prepared_own(t, 'C');
	build_close(t->out, 'S', name);
}

/* The head of a message, for a body of so many bytes of which the first follow. */
static void prepared_head(struct buf *out, char type, size_t body_bytes)
{
	buf_u8(out, (uint8_t)type);
	buf_u32(out, (uint32_t)body_bytes + 4);
}

static void prepared_parse(struct buf *out, struct slice name, struct slice body)
{
	prepared_head(out, 'P', name.len + 1 + body.len);
	buf_add_slice(out, name);
	buf_u8(out, 0);
	buf_add_slice(out, body);
}

/* Room for one more: those used longest ago go. */
static void prepared_make_room(struct prepared_turn *t, struct prepared_set *set)
{
	size_t most = (size_t)t->c->worker->setup->conf->global.max_prepared_statements;
	if (map_count(&set->map) < most)
		return;
	struct prepared_entry *oldest = LIST_LAST(&set->lru, struct prepared_entry, lru);
	prepared_close(t, prepared_server_name(oldest->stmt));
	prepared_drop_entry(set, oldest);
}

/* The entry of a statement that is about to be prepared there. */
static void prepared_enter(struct prepared_turn *t, struct stmt *stmt)
{
	struct prepared_set *set = prepared_need_set(t->s);
	struct prepared_entry *entry = prepared_find(set, stmt);

	if (entry) {
		prepared_close(t, prepared_server_name(stmt));
		list_remove(&entry->lru);
	} else {
		prepared_make_room(t, set);
		if (set->is_doubtful)
			prepared_close(t, prepared_server_name(stmt));
		entry = mem_zalloc(sizeof(*entry));
		entry->stmt = stmt_ref(stmt);
		list_init(&entry->lru);
		map_put(&set->map, slice_make(&stmt->id, sizeof(stmt->id)), entry);
	}
	list_push_front(&set->lru, &entry->lru);
	entry->prepared_at = t->now;
	entry->seq = track_next_seq(&t->s->track); /* the Parse comes next */
}

/* The server shall have it, no older than the client's own Parse of it. */
static void prepared_ensure(struct prepared_turn *t, const struct prepared_name *name)
{
	struct prepared_set *set = prepared_need_set(t->s);
	struct prepared_entry *entry = prepared_find(set, name->stmt);

	if (entry && entry->prepared_at >= name->parsed_at) {
		list_remove(&entry->lru);
		list_push_front(&set->lru, &entry->lru);
		return;
	}
	prepared_enter(t, name->stmt);
	prepared_own(t, 'P');
	prepared_parse(t->out, prepared_server_name(name->stmt), name->stmt->body);
	t->c->pool->stats.server_parses++;
}

/* The server gets the client's own name, with nothing behind it, for a message that is about that
 * very name. It is closed when the batch is over. */
static void prepared_lend(struct prepared_turn *t, struct slice name)
{
	struct prepared_set *set = prepared_need_set(t->s);
	static const char nothing[] = { 0, 0, 0 };
	prepared_own(t, 'P');
	prepared_parse(t->out, name, slice_make(nothing, sizeof(nothing)));
	buf_add_slice(&set->lent, name);
	buf_u8(&set->lent, 0);
}

/* What was lent is closed. */
static void prepared_take_home(struct prepared_turn *t)
{
	struct prepared_set *set = t->s->prepared;
	struct reader r;
	reader_init(&r, buf_slice(&set->lent));
	while (r.rest.len)
		prepared_close(t, reader_cstr(&r));
	buf_release(&set->lent);
}

/* ---- names of the client's ---------------------------------------------------------------- */

static void prepared_note_undo(struct prepared_names *names, uint32_t seq, struct slice name,
			       struct prepared_name *old)
{
	struct prepared_undo *undo = mem_zalloc(sizeof(*undo));
	undo->seq = seq;
	undo->name = name.ptr ? slice_dup(name) : NULL;
	undo->old = old;
	list_init(&undo->link);
	list_push_back(&names->undos, &undo->link);
}

static struct slice prepared_search_path(const struct client *c)
{
	const char *path = paramset_get(c->params, SLICE("search_path"));
	return slice_of(path ? path : "");
}

/* Parse of a name. One that is there already is refused by the server. */
static enum prepared_step prepared_on_parse(struct prepared_turn *t, const struct frame *f,
					    struct slice name, struct slice body)
{
	struct prepared_names *names = prepared_need_names(t->c);
	struct prepared_name *there = map_get(&names->map, name);

	if (!frame_is_whole(f)) { /* it is too long to be prepared again elsewhere */
		keep_long_statement(t->c);
		return PREPARED_PASSES;
	}
	if (map_count(&names->map) >= PREPARED_MAX_NAMES)
		return PREPARED_TOO_MANY;
	if (there && prepared_is_open(names, name))
		return PREPARED_FULL;
	if (there) {
		prepared_lend(t, name);
		return PREPARED_PASSES;
	}
	struct prepared_name *made = mem_zalloc(sizeof(*made));
	made->stmt = stmt_get(t->c->worker->shared->stmts, prepared_search_path(t->c), body);
	made->parsed_at = t->now;
	made->has_effects = keep_has_effects(t->c, slice_head(body, strnlen(body.ptr, body.len)));
	map_put(&names->map, name, made);
	prepared_enter(t, made->stmt);
	prepared_begin(t);
	prepared_note_undo(names, track_next_seq(&t->s->track), name, NULL);
	prepared_parse(t->out, prepared_server_name(made->stmt), body);
	return PREPARED_WRITTEN;
}

/* ---- the unnamed statement ---------------------------------------------------------------- */

static void prepared_parse_unnamed(struct prepared_turn *t, const struct frame *f,
				   struct slice body)
{
	struct prepared_names *names = prepared_need_names(t->c);
	struct prepared_set *set = prepared_need_set(t->s);
	set->unnamed_client = t->c->id;
	set->has_unnamed = true;
	if (names->generation && frame_is_whole(f) &&
	    slice_eq(body, buf_slice(&names->unnamed))) { /* it asks the same again */
		set->unnamed_generation = names->generation;
		return;
	}
	buf_clear(&names->unnamed);
	names->generation++;
	names->unnamed_has_effects = true;
	if (frame_is_whole(f)) {
		buf_add_slice(&names->unnamed, body);
		names->unnamed_has_effects =
			keep_has_effects(t->c, slice_head(body, strnlen(body.ptr, body.len)));
	} else {
		keep_long_statement(t->c);
	}
	set->unnamed_generation = names->generation;
}

/* A simple query ends it, on both sides. */
static void prepared_end_unnamed(const struct prepared_turn *t)
{
	if (t->c->prepared && buf_len(&t->c->prepared->unnamed)) {
		buf_clear(&t->c->prepared->unnamed);
		t->c->prepared->generation++;
	}
	if (t->s->prepared)
		t->s->prepared->has_unnamed = false;
}

/* The server's unnamed statement shall be the client's: its own, or none. */
static void prepared_ensure_unnamed(struct prepared_turn *t)
{
	struct prepared_names *names = t->c->prepared;
	struct prepared_set *set = prepared_need_set(t->s);
	bool is_own = names && set->has_unnamed && set->unnamed_client == t->c->id &&
		      set->unnamed_generation == names->generation;
	if (is_own || (!set->has_unnamed && !(names && buf_len(&names->unnamed))))
		return;
	if (!names || !buf_len(&names->unnamed)) {
		prepared_close(t, SLICE(""));
		set->has_unnamed = false;
		return;
	}
	prepared_own(t, 'P');
	prepared_parse(t->out, SLICE(""), buf_slice(&names->unnamed));
	set->unnamed_client = t->c->id;
	set->unnamed_generation = names->generation;
	set->has_unnamed = true;
	t->c->pool->stats.server_parses++;
}

/* ---- DEALLOCATE in SQL -------------------------------------------------------------------- */

/* A text is about to be run. */
static void prepared_on_text(struct prepared_turn *t, struct slice sql)
{
	struct prepared_names *names = t->c->prepared;
	struct lexer_mode mode = paramset_reading(t->c->params);
	struct effect_iter iter;
	struct effect effect;
	char name[LITERAL_NAME_BYTES];
	unsigned lent = 0;

	if (!names || map_count(&names->map) == 0 || !(effect_of(sql, mode) & EFFECT(DEALLOCATE)))
		return;
	effect_init(&iter, sql, mode);
	while (effect_next(&iter, &effect) && lent < PREPARED_MAX_LENT) {
		size_t len = effect.set & EFFECT(DEALLOCATE) ? effect_name(&effect, name) : 0;
		struct slice own = slice_make(name, len);
		struct prepared_name *old = len ? map_remove(&names->map, own) : NULL;
		if (!old)
			continue;
		prepared_lend(t, own);
		prepared_note_undo(names, track_next_seq(&t->s->track), own, old);
		lent++;
	}
}

/* ---- messages ----------------------------------------------------------------------------- */

/* What is here of a message whose statement has another name at the server: `before` stands in
 * front of the name. */
static void prepared_rename(struct prepared_turn *t, const struct frame *f, struct slice before,
			    struct slice name, struct slice other)
{
	prepared_begin(t);
	prepared_head(t->out, f->type, f->body_bytes - name.len + other.len);
	buf_add_slice(t->out, before);
	buf_add_slice(t->out, other);
	buf_u8(t->out, 0);
	buf_add_slice(t->out, slice_skip(f->body, before.len + name.len + 1));
}

/* Close: the server has no name like the client's, and says that it is closed. */
static enum prepared_step prepared_on_close(struct prepared_turn *t, const struct frame *f,
					    struct slice before, struct slice name)
{
	struct prepared_names *names = t->c->prepared;
	if (name.len == 0) {
		prepared_end_unnamed(t);
		return PREPARED_PASSES;
	}
	if (names && prepared_is_open(names, name))
		return PREPARED_FULL;
	struct prepared_name *old = names ? map_remove(&names->map, name) : NULL;
	if (old)
		prepared_note_undo(names, track_next_seq(&t->s->track), name, old);
	if (!slice_starts(name, STMT_PREFIX))
		return PREPARED_PASSES;
	prepared_rename(t, f, before, name, SLICE(STMT_NOBODY));
	return PREPARED_WRITTEN;
}

/* A statement that may leave something in the session is run. */
static void prepared_run(struct prepared_turn *t, struct slice sql)
{
	keep_text(t->c, sql, true);
	prepared_on_text(t, sql);
}

/* Bind, or Describe of a statement: `name` is in the body behind `before`. */
static enum prepared_step prepared_on_use(struct prepared_turn *t, const struct frame *f,
					  struct slice before, struct slice name)
{
	struct prepared_names *names = t->c->prepared;
	bool is_bind = f->type == 'B';
	if (name.len == 0) {
		if (is_bind && names && names->unnamed_has_effects) {
			struct slice body = buf_slice(&names->unnamed);
			prepared_run(t, slice_head(body, strnlen(body.ptr, body.len)));
		}
		prepared_ensure_unnamed(t);
		return PREPARED_PASSES;
	}
	struct prepared_name *there = names ? map_get(&names->map, name) : NULL;
	if (!there && names && prepared_is_open(names, name))
		return PREPARED_FULL;
	if (!there && !slice_starts(name, STMT_PREFIX))
		return PREPARED_PASSES;
	if (!there) {
		prepared_rename(t, f, before, name, SLICE(STMT_NOBODY));
		return PREPARED_WRITTEN;
	}
	if (is_bind && there->has_effects)
		prepared_run(t, slice_of(there->stmt->body.ptr));
	prepared_ensure(t, there);
	prepared_rename(t, f, before, name, prepared_server_name(there->stmt));
	return PREPARED_WRITTEN;
}

static enum prepared_step prepared_read(struct prepared_turn *t, const struct frame *f)
{
	struct reader r;
	struct slice first, name;
	reader_init(&r, f->body);
	switch (f->type) {
	case 'P':
		name = reader_cstr(&r);
		if (reader_failed(&r))
			return PREPARED_PASSES; /* the server will say what it thinks of it */
		if (name.len)
			return prepared_on_parse(t, f, name, reader_rest(&r));
		prepared_parse_unnamed(t, f, reader_rest(&r));
		return PREPARED_PASSES;
	case 'B':
		first = reader_cstr(&r);
		name = reader_cstr(&r);
		return reader_failed(&r)
			       ? PREPARED_PASSES
			       : prepared_on_use(t, f, slice_head(f->body, first.len + 1), name);
	case 'D':
	case 'C':
		first = reader_bytes(&r, 1);
		name = reader_cstr(&r);
		if (reader_failed(&r) || first.ptr[0] != 'S')
			return PREPARED_PASSES;
		if (f->type == 'D')
			return prepared_on_use(t, f, first, name);
		return prepared_on_close(t, f, first, name);
	case 'Q':
		prepared_end_unnamed(t);
		prepared_on_text(t, slice_head(f->body, strnlen(f->body.ptr, f->body.len)));
		return PREPARED_PASSES;
	case 'S':
		if (t->c->prepared && !list_is_empty(&t->c->prepared->undos))
			prepared_note_undo(t->c->prepared, track_next_seq(&t->s->track), SLICE_NONE,
					   NULL);
		return PREPARED_PASSES;
	default:
		return PREPARED_PASSES;
	}
}

uint32_t prepared_wants(const struct client *c, const struct frame *f)
{
	(void)c;
	uint32_t most = f->type == 'P' ? PREPARED_MAX_BYTES : PREPARED_PEEK_BYTES;
	if (f->type != 'P' && f->type != 'B' && f->type != 'D' && f->type != 'C')
		return 0;
	return f->body_bytes < most ? f->body_bytes : most;
}

enum prepared_step prepared_message(struct client *c, const struct frame *f, struct buf *out,
				    void (*flush)(void *arg), void *arg, usec_t now)
{
	struct server *s = c->server;
	struct prepared_turn turn = {
		.c = c, .s = s, .out = out, .flush = flush, .arg = arg, .now = now
	};
	if (track_in_copy(&s->track) != TRACK_COPY_NONE || (s->track.skipping && f->type != 'S'))
		return PREPARED_PASSES; /* the server does not even look at it */
	if (track_next_seq(&s->track) - track_head_seq(&s->track) >
	    TRACK_MAX_ITEMS - PREPARED_MAX_ITEMS)
		return PREPARED_FULL;
	if (s->prepared && buf_len(&s->prepared->lent) && track_is_quiet(&s->track))
		prepared_take_home(&turn);
	return prepared_read(&turn, f);
}

/* ---- answers ------------------------------------------------------------------------------ */

void prepared_done(struct client *c, uint32_t seq)
{
	LIST_EACH (node, tmp, &c->prepared->undos) {
		struct prepared_undo *undo = LIST_ENTRY(node, struct prepared_undo, link);
		if (track_seq_before(seq, undo->seq))
			return;
		prepared_free_undo(undo);
	}
}

/* It is as if the message had not been sent; where a later one has changed the name once more, that
 * one has found what was there before this one. */
static void prepared_take_back(struct prepared_names *names, struct prepared_undo *undo)
{
	struct slice name = slice_of(undo->name);
	for (struct list *at = undo->link.next; at != &names->undos; at = at->next) {
		struct prepared_undo *later = LIST_ENTRY(at, struct prepared_undo, link);
		if (!later->name || strcmp(later->name, undo->name) != 0)
			continue;
		prepared_free_name(later->old);
		later->old = undo->old;
		undo->old = NULL;
		return;
	}
	prepared_free_name(map_remove(&names->map, name));
	if (undo->old)
		map_put(&names->map, name, undo->old);
	undo->old = NULL;
}

void prepared_failed(struct client *c, struct server *s, uint32_t seq)
{
	struct prepared_set *set = s->prepared;
	if (set) {
		set->unnamed_client = 0;
		set->is_doubtful = true;
		LIST_EACH (node, tmp, &set->lru) {
			struct prepared_entry *entry = LIST_ENTRY(node, struct prepared_entry, lru);
			if (!track_seq_before(entry->seq, seq))
				entry->prepared_at = 0;
		}
	}
	if (!c->prepared)
		return;
	LIST_EACH (node, tmp, &c->prepared->undos) {
		struct prepared_undo *undo = LIST_ENTRY(node, struct prepared_undo, link);
		bool is_sync = !undo->name;
		if (track_seq_before(undo->seq, seq))
			continue;
		if (!is_sync)
			prepared_take_back(c->prepared, undo);
		prepared_free_undo(undo);
		if (is_sync)
			return;
	}
}

void prepared_forget_all(struct client *c, struct server *s)
{
	prepared_free_set(s);
	if (c && c->prepared) {
		prepared_clear_names(c->prepared);
		buf_clear(&c->prepared->unnamed);
		c->prepared->generation++;
	}
}

void prepared_unnamed_lost(struct server *s)
{
	if (s->prepared) {
		s->prepared->has_unnamed = true; /* if it is there, it is nobody's */
		s->prepared->unnamed_client = 0;
	}
}

void prepared_doubt_all(struct server *s)
{
	if (!s->prepared)
		return;
	prepared_free_set(s);
	prepared_need_set(s)->is_doubtful = true;
	prepared_unnamed_lost(s);
}
