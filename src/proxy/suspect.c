/*
 * suspect.c - what each statement makes suspicious.
 */
#include "proxy/suspect.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "proxy/client.h"
#include "proxy/define.h"
#include "proxy/era.h"
#include "proxy/harmless.h"
#include "proxy/keep.h"
#include "proxy/localpool.h"
#include "proxy/numbers.h"
#include "proxy/paramset.h"
#include "proxy/route.h"
#include "proxy/server.h"
#include "proxy/vacate.h"
#include "proxy/worker.h"
#include "sql/effect.h"
#include "sql/mention.h"
#include "sql/norm.h"
#include "sql/vacant.h"

/* Effects that leave nothing in a session, or nothing that a look could find. */
#define SUSPECT_IDLE_EFFECTS                                                                       \
	(EFFECT(SETTING_LOCAL) | EFFECT(SEQUENCE_MOVE) | EFFECT(NOTIFY) | EFFECT(LISTENING) |      \
	 EFFECT(DISCARD_PLANS) | EFFECT(BEGIN) | EFFECT(MODES) | EFFECT(COMMIT) |                  \
	 EFFECT(ROLLBACK) | EFFECT(CHAIN) | EFFECT(SAVEPOINT) | EFFECT(RELEASE) |                  \
	 EFFECT(ROLLBACK_TO))

/* A statement with no other effects need not be looked at; SET LOCAL may change what those after it
 * mean. */
#define SUSPECT_DULL_EFFECTS (SUSPECT_IDLE_EFFECTS & ~EFFECT(SETTING_LOCAL))

/* Commands that change what is defined, and what else event triggers see. */
#define SUSPECT_DEFINING_EFFECTS (EFFECT(CREATE) | EFFECT(ALTER))
#define SUSPECT_DDL_EFFECTS (SUSPECT_DEFINING_EFFECTS | EFFECT(TEMP) | EFFECT(DROP) | EFFECT(DDL))

/* Statements that run nothing of anybody's. */
#define SUSPECT_TRANSACTION_EFFECTS                                                                \
	(EFFECT(BEGIN) | EFFECT(COMMIT) | EFFECT(ROLLBACK) | EFFECT(SAVEPOINT) | EFFECT(RELEASE) | \
	 EFFECT(ROLLBACK_TO))

/* Effects that may end what keeps a server. */
#define SUSPECT_ENDING_EFFECTS                                                                     \
	(EFFECT(DEALLOCATE) | EFFECT(DEALLOCATE_ALL) | EFFECT(CLOSE) | EFFECT(CLOSE_ALL) |         \
	 EFFECT(DROP) | EFFECT(UNLISTEN) | EFFECT(UNLISTEN_ALL) | EFFECT(UNLOCK) | EFFECT(ROLE) |  \
	 EFFECT(RESET_ALL) | EFFECT(DISCARD_ALL) | EFFECT(DISCARD_TEMP) |                          \
	 EFFECT(DISCARD_SEQUENCES) | EFFECT(ROLLBACK) | EFFECT(ROLLBACK_TO) | EFFECT(CODE) |       \
	 EFFECT(CALLS) | EFFECT(UNREAD))

/* Effects that nothing but a look can tell. */
#define SUSPECT_DOUBTS (EFFECT(CODE) | EFFECT(CALLS) | EFFECT(UNREAD))

static const struct {
	uint64_t effects;
	unsigned states;
} suspect_rows[] = {
	{ EFFECT(LISTEN), KEEP(LISTEN) }, { EFFECT(PREPARE), KEEP(PREPARE) },
	{ EFFECT(HOLD), KEEP(CURSOR) },   { EFFECT(TEMP), KEEP(TEMP) },
	{ EFFECT(LOCK), KEEP(LOCK) },     { EFFECT(ROLE), KEEP(AUTHORIZATION) },
	{ EFFECT(LOAD), KEEP(LOAD) },     { EFFECT(LINK), KEEP(LINK) },
	{ EFFECT(BIND), KEEP(BOUND) },    { EFFECT(SEQUENCE_READ), KEEP(SEQUENCE) },
	{ EFFECT(SEED), KEEP(SEED) },
};

