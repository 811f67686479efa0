/*
 * keep.c - suspicion by text, and what came of it.
 */
#include "proxy/keep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/mem.h"
#include "proxy/client.h"
#include "proxy/ear.h"
#include "proxy/harmless.h"
#include "proxy/localpool.h"
#include "proxy/paramset.h"
#include "proxy/route.h"
#include "proxy/server.h"
#include "proxy/worker.h"
#include "sql/effect.h"
#include "sql/mention.h"
#include "sql/norm.h"

/* Effects that leave nothing in a session, or nothing that a look could find. */
#define KEEP_IDLE_EFFECTS                                                                          \
	(EFFECT(SETTING_LOCAL) | EFFECT(SEQUENCE_MOVE) | EFFECT(NOTIFY) | EFFECT(LISTENING) |      \
	 EFFECT(DISCARD_PLANS) | EFFECT(BEGIN) | EFFECT(MODES) | EFFECT(COMMIT) |                  \
	 EFFECT(ROLLBACK) | EFFECT(CHAIN) | EFFECT(SAVEPOINT) | EFFECT(RELEASE) |                  \
	 EFFECT(ROLLBACK_TO))

/* A statement with no other effects need not be looked at; SET LOCAL may change what those after it
 * mean. */
#define KEEP_DULL_EFFECTS (KEEP_IDLE_EFFECTS & ~EFFECT(SETTING_LOCAL))

/* Commands that change what is defined, and what else event triggers see. */
#define KEEP_DEFINING_EFFECTS (EFFECT(CREATE) | EFFECT(ALTER))
#define KEEP_DDL_EFFECTS (KEEP_DEFINING_EFFECTS | EFFECT(TEMP) | EFFECT(DROP) | EFFECT(DDL))

/* Statements that run nothing of anybody's. */
#define KEEP_TRANSACTION_EFFECTS                                                                   \
	(EFFECT(BEGIN) | EFFECT(COMMIT) | EFFECT(ROLLBACK) | EFFECT(SAVEPOINT) | EFFECT(RELEASE) | \
	 EFFECT(ROLLBACK_TO))

/* Effects that may end what keeps a server. */
#define KEEP_ENDING_EFFECTS                                                                        \
	(EFFECT(DEALLOCATE) | EFFECT(DEALLOCATE_ALL) | EFFECT(CLOSE) | EFFECT(CLOSE_ALL) |         \
	 EFFECT(DROP) | EFFECT(UNLISTEN) | EFFECT(UNLISTEN_ALL) | EFFECT(UNLOCK) | EFFECT(ROLE) |  \
	 EFFECT(RESET_ALL) | EFFECT(DISCARD_ALL) | EFFECT(DISCARD_TEMP) |                          \
	 EFFECT(DISCARD_SEQUENCES) | EFFECT(ROLLBACK) | EFFECT(ROLLBACK_TO) | EFFECT(CODE) |       \
	 EFFECT(CALLS) | EFFECT(UNREAD))

/* Effects that nothing but a look can tell. */
#define KEEP_DOUBTS (EFFECT(CODE) | EFFECT(CALLS) | EFFECT(UNREAD))

/* The setting by which a client keeps its server because it wants to. */
#define KEEP_SETTING SLICE("pgweir.keep")

static const struct {
	uint64_t effects;
	unsigned states;
} keep_suspicions[] = {
	{ EFFECT(LISTEN), KEEP(LISTEN) },
	{ EFFECT(PREPARE), KEEP(PREPARE) },
	{ EFFECT(HOLD), KEEP(CURSOR) },
	{ EFFECT(TEMP), KEEP(TEMP) },
	{ EFFECT(LOCK), KEEP(LOCK) },
	{ EFFECT(ROLE), KEEP(AUTHORIZATION) },
	{ EFFECT(LOAD), KEEP(LOAD) },
	{ EFFECT(SEQUENCE_READ), KEEP(SEQUENCE) },
	{ EFFECT(CODE) | EFFECT(CALLS) | EFFECT(UNREAD), KEEP_ASKED },
};

