/*
 * resets.c - the last word about each setting, now and at each savepoint.
 */
#include "proxy/resets.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "proxy/paramset.h"
#include "sql/effect.h"
#include "sql/lexer.h"

#define RESETS_MAX_MEMBERS 64u
#define RESETS_MAX_MARKS 256u

/* A savepoint, and how it stood when it was made. */
struct resets_mark {
	struct resets_mark *older; /* owned */
	struct resets_state state;
	char name[LITERAL_NAME_BYTES];
};

/* What the statements that PostgreSQL runs without a snapshot may do. */
#define RESETS_READ                                                                                \
	(EFFECT(SETTING) | EFFECT(SETTING_LOCAL) | EFFECT(ROLE) | EFFECT(RESET_ALL) |              \
	 EFFECT(DISCARD_ALL) | EFFECT(BEGIN) | EFFECT(MODES) | EFFECT(COMMIT) | EFFECT(ROLLBACK) | \
	 EFFECT(CHAIN) | EFFECT(SAVEPOINT) | EFFECT(RELEASE) | EFFECT(ROLLBACK_TO) |               \
	 EFFECT(LISTEN) | EFFECT(UNLISTEN) | EFFECT(UNLISTEN_ALL) | EFFECT(NOTIFY))

/* What is not refused in a failed transaction. */
#define RESETS_END_FAILURE (EFFECT(COMMIT) | EFFECT(ROLLBACK) | EFFECT(ROLLBACK_TO))

/* What others may set settings with. */
#define RESETS_MAY_SET                                                                             \
	(EFFECT(SETTING) | EFFECT(SETTING_LOCAL) | EFFECT(SETTING_UNREAD) | EFFECT(EXECUTE) |      \
	 EFFECT(CODE) | EFFECT(CALLS) | EFFECT(UNREAD))

/* Their first words. A SELECT may set what it says, or not. */
static bool resets_begins_so(struct slice text)
{
	static const char *const words[] = {
		"set",      "reset", "show",      "discard", "begin",  "start",    "commit", "end",
		"rollback", "abort", "savepoint", "release", "listen", "unlisten", "notify"
	};
	size_t n = 0;
	while (n < text.len && (text.ptr[n] | 0x20) >= 'a' && (text.ptr[n] | 0x20) <= 'z')
		n++;
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (slice_ieq_str(slice_head(text, n), words[i]))
			return true;
	return false;
}

/* The words behind SET, and behind LOCAL or SESSION. */
bool resets_chooses_modes(const struct effect *e)
{
	static const char *const words[] = { "transaction", "transaction_isolation",
					     "transaction_read_only", "transaction_deferrable" };
	struct lexer lex;
	lexer_init(&lex, e->text, (struct lexer_mode){ 0 });
	struct lexer_token word = lexer_next(&lex, NULL);
	if (e->set != EFFECT(SETTING_LOCAL) || !lexer_is_word(&word, "set"))
		return false;
	word = lexer_next(&lex, NULL);
	if (lexer_is_word(&word, "local") || lexer_is_word(&word, "session"))
		word = lexer_next(&lex, NULL);
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (lexer_is_word(&word, words[i]))
			return e->setting_count == 0;
	return false;
}

/* Is all that it does to settings in effect.settings? */
static bool resets_is_told(const struct effect *e)
{
	bool sets = e->set & (EFFECT(SETTING) | EFFECT(SETTING_LOCAL));
	return !(e->set & ~RESETS_READ) && resets_begins_so(e->text) &&
	       (!sets || e->setting_count > 0 || resets_chooses_modes(e)) &&
	       e->setting_count < EFFECT_SETTINGS_MAX;
}

static size_t resets_find(const struct paramset *set, const char *name)
{
	size_t i = 0;
	while (i < paramset_count(set) && strcasecmp(paramset_member(set, i)->name, name) != 0)
		i++;
	return i;
}