static void suspect_touch(const struct client *c, struct keep *keep, struct slice name)
{
	bool is_custom = memchr(name.ptr, '.', name.len);
	if (worker_tracks(c->worker, name) || (keep->asks_all && !is_custom))
		return;
	for (size_t i = 0; i < keep->name_count; i++)
		if (slice_ieq_str(name, keep->names[i]))
			return;
	bool is_valid = paramset_name_is_valid(name);
	if (is_custom && is_valid)
		harmless_know_setting(&c->pool->harmless, name);
	if (keep->name_count < KEEP_NAMES_MAX && is_valid) {
		keep->names[keep->name_count++] = slice_dup(name);
		return;
	}
	keep->asks_all = true;
	if (is_custom && c->server) /* is it among those that the server is asked about then? */
		c->server->tainted_by = c->id;
}

static void suspect_blame(struct keep *keep, struct slice sql, struct lexer_mode mode)
{
	if (keep->cause)
		return;
	struct buf out = { 0 };
	struct norm_options options = { .mode = mode, .max_bytes = KEEP_CAUSE_BYTES };
	norm_write(slice_head(sql, KEEP_CAUSE_BYTES * 8), &options, &out);
	keep->cause = mem_strdup(buf_cstr(&out));
	buf_fini(&out);
}

/* Is a server to be kept for numbers, and this client's is not yet? */
static bool suspect_keeps_sequences(const struct client *c)
{
	unsigned state = c->pool->settings.sequence_state;
	/* until a DISCARD that is under way, perhaps */
	if (keep_is(c->keep, KEEP(SEQUENCE)) && !c->keep->may_end)
		return false;
	return state == CONF_SEQUENCE_STATE_KEEP || state == CONF_SEQUENCE_STATE_ALWAYS;
}

/* Does who takes a number keep his server for it, and this client not yet? */
static bool suspect_keeps_moves(const struct client *c)
{
	const struct localpool *lp = c->pool;
	bool are_read = lp->settings.sequence_state == CONF_SEQUENCE_STATE_ALWAYS ||
			atomic_load_explicit(&lp->route->reads_sequences, memory_order_relaxed);
	return are_read && suspect_keeps_sequences(c);
}

bool suspect_minds_moves(const struct client *c)
{
	return suspect_keeps_moves(c) || (!c->server->has_numbers && numbers_on_trial(c->pool));
}

/* Those that the settings want to be minded. */
static uint64_t suspect_minded(const struct client *c, uint64_t effects)
{
	if (c->pool->settings.auto_probe == CONF_AUTO_PROBE_NEVER)
		effects &= ~SUSPECT_DOUBTS;
	if (!suspect_keeps_sequences(c))
		effects &= ~EFFECT(SEQUENCE_READ);
	if (c->pool->settings.seed_state == CONF_SEED_STATE_IGNORE)
		effects &= ~EFFECT(SEED);
	return effects;
}

/* Its numbers may be asked for in another transaction, where such are known to be asked for. */
static uint64_t suspect_moved(const struct client *c, uint64_t effects)
{
	bool moves = effects & (EFFECT(SEQUENCE_MOVE) | SUSPECT_DOUBTS);
	return moves && suspect_keeps_moves(c) ? EFFECT(SEQUENCE_READ) : 0;
}

/* What it may have set is not all to be known: nobody else gets that server before RESET ALL. */
static void suspect_taint(const struct client *c, uint64_t effects)
{
	if (c->server &&
	    effects & (EFFECT(CODE) | EFFECT(CALLS) | EFFECT(UNREAD) | EFFECT(SETTING_UNREAD)))
		c->server->tainted_by = c->id;
}

/* Who is next on its server gets nothing of what nobody has asked about. */
void suspect_sweep(const struct client *c)
{
	if (!c->server)
		return;
	c->server->tainted_by = c->id;
	c->server->is_unasked = true;
}