static const char *const keep_names[] = {
#define KEEP_NAME_(state, shown, counter) shown,
	KEEP_STATES(KEEP_NAME_)
#undef KEEP_NAME_
};

static const size_t keep_counters[] = {
#define KEEP_COUNTER_(state, shown, counter) offsetof(struct stats, counter),
	KEEP_STATES(KEEP_COUNTER_)
#undef KEEP_COUNTER_
};

const char *keep_state_name(enum keep_state state)
{
	return keep_names[state];
}

const char *keep_describe(unsigned states, char *out, size_t out_bytes)
{
	size_t at = 0;
	out[0] = '\0';
	for (unsigned i = 0; i < KEEP_STATE_COUNT; i++) {
		if (!(states & (1u << i)))
			continue;
		int n = snprintf(out + at, out_bytes - at, "%s%s", at ? ", " : "", keep_names[i]);
		if (n < 0 || at + (size_t)n >= out_bytes)
			break;
		at += (size_t)n;
	}
	return out;
}

/* ---- suspicion ---------------------------------------------------------------------------- */

struct keep *keep_need(struct client *c)
{
	if (!c->keep)
		c->keep = mem_zalloc(sizeof(*c->keep));
	return c->keep;
}

static void keep_forget_names(struct keep *keep)
{
	while (keep->name_count)
		free(keep->names[--keep->name_count]);
}

void keep_free(struct client *c)
{
	struct keep *keep = c->keep;
	if (!keep)
		return;
	keep_let_go(c);
	c->keep = NULL;
	ear_free(keep->ear);
	keep_forget_names(keep);
	free(keep->cause);
	free(keep);
}

void keep_forget(struct client *c)
{
	if (!c->keep || !c->keep->ear || ear_is_home(c->keep->ear)) {
		keep_free(c);
		return;
	}
	/* it hears what it listens to from elsewhere */
	keep_let_go(c);
	c->keep->inner = 0;
	free(c->keep->cause);
	c->keep->cause = NULL;
}

static void keep_touch(const struct client *c, struct keep *keep, struct slice name)
{
	bool is_custom = memchr(name.ptr, '.', name.len);
	if (worker_tracks(c->worker, name) || (keep->asks_all && !is_custom))
		return;
	for (size_t i = 0; i < keep->name_count; i++)
		if (slice_ieq_str(name, keep->names[i]))
			return;
	if (keep->name_count == KEEP_NAMES_MAX || !paramset_name_is_valid(name)) {
		keep->asks_all = true;
		return;
	}
	keep->names[keep->name_count++] = slice_dup(name);
	if (is_custom)
		harmless_know_setting(&c->pool->harmless, name);
}

static void keep_blame(struct keep *keep, struct slice sql, struct lexer_mode mode)
{
	if (keep->cause)
		return;
	struct buf out = { 0 };
	struct norm_options options = { .mode = mode, .max_bytes = KEEP_CAUSE_BYTES };
	norm_write(slice_head(sql, KEEP_CAUSE_BYTES * 8), &options, &out);
	keep->cause = mem_strdup(buf_cstr(&out));
	buf_fini(&out);
}

/* Those that the settings want to be minded. */
static uint64_t keep_minded(const struct client *c, uint64_t effects)
{
	if (c->pool->settings.auto_probe == CONF_AUTO_PROBE_NEVER)
		effects &= ~KEEP_DOUBTS;
	if (c->pool->settings.sequence_state != CONF_SEQUENCE_STATE_KEEP)
		effects &= ~EFFECT(SEQUENCE_READ);
	return effects;
}

/* What it may have set is not all to be known: nobody else gets that server before RESET ALL. */
static void keep_taint(const struct client *c, uint64_t effects)
{
	if (c->server &&
	    effects & (EFFECT(CODE) | EFFECT(CALLS) | EFFECT(UNREAD) | EFFECT(SETTING_UNREAD)))
		c->server->tainted_by = c->id;
}

/* Who is next on its server gets nothing of what nobody has asked about. */
static void keep_sweep(const struct client *c)
{
	if (!c->server)
		return;
	c->server->tainted_by = c->id;
	c->server->is_unasked = true;
}

