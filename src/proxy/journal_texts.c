/*
 * journal_texts.c - texts by the names of statements and portals.
 *
 * A text is counted by reference: a statement's by its name and by the portals that were bound to
 * it, for a portal lives on when its statement is parsed anew or closed. Portals come and go with
 * each transaction: they are an array that is emptied and used again, found by the hash of their
 * names.
 */
#include "proxy/journal_texts.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tap/texts.h"

#define NAME_MAX_BYTES 63 /* NAMEDATALEN - 1 */
#define SLOT_BYTES 64     /* what a name costs in the map, about */
#define KEEP_BYTES 1024u  /* of the unnamed statement: more is given back when it ends */
#define FIRST_BYTES 256u  /* room for the unnamed statement: the next may be longer */
#define FIRST_PORTALS 8u

struct journal_text {
	struct list recent; /* on it while it is a statement's with a name */
	unsigned refs;
	uint32_t len, cap; /* of the text */
	uint8_t name_len;
	bool is_whole;
	char bytes[]; /* the name, then the text */
};

struct journal_portal {
	uint64_t name;             /* its hash */
	struct journal_text *text; /* a reference */
};

static struct slice journal_texts_name(struct slice name)
{
	return slice_head(name, NAME_MAX_BYTES);
}

static size_t journal_texts_cost(const struct journal_text *x)
{
	return sizeof(*x) + x->cap + (x->name_len ? 2u * x->name_len + SLOT_BYTES : 0);
}

static struct journal_text *journal_texts_new(struct journal_texts *t, struct slice name,
					      size_t cap)
{
	struct journal_text *x = mem_zalloc(sizeof(*x) + name.len + cap);
	list_init(&x->recent);
	x->refs = 1;
	x->cap = (uint32_t)cap;
	x->name_len = (uint8_t)name.len;
	if (name.len)
		memcpy(x->bytes, name.ptr, name.len);
	t->bytes += journal_texts_cost(x);
	return x;
}

static void journal_texts_write(struct journal_text *x, struct slice sql, bool is_whole)
{
	BUG_ON(sql.len > x->cap);
	if (sql.len)
		memcpy(x->bytes + x->name_len, sql.ptr, sql.len);
	x->len = (uint32_t)sql.len;
	x->is_whole = is_whole;
}

static void journal_texts_unref(struct journal_texts *t, struct journal_text *x)
{
	if (!x || --x->refs)
		return;
	t->bytes -= journal_texts_cost(x);
	free(x);
}

void journal_texts_init(struct journal_texts *t)
{
	*t = (struct journal_texts){ 0 };
	list_init(&t->recent);
}

/* ---- statements ----------------------------------------------------------------------------- */

static void journal_texts_forget(struct journal_texts *t, struct journal_text *x)
{
	map_remove(&t->statements, slice_make(x->bytes, x->name_len));
	list_remove(&x->recent);
	journal_texts_unref(t, x);
}

/* Those used longest ago go, down to that many bytes; those that portals are of, only `all`. */
static void journal_texts_evict(struct journal_texts *t, size_t bytes, bool all)
{
	struct list *node = t->recent.prev;
	while (node != &t->recent && t->bytes > bytes) {
		struct journal_text *x = LIST_ENTRY(node, struct journal_text, recent);
		node = node->prev;
		if (all || x->refs == 1)
			journal_texts_forget(t, x);
	}
}

static void journal_texts_make_room(struct journal_texts *t)
{
	journal_texts_evict(t, JOURNAL_TEXTS_MAX_BYTES, false);
	if (t->bytes <= JOURNAL_TEXTS_MAX_BYTES)
		return;
	journal_texts_end_portals(t);
	journal_texts_evict(t, JOURNAL_TEXTS_MAX_BYTES, true);
}

static void journal_texts_parse_unnamed(struct journal_texts *t, struct slice sql, bool is_whole)
{
	if (!t->unnamed || t->unnamed->refs > 1 || t->unnamed->cap < sql.len) {
		journal_texts_unref(t, t->unnamed);
		t->unnamed = journal_texts_new(t, SLICE(""),
					       sql.len > FIRST_BYTES ? sql.len : FIRST_BYTES);
	}
	journal_texts_write(t->unnamed, sql, is_whole);
}