/* By what literals are read may be set, too. */
static void suspect_meaning(struct client *c)
{
	keep_need(c)->moves_meaning = true;
	keep_awaits_report(c);
}

static void suspect_effects(struct client *c, uint64_t effects)
{
	suspect_taint(c, effects);
	if (c->server && effects & (EFFECT(TEMP) | SUSPECT_DOUBTS))
		c->server->is_worn = true;
	if (effects & SUSPECT_DOUBTS) {
		numbers_moved(c);
		suspect_meaning(c);
	}
	if (c->server && effects & EFFECT(SEED))
		c->server->is_seeded = true;
	struct keep *keep = keep_need(c);
	for (size_t i = 0; i < COUNT_OF(suspect_rows); i++)
		if (effects & suspect_rows[i].effects)
			keep->named |= suspect_rows[i].states;
	keep->suspected |= keep->named | (effects & SUSPECT_DOUBTS ? KEEP_ASKED : 0);
	if (effects & (EFFECT(SETTING_UNREAD) | EFFECT(RESET_ALL) | EFFECT(CODE) | EFFECT(CALLS) |
		       EFFECT(UNREAD)))
		keep->asks_all = true;
	if (effects & EFFECT(RESET_ALL))
		keep->has_reset = true;
	if (effects & SUSPECT_ENDING_EFFECTS)
		keep->may_end = true;
}

/* Is something that is created without a schema temporary? */
static bool suspect_path_is_temp(const struct client *c)
{
	const char *path = paramset_get(c->params, SLICE("search_path"));
	return (c->keep && (c->keep->moves_path || c->keep->asks_all)) ||
	       (path && effect_path_is_temp(slice_of(path)));
}

/* What is set decides what the statements that follow mean, before the server has said so. */
static void suspect_heed(struct client *c, const struct effect *e)
{
	for (size_t i = 0; i < e->setting_count; i++) {
		struct slice name = slice_of(e->settings[i].name);
		if (slice_ieq_str(name, "standard_conforming_strings") ||
		    slice_ieq_str(name, "client_encoding"))
			keep_need(c)->moves_reading = true;
		if (slice_ieq_str(name, "search_path"))
			keep_need(c)->moves_path = true;
		else if (paramset_is_meaning(name) && worker_tracks(c->worker, name))
			keep_awaits_report(c);
		else if (paramset_is_meaning(name))
			keep_need(c)->moves_meaning = true;
	}
	if (e->set & (EFFECT(SETTING_UNREAD) | EFFECT(RESET_ALL) | EFFECT(CODE))) {
		suspect_meaning(c);
		c->keep->moves_path = c->keep->moves_reading = true;
	}
}

/* What an EXECUTE may do. Which setting is set by which statement is not remembered. */
static uint64_t suspect_executed(const struct client *c)
{
	uint64_t effects = c->keep->inner & ~SUSPECT_IDLE_EFFECTS;
	if (effects & (EFFECT(SETTING) | EFFECT(ROLE)))
		effects |= EFFECT(SETTING_UNREAD);
	return suspect_minded(c, effects) | suspect_moved(c, c->keep->inner);
}

/* Settings that the server does not list, and that a string of code names, or a text that is not
 * read to its end. */
static void suspect_touch_mentioned(const struct client *c, struct keep *keep, struct slice code)
{
	struct slice name;
	while (mention_next(&code, &name))
		suspect_touch(c, keep, name);
}

/* ---- what no text shows ------------------------------------------------------------------- */

bool suspect_hides(struct client *c, struct hidden_verdict *verdict, struct slice sql)
{
	const struct hidden *h = &c->pool->hidden;
	if (!suspect_may_hide(c))
		return false;
	if (hidden_is_stale(h))
		suspect_sweep(c);
	return hidden_judge(h, verdict, sql, paramset_reading(c->params));
}