static void keep_suspect(struct client *c, uint64_t effects)
{
	keep_taint(c, effects);
	struct keep *keep = keep_need(c);
	for (size_t i = 0; i < COUNT_OF(keep_suspicions); i++)
		if (effects & keep_suspicions[i].effects)
			keep->suspected |= keep_suspicions[i].states;
	if (effects & (EFFECT(SETTING_UNREAD) | EFFECT(RESET_ALL) | EFFECT(CODE) | EFFECT(CALLS) |
		       EFFECT(UNREAD)))
		keep->asks_all = true;
	if (effects & EFFECT(RESET_ALL))
		keep->has_reset = true;
	if (effects & KEEP_ENDING_EFFECTS)
		keep->may_end = true;
}

/* Is something that is created without a schema temporary? */
static bool keep_path_is_temp(const struct client *c)
{
	const char *path = paramset_get(c->params, SLICE("search_path"));
	return (c->keep && (c->keep->moves_path || c->keep->asks_all)) ||
	       (path && effect_path_is_temp(slice_of(path)));
}

/* What is set decides what the statements that follow mean, before the server has said so. */
static void keep_heed(struct client *c, const struct effect *e)
{
	for (size_t i = 0; i < e->setting_count; i++) {
		struct slice name = slice_of(e->settings[i].name);
		if (slice_ieq_str(name, "search_path"))
			keep_need(c)->moves_path = true;
		else if (slice_ieq_str(name, "standard_conforming_strings") ||
			 slice_ieq_str(name, "client_encoding"))
			keep_need(c)->moves_reading = true;
	}
	if (e->set & (EFFECT(SETTING_UNREAD) | EFFECT(RESET_ALL) | EFFECT(CODE)))
		keep_need(c)->moves_path = keep_need(c)->moves_reading = true;
}

/* What an EXECUTE may do. Which setting is set by which statement is not remembered. */
static uint64_t keep_of_execute(const struct keep *keep)
{
	uint64_t effects = keep->inner;
	if (effects & (EFFECT(SETTING) | EFFECT(ROLE)))
		effects |= EFFECT(SETTING_UNREAD);
	return effects;
}

/* Settings that the server does not list, and that a string of code names. */
static void keep_touch_mentioned(const struct client *c, struct keep *keep, struct slice code)
{
	struct slice name;
	while (mention_next(&code, &name))
		keep_touch(c, keep, name);
}

/* ---- what no text shows ------------------------------------------------------------------- */

bool keep_hides(struct client *c, struct hidden_verdict *verdict, struct slice sql)
{
	const struct hidden *h = &c->pool->hidden;
	if (!keep_may_hide(c))
		return false;
	if (hidden_is_stale(h))
		keep_sweep(c);
	return hidden_judge(h, verdict, sql, paramset_reading(c->params));
}

/* Names in it that hide code make a statement one that calls somebody's functions. */
static void keep_unhide(const struct client *c, struct effect *e, struct lexer_mode mode)
{
	const struct hidden *h = &c->pool->hidden;
	if (h->lore.minds_ddl && e->set & KEEP_DDL_EFFECTS)
		e->set |= EFFECT(CALLS);
	if (e->set & KEEP_TRANSACTION_EFFECTS || !hidden_is_in(h, e->text, mode))
		return;
	if (e->set & EFFECT(PREPARE))
		e->inner |= EFFECT(CALLS);
	else
		e->set |= EFFECT(CALLS);
}

/* Code in a string that may change what is defined. */
static bool keep_code_defines(struct slice code)
{
	static const char *const words[] = { "create", "alter", "execute" };
	for (size_t at = 0; at < code.len; at++)
		for (size_t i = 0; i < COUNT_OF(words); i++) {
			struct slice here = slice_skip(code, at);
			if (slice_ieq_str(slice_head(here, strlen(words[i])), words[i]))
				return true;
		}
	return false;
}

