/*
 * varstack.c - two values for each setting, and a log to undo by.
 *
 * PostgreSQL stacks a setting's values by nesting level. What can be seen of that is two values:
 *the one that stays when the transaction commits, and the one in force, which SET LOCAL changes
 *alone. Before either changes, both go into the log once per savepoint; a savepoint is a mark in
 *the log. To roll back is to undo the log down to a mark, to release is to forget the mark, and to
 *commit is to forget the log and to let go of what was local.
 *
 *	session   outside -- anything --> implicit -- BEGIN --> block -- error --> failed
 *	          back to outside: COMMIT, ROLLBACK, or the server is ready and idle
 */
#include "sql/varstack.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/bug.h"
#include "base/map.h"
#include "base/mem.h"

/* A value that several places share. NULL is the default, varstack.ask what must be asked for. */
struct text {
	uint32_t refs;
	uint32_t len;
	char bytes[];
};

struct value {
	struct text *stays, *now;
};

struct var {
	char *name; /* owned */
	struct value value;
};

/* What a setting was; or, with UNDO_LOST, that nothing had been lost. */
struct undo {
	uint32_t var;
	struct value value;
};

#define UNDO_LOST UINT32_MAX

#define KEPT_CAP 8 /* larger arrays do not outlive their transaction */

struct mark {
	uint64_t name; /* its hash */
	size_t undo_count;
};

enum phase { PHASE_OUTSIDE, PHASE_IMPLICIT, PHASE_BLOCK, PHASE_FAILED };

struct varstack {
	enum phase phase;
	bool unread;   /* something was set whose name could not be read; undone with the log */
	bool overfull; /* something did not fit */
	struct var *vars;
	size_t var_count, var_cap;
	struct undo *undo;
	size_t undo_count, undo_cap;
	struct mark *marks;
	size_t mark_count, mark_cap;
	size_t text_bytes;
	struct text *ask;   /* owned; stands for itself */
	struct text *later; /* the same, of what cannot be asked while a local value is in force */
};

struct varstack *varstack_new(void)
{
	struct varstack *v = mem_zalloc(sizeof(*v));
	v->ask = mem_zalloc(sizeof(*v->ask));
	v->later = mem_zalloc(sizeof(*v->later));
	v->ask->refs = v->later->refs = 1;
	return v;
}

/* ---- texts ------------------------------------------------------------------- */

static size_t text_size(size_t len)
{
	return sizeof(struct text) + len;
}

/* NULL is a text too: the default. False: it does not fit. */
static bool text_new(struct varstack *v, struct slice s, struct text **out)
{
	if (text_size(s.len) > VARSTACK_TEXT_BYTES_MAX - v->text_bytes)
		return false;
	struct text *t = mem_alloc(text_size(s.len));
	t->refs = 0;
	t->len = (uint32_t)s.len;
	if (s.len > 0)
		memcpy(t->bytes, s.ptr, s.len);
	v->text_bytes += text_size(s.len);
	*out = t;
	return true;
}

static struct text *text_ref(struct text *t)
{
	if (t)
		t->refs++;
	return t;
}

static void text_unref(struct varstack *v, struct text *t)
{
	if (!t || --t->refs > 0)
		return;
	v->text_bytes -= text_size(t->len);
	free(t);
}

static void value_set(struct varstack *v, struct value *value, struct text *stays, struct text *now)
{
	struct value old = *value;
	value->stays = text_ref(stays);
	value->now = text_ref(now);
	text_unref(v, old.stays);
	text_unref(v, old.now);
}

static bool is_ask(const struct varstack *v, const struct text *t)
{
	return t == v->ask || t == v->later;
}

/* ---- settings ------------------------------------------------------------------ */

static struct var *find(const struct varstack *v, const char *name)
{
	for (size_t i = 0; i < v->var_count; i++)
		if (strcmp(v->vars[i].name, name) == 0)
			return &v->vars[i];
	return NULL;
}

static void *grown(void *array, size_t count, size_t *cap, size_t size)
{
	if (count < *cap)
		return array;
	*cap = *cap ? *cap * 2 : 4;
	return mem_realloc(array, *cap * size);
}

