/*
 * prepared_turn.c - what is put in front of a client's message.
 */
#include "proxy/prepared_turn.h"

#include "base/mem.h"
#include "proxy/client.h"
#include "proxy/localpool.h"
#include "proxy/prepared_names.h"
#include "proxy/prepared_set.h"
#include "proxy/server.h"
#include "proxy/setup.h"
#include "proxy/stmt.h"
#include "proxy/worker.h"
#include "wire/build.h"
#include "wire/reader.h"
#include "wire/track.h"

/* Statements that make room for one, at most. */
#define MAX_EVICTED 3u

void prepared_turn_begin(struct prepared_turn *t)
{
	if (!t->flushed)
		t->flush(t->arg);
	t->flushed = true;
}

void prepared_turn_own(struct prepared_turn *t, char type)
{
	prepared_turn_begin(t);
	prepared_set_need(t->s)->own_seq = track_next_seq(&t->s->track);
	enum track_verdict verdict = track_client(&t->s->track, type, true);
	BUG_ON(verdict != TRACK_OK);
}

struct slice prepared_turn_name(const struct stmt *stmt)
{
	return slice_make(stmt->name, stmt->name_bytes);
}

void prepared_turn_close(struct prepared_turn *t, struct slice name)
{
	prepared_turn_own(t, 'C');
	build_close(t->out, 'S', name);
}

void prepared_turn_head(struct buf *out, char type, size_t body_bytes)
{
	buf_u8(out, (uint8_t)type);
	buf_u32(out, (uint32_t)body_bytes + 4);
}

void prepared_turn_parse(struct buf *out, struct slice name, struct slice body)
{
	prepared_turn_head(out, 'P', name.len + 1 + body.len);
	buf_add_slice(out, name);
	buf_u8(out, 0);
	buf_add_slice(out, body);
}

/* Room for one more: those used longest ago go. There may be too many where the server has skipped
 * that before. */
static void make_room(struct prepared_turn *t, struct prepared_set *set)
{
	size_t most = (size_t)t->c->worker->setup->conf->global.max_prepared_statements;
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
	} else {
		make_room(t, set);
		if (set->is_doubtful)
			prepared_turn_close(t, prepared_turn_name(stmt));
		entry = mem_zalloc(sizeof(*entry));
		entry->stmt = stmt_ref(stmt);
		list_init(&entry->lru);
		map_put(&set->map, slice_make(&stmt->id, sizeof(stmt->id)), entry);
	}
	list_push_front(&set->lru, &entry->lru);
	entry->prepared_at = stmt_now(stmt, t->now);
	entry->seq = entry->used_seq = track_next_seq(&t->s->track); /* the Parse comes next */
	return entry;
}

bool prepared_turn_waits(const struct prepared_turn *t, const struct stmt *stmt)
{
	const struct prepared_entry *entry =
		t->s->prepared ? prepared_set_find(t->s->prepared, stmt) : NULL;
	return entry && prepared_set_is_pending(t->s, entry->seq);
}

void prepared_turn_ensure(struct prepared_turn *t, const struct prepared_name *name)
{
	struct prepared_set *set = prepared_set_need(t->s);
	struct prepared_entry *entry = prepared_set_find(set, name->stmt);

	if (entry && entry->prepared_at >= name->parsed_at) {
		list_remove(&entry->lru);
		list_push_front(&set->lru, &entry->lru);
		entry->used_seq = track_next_seq(&t->s->track);
		return;
	}
	entry = prepared_turn_enter(t, name->stmt);
	prepared_turn_own(t, 'P');
	entry->used_seq = track_next_seq(&t->s->track);
	prepared_turn_parse(t->out, prepared_turn_name(name->stmt), name->stmt->body);
	t->c->pool->stats.server_parses++;
}

void prepared_turn_lend(struct prepared_turn *t, struct slice name)
{
	struct prepared_set *set = prepared_set_need(t->s);
	static const char nothing[] = { 0, 0, 0 };
	prepared_turn_own(t, 'P');
	prepared_turn_parse(t->out, name, slice_make(nothing, sizeof(nothing)));
	buf_add_slice(&set->lent, name);
	buf_u8(&set->lent, 0);
	set->lent_count++;
}

void prepared_turn_take_home(struct prepared_turn *t)
{
	struct prepared_set *set = t->s->prepared;
	struct reader r;
	reader_init(&r, buf_slice(&set->lent));
	while (r.rest.len)
		prepared_turn_close(t, reader_cstr(&r));
	buf_release(&set->lent);
	set->lent_count = 0;
}

static void nothing_in_front(void *arg)
{
	(void)arg;
}

void prepared_turn_bring_home(struct server *s)
{
	struct prepared_turn turn = { .s = s, .out = &s->before, .flush = nothing_in_front };
	if (s->prepared && s->prepared->lent_count && !track_wants_sync(&s->track))
		prepared_turn_take_home(&turn);
}