/* Names in it that hide code make a statement one that calls somebody's functions. */
static void suspect_unhide(const struct client *c, struct effect *e, struct lexer_mode mode)
{
	const struct hidden *h = &c->pool->hidden;
	if (hidden_minds_ddl(h) && e->set & SUSPECT_DDL_EFFECTS)
		e->set |= EFFECT(CALLS);
	if (e->set & SUSPECT_TRANSACTION_EFFECTS || !hidden_is_in(h, e->text, mode))
		return;
	if (e->set & EFFECT(PREPARE))
		e->inner |= EFFECT(CALLS);
	else
		e->set |= EFFECT(CALLS);
}

/* What it defines may run in this very transaction: it is asked about all of it. */
static void suspect_definition(struct client *c, const struct effect *e, uint64_t effects)
{
	bool defines = effects & SUSPECT_DEFINING_EFFECTS && !(effects & EFFECT(TEMP));
	if (!defines && !(effects & EFFECT(CODE) && define_is_in(e->text)))
		return;
	if (c->server)
		define_begin(c->server);
	if (c->pool->minds_hidden)
		suspect_effects(c, EFFECT(CALLS));
}

/* Does it go back to what it was at the login, or may it, by a set_config() of NULL? */
static bool suspect_resets(const struct client *c, const struct effect_setting *set)
{
	struct slice name = slice_of(set->name);
	return set->form == EFFECT_FORM_DEFAULT ||
	       (set->form == EFFECT_FORM_ASK && !memchr(name.ptr, '.', name.len) &&
		paramset_get(c->came_with, name));
}

/* One statement: what it makes suspicious, or has prepared to. */
static void suspect_statement(struct client *c, const struct effect *e, struct lexer_mode mode)
{
	uint64_t effects = suspect_minded(c, e->set & ~SUSPECT_IDLE_EFFECTS);
	if (e->set & EFFECT(SEQUENCE_READ))
		atomic_store(&c->pool->route->reads_sequences, true);
	if (e->set & (SUSPECT_DOUBTS | EFFECT(EXECUTE)))
		numbers_moved(c);
	suspect_heed(c, e);
	suspect_taint(c, e->set);
	if (effects & EFFECT(CREATE) && suspect_path_is_temp(c))
		effects |= EFFECT(TEMP);
	suspect_definition(c, e, effects);
	effects &= ~(SUSPECT_DEFINING_EFFECTS | EFFECT(DDL));
	uint64_t moved = suspect_moved(c, effects | (e->set & EFFECT(SEQUENCE_MOVE)));
	if (effects & EFFECT(CALLS) && !moved && harmless_is(&c->pool->harmless, e->text, mode))
		effects &= ~EFFECT(CALLS);
	effects |= moved;
	if (c->server && e->set & ~effects & SUSPECT_DOUBTS)
		c->server->is_unasked = true;
	if (effects & EFFECT(DROP) && !keep_is(c->keep, KEEP(TEMP)) &&
	    !(c->keep && c->keep->suspected & KEEP(TEMP)))
		effects &= ~EFFECT(DROP);
	if (e->set & EFFECT(EXECUTE) && c->keep)
		effects |= suspect_executed(c);
	effects &= ~EFFECT(EXECUTE);
	if (!effects)
		return;

	struct keep *keep = keep_need(c);
	suspect_effects(c, effects);
	/* what is temporary may have hidden something, and been used since */
	if (keep->may_end && keep_is(keep, KEEP(TEMP)) && c->pool->minds_hidden)
		suspect_effects(c, EFFECT(CALLS));
	suspect_blame(keep, e->text, mode);
	for (size_t i = 0; i < e->setting_count; i++) {
		if (e->settings[i].local)
			continue;
		keep->has_reset |= suspect_resets(c, &e->settings[i]);
		keep->may_end |= slice_ieq_str(KEEP_SETTING, e->settings[i].name);
		suspect_touch(c, keep, slice_of(e->settings[i].name));
	}
	if (effects & EFFECT(ROLE))
		suspect_touch(c, keep, SLICE("role"));
	if (effects & (EFFECT(CODE) | EFFECT(SETTING_UNREAD) | EFFECT(UNREAD)))
		suspect_touch_mentioned(c, keep, e->text);
	if (effects & EFFECT(CALLS))
		harmless_try(&c->pool->harmless, &keep->tried, e->text, mode);
	keep->inner |= e->inner & ~(SUSPECT_IDLE_EFFECTS & ~EFFECT(SEQUENCE_MOVE));
}