/* The setting, made if it is not there; NULL: there is no room. */
static struct var *find_or_add(struct varstack *v, const char *name)
{
	struct var *var = find(v, name);
	size_t bytes = strlen(name) + 1;
	if (var)
		return var;
	if (v->var_count == VARSTACK_VARS_MAX || bytes > VARSTACK_TEXT_BYTES_MAX - v->text_bytes)
		return NULL;
	v->vars = grown(v->vars, v->var_count, &v->var_cap, sizeof(*v->vars));
	var = &v->vars[v->var_count++];
	*var = (struct var){ .name = mem_strdup(name) };
	v->text_bytes += bytes;
	return var;
}

static void forget_var(struct varstack *v, size_t i)
{
	struct var *var = &v->vars[i];
	value_set(v, &var->value, NULL, NULL);
	v->text_bytes -= strlen(var->name) + 1;
	free(var->name);
	*var = v->vars[--v->var_count];
}

/* ---- the log ---------------------------------------------------------------------- */

static size_t last_mark(const struct varstack *v)
{
	return v->mark_count > 0 ? v->marks[v->mark_count - 1].undo_count : 0;
}

static bool is_logged(const struct varstack *v, uint32_t var)
{
	for (size_t i = v->undo_count; i > last_mark(v); i--)
		if (v->undo[i - 1].var == var)
			return true;
	return false;
}

/* False: there is no room. */
static bool log_value(struct varstack *v, uint32_t var, struct value value)
{
	if (is_logged(v, var))
		return true;
	if (v->undo_count == VARSTACK_UNDO_MAX)
		return false;
	v->undo = grown(v->undo, v->undo_count, &v->undo_cap, sizeof(*v->undo));
	struct undo *u = &v->undo[v->undo_count++];
	*u = (struct undo){ .var = var };
	value_set(v, &u->value, value.stays, value.now);
	return true;
}

static void undo_to(struct varstack *v, size_t count)
{
	while (v->undo_count > count) {
		struct undo *u = &v->undo[--v->undo_count];
		if (u->var == UNDO_LOST)
			v->unread = false;
		else
			value_set(v, &v->vars[u->var].value, u->value.stays, u->value.now);
		value_set(v, &u->value, NULL, NULL);
	}
}

/* What is as at start-up need not be remembered. */
static void forget_defaults(struct varstack *v)
{
	for (size_t i = v->var_count; i > 0; i--)
		if (!v->vars[i - 1].value.stays && !v->vars[i - 1].value.now)
			forget_var(v, i - 1);
}

static void end_transaction(struct varstack *v)
{
	v->mark_count = 0;
	if (v->undo_cap > KEPT_CAP || v->mark_cap > KEPT_CAP) {
		free(v->undo);
		free(v->marks);
		v->undo = NULL;
		v->marks = NULL;
		v->undo_cap = v->mark_cap = 0;
	}
	v->phase = PHASE_OUTSIDE;
	forget_defaults(v);
}

static void roll_back(struct varstack *v)
{
	undo_to(v, 0);
	end_transaction(v);
}

static void commit(struct varstack *v)
{
	while (v->undo_count > 0)
		value_set(v, &v->undo[--v->undo_count].value, NULL, NULL);
	for (size_t i = 0; i < v->var_count; i++)
		value_set(v, &v->vars[i].value, v->vars[i].value.stays, v->vars[i].value.stays);
	end_transaction(v);
}

/* ---- what statements set ------------------------------------------------------------ */

static void change(struct varstack *v, const char *name, struct text *to, bool local)
{
	struct var *var = find_or_add(v, name);
	if (!var || !log_value(v, (uint32_t)(var - v->vars), var->value)) {
		v->overfull = true;
		return;
	}
	struct text *stays = local ? var->value.stays : to;
	/* it may not have happened: then the local value is still there, and says nothing */
	if (to == v->ask && !local && var->value.now != var->value.stays)
		stays = v->later;
	value_set(v, &var->value, stays, to);
}

static void set_unread(struct varstack *v)
{
	if (!v->unread && !log_value(v, UNDO_LOST, (struct value){ NULL, NULL }))
		v->overfull = true;
	v->unread = true;
}

static void set_text(struct varstack *v, const char *name, struct slice value, bool local)
{
	struct text *t = NULL;
	if (!text_new(v, value, &t)) {
		v->overfull = true;
		return;
	}
	text_ref(t);
	change(v, name, t, local);
	text_unref(v, t);
}

