/*
 * hidden.c - what is known of names that hide code, and how old that is.
 */
#include "proxy/hidden.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sql/naming.h"

/* ---- what the server says ------------------------------------------------------------------ */

struct hidden_lore *hidden_lore_new(struct site *site)
{
	struct hidden_lore *lore = mem_zalloc(sizeof(*lore));
	atomic_init(&lore->refs, 1);
	lore->version = site_next_version(site);
	map_init(&lore->names);
	map_init(&lore->settings);
	return lore;
}

struct hidden_lore *hidden_lore_ref(struct hidden_lore *lore)
{
	atomic_fetch_add(&lore->refs, 1);
	return lore;
}

void hidden_lore_unref(struct hidden_lore *lore)
{
	if (!lore || atomic_fetch_sub(&lore->refs, 1) > 1)
		return;
	map_fini(&lore->names);
	map_fini(&lore->settings);
	free(lore);
}

void hidden_lore_add(struct hidden_lore *lore, struct slice name)
{
	if (map_count(&lore->names) == HIDDEN_MAX_NAMES)
		lore->is_everywhere = true;
	else
		map_put(&lore->names, name, lore);
	lore->is_foreign |= naming_is_foreign(name);
}

/* Where there is one, every identifier with such letters counts (sql/naming.h): it stands for all.
 */
void hidden_lore_add_foreign(struct hidden_lore *lore)
{
	hidden_lore_add(lore, SLICE("\x80"));
}

void hidden_lore_add_setting(struct hidden_lore *lore, struct slice name)
{
	if (map_count(&lore->settings) < HIDDEN_MAX_NAMES)
		map_put(&lore->settings, name, lore);
}

bool hidden_lore_has_catalogs(const struct hidden_lore *lore, const struct hidden_lore *now)
{
	return strcmp(lore->code, now->code) == 0 && strcmp(lore->uses, now->uses) == 0;
}

/* Does it say the same? Of code that is called by its name the catalogs alone do. */
static bool hidden_lore_is_like(const struct hidden_lore *lore, const struct hidden_lore *old)
{
	struct slice name;
	void *value;
	if (strcmp(lore->code, old->code) != 0 || lore->is_everywhere != old->is_everywhere ||
	    lore->minds_ddl != old->minds_ddl || map_count(&lore->names) != map_count(&old->names))
		return false;
	for (size_t at = 0; map_next(&lore->names, &at, &name, &value);)
		if (!map_get(&old->names, name))
			return false;
	return true;
}

/* ---- what is known ------------------------------------------------------------------------- */

void hidden_init(struct hidden *h, struct site *site)
{
	*h = (struct hidden){ .site = site, .heard = HIDDEN_NOT_HEARD };
}

void hidden_fini(struct hidden *h)
{
	hidden_lore_unref(h->lore);
}

bool hidden_is_due(const struct hidden *h, usec_t now)
{
	if (now >= h->learn_at)
		return true;
	/* amid a change the answer would be no news for long */
	return hidden_is_stale(h) && h->lore->asked != site_news(h->site) &&
	       atomic_load(&h->site->open) == 0;
}

uint64_t hidden_ask(const struct site *site)
{
	/* a change that is under way and not seen yet begins with news, or ends with some */
	uint64_t news = atomic_load(&site->news);
	return atomic_load(&site->open) == 0 ? news : HIDDEN_NOT_HEARD;
}

usec_t hidden_next(usec_t asked_at, usec_t answered_at)
{
	usec_t rest = (answered_at - asked_at) * HIDDEN_SHARE;
	return answered_at + (rest > HIDDEN_LEARN_US ? rest : HIDDEN_LEARN_US);
}

usec_t hidden_peek_next(usec_t asked_at, usec_t answered_at)
{
	usec_t rest = (answered_at - asked_at) * HIDDEN_PEEK_SHARE;
	return answered_at + (rest > HIDDEN_PEEK_US ? rest : HIDDEN_PEEK_US);
}

bool hidden_take(struct hidden *h, struct hidden_lore *lore)
{
	bool was_wrong = h->lore && (hidden_is_stale(h) || !hidden_lore_is_like(lore, h->lore));
	struct hidden_lore *old = h->lore;
	h->lore = hidden_lore_ref(lore);
	hidden_lore_unref(old);
	h->is_void = map_count(&lore->names) == 0 && !lore->is_everywhere && !lore->minds_ddl;
	h->version = h->seen = lore->version;
	h->heard = lore->heard;
	h->learn_at = lore->learn_at;
	return was_wrong;
}

bool hidden_is_in(const struct hidden *h, struct slice sql, struct lexer_mode mode)
{
	if (hidden_is_stale(h)) /* nothing is known, or amid a change: nobody can say */
		return true;
	return h->lore->is_everywhere ||
	       (map_count(&h->lore->names) > 0 &&
		naming_has(sql, mode, &h->lore->names, h->lore->is_foreign));
}

bool hidden_judge(const struct hidden *h, struct hidden_verdict *verdict, struct slice sql,
		  struct lexer_mode mode)
{
	if (hidden_is_stale(h))
		return true;
	if (verdict->version != h->version) {
		verdict->version = h->version;
		verdict->has_names = hidden_is_in(h, sql, mode);
	}
	return verdict->has_names;
}