/* Does it want a database to be left by all? */
static void suspect_vacancy(const struct client *c, uint64_t effects, struct slice sql,
			    struct lexer_mode mode)
{
	char name[LITERAL_NAME_BYTES];
	if (effects & SUSPECT_DDL_EFFECTS && vacant_database(sql, mode, name))
		vacate_mind(c, slice_of(name));
}

/* What a text with such effects, or with names in it that may hide some, makes suspicious. */
static void suspect_statements(struct client *c, struct slice sql, struct lexer_mode mode,
			       uint64_t effects)
{
	struct effect_iter iter;
	struct effect effect;
	bool may_hide = suspect_may_hide(c);

	if (may_hide && hidden_is_stale(&c->pool->hidden))
		suspect_sweep(c);
	if (effects & EFFECT(SEQUENCE_MOVE))
		numbers_moved(c);
	if (!(effects & ~SUSPECT_DULL_EFFECTS) && !suspect_moved(c, effects) &&
	    !(may_hide && hidden_is_in(&c->pool->hidden, sql, mode)))
		return;
	suspect_vacancy(c, effects, sql, mode);
	effect_init(&iter, sql, mode);
	while (effect_next(&iter, &effect)) { /* the server reads the text as a whole first, too */
		if (may_hide)
			suspect_unhide(c, &effect, mode);
		suspect_statement(c, &effect, mode);
		era_mind(c, &effect, mode);
	}
}

uint64_t suspect_text(struct client *c, struct slice sql, bool is_whole)
{
	struct lexer_mode mode = paramset_reading(c->params);

	if (!c->pool->is_auto)
		return 0;
	if (!is_whole && c->pool->settings.auto_probe != CONF_AUTO_PROBE_NEVER) {
		suspect_effects(c, EFFECT(UNREAD) | suspect_moved(c, EFFECT(UNREAD)));
		suspect_blame(c->keep, sql, mode);
	}
	if (c->keep && c->keep->moves_reading)
		suspect_effects(c, EFFECT(UNREAD));
	uint64_t effects = effect_of(sql, mode);
	if (effects || UNLIKELY(suspect_may_hide(c)))
		suspect_statements(c, sql, mode, effects);
	return effects;
}

void suspect_reset_all(struct client *c)
{
	suspect_effects(c, EFFECT(RESET_ALL));
}

bool suspect_has_effects(const struct client *c, struct slice sql, bool *moves)
{
	uint64_t effects = effect_of(sql, paramset_reading(c->params));
	*moves = effects & EFFECT(SEQUENCE_MOVE);
	return effects & ~SUSPECT_DULL_EFFECTS;
}

void suspect_failed(struct client *c)
{
	if (c->keep && c->keep->name_count)
		c->keep->asks_all = true;
}

void suspect_long_statement(struct client *c)
{
	if (c->pool->is_auto)
		keep_need(c)->suspected |= KEEP(LONG);
}

void suspect_call(struct client *c)
{
	if (c->pool->is_auto && c->pool->settings.auto_probe != CONF_AUTO_PROBE_NEVER)
		suspect_effects(c, EFFECT(CALLS) | suspect_moved(c, EFFECT(CALLS)));
}

void suspect_hidden(struct client *c)
{
	suspect_effects(c, EFFECT(CALLS));
}

bool suspect_calls_sequences(struct slice messages)
{
	const char *at = messages.ptr, *end = messages.ptr + messages.len;
	for (; end - at >= 7; at++)
		if ((at[3] | 0x20) == (at[0] == 'l' || at[0] == 'L' ? 't' : 'r') &&
		    (strncasecmp(at, "currval", 7) == 0 || strncasecmp(at, "lastval", 7) == 0))
			return true;
	return false;
}

void suspect_always(struct client *c)
{
	struct keep *keep = keep_need(c);
	keep->suspected |= KEEP_ASKED;
	keep->asks_all = keep->may_end = true;
}
