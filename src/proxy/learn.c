/*
 * learn.c - when a server is asked, and its answer.
 */
#include "proxy/learn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "proxy/client.h"
#include "proxy/era.h"
#include "proxy/errand.h"
#include "proxy/hidden.h"
#include "proxy/learn_sql.h"
#include "proxy/localpool.h"
#include "proxy/paramset.h"
#include "proxy/registry.h"
#include "proxy/route.h"
#include "proxy/server.h"
#include "proxy/suspect.h"
#include "proxy/worker.h"
#include "wire/notice.h"
#include "wire/reader.h"

#define LEARN_MORE_TRIES 3
#define LEARN_DEFAULT_DIGITS 15

enum learn_question {
	LEARN_AT_LINK,     /* all, before its client is heard */
	LEARN_BEFORE_LOOK, /* all, before what that has left is asked */
	LEARN_PEEK,        /* how the catalogs are, behind a transaction */
};

struct learn {
	struct hidden_lore *lore; /* a reference */
	struct site *site;        /* a reference: the pool's may lead elsewhere before the answer */
	usec_t asked_at;
	size_t ghost_count;
	struct site_ghost ghosts[SITE_MAX_GHOSTS]; /* that were asked for; those still there have
						      no pid */
	enum learn_question question;
	unsigned tries;      /* before this one */
	bool was_cancelled;  /* or has met a short statement_timeout before ours was set */
	bool is_odd;         /* a row could not be read */
	struct map defaults; /* what sessions of roles begin with (proxy/era.h) */
};

/* What functions did when they were found harmless they may do no more. */
static void learn_take(struct localpool *lp, struct hidden_lore *lore)
{
	struct slice name;
	void *value;
	if (hidden_take(&lp->hidden, lore))
		harmless_forget(&lp->harmless);
	for (size_t at = 0; map_next(&lore->settings, &at, &name, &value);)
		harmless_know_setting(&lp->harmless, name);
}

/* What others have been told. */
static void learn_hear(struct localpool *lp)
{
	struct hidden_lore *lore = site_lore(lp->hidden.site, lp->hidden.seen);
	if (lore)
		learn_take(lp, lore);
	hidden_lore_unref(lore);
}

bool learn_is_due(const struct server *s, usec_t now)
{
	learn_hear(s->pool);
	return hidden_is_due(&s->pool->hidden, now) && !pool_is_stale(&s->member);
}

/* The server's; its client is not heard meanwhile. */
static struct learn *learn_new(struct server *s, enum learn_question question, usec_t now)
{
	struct learn *learn = mem_zalloc(sizeof(*learn));
	learn->site = registry_hold_site(s->pool->worker->shared->registry, s->pool->hidden.site);
	learn->lore = hidden_lore_new(learn->site);
	learn->question = question;
	learn->asked_at = now;
	map_init(&learn->defaults);
	s->learn = learn;
	s->holds_client = true;
	return learn;
}

static void learn_all(struct server *s, enum learn_question question, unsigned tries, usec_t now)
{
	struct buf sql = { 0 };
	struct learn *learn = learn_new(s, question, now);
	learn->tries = tries;
	learn->lore->asked = hidden_ask(learn->site);
	learn->ghost_count = site_ghosts(learn->site, learn->ghosts);
	site_ask(learn->site, now);
	learn_sql_whole(&sql, learn->ghosts, learn->ghost_count, now);
	errand_query(s, SERVER_ERRAND_LEARN, buf_slice(&sql), now);
	buf_fini(&sql);
}

void learn_start(struct server *s, bool at_link, usec_t now)
{
	learn_all(s, at_link ? LEARN_AT_LINK : LEARN_BEFORE_LOOK, 0, now);
}

bool learn_peeks(struct server *s, usec_t now)
{
	struct localpool *lp = s->pool;
	struct hidden *h = &lp->hidden;
	if (lp->minds_hidden)
		learn_hear(lp);
	if (!lp->minds_hidden || !h->lore ||
	    !*h->lore->code) { /* there is nothing to compare with */
		h->peek_at = usec_after(now, HIDDEN_PEEK_US);
		return false;
	}
	/* is all to be asked soon? */
	if (hidden_is_due(h, now) || hidden_is_stale(h) || s->is_doomed || s->is_cancelling ||
	    pool_is_stale(&s->member))
		return false;
	bool is_turn = site_peek(h->site, now);
	h->peek_at = atomic_load(&h->site->peek_at);
	if (!is_turn)
		return false;
	struct buf sql = { 0 };
	(void)learn_new(s, LEARN_PEEK, now);
	learn_sql_catalogs(&sql);
	errand_query(s, SERVER_ERRAND_LEARN, buf_slice(&sql), now);
	buf_fini(&sql);
	return true;
}