/* What it defines may run in this very transaction: it is asked about all of it. */
static void keep_define(struct client *c, const struct effect *e, uint64_t effects)
{
	bool defines = effects & KEEP_DEFINING_EFFECTS && !(effects & EFFECT(TEMP));
	if (!defines && !(effects & EFFECT(CODE) && keep_code_defines(e->text)))
		return;
	if (c->server)
		server_defines(c->server);
	if (c->pool->minds_hidden)
		keep_suspect(c, EFFECT(CALLS));
}

/* One statement: what it makes suspicious, or has prepared to. */
static void keep_statement(struct client *c, const struct effect *e, struct lexer_mode mode)
{
	uint64_t effects = keep_minded(c, e->set & ~KEEP_IDLE_EFFECTS);
	if (e->set & EFFECT(SEQUENCE_READ))
		atomic_store(&c->pool->route->reads_sequences, true);
	keep_heed(c, e);
	restore_mind(c, e);
	keep_taint(c, e->set);
	if (effects & EFFECT(CREATE) && keep_path_is_temp(c))
		effects |= EFFECT(TEMP);
	keep_define(c, e, effects);
	effects &= ~(KEEP_DEFINING_EFFECTS | EFFECT(DDL));
	if (effects & EFFECT(CALLS) && harmless_is(&c->pool->harmless, e->text, mode))
		effects &= ~EFFECT(CALLS);
	if (c->server && e->set & ~effects & KEEP_DOUBTS)
		c->server->is_unasked = true;
	if (effects & EFFECT(DROP) && !keep_is(c->keep, KEEP(TEMP)) &&
	    !(c->keep && c->keep->suspected & KEEP(TEMP)))
		effects &= ~EFFECT(DROP);
	if (e->set & EFFECT(EXECUTE) && c->keep)
		effects |= keep_minded(c, keep_of_execute(c->keep));
	effects &= ~EFFECT(EXECUTE);
	if (!effects)
		return;

	struct keep *keep = keep_need(c);
	keep_suspect(c, effects);
	/* what is temporary may have hidden something, and been used since */
	if (keep->may_end && keep_is(keep, KEEP(TEMP)) && c->pool->minds_hidden)
		keep_suspect(c, EFFECT(CALLS));
	keep_blame(keep, e->text, mode);
	for (size_t i = 0; i < e->setting_count; i++) {
		if (e->settings[i].local)
			continue;
		keep->has_reset |= e->settings[i].form == EFFECT_FORM_DEFAULT;
		keep->may_end |= slice_ieq_str(KEEP_SETTING, e->settings[i].name);
		keep_touch(c, keep, slice_of(e->settings[i].name));
	}
	if (effects & EFFECT(ROLE))
		keep_touch(c, keep, SLICE("role"));
	if (effects & EFFECT(CODE))
		keep_touch_mentioned(c, keep, e->text);
	if (effects & EFFECT(CALLS))
		harmless_try(&c->pool->harmless, &keep->tried, e->text, mode);
	keep->inner |= e->inner & ~KEEP_IDLE_EFFECTS;
}

void keep_text(struct client *c, struct slice sql, bool is_whole)
{
	struct lexer_mode mode = paramset_reading(c->params);
	struct effect_iter iter;
	struct effect effect;

	if (!c->pool->is_auto)
		return;
	if (!is_whole && c->pool->settings.auto_probe != CONF_AUTO_PROBE_NEVER) {
		keep_suspect(c, EFFECT(UNREAD));
		keep_blame(c->keep, sql, mode);
	}
	if (c->keep && c->keep->moves_reading)
		keep_suspect(c, EFFECT(UNREAD));
	bool may_hide = UNLIKELY(keep_may_hide(c));
	if (may_hide && hidden_is_stale(&c->pool->hidden))
		keep_sweep(c);
	if (!(effect_of(sql, mode) & ~KEEP_DULL_EFFECTS) &&
	    !(may_hide && hidden_is_in(&c->pool->hidden, sql, mode)))
		return;
	effect_init(&iter, sql, mode);
	while (effect_next(&iter, &effect)) { /* the server reads the text as a whole first, too */
		if (may_hide)
			keep_unhide(c, &effect, mode);
		keep_statement(c, &effect, mode);
	}
}