void journal_texts_parse(struct journal_texts *t, struct slice name, struct slice sql,
			 bool is_whole)
{
	is_whole = is_whole && sql.len < TEXTS_ONE_MAX_BYTES;
	sql = slice_head(sql, TEXTS_ONE_MAX_BYTES - 1); /* no more is ever shown */
	name = journal_texts_name(name);
	if (name.len == 0) {
		journal_texts_parse_unnamed(t, sql, is_whole);
	} else {
		journal_texts_close_statement(t, name);
		struct journal_text *x = journal_texts_new(t, name, sql.len);
		journal_texts_write(x, sql, is_whole);
		map_put(&t->statements, name, x);
		list_push_front(&t->recent, &x->recent);
	}
	if (t->bytes > JOURNAL_TEXTS_MAX_BYTES)
		journal_texts_make_room(t);
}

void journal_texts_close_statement(struct journal_texts *t, struct slice name)
{
	name = journal_texts_name(name);
	if (name.len == 0) {
		journal_texts_unref(t, t->unnamed);
		t->unnamed = NULL;
		return;
	}
	struct journal_text *x = map_get(&t->statements, name);
	if (x)
		journal_texts_forget(t, x);
}

/* ---- portals -------------------------------------------------------------------------------- */

static struct journal_portal *journal_texts_portal(const struct journal_texts *t, uint64_t name)
{
	for (unsigned i = t->portal_count; i-- > 0;)
		if (t->portals[i].name == name)
			return &t->portals[i];
	return NULL;
}

/* Where a portal of that name goes. */
static struct journal_portal *journal_texts_place(struct journal_texts *t, uint64_t name)
{
	struct journal_portal *p = journal_texts_portal(t, name);
	if (p)
		return p;
	if (t->portal_count == JOURNAL_TEXTS_MAX_PORTALS)
		return &t->portals[t->portal_oldest++ % JOURNAL_TEXTS_MAX_PORTALS];
	if (t->portal_count == t->portal_cap) {
		t->portal_cap = t->portal_cap ? t->portal_cap * 2 : FIRST_PORTALS;
		t->portals = mem_realloc(t->portals, t->portal_cap * sizeof(*t->portals));
	}
	p = &t->portals[t->portal_count++];
	p->text = NULL;
	return p;
}

void journal_texts_bind(struct journal_texts *t, struct slice portal, struct slice statement)
{
	struct journal_text *x = t->unnamed, **slot = &t->portal;
	statement = journal_texts_name(statement);
	portal = journal_texts_name(portal);
	if (statement.len) {
		x = map_get(&t->statements, statement);
		if (x) {
			list_remove(&x->recent);
			list_push_front(&t->recent, &x->recent);
		}
	}
	if (x)
		x->refs++;
	if (portal.len) {
		uint64_t name = map_hash(portal);
		struct journal_portal *p = journal_texts_place(t, name);
		p->name = name;
		slot = &p->text;
	}
	journal_texts_unref(t, *slot);
	*slot = x;
}

struct slice journal_texts_get(const struct journal_texts *t, struct slice portal, bool *is_whole)
{
	const struct journal_text *x = t->portal;
	portal = journal_texts_name(portal);
	if (portal.len) {
		const struct journal_portal *p = journal_texts_portal(t, map_hash(portal));
		x = p ? p->text : NULL;
	}
	*is_whole = !x || x->is_whole;
	return x ? slice_make(x->bytes + x->name_len, x->len) : SLICE("");
}

void journal_texts_close_portal(struct journal_texts *t, struct slice name)
{
	struct journal_text **slot = &t->portal;
	name = journal_texts_name(name);
	if (name.len) {
		struct journal_portal *p = journal_texts_portal(t, map_hash(name));
		if (!p)
			return;
		slot = &p->text;
	}
	journal_texts_unref(t, *slot);
	*slot = NULL;
}

void journal_texts_end_portals(struct journal_texts *t)
{
	journal_texts_unref(t, t->portal);
	t->portal = NULL;
	for (unsigned i = 0; i < t->portal_count; i++)
		journal_texts_unref(t, t->portals[i].text);
	t->portal_count = t->portal_oldest = 0;
}

/* ---- the end -------------------------------------------------------------------------------- */

void journal_texts_end_unnamed(struct journal_texts *t)
{
	journal_texts_end_portals(t);
	if (t->unnamed && t->unnamed->cap <= KEEP_BYTES)
		journal_texts_write(t->unnamed, SLICE(""), true);
	else
		journal_texts_close_statement(t, SLICE(""));
}

void journal_texts_fini(struct journal_texts *t)
{
	journal_texts_end_portals(t);
	journal_texts_close_statement(t, SLICE(""));
	journal_texts_evict(t, 0, true);
	map_fini(&t->statements);
	free(t->portals);
	BUG_ON(t->bytes > 0);
	journal_texts_init(t);
}