/* ---- the answer --------------------------------------------------------------------------- */

/* That one may define something yet. */
static void learn_of_ghost(struct learn *learn, struct slice pid)
{
	char text[16];
	for (size_t i = 0; i < learn->ghost_count; i++) {
		snprintf(text, sizeof(text), "%d", learn->ghosts[i].pid);
		if (!slice_eq_str(pid, text))
			continue;
		learn->lore->heard = HIDDEN_NOT_HEARD;
		learn->ghosts[i].pid = 0;
	}
}

static uint64_t learn_hex(const char *digits, int count)
{
	char text[17];
	snprintf(text, sizeof(text), "%.*s", count, digits);
	return strtoull(text, NULL, 16);
}

/* A hash, and the role's name. */
static void learn_default(struct learn *learn, struct slice said)
{
	struct buf role = { 0 };
	if (said.len < LEARN_DEFAULT_DIGITS || (said.len - LEARN_DEFAULT_DIGITS) % 2 != 0) {
		learn->is_odd = true;
		return;
	}
	uintptr_t hash = (uintptr_t)learn_hex(said.ptr, LEARN_DEFAULT_DIGITS) | 1; /* no NULL */
	for (size_t i = LEARN_DEFAULT_DIGITS; i < said.len; i += 2)
		buf_u8(&role, (uint8_t)learn_hex(said.ptr + i, 2));
	map_put(&learn->defaults, buf_slice(&role), (void *)hash);
	buf_fini(&role);
}

void learn_row(struct server *s, struct slice body)
{
	struct learn *learn = s->learn;
	struct reader r;
	reader_init(&r, body);
	uint16_t columns = reader_u16(&r);
	if (columns == 1) /* of set_config */
		return;
	struct slice kind = reader_value(&r), name = reader_value(&r);
	if (reader_failed(&r) || columns != 2 || kind.len != 1 || !name.ptr)
		learn->is_odd = true;
	else if (kind.ptr[0] == 'c')
		snprintf(learn->lore->code, sizeof(learn->lore->code), "%.*s", SLICE_ARGS(name));
	else if (kind.ptr[0] == 'u')
		snprintf(learn->lore->uses, sizeof(learn->lore->uses), "%.*s", SLICE_ARGS(name));
	else if (kind.ptr[0] == 'e')
		learn_default(learn, name);
	else if (kind.ptr[0] == 'n' && paramset_name_is_valid(name))
		hidden_lore_add_setting(learn->lore, name);
	else if (kind.ptr[0] == 'g')
		learn_of_ghost(learn, name);
	else if (kind.ptr[0] == 'r')
		hidden_lore_add(learn->lore, name);
	else if (kind.ptr[0] == 'f')
		hidden_lore_add_foreign(learn->lore);
	else if (kind.ptr[0] == 'd')
		learn->lore->minds_ddl = true;
	else if (kind.ptr[0] == 'a')
		learn->lore->is_everywhere = true;
}

static void learn_warn(const struct server *s, struct slice why)
{
	const struct route *route = s->pool->route;
	if (!s->pool->hidden.has_failed)
		LOG_WARNING("pool %s/%s: the server does not say which tables call functions: "
			    "any statement may (%.*s)",
			    route->database, route->user, SLICE_ARGS(why));
	s->pool->hidden.has_failed = true;
}

/* What was meant for a client's statement is no answer. */
static bool learn_is_asked_again(const struct server *s)
{
	const struct learn *learn = s->learn;
	return learn->was_cancelled && learn->tries < LEARN_MORE_TRIES && s->client &&
	       learn->question != LEARN_PEEK;
}

void learn_failed(struct server *s, struct slice error_body)
{
	s->learn->was_cancelled = notice_is(error_body, "57014");
	if (s->learn->question != LEARN_PEEK && !learn_is_asked_again(s))
		learn_warn(s, notice_get(error_body, NOTICE_MESSAGE));
}

static void learn_end(struct server *s)
{
	struct learn *learn = s->learn;
	s->learn = NULL;
	if (learn->question != LEARN_PEEK)
		site_answered(learn->site, learn->asked_at);
	registry_release_site(s->pool->worker->shared->registry, learn->site);
	hidden_lore_unref(learn->lore);
	map_fini(&learn->defaults);
	free(learn);
}

