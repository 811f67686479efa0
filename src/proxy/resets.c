/*
 * resets.c - the last word about each setting.
 */
#include "proxy/resets.h"

#include <string.h>
#include <strings.h>

#include "proxy/paramset.h"
#include "sql/effect.h"

#define RESETS_MAX_MEMBERS 64u

/* What the statements that PostgreSQL runs without a snapshot may do. */
#define RESETS_READ                                                                                \
	(EFFECT(SETTING) | EFFECT(SETTING_LOCAL) | EFFECT(ROLE) | EFFECT(RESET_ALL) |              \
	 EFFECT(DISCARD_ALL) | EFFECT(BEGIN) | EFFECT(MODES) | EFFECT(COMMIT) | EFFECT(ROLLBACK) | \
	 EFFECT(CHAIN) | EFFECT(SAVEPOINT) | EFFECT(RELEASE) | EFFECT(ROLLBACK_TO) |               \
	 EFFECT(LISTEN) | EFFECT(UNLISTEN) | EFFECT(UNLISTEN_ALL) | EFFECT(NOTIFY))

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

/* Is all that it does to settings in effect.settings? */
static bool resets_is_told(const struct effect *e)
{
	bool sets = e->set & (EFFECT(SETTING) | EFFECT(SETTING_LOCAL));
	return !(e->set & ~RESETS_READ) && resets_begins_so(e->text) &&
	       !(sets && e->setting_count == 0) && e->setting_count < EFFECT_SETTINGS_MAX;
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

/* DISCARD ALL makes the session's user the current one too: the role of the start-up is back. */
static void resets_all(struct resets *r, const struct paramset *set, bool role_too)
{
	r->for_session = r->own_too = true;
	r->role_too |= role_too;
	r->is_doubtful |= paramset_count(set) > RESETS_MAX_MEMBERS;
	for (size_t i = 0; i < paramset_count(set) && i < RESETS_MAX_MEMBERS; i++) {
		const char *name = paramset_member(set, i)->name;
		if (resets_is_spared(name) && !(role_too && strcasecmp(name, "role") == 0))
			continue;
		r->session |= UINT64_C(1) << i;
		r->local &= ~(UINT64_C(1) << i);
	}
}

static void resets_default(struct resets *r, uint64_t bit, bool local, const char *name)
{
	r->for_session |= !local;
	r->own_too |= strchr(name, '.') != NULL;
	r->role_too |= strcmp(name, "role") == 0;
	if (!local)
		r->session |= bit;
	r->local &= ~bit;
	if (local && !(r->session & bit))
		r->local |= bit;
}

static void resets_value(struct resets *r, uint64_t bit, bool local)
{
	r->local &= ~bit;
	if (local)
		r->is_doubtful |= (r->session & bit) != 0; /* it hides what is reset */
	else
		r->session &= ~bit;
}

/* Does it reset the setting, or may it? */
static bool resets_setting(struct resets *r, const struct paramset *came_with, const char *name,
			   const struct effect_setting *set)
{
	size_t i = resets_find(came_with, name);
	if (i == paramset_count(came_with))
		return false;
	uint64_t bit = i < RESETS_MAX_MEMBERS ? UINT64_C(1) << i : 0;
	r->is_doubtful |= !bit || set->form == EFFECT_FORM_ASK;
	switch (set->form) {
	case EFFECT_FORM_DEFAULT:
		resets_default(r, bit, set->local, name);
		return true;
	case EFFECT_FORM_TEXT:
	case EFFECT_FORM_ITEMS:
		resets_value(r, bit, set->local);
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

static void resets_undo(struct resets *r)
{
	r->session = r->committed;
	r->local = 0;
}

static void resets_transaction(struct resets *r, uint64_t effects)
{
	if (effects & EFFECT(SAVEPOINT))
		r->has_savepoint = true;
	if (effects & EFFECT(ROLLBACK_TO) && r->has_savepoint)
		r->is_doubtful = true;
	else if (effects & (EFFECT(ROLLBACK) | EFFECT(ROLLBACK_TO)))
		resets_undo(r);
	if (effects & (EFFECT(ROLLBACK) | EFFECT(COMMIT)))
		r->has_savepoint = false;
	if (effects & EFFECT(COMMIT)) {
		r->committed = r->session;
		r->local = 0;
	}
}

bool resets_note(struct resets *r, const struct paramset *came_with, const struct effect *e)
{
	bool resets = e->set & (EFFECT(RESET_ALL) | EFFECT(DISCARD_ALL));
	r->is_doubtful |= !resets_is_told(e);
	if (resets)
		resets_all(r, came_with, e->set & EFFECT(DISCARD_ALL));
	for (size_t i = 0; i < e->setting_count; i++)
		resets |= resets_named(r, came_with, &e->settings[i]);
	resets_transaction(r, e->set);
	return resets;
}
