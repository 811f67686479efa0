/*
 * prepared_set.c - what a server has prepared.
 */
#include "proxy/prepared_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proxy/localpool.h"
#include "proxy/server.h"
#include "proxy/shape.h"
#include "proxy/stmt.h"

struct prepared_set *prepared_set_need(struct server *s)
{
	if (!s->prepared) {
		s->prepared = mem_zalloc(sizeof(*s->prepared));
		map_init(&s->prepared->map);
		list_init(&s->prepared->lru);
		list_init(&s->prepared->asks);
		list_init(&s->prepared->leaving);
		map_init(&s->prepared->lent);
		map_init(&s->prepared->unsure);
		s->prepared->text = 1;
		s->prepared->synced_at = track_head_seq(&s->track) - 1;
		s->prepared->unnamed_seq = s->prepared->flushed_at = s->prepared->synced_at;
	}
	return s->prepared;
}

/* Who is to learn from the answer to a Describe. */
struct prepared_ask {
	struct list link;
	uint32_t seq;
	struct shape *shape; /* a reference */
	uint32_t parse_seq;  /* types: of the Parse in front of it */
	char *types;         /* owned, or NULL */
	size_t types_bytes;
};

static void free_ask(struct prepared_ask *ask)
{
	list_remove(&ask->link);
	shape_unref(ask->shape);
	free(ask->types);
	free(ask);
}

static void free_entry(struct prepared_entry *entry)
{
	list_remove(&entry->lru);
	stmt_unref(entry->stmt);
	shape_unref(entry->shape);
	free(entry);
}

static struct slice key_of(const struct stmt *stmt)
{
	return slice_make(&stmt->id, sizeof(stmt->id));
}

void prepared_set_drop(struct prepared_set *set, struct prepared_entry *entry)
{
	map_remove(&set->map, key_of(entry->stmt));
	free_entry(entry);
}

/* Those that leave and whose Close has been answered are gone. */
static void free_gone(struct prepared_set *set, uint32_t head)
{
	LIST_EACH (node, tmp, &set->leaving) {
		struct prepared_entry *entry = LIST_ENTRY(node, struct prepared_entry, lru);
		if (!track_seq_before(entry->seq, head))
			return;
		free_entry(entry);
	}
}

void prepared_set_evict(struct prepared_set *set, struct prepared_entry *entry,
			const struct track *track)
{
	free_gone(set, track_head_seq(track));
	map_remove(&set->map, key_of(entry->stmt));
	list_remove(&entry->lru);
	entry->seq = track_next_seq(track);
	list_push_back(&set->leaving, &entry->lru);
}

bool prepared_set_evicts(const struct prepared_set *set, const struct stmt *stmt,
			 const struct track *track)
{
	LIST_EACH (node, tmp, &set->leaving) {
		const struct prepared_entry *entry = LIST_ENTRY(node, struct prepared_entry, lru);
		if (entry->stmt == stmt && !track_seq_before(entry->seq, track_head_seq(track)))
			return true;
	}
	return false;
}

/* The Close of it was skipped. */
static void put_back(struct prepared_set *set, struct prepared_entry *entry)
{
	if (prepared_set_find(set, entry->stmt)) { /* it was wanted again since */
		free_entry(entry);
		return;
	}
	list_remove(&entry->lru);
	list_push_back(&set->lru, &entry->lru);
	entry->is_good = false;
	map_put(&set->map, key_of(entry->stmt), entry);
}

void prepared_set_free(struct server *s)
{
	struct prepared_set *set = s->prepared;
	if (!set)
		return;
	LIST_EACH (node, tmp, &set->lru)
		prepared_set_drop(set, LIST_ENTRY(node, struct prepared_entry, lru));
	LIST_EACH (node, tmp, &set->leaving)
		free_entry(LIST_ENTRY(node, struct prepared_entry, lru));
	LIST_EACH (node, tmp, &set->asks)
		free_ask(LIST_ENTRY(node, struct prepared_ask, link));
	map_fini(&set->map);
	shape_unref(set->unnamed_shape);
	map_fini(&set->lent);
	map_fini(&set->unsure);
	free(set->lent_encoding);
	free(set);
	s->prepared = NULL;
}

size_t prepared_set_count(const struct server *s)
{
	return s->prepared ? map_count(&s->prepared->map) : 0;
}

struct prepared_entry *prepared_set_find(const struct prepared_set *set, const struct stmt *stmt)
{
	return map_get(&set->map, key_of(stmt));
}

struct prepared_entry *prepared_set_find_name(const struct prepared_set *set, struct slice name)
{
	char digits[STMT_NAME_BYTES];
	if (!slice_starts(name, STMT_PREFIX) || name.len >= sizeof(digits))
		return NULL;
	memcpy(digits, name.ptr, name.len);
	digits[name.len] = '\0';
	uint64_t id = strtoull(digits + strlen(STMT_PREFIX), NULL, 10);
	struct prepared_entry *entry = map_get(&set->map, slice_make(&id, sizeof(id)));
	return entry && slice_eq_str(name, entry->stmt->name) ? entry : NULL;
}