static void set_one(struct varstack *v, const struct effect_setting *s)
{
	struct buf value = { 0 };
	switch (s->form) {
	case EFFECT_FORM_DEFAULT:
		change(v, s->name, NULL, s->local);
		break;
	case EFFECT_FORM_ASK:
		change(v, s->name, v->ask, s->local);
		break;
	case EFFECT_FORM_TEXT:
	case EFFECT_FORM_ITEMS:
		buf_init(&value, VARSTACK_TEXT_BYTES_MAX);
		effect_value(s, &value);
		v->overfull |= buf_failed(&value);
		set_text(v, s->name, buf_slice(&value), s->local);
		buf_fini(&value);
		break;
	}
	/* PostgreSQL sets or resets the role together with the session's user */
	if (strcmp(s->name, "session_authorization") != 0)
		return;
	if (s->form == EFFECT_FORM_DEFAULT)
		change(v, "role", NULL, s->local);
	else
		set_text(v, "role", SLICE("none"), s->local);
}

static bool is_kept_by_reset_all(const char *name)
{
	return strcmp(name, "role") == 0 || strcmp(name, "session_authorization") == 0;
}

/* RESET ALL passes over what is at its default right now, also where SET LOCAL has made it so: that
 * comes back at the end of the transaction. */
static void reset_all(struct varstack *v)
{
	for (size_t i = 0; i < v->var_count; i++) {
		struct value value = v->vars[i].value;
		bool unsure = is_ask(v, value.now) && value.stays != value.now;
		if (value.now && !is_kept_by_reset_all(v->vars[i].name))
			change(v, v->vars[i].name, unsure ? v->ask : NULL, false);
	}
}

/* DISCARD ALL cannot be in a transaction block, so that nothing undoes it. */
static void discard_all(struct varstack *v)
{
	roll_back(v);
	while (v->var_count > 0)
		forget_var(v, v->var_count - 1);
	v->unread = v->overfull = false;
}

static void apply_settings(struct varstack *v, const struct effect *e)
{
	for (size_t i = 0; i < e->setting_count; i++)
		set_one(v, &e->settings[i]);
	if (e->set & EFFECT(SETTING_UNREAD))
		set_unread(v);
	if (e->set & EFFECT(RESET_ALL))
		reset_all(v);
	if (e->set & EFFECT(DISCARD_ALL))
		discard_all(v);
}

/* ---- transactions ----------------------------------------------------------------------- */

static uint64_t hash_of(const struct effect *e)
{
	char name[LITERAL_NAME_BYTES];
	return map_hash(slice_make(name, effect_name(e, name)));
}

static void savepoint(struct varstack *v, const struct effect *e)
{
	if (v->mark_count == VARSTACK_MARKS_MAX) {
		v->overfull = true;
		return;
	}
	v->marks = grown(v->marks, v->mark_count, &v->mark_cap, sizeof(*v->marks));
	v->marks[v->mark_count++] =
		(struct mark){ .name = hash_of(e), .undo_count = v->undo_count };
}

/* The newest savepoint of the name, counted from 1; 0: it is not known, which is not to happen. */
static size_t find_mark(struct varstack *v, const struct effect *e)
{
	uint64_t name = hash_of(e);
	for (size_t i = v->mark_count; i > 0; i--)
		if (v->marks[i - 1].name == name)
			return i;
	v->overfull = true;
	return 0;
}

static void release(struct varstack *v, const struct effect *e)
{
	size_t mark = find_mark(v, e);
	if (mark > 0)
		v->mark_count = mark - 1;
}

static void roll_back_to(struct varstack *v, const struct effect *e)
{
	size_t mark = find_mark(v, e);
	v->phase = PHASE_BLOCK;
	if (mark == 0)
		return;
	undo_to(v, v->marks[mark - 1].undo_count);
	v->mark_count = mark;
}

static void finish(struct varstack *v, const struct effect *e, bool well)
{
	if (well && v->phase != PHASE_FAILED)
		commit(v);
	else
		roll_back(v);
	if (e->set & EFFECT(CHAIN))
		v->phase = PHASE_BLOCK;
}

void varstack_apply(struct varstack *v, const struct effect *e)
{
	if (v->phase == PHASE_OUTSIDE)
		v->phase = PHASE_IMPLICIT;
	if (e->setting_count > 0 && !(e->set & EFFECT(PREPARE)))
		apply_settings(v, e);
	else if (e->set & (EFFECT(SETTING_UNREAD) | EFFECT(RESET_ALL) | EFFECT(DISCARD_ALL)))
		apply_settings(v, e);
	else if (e->set & EFFECT(BEGIN))
		v->phase = PHASE_BLOCK;
	else if (e->set & (EFFECT(COMMIT) | EFFECT(PREPARE_TRANSACTION)))
		finish(v, e, true);
	else if (e->set & EFFECT(ROLLBACK))
		finish(v, e, false);
	else if (e->set & EFFECT(SAVEPOINT))
		savepoint(v, e);
	else if (e->set & EFFECT(RELEASE))
		release(v, e);
	else if (e->set & EFFECT(ROLLBACK_TO))
		roll_back_to(v, e);
}