bool keep_has_effects(const struct client *c, struct slice sql)
{
	return effect_of(sql, paramset_reading(c->params)) & ~KEEP_DULL_EFFECTS;
}

void keep_failed(struct client *c)
{
	if (c->keep && c->keep->name_count)
		c->keep->asks_all = true;
}

void keep_long_statement(struct client *c)
{
	if (c->pool->is_auto)
		keep_need(c)->suspected |= KEEP(LONG);
}

void keep_call(struct client *c)
{
	if (c->pool->is_auto && c->pool->settings.auto_probe != CONF_AUTO_PROBE_NEVER)
		keep_suspect(c, EFFECT(CALLS));
}

bool keep_reads_sequences(struct slice messages)
{
	const char *at = messages.ptr, *end = messages.ptr + messages.len;
	if (!memchr(messages.ptr, '(', messages.len)) /* most call nothing */
		return false;
	for (; end - at >= 7; at++)
		if ((at[3] | 0x20) == (at[0] == 'l' || at[0] == 'L' ? 't' : 'r') &&
		    (strncasecmp(at, "currval", 7) == 0 || strncasecmp(at, "lastval", 7) == 0))
			return true;
	return false;
}

void keep_always(struct client *c)
{
	struct keep *keep = keep_need(c);
	keep->suspected |= KEEP_ASKED;
	keep->asks_all = keep->may_end = true;
}

/* ---- what came of it ---------------------------------------------------------------------- */

bool keep_wants_look(const struct client *c)
{
	const struct keep *keep = c->keep;
	/* is there more than what others could listen to for it? */
	bool is_asked = keep->ear && (keep->suspected & KEEP(LISTEN) || ear_may_leave(keep->ear));
	if (keep->kept && !keep->may_end && !is_asked)
		return false;
	return keep->suspected || keep->asks_all || keep->name_count ||
	       (keep->kept && keep->may_end);
}

static void keep_count(struct client *c, unsigned states)
{
	for (unsigned i = 0; i < KEEP_STATE_COUNT; i++)
		if (states & (1u << i))
			++*(uint64_t *)((char *)&c->pool->stats + keep_counters[i]);
}

static void keep_change(struct client *c, unsigned states, usec_t now)
{
	struct keep *keep = c->keep;
	if (!keep->kept)
		keep->kept_since = now;
	keep_count(c, states & ~keep->kept);
	keep->kept = (uint16_t)states;
	if (!states)
		keep_let_go(c);
}

void keep_let_go(struct client *c)
{
	if (c->keep && c->keep->is_counted)
		atomic_fetch_sub(&c->pool->route->kept, 1);
	if (c->keep)
		c->keep->is_counted = false;
}

/* One more of the pool's servers, unless as many are kept as may be. */
static bool keep_take_place(struct localpool *lp)
{
	atomic_int *kept = &lp->route->kept;
	int max = lp->max_kept, now = atomic_load(kept);
	do {
		if (max >= 0 && now >= max)
			return false;
	} while (!atomic_compare_exchange_weak(kept, &now, now + 1));
	return true;
}

void keep_lend(struct client *c)
{
	struct keep *keep = c->keep;
	keep->kept &= (uint16_t)~KEEP(LISTEN);
	free(keep->ear->cause);
	keep->ear->cause = keep->cause;
	keep->cause = NULL;
}

void keep_reclaim(struct client *c, usec_t now)
{
	struct keep *keep = c->keep;
	if (!keep->kept)
		keep->kept_since = now;
	keep->kept |= KEEP(LISTEN);
	if (keep->cause)
		return;
	keep->cause = keep->ear->cause;
	keep->ear->cause = NULL;
}

