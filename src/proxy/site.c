/*
 * site.c - what is known of a database of a server, and what may have changed it.
 */
#include "proxy/site.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proxy/hidden.h"

struct site *site_new(struct slice key, atomic_uint *versions)
{
	struct site *site = mem_zalloc(sizeof(*site));
	site->key = slice_make(slice_dup(key), key.len);
	site->versions = versions;
	pthread_mutex_init(&site->lock, NULL);
	map_init(&site->defaults);
	return site;
}

void site_free(struct site *site)
{
	hidden_lore_unref(site->lore);
	map_fini(&site->defaults);
	pthread_mutex_destroy(&site->lock);
	free((char *)(uintptr_t)site->key.ptr);
	free(site);
}

/* ---- news ---------------------------------------------------------------------------------- */

void site_begin(struct site *site)
{
	atomic_fetch_add(&site->open, 1);
	atomic_fetch_add(&site->news, 1);
}

void site_end(struct site *site)
{
	atomic_fetch_add(&site->news, 1);
	atomic_fetch_sub(&site->open, 1);
}

void site_lose(struct site *site, int pid, usec_t now)
{
	pthread_mutex_lock(&site->lock);
	if (site->ghost_count == SITE_MAX_GHOSTS) /* the oldest has had the most time to end */
		memmove(site->ghosts, site->ghosts + 1,
			--site->ghost_count * sizeof(*site->ghosts));
	site->ghosts[site->ghost_count++] = (struct site_ghost){ .pid = pid, .since = now };
	pthread_mutex_unlock(&site->lock);
	site_end(site); /* whoever asks from now on asks for the ghost too */
}

size_t site_ghosts(struct site *site, struct site_ghost out[SITE_MAX_GHOSTS])
{
	pthread_mutex_lock(&site->lock);
	size_t count = site->ghost_count;
	memcpy(out, site->ghosts, count * sizeof(*out));
	pthread_mutex_unlock(&site->lock);
	return count;
}

void site_lay(struct site *site, const struct site_ghost *gone, size_t count)
{
	pthread_mutex_lock(&site->lock);
	size_t kept = 0;
	for (size_t i = 0; i < site->ghost_count; i++) {
		bool is_gone = false;
		for (size_t j = 0; j < count; j++)
			is_gone |= gone[j].pid == site->ghosts[i].pid &&
				   gone[j].since == site->ghosts[i].since;
		if (!is_gone)
			site->ghosts[kept++] = site->ghosts[i];
	}
	site->ghost_count = kept;
	pthread_mutex_unlock(&site->lock);
}

/* ---- what is known --------------------------------------------------------------------------
 */

bool site_is_asked(struct site *site, usec_t now)
{
	usec_t asked_at = atomic_load(&site->asked_at);
	return asked_at && now - asked_at < SITE_ANSWER_US;
}

void site_ask(struct site *site, usec_t now)
{
	atomic_store(&site->asked_at, now);
}

void site_answered(struct site *site, usec_t asked_at)
{
	atomic_compare_exchange_strong(&site->asked_at, &asked_at, 0);
}

bool site_peek(struct site *site, usec_t now)
{
	usec_t at = atomic_load(&site->peek_at);
	return now >= at &&
	       atomic_compare_exchange_strong(&site->peek_at, &at, usec_after(now, SITE_ANSWER_US));
}

/* Now, unless it was so short a time ago. */
static bool site_again(_Atomic usec_t *at, usec_t now, usec_t again_us)
{
	usec_t last = atomic_load(at);
	return (!last || now - last >= again_us) && atomic_compare_exchange_strong(at, &last, now);
}

bool site_changed(struct site *site, usec_t now, usec_t again_us)
{
	return site_again(&site->changed_at, now, again_us);
}

bool site_vacate(struct site *site, usec_t now, usec_t again_us)
{
	return site_again(&site->vacated_at, now, again_us);
}

/* Adds the names in `these` that are not in `those` with the same. */
static void site_add_others(const struct map *these, const struct map *those, bool or_other,
			    struct buf *names)
{
	struct slice name;
	void *hash;
	for (size_t at = 0; map_next(these, &at, &name, &hash);) {
		const void *known = map_get(those, name);
		if (known && (!or_other || known == hash))
			continue;
		buf_add_slice(names, name);
		buf_u8(names, 0);
	}
}

usec_t site_take_defaults(struct site *site, struct map *now, usec_t asked_at, struct buf *others)
{
	pthread_mutex_lock(&site->lock);
	usec_t since = site->defaults_asked_at;
	if (asked_at < since) { /* somebody has been told later already */
		pthread_mutex_unlock(&site->lock);
		return since;
	}
	struct map was = site->defaults;
	site->defaults = *now;
	site->defaults_asked_at = asked_at;
	*now = was;
	if (since) {
		site_add_others(&site->defaults, &was, true, others);
		site_add_others(&was, &site->defaults, false, others);
	}
	pthread_mutex_unlock(&site->lock);
	return since;
}

uint32_t site_next_version(struct site *site)
{
	uint32_t version = atomic_fetch_add(site->versions, 1) + 1;
	return version ? version : site_next_version(site);
}

void site_publish(struct site *site, struct hidden_lore *lore)
{
	pthread_mutex_lock(&site->lock);
	struct hidden_lore *old = site->lore;
	uint64_t news = atomic_load(&site->news);
	if (old && old->heard == news && lore->heard != news) {
		old = NULL;
	} else {
		site->lore = hidden_lore_ref(lore);
		atomic_store(&site->version, lore->version);
	}
	pthread_mutex_unlock(&site->lock);
	hidden_lore_unref(old);
}

struct hidden_lore *site_lore(struct site *site, uint32_t than)
{
	if (atomic_load(&site->version) == than)
		return NULL;
	pthread_mutex_lock(&site->lock);
	struct hidden_lore *lore = site->lore ? hidden_lore_ref(site->lore) : NULL;
	pthread_mutex_unlock(&site->lock);
	return lore;
}