void varstack_execute(struct varstack *v, const struct effect *prepare)
{
	if (v->phase == PHASE_OUTSIDE)
		v->phase = PHASE_IMPLICIT;
	for (size_t i = 0; i < prepare->setting_count; i++) {
		struct effect_setting s = prepare->settings[i];
		s.form = EFFECT_FORM_ASK;
		set_one(v, &s);
	}
	if (prepare->inner & EFFECT(SETTING_UNREAD))
		set_unread(v);
}

void varstack_doubt(struct varstack *v)
{
	if (v->phase == PHASE_OUTSIDE)
		v->phase = PHASE_IMPLICIT;
	set_unread(v);
}

void varstack_fail(struct varstack *v)
{
	if (v->phase == PHASE_BLOCK || v->phase == PHASE_FAILED) {
		undo_to(v, last_mark(v));
		v->phase = PHASE_FAILED;
	} else {
		roll_back(v);
	}
}

void varstack_ready(struct varstack *v, char status)
{
	if (status == 'E' && v->phase != PHASE_FAILED)
		varstack_fail(v);
	if (status == 'T' && v->phase != PHASE_BLOCK)
		v->phase = PHASE_BLOCK;
	if (status != 'I')
		return;
	/* a block that ended without a word that was read */
	v->overfull |= v->phase == PHASE_BLOCK;
	if (v->phase == PHASE_FAILED)
		roll_back(v);
	else
		commit(v);
}

/* ---- asked ------------------------------------------------------------------------------------
 */

static bool is_text(const struct varstack *v, const struct text *t, struct slice value)
{
	return !is_ask(v, t) && slice_eq(slice_make(t->bytes, t->len), value);
}

void varstack_note(struct varstack *v, struct slice name, struct slice value)
{
	char text[EFFECT_SETTING_BYTES];
	if (name.len >= sizeof(text))
		return;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		text[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	text[name.len] = '\0';
	struct var *var = find(v, text);
	struct text *t = NULL;
	if (!var || !var->value.now || is_text(v, var->value.now, value))
		return;
	if (!text_new(v, value, &t)) {
		v->overfull = true;
		return;
	}
	text_ref(t);
	bool both = var->value.now == var->value.stays;
	value_set(v, &var->value, both ? t : var->value.stays, t);
	text_unref(v, t);
}

static enum varstack_state read_text(const struct varstack *v, const struct text *t,
				     struct slice *value)
{
	*value = SLICE_NONE;
	if (!t)
		return VARSTACK_DEFAULT;
	if (is_ask(v, t))
		return VARSTACK_ASK;
	*value = slice_make(t->bytes, t->len);
	return VARSTACK_TEXT;
}

enum varstack_state varstack_get(const struct varstack *v, const char *name, bool now,
				 struct slice *value)
{
	const struct var *var = find(v, name);
	if (!var)
		return read_text(v, NULL, value);
	return read_text(v, now ? var->value.now : var->value.stays, value);
}

bool varstack_next(const struct varstack *v, size_t *at, const char **name,
		   enum varstack_state *state, struct slice *value)
{
	while (*at < v->var_count) {
		const struct var *var = &v->vars[(*at)++];
		if (!var->value.stays)
			continue;
		*name = var->name;
		*state = read_text(v, var->value.stays, value);
		return true;
	}
	return false;
}

bool varstack_is_lost(const struct varstack *v)
{
	return v->unread || v->overfull;
}

bool varstack_is_idle(const struct varstack *v)
{
	return v->phase == PHASE_OUTSIDE;
}

size_t varstack_bytes(const struct varstack *v)
{
	return sizeof(*v) + v->text_bytes + v->var_cap * sizeof(*v->vars) +
	       v->undo_cap * sizeof(*v->undo) + v->mark_cap * sizeof(*v->marks);
}

void varstack_free(struct varstack *v)
{
	if (!v)
		return;
	roll_back(v);
	while (v->var_count > 0)
		forget_var(v, v->var_count - 1);
	free(v->vars);
	free(v->undo);
	free(v->marks);
	free(v->ask);
	free(v->later);
	free(v);
}