/* What RESET ALL leaves alone (GUC_NO_RESET_ALL in PostgreSQL's guc_tables.c). */
static bool resets_is_spared(const char *name)
{
	static const char *const names[] = { "transaction_isolation",  "transaction_read_only",
					     "transaction_deferrable", "role",
					     "session_authorization",  "seed" };
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

/* Nothing that was said of them counts any more. */
static void resets_forget(struct resets_state *now, uint64_t members)
{
	now->session &= ~members;
	now->local &= ~members;
	now->respelt &= ~members;
	now->defaults &= ~members;
	now->covered &= ~members;
}

static void resets_session(struct resets_state *now, uint64_t members)
{
	resets_forget(now, members);
	now->session |= members;
}

/* PostgreSQL passes by what has its default already. DISCARD ALL makes the session's user the
 * current one too: the role of the start-up is back. */
static void resets_all(struct resets *r, const struct paramset *set, bool role_too)
{
	r->for_session = r->own_too = true;
	r->role_too |= role_too;
	r->now.is_doubtful |= paramset_count(set) > RESETS_MAX_MEMBERS;
	for (size_t i = 0; i < paramset_count(set) && i < RESETS_MAX_MEMBERS; i++) {
		const char *name = paramset_member(set, i)->name;
		if (!resets_is_spared(name) || (role_too && strcasecmp(name, "role") == 0))
			resets_session(&r->now, UINT64_C(1) << i & ~r->now.local);
	}
}

static void resets_default(struct resets *r, uint64_t bit, bool local, const char *name)
{
	struct resets_state *now = &r->now;
	uint64_t of_session = now->session | (now->respelt & ~now->defaults);
	r->for_session |= !local;
	r->own_too |= strchr(name, '.') != NULL;
	r->role_too |= strcmp(name, "role") == 0;
	if (!local || of_session & bit) { /* it is the same for both */
		resets_session(now, bit);
		return;
	}
	resets_forget(now, bit);
	now->local |= bit;
	now->defaults |= bit;
}

static void resets_value(struct resets_state *now, uint64_t bit, bool local)
{
	uint64_t of_session = now->session | (now->respelt & ~now->defaults);
	if (!local || !(of_session & bit))
		resets_forget(now, bit);
	else
		now->covered |= bit;
}

/* Does it reset the setting, or may it? */
static bool resets_setting(struct resets *r, const struct paramset *came_with, const char *name,
			   const struct effect_setting *set)
{
	size_t i = resets_find(came_with, name);
	if (i == paramset_count(came_with))
		return false;
	uint64_t bit = i < RESETS_MAX_MEMBERS ? UINT64_C(1) << i : 0;
	r->now.is_doubtful |= !bit || set->form == EFFECT_FORM_ASK;
	switch (set->form) {
	case EFFECT_FORM_DEFAULT:
		resets_default(r, bit, set->local, name);
		return true;
	case EFFECT_FORM_TEXT:
	case EFFECT_FORM_ITEMS:
		resets_value(&r->now, bit, set->local);
		return false;
	case EFFECT_FORM_ASK:
		r->for_session |= !set->local;
		/* set_config() may make NULL of it, which resets */
		return !strchr(name, '.');
	}
	return false;
}

/* The session's user has the role of the start-up, another one has none. */
static bool resets_named(struct resets *r, const struct paramset *came_with,
			 const struct effect_setting *set)
{
	bool resets = resets_setting(r, came_with, set->name, set);
	if (strcmp(set->name, "session_authorization") == 0)
		resets |= resets_setting(r, came_with, "role", set);
	return resets;
}

/* ---- savepoints ----------------------------------------------------------------------------- */

static void resets_unmark(struct resets *r, const struct resets_mark *down_to)
{
	while (r->marks != down_to) {
		struct resets_mark *newest = r->marks;
		r->marks = newest->older;
		r->mark_count--;
		free(newest);
	}
}

static void resets_savepoint(struct resets *r, const struct effect *e)
{
	if (resets_is_clean(r))
		return; /* as is what those stand for that nobody knows */
	if (r->mark_count == RESETS_MAX_MARKS) {
		resets_unmark(r, NULL);
		r->begun.is_doubtful = true;
	}
	struct resets_mark *mark = mem_zalloc(sizeof(*mark));
	mark->older = r->marks;
	mark->state = r->now;
	(void)effect_name(e, mark->name);
	r->marks = mark;
	r->mark_count++;
}

/* NULL: it was made when nothing was reset. */
static struct resets_mark *resets_find_mark(const struct resets *r, const struct effect *e)
{
	char name[LITERAL_NAME_BYTES] = "";
	struct resets_mark *mark = r->marks;
	(void)effect_name(e, name);
	while (mark && strcmp(mark->name, name) != 0)
		mark = mark->older;
	return mark;
}

static void resets_release(struct resets *r, const struct effect *e)
{
	struct resets_mark *mark = resets_find_mark(r, e);
	resets_unmark(r, mark ? mark->older : NULL);
}

static void resets_rollback_to(struct resets *r, const struct effect *e)
{
	struct resets_mark *mark = resets_find_mark(r, e);
	resets_unmark(r, mark);
	r->now = mark ? mark->state : r->begun;
}

static void resets_end(struct resets *r, bool commits)
{
	struct resets_state *now = &r->now;
	resets_unmark(r, NULL);
	if (!commits) {
		*now = r->begun;
		return;
	}
	now->respelt &= ~now->defaults;
	now->local = now->defaults = now->covered = 0;
	r->begun = *now;
}

static void resets_transaction(struct resets *r, const struct effect *e)
{
	char name[LITERAL_NAME_BYTES];
	uint64_t to_marks = e->set & (EFFECT(SAVEPOINT) | EFFECT(RELEASE) | EFFECT(ROLLBACK_TO));
	bool ends = e->set & (EFFECT(COMMIT) | EFFECT(ROLLBACK));
	bool commits = e->set & EFFECT(COMMIT) && !r->has_failed;
	r->has_marked |= to_marks || ends;
	r->has_committed |= commits;
	if (to_marks && effect_name(e, name) == 0)
		resets_fail(r);
	if (to_marks & EFFECT(SAVEPOINT))
		resets_savepoint(r, e);
	if (to_marks & EFFECT(RELEASE))
		resets_release(r, e);
	if (to_marks & EFFECT(ROLLBACK_TO))
		resets_rollback_to(r, e);
	if (ends)
		resets_end(r, commits);
	r->has_failed &= !ends && !(to_marks & EFFECT(ROLLBACK_TO));
}

/* ---- all of it ------------------------------------------------------------------------------ */

/* It may set what it does not say, or not set what it says. */
static void resets_untold(struct resets_state *now, const struct effect *e)
{
	now->is_doubtful |= e->setting_count > 0 || (now->session | now->local) != 0;
	if (e->set & RESETS_MAY_SET)
		now->defaults &= now->local;
}

bool resets_note(struct resets *r, const struct paramset *came_with, const struct effect *e)
{
	bool resets = e->set & (EFFECT(RESET_ALL) | EFFECT(DISCARD_ALL));
	bool is_told = resets_is_told(e);
	r->is_skipping |= r->has_failed && !(e->set & RESETS_END_FAILURE);
	if (r->is_skipping)
		return false;
	if (resets)
		resets_all(r, came_with, e->set & EFFECT(DISCARD_ALL));
	if (!is_told)
		resets_untold(&r->now, e);
	for (size_t i = 0; i < e->setting_count; i++)
		resets |= resets_named(r, came_with, &e->settings[i]);
	r->has_reset |= resets;
	resets_transaction(r, e);
	return resets;
}

void resets_fail(struct resets *r)
{
	if (!r->has_reset && resets_is_clean(r))
		return;
	r->now.is_doubtful = true;
	r->role_too = false; /* it was not run, or is undone */
	r->begun.is_doubtful |= r->has_committed;
	for (struct resets_mark *mark = r->marks; mark; mark = mark->older)
		mark->state.is_doubtful |= r->has_marked;
}

static bool resets_state_is_clean(const struct resets_state *s)
{
	return !(s->session | s->local | s->respelt | s->defaults) && !s->is_doubtful &&
	       !s->is_unsure;
}

bool resets_is_clean(const struct resets *r)
{
	const struct resets_mark *mark = r->marks;
	while (mark && resets_state_is_clean(&mark->state))
		mark = mark->older;
	return !mark && resets_state_is_clean(&r->now) && resets_state_is_clean(&r->begun);
}

void resets_fini(struct resets *r)
{
	resets_unmark(r, NULL);
	*r = (struct resets){ .mark_count = 0 };
}

bool resets_may_tell(const struct effect *e, const struct paramset *came_with, uint64_t members)
{
	struct lexer lex;
	lexer_init(&lex, e->text, (struct lexer_mode){ 0 });
	struct lexer_token word = lexer_next(&lex, NULL);
	if (!lexer_is_word(&word, "show"))
		return !resets_begins_so(e->text);
	word = lexer_next(&lex, NULL);
	for (unsigned i = 0; i < RESETS_MAX_MEMBERS && members >> i; i++)
		if (members >> i & 1 && lexer_is_word(&word, paramset_member(came_with, i)->name))
			return true;
	return word.kind != LEXER_WORD || lexer_is_word(&word, "all");
}