/* It is the pool's alone: another user of the site may be told. */
static void learn_nothing(struct localpool *lp, struct hidden_lore *lore, usec_t now)
{
	lore->is_everywhere = true;
	lore->heard = lore->asked;
	lore->learn_at = now + HIDDEN_RETRY_US;
	learn_take(lp, lore);
	lp->hidden.seen = atomic_load(&lp->hidden.site->version);
}

/* For all that lead there. */
static void learn_something(struct localpool *lp, struct learn *learn, usec_t now)
{
	struct hidden_lore *lore = learn->lore;
	bool is_haunted = lore->heard == HIDDEN_NOT_HEARD;
	lp->hidden.has_failed = false;
	if (!is_haunted)
		lore->heard = lore->asked;
	lore->learn_at = is_haunted ? now + HIDDEN_GHOST_US : hidden_next(learn->asked_at, now);
	lore->took_us = now - learn->asked_at;
	/* what was defined through us, and is known, is not to look like something else */
	uint64_t before = lp->hidden.lore ? lp->hidden.lore->asked : 0;
	usec_t rest = lore->asked == before ? HIDDEN_PEEK_US : HIDDEN_WRITTEN_US;
	atomic_store(&learn->site->peek_at, now + rest);
	site_lay(learn->site, learn->ghosts, learn->ghost_count);
	site_publish(learn->site, lore);
	learn_hear(lp);
	LOG_DEBUG("pool %s/%s: %zu names hide code%s", lp->route->database, lp->route->user,
		  map_count(&lore->names), lore->is_everywhere ? ", or all" : "");
}

static void learn_answered(struct server *s, bool failed, usec_t now)
{
	struct learn *learn = s->learn;
	if (learn->is_odd)
		learn_warn(s, SLICE("a row of another form"));
	if (!failed && !learn->is_odd)
		learn_something(s->pool, learn, now);
	else if (learn->site == s->pool->hidden.site)
		learn_nothing(s->pool, learn->lore, now);
}

/* Are the catalogs as they were when all was asked? What has run meanwhile may have met what is
 * new, and all is asked before that is looked into. */
static void learn_peeked(struct server *s, bool failed, usec_t now)
{
	const struct learn *learn = s->learn;
	struct localpool *lp = s->pool;
	bool is_good = !failed && !learn->is_odd;
	bool is_soon = is_good || learn->was_cancelled;
	atomic_store(&learn->site->peek_at,
		     is_soon ? hidden_peek_next(learn->asked_at, now) : now + HIDDEN_RETRY_US);
	if (!is_good || learn->site != lp->hidden.site)
		return;
	lp->hidden.peek_at = atomic_load(&learn->site->peek_at);
	learn_hear(lp);
	if (hidden_is_due(&lp->hidden, now) ||
	    hidden_lore_has_catalogs(lp->hidden.lore, learn->lore))
		return;
	LOG_DEBUG("pool %s/%s: something was defined elsewhere", lp->route->database,
		  lp->route->user);
	bool is_code = strcmp(lp->hidden.lore->code, learn->lore->code) != 0;
	usec_t share = is_code ? HIDDEN_CODE_SHARE : HIDDEN_USES_SHARE;
	if (site_changed(learn->site, now, lp->hidden.lore->took_us * share))
		lp->hidden.learn_at = now;
	if (s->client)
		suspect_hidden(s->client);
}

void learn_done(struct server *s, bool failed, usec_t now)
{
	enum learn_question question = s->learn->question;
	bool at_link = question == LEARN_AT_LINK;
	if (learn_is_asked_again(s)) {
		unsigned tries = s->learn->tries + 1;
		learn_end(s);
		learn_all(s, question, tries, now);
		return;
	}
	if (question == LEARN_PEEK)
		learn_peeked(s, failed, now);
	else
		learn_answered(s, failed, now);
	if (!failed && !s->learn->is_odd)
		era_heard(s->pool->worker->shared->registry, s->learn->site, &s->learn->defaults,
			  s->learn->asked_at);
	learn_end(s);
	if (!s->client)
		return;
	if (at_link)
		server_link_fit(s, now);
	else
		s->holds_client = false;
	conn_again(&s->client->conn); /* with what it has asked meanwhile */
}

void learn_free(struct server *s)
{
	if (s->errand == SERVER_ERRAND_LEARN)
		learn_end(s);
}
