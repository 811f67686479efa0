/*
 * authcache.c - answers by key, and two lists of them by when they were last used.
 *
 * When an answer was last doubted outlives the answer that takes its place.
 */
#include "auth/authcache.h"

#include <stdlib.h>

#include "base/mem.h"

struct authcache_entry {
	struct list by_use;
	struct slice key; /* owned */
	struct authcache_answer answer;
	usec_t expires_at;
	usec_t doubted_at; /* 0: never */
};

void authcache_init(struct authcache *c, size_t max_yes, size_t max_no)
{
	*c = (struct authcache){ .max = { max_yes, max_no } };
	map_init(&c->answers);
	for (int kind = 0; kind < AUTHCACHE_KINDS; kind++)
		list_init(&c->by_use[kind]);
}

static void authcache_drop(struct authcache *c, struct authcache_entry *e)
{
	map_remove(&c->answers, e->key);
	list_remove(&e->by_use);
	c->count[e->answer.kind]--;
	secret_unref(e->answer.secret);
	free((char *)e->key.ptr);
	free(e);
}

void authcache_clear(struct authcache *c)
{
	for (int kind = 0; kind < AUTHCACHE_KINDS; kind++)
		LIST_EACH (node, tmp, &c->by_use[kind])
			authcache_drop(c, LIST_ENTRY(node, struct authcache_entry, by_use));
}

void authcache_fini(struct authcache *c)
{
	authcache_clear(c);
	map_fini(&c->answers);
}

static struct authcache_entry *authcache_find(struct authcache *c, struct slice key, usec_t now)
{
	struct authcache_entry *e = map_get(&c->answers, key);
	if (!e || now < e->expires_at)
		return e;
	authcache_drop(c, e);
	return NULL;
}

const struct authcache_answer *authcache_get(struct authcache *c, struct slice key, usec_t now)
{
	struct authcache_entry *e = authcache_find(c, key, now);
	if (!e)
		return NULL;
	list_remove(&e->by_use);
	list_push_front(&c->by_use[e->answer.kind], &e->by_use);
	return &e->answer;
}

void authcache_remove(struct authcache *c, struct slice key)
{
	struct authcache_entry *e = map_get(&c->answers, key);
	if (e)
		authcache_drop(c, e);
}

void authcache_put(struct authcache *c, struct slice key, enum authcache_kind kind,
		   struct secret *secret, usec_t keep, usec_t now)
{
	struct authcache_entry *old = map_get(&c->answers, key);
	usec_t doubted_at = old ? old->doubted_at : 0;

	authcache_remove(c, key);
	if (keep <= 0 || c->max[kind] == 0)
		return;
	if (c->count[kind] == c->max[kind])
		authcache_drop(c, LIST_LAST(&c->by_use[kind], struct authcache_entry, by_use));
	struct authcache_entry *e = mem_zalloc(sizeof(*e));
	e->key = slice_make(slice_dup(key), key.len);
	e->answer = (struct authcache_answer){ kind, secret_ref(secret), now };
	e->expires_at = usec_after(now, keep);
	e->doubted_at = doubted_at;
	list_push_front(&c->by_use[kind], &e->by_use);
	c->count[kind]++;
	map_put(&c->answers, key, e);
}

bool authcache_doubt(struct authcache *c, struct slice key, usec_t pause, usec_t now)
{
	struct authcache_entry *e = authcache_find(c, key, now);
	if (!e)
		return true;
	if (e->doubted_at && now < usec_after(e->doubted_at, pause))
		return false;
	e->doubted_at = now;
	return true;
}