/* Those in front of the message are answered, or were skipped. */
static void free_asked(struct prepared_set *set, uint32_t seq)
{
	LIST_EACH (node, tmp, &set->asks) {
		struct prepared_ask *ask = LIST_ENTRY(node, struct prepared_ask, link);
		if (!track_seq_before(ask->seq, seq))
			return;
		free_ask(ask);
	}
}

void prepared_set_listen(struct prepared_set *set, struct shape *shape, uint32_t seq,
			 const struct track *track)
{
	struct prepared_ask *ask = mem_zalloc(sizeof(*ask));
	free_asked(set, track_head_seq(track));
	ask->seq = seq;
	ask->shape = shape_ref(shape);
	list_init(&ask->link);
	list_push_back(&set->asks, &ask->link);
}

void prepared_set_ask(struct prepared_set *set, struct prepared_entry *entry, uint32_t seq,
		      const struct track *track)
{
	prepared_set_listen(set, entry->shape, seq, track);
	entry->asked_seq = seq;
	entry->was_asked = true;
}

void prepared_set_ask_behind(struct prepared_set *set, uint32_t parse_seq, struct slice types)
{
	struct prepared_ask *ask = LIST_LAST(&set->asks, struct prepared_ask, link);
	if (!types.ptr)
		return;
	ask->parse_seq = parse_seq;
	ask->types = slice_dup(types);
	ask->types_bytes = types.len;
}

struct slice prepared_set_refused(const struct prepared_set *set, uint32_t parse_seq)
{
	LIST_EACH (node, tmp, &set->asks) {
		const struct prepared_ask *ask = LIST_ENTRY(node, struct prepared_ask, link);
		if (ask->types && ask->parse_seq == parse_seq)
			return slice_make(ask->types, ask->types_bytes);
	}
	return SLICE_NONE;
}

bool prepared_set_is_asked(const struct prepared_entry *entry, const struct track *track)
{
	return entry->was_asked && !shape_is_known(entry->shape) &&
	       !track_seq_before(entry->asked_seq, track_head_seq(track));
}

void prepared_set_hear(struct prepared_set *set, uint32_t seq, char type, struct slice body)
{
	free_asked(set, seq);
	if (!prepared_set_asks(set))
		return;
	struct prepared_ask *ask = LIST_FIRST(&set->asks, struct prepared_ask, link);
	if (ask->seq != seq)
		return;
	shape_learn(ask->shape, type, body);
	if (type != 't') /* there is more to come */
		free_ask(ask);
}

void prepared_set_skipped(struct prepared_set *set, uint32_t from, uint32_t to)
{
	set->has_unnamed = true;
	set->unnamed_client = 0;
	set->is_doubtful |= !track_seq_before(set->own_seq, from);
	LIST_EACH (node, tmp, &set->lru) {
		struct prepared_entry *entry = LIST_ENTRY(node, struct prepared_entry, lru);
		if (!track_seq_before(entry->seq, from) && track_seq_before(entry->seq, to))
			entry->is_good = false;
	}
	free_gone(set, from);
	LIST_EACH (node, tmp, &set->leaving) {
		struct prepared_entry *entry = LIST_ENTRY(node, struct prepared_entry, lru);
		if (!track_seq_before(entry->seq, to))
			return;
		put_back(set, entry);
	}
}

void prepared_set_lend(struct prepared_set *set, struct slice name)
{
	map_put(&set->lent, name, (void *)set->text);
}

bool prepared_set_lends(const struct prepared_set *set, struct slice name)
{
	return map_get(&set->lent, name) == (void *)set->text;
}

void prepared_set_lends_no_more(struct prepared_set *set, struct slice name, uint64_t client)
{
	struct slice key;
	void *value;
	for (size_t at = 0; !name.len && map_next(&set->lent, &at, &key, &value);)
		map_put(&set->unsure, key, value);
	value = name.len ? map_remove(&set->lent, name) : NULL;
	if (value)
		map_put(&set->unsure, name, value);
	if (!name.len)
		map_fini(&set->lent);
	set->unsure_of = client;
}

bool prepared_set_holds(struct prepared_set *set, const struct track *track)
{
	set->holds = !track_seq_before(set->held_seq, track_head_seq(track)) &&
		     set->held_seq != track_next_seq(track);
	return set->holds;
}

/* What the message `seq` has made the server forget: all that came before it. */
void prepared_set_forget(struct prepared_set *set, uint32_t seq)
{
	LIST_EACH (node, tmp, &set->lru) {
		struct prepared_entry *entry = LIST_ENTRY(node, struct prepared_entry, lru);
		if (!track_seq_before(seq, entry->seq))
			prepared_set_drop(set, entry);
	}
}

void prepared_set_unnamed_lost(struct server *s)
{
	if (s->prepared) {
		s->prepared->has_unnamed = true; /* if it is there, it is nobody's */
		s->prepared->unnamed_client = 0;
	}
}

void prepared_set_unnamed_taken(struct server *s)
{
	if (s->pool->follows_prepared)
		prepared_set_need(s);
	prepared_set_unnamed_lost(s);
}

void prepared_set_doubt(struct server *s)
{
	if (!s->prepared)
		return;
	prepared_set_free(s);
	prepared_set_need(s)->is_doubtful = true;
	prepared_set_unnamed_lost(s);
}
