/*
 * hidden.c - what is known of names that hide code, and how old that is.
 */
#include "proxy/hidden.h"

#include "sql/naming.h"

/* ---- what the server says ------------------------------------------------------------------ */

void hidden_lore_init(struct hidden_lore *lore)
{
	*lore = (struct hidden_lore){ 0 };
	map_init(&lore->names);
}

void hidden_lore_fini(struct hidden_lore *lore)
{
	map_fini(&lore->names);
}

void hidden_lore_add(struct hidden_lore *lore, struct slice name)
{
	if (map_count(&lore->names) == HIDDEN_MAX_NAMES)
		lore->is_everywhere = true;
	else
		map_put(&lore->names, name, lore);
	lore->is_foreign |= naming_is_foreign(name);
}

/* ---- what is known ------------------------------------------------------------------------- */

void hidden_init(struct hidden *h, struct hidden_news *news)
{
	*h = (struct hidden){ .news = news, .heard = HIDDEN_NOT_HEARD };
	hidden_lore_init(&h->lore);
}

void hidden_fini(struct hidden *h)
{
	hidden_lore_fini(&h->lore);
}

bool hidden_is_due(const struct hidden *h, usec_t now)
{
	if (h->version == 0)
		return true;
	if (now >= h->learn_at)
		return h->learners == 0;
	/* amid a change the answer would be no news for long */
	return hidden_is_stale(h) && atomic_load(&h->news->open) == 0;
}

uint64_t hidden_ask(struct hidden *h)
{
	h->learners++;
	/* a change that is under way and not seen yet begins with news, or ends with some */
	uint64_t count = atomic_load(&h->news->count);
	return atomic_load(&h->news->open) == 0 ? count : HIDDEN_NOT_HEARD;
}

usec_t hidden_next(usec_t asked_at, usec_t answered_at)
{
	usec_t rest = (answered_at - asked_at) * HIDDEN_SHARE;
	return answered_at + (rest > HIDDEN_LEARN_US ? rest : HIDDEN_LEARN_US);
}

void hidden_learnt(struct hidden *h, uint64_t heard, struct hidden_lore *lore, usec_t until)
{
	h->learners--;
	if (!lore)
		return;
	hidden_lore_fini(&h->lore);
	h->lore = *lore;
	hidden_lore_init(lore);
	h->is_void = map_count(&h->lore.names) == 0 && !h->lore.is_everywhere && !h->lore.minds_ddl;
	h->heard = heard;
	h->learn_at = until;
	if (++h->version == 0)
		h->version++;
}

bool hidden_is_in(const struct hidden *h, struct slice sql, struct lexer_mode mode)
{
	if (h->lore.is_everywhere || hidden_is_stale(h)) /* amid a change: nobody can say */
		return true;
	return map_count(&h->lore.names) > 0 &&
	       naming_has(sql, mode, &h->lore.names, h->lore.is_foreign);
}

bool hidden_judge(const struct hidden *h, struct hidden_verdict *verdict, struct slice sql,
		  struct lexer_mode mode)
{
	if (hidden_is_stale(h))
		return true;
	if (verdict->version != h->version || h->version == 0) {
		verdict->version = h->version;
		verdict->has_names = hidden_is_in(h, sql, mode);
	}
	return verdict->has_names;
}

/* ---- news ---------------------------------------------------------------------------------- */

void hidden_news_begin(struct hidden_news *news)
{
	atomic_fetch_add(&news->open, 1);
	atomic_fetch_add(&news->count, 1);
}

void hidden_news_end(struct hidden_news *news)
{
	atomic_fetch_add(&news->count, 1);
	atomic_fetch_sub(&news->open, 1);
}