bool keep_hold(struct client *c, usec_t now)
{
	struct keep *keep = c->keep;
	char states[200], who[256], detail[512];
	if (keep->is_counted)
		return true;
	keep_describe(keep->kept, states, sizeof(states));
	const char *cause = keep->cause ? keep->cause : "";
	if (!keep_take_place(c->pool)) {
		c->pool->stats.refusals++;
		snprintf(detail, sizeof(detail), "The session has left: %s (%s).", states, cause);
		client_fail(c, ERROR_TOO_MANY_KEPT, detail, NULL, now, c->pool->max_kept);
		return false;
	}
	keep->is_counted = true;
	c->pool->stats.keeps++;
	if (c->was_kept)
		LOG_DEBUG("client %s keeps its server again: %s (%s)",
			  client_text(c, who, sizeof(who)), states, cause);
	else
		LOG_INFO("client %s keeps its server: %s (%s)", client_text(c, who, sizeof(who)),
			 states, cause);
	c->was_kept = true;
	return true;
}

usec_t keep_deadline(const struct client *c)
{
	usec_t timeout = c->pool->settings.keep_timeout_us;
	if (timeout == USEC_NEVER)
		return USEC_NEVER;
	return c->quiet_at + (c->keep->warned_at == c->quiet_at ? timeout : timeout / 2);
}

void keep_warn(struct client *c, usec_t now)
{
	char states[200], who[256];
	c->keep->warned_at = c->quiet_at;
	LOG_WARNING(
		"client %s is idle and keeps its server: %s (%s); keep_timeout ends it in %llds",
		client_text(c, who, sizeof(who)),
		keep_describe(c->keep->kept, states, sizeof(states)),
		c->keep->cause ? c->keep->cause : "",
		(long long)((keep_deadline(c) - now) / USEC_PER_SEC));
}

/* Is pgweir.keep on? */
static bool keep_is_wanted(const struct client *c)
{
	static const char *const on[] = { "on", "true", "yes", "1", "t", "y" };
	const char *value = paramset_get(c->params, KEEP_SETTING);
	for (size_t i = 0; value && i < COUNT_OF(on); i++)
		if (strcasecmp(value, on[i]) == 0)
			return true;
	return false;
}

void keep_greet(struct client *c, usec_t now)
{
	if (c->pool->is_auto && keep_is_wanted(c)) {
		keep_need(c);
		keep_change(c, KEEP(MANUAL), now);
	}
}

void keep_sequences_discarded(struct client *c)
{
	if (!c->keep)
		return;
	c->keep->suspected &= (uint16_t)~KEEP(SEQUENCE);
	c->keep->kept &= (uint16_t)~KEEP(SEQUENCE);
	if (!keep_is_dirty(c->keep))
		keep_forget(c);
}

void keep_looked(struct client *c, unsigned found, bool changed, usec_t now)
{
	struct keep *keep = c->keep;
	unsigned stays = (keep->kept | keep->suspected) & ~(KEEP_ASKED | KEEP(MANUAL));
	if (keep_is_wanted(c))
		stays |= KEEP(MANUAL);
	harmless_was(&c->pool->harmless, &keep->tried, !found && !stays && !changed);
	/* what was kept may have hidden what nobody knew of then */
	if (keep->kept && !(found | stays) && c->pool->minds_hidden)
		keep_sweep(c);
	keep_change(c, found | stays, now);
	keep->suspected = 0;
	keep->asks_all = keep->has_reset = keep->may_end = false;
	keep->moves_path = keep->moves_reading = false;
	keep_forget_names(keep);
	if (keep->ear && ear_is_home(keep->ear) && !(keep->kept & KEEP(LISTEN))) {
		ear_free(keep->ear);
		keep->ear = NULL;
	}
	if (!keep->kept)
		keep_forget(c);
}

void keep_is_unknown(struct client *c, usec_t now)
{
	keep_looked(c, c->keep->kept | c->keep->suspected | KEEP(UNKNOWN), true, now);
}

void keep_discarded(struct client *c)
{
	struct keep *keep = c->keep;
	if (!keep)
		return;
	keep->kept &= KEEP(LOAD) | KEEP(MANUAL);
	/* what is suspected may come from a text that was sent behind it */
	keep->may_end = true;
	keep->inner = 0;
}

bool keep_is_dirty(const struct keep *keep)
{
	return keep && (keep->kept || keep->suspected || keep->asks_all || keep->name_count);
}
