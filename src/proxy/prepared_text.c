/*
 * prepared_text.c - the names in a text, lent and freed.
 */
#include "proxy/prepared_text.h"

#include "base/list.h"
#include "base/map.h"
#include "proxy/client.h"
#include "proxy/paramset.h"
#include "proxy/prepared.h"
#include "proxy/prepared_executed.h"
#include "proxy/prepared_names.h"
#include "proxy/prepared_scene.h"
#include "proxy/prepared_set.h"
#include "proxy/prepared_turn.h"
#include "proxy/server.h"
#include "proxy/shape.h"
#include "proxy/stmt.h"
#include "proxy/suspect.h"
#include "wire/build.h"
#include "wire/track.h"

/* What is executed may execute another one, and so on: so many are read. Each is lent by two
 * messages. */
#define MOST_DEPTH 4u
#define MESSAGES_OF_A_NAME (2 * MOST_DEPTH)

/* What is done with the names. */
enum reading_aim {
	READING_RUNS,
	READING_LOOKS, /* those that are executed are lent, and nothing else happens */
};

struct reading {
	enum reading_aim aim;
	bool is_single;                  /* the server takes no second statement */
	unsigned depth;                  /* so many statements execute it, one another */
	bool frees_all;                  /* DEALLOCATE ALL, DISCARD ALL stand in front */
	unsigned nth;                    /* its DEALLOCATE of a name so far */
	unsigned met;                    /* names that the client has by a Parse */
	struct prepared_executed *found; /* LOOKS: by the outermost EXECUTE */
};

static void read_names(struct prepared_turn *t, struct slice sql, struct reading *reading);

static uint64_t effects_of(const struct prepared_turn *t, struct slice sql)
{
	return effect_of(sql, paramset_reading(t->c->params));
}

/* ---- what a name becomes ------------------------------------------------------------------ */

/* A text deallocates the name. Where that is one of ours, what it leads to at the server is gone
 * then. */
static void lend_to_text(struct prepared_turn *t, struct slice name)
{
	struct prepared_set *set = prepared_set_need(t->s);
	struct prepared_entry *entry = prepared_set_find_name(set, name);
	if (entry)
		entry->is_good = false;
	if (!prepared_set_lends(set, name))
		prepared_turn_lend(t, name);
}

/* It executes what the client knows by that name: the server shall as well. */
static void lend_executed(struct prepared_turn *t, const struct prepared_name *there,
			  struct slice name)
{
	if (!prepared_set_lends(t->s->prepared, name) && !slice_starts(name, STMT_PREFIX))
		prepared_turn_lend_whole(t, name, there);
}

static void free_name(struct prepared_turn *t, struct slice name, const struct reading *reading)
{
	struct prepared_names *names = t->c->prepared;
	struct prepared_name *old = prepared_names_remove(names, name);
	prepared_names_note(names, track_next_seq(&t->s->track), name, old)->nth = reading->nth;
}

/* What that executes in turn is lent in front of it: what it gives is settled when it is prepared.
 */
static void execute_name(struct prepared_turn *t, const struct prepared_name *there,
			 struct slice name, struct reading *reading)
{
	struct slice sql = slice_of(there->stmt->body.ptr);
	bool is_deep = reading->depth + 1 >= MOST_DEPTH, was_single = reading->is_single;
	struct reading inner = { .aim = READING_LOOKS, .is_single = true };
	inner.depth = reading->depth + 1;
	if (!is_deep)
		read_names(t, sql, &inner);
	lend_executed(t, there, name);
	if (reading->aim == READING_LOOKS)
		return;
	(void)suspect_text(t->c, sql, true);
	if (is_deep)
		return;
	reading->depth++;
	reading->is_single = true;
	read_names(t, sql, reading);
	reading->depth--;
	reading->is_single = was_single;
}

static void run_effect(struct prepared_turn *t, const struct effect *effect, struct slice name,
		       struct reading *reading)
{
	struct prepared_name *there = map_get(&t->c->prepared->map, name);
	bool is_free = !there || reading->frees_all;
	reading->nth += (effect->set & EFFECT(DEALLOCATE)) != 0;
	if (is_free && effect->set & EFFECT(PREPARE)) /* it is freed in front, and taken anew */
		prepared_set_lends_no_more(prepared_set_need(t->s), name, t->c->id);
	if (is_free)
		return;
	reading->met++;
	if (effect->set & EFFECT(EXECUTE))
		execute_name(t, there, name, reading);
	else if (effect->set & EFFECT(DEALLOCATE) || !slice_starts(name, STMT_PREFIX))
		lend_to_text(t, name);
	if (effect->set & EFFECT(DEALLOCATE))
		free_name(t, name, reading);
}

static struct prepared_executed *found_by(struct slice name, const struct prepared_name *there)
{
	if (!there)
		return prepared_executed_new(name, NULL);
	struct stmt *typed = stmt_get_typed(there->stmt, shape_types(there->shape));
	struct prepared_executed *found = prepared_executed_new(name, typed);
	stmt_unref(typed);
	return found;
}

static void look_at_effect(struct prepared_turn *t, const struct effect *effect, struct slice name,
			   struct reading *reading)
{
	struct prepared_name *there = map_get(&prepared_names_need(t->c)->map, name);
	if (!(effect->set & EFFECT(EXECUTE)) || slice_starts(name, STMT_PREFIX))
		return;
	if (reading->depth == 0)
		reading->found = found_by(name, there);
	if (there)
		execute_name(t, there, name, reading);
}

/* ---- a text --------------------------------------------------------------------------------- */

static void read_effect(struct prepared_turn *t, const struct effect *effect,
			struct reading *reading)
{
	char bytes[LITERAL_NAME_BYTES];
	size_t len = effect->set & PREPARED_TEXT_NAMING ? effect_name(effect, bytes) : 0;
	reading->frees_all |= (effect->set & PREPARED_TEXT_FREES_ALL) != 0;
	if (!len)
		return;
	switch (reading->aim) {
	case READING_RUNS:
		run_effect(t, effect, slice_make(bytes, len), reading);
		break;
	case READING_LOOKS:
		look_at_effect(t, effect, slice_make(bytes, len), reading);
		break;
	}
}

/* May another name be read? What is lent takes more where it is read by settings of its own
 * (prepared_scene.h). */
static bool reads_on(const struct prepared_turn *t, const struct reading *reading)
{
	const struct track *track = &t->s->track;
	return reading->met < PREPARED_TEXT_MOST_NAMES &&
	       track_next_seq(track) - track_head_seq(track) <
		       TRACK_MAX_ITEMS - MOST_DEPTH * PREPARED_MAX_ITEMS;
}

static void read_names(struct prepared_turn *t, struct slice sql, struct reading *reading)
{
	struct prepared_names *names = t->c->prepared;
	uint64_t effects = effects_of(t, sql);
	struct effect_iter iter;
	struct effect effect;

	if (effects & PREPARED_TEXT_FREES_ALL && reading->aim == READING_RUNS) {
		names->forgets = true;
		names->forgets_at = track_next_seq(&t->s->track);
	}
	if (!(effects & PREPARED_TEXT_NAMING))
		return;
	effect_init(&iter, sql, paramset_reading(t->c->params));
	while (reads_on(t, reading) && effect_next(&iter, &effect)) {
		read_effect(t, &effect, reading);
		if (reading->is_single)
			return;
	}
}

static void begin_text(struct prepared_turn *t)
{
	prepared_set_need(t->s)->text++;
}

static void run(struct prepared_turn *t, struct slice sql, struct reading *reading)
{
	struct prepared_names *names = t->c->prepared;
	if (!names || (map_count(&names->map) == 0 && list_is_empty(&names->undos)))
		return; /* nor may it yet turn out to have some */
	struct list *before = names->undos.prev;
	begin_text(t);
	read_names(t, sql, reading);
	/* all of it is the text's doing, not that of what is in front */
	for (struct list *node = before->next; node != &names->undos; node = node->next)
		LIST_ENTRY(node, struct prepared_undo, link)->seq = track_next_seq(&t->s->track);
}

void prepared_text_execute(struct prepared_turn *t, struct slice sql)
{
	struct reading reading = { .aim = READING_RUNS, .is_single = true };
	run(t, sql, &reading);
}

bool prepared_text_looks(struct prepared_turn *t, struct slice sql,
			 struct prepared_executed **found)
{
	struct reading reading = { .aim = READING_LOOKS, .is_single = true };
	if (found)
		*found = NULL;
	if (!(effects_of(t, sql) & EFFECT(EXECUTE)))
		return true;
	if (prepared_text_waits(t, sql))
		return false;
	begin_text(t);
	read_names(t, sql, &reading);
	if (found)
		*found = reading.found;
	else
		prepared_executed_unref(reading.found);
	return true;
}

/* ---- what it waits for -------------------------------------------------------------------- */

bool prepared_text_awaits_forget(struct prepared_turn *t)
{
	struct prepared_names *names = t->c->prepared;
	if (!prepared_names_awaits_forget(names, &t->s->track))
		return false;
	if (t->s->track.open)
		prepared_turn_flush(t, names->forgets_at);
	return true;
}

/* Is there no room in the track for all that may be put in front? */
static bool lacks_room(const struct prepared_turn *t)
{
	const struct track *track = &t->s->track;
	size_t has =
		track_next_seq(track) - track_head_seq(track) + prepared_set_lent(t->s->prepared);
	return has + PREPARED_TEXT_MOST_NAMES * MESSAGES_OF_A_NAME > TRACK_MAX_ITEMS;
}

bool prepared_text_waits(struct prepared_turn *t, struct slice sql)
{
	struct prepared_names *names = t->c->prepared;
	bool is_awaited = UNLIKELY(t->c->keep != NULL) && prepared_scene_is_awaited(t);
	if (!names || !(names->syncs || names->forgets || is_awaited || lacks_room(t)))
		return false;
	if (!(effects_of(t, sql) & PREPARED_TEXT_NAMING))
		return false;
	return prepared_text_awaits_forget(t) || names->syncs || is_awaited || lacks_room(t);
}

/* ---- a failed transaction ------------------------------------------------------------------- */

#define EXITS                                                                                      \
	(EFFECT(COMMIT) | EFFECT(ROLLBACK) | EFFECT(ROLLBACK_TO) | EFFECT(PREPARE_TRANSACTION))

/* Does it execute what the client has by a Parse? */
static bool needs_lent(const struct prepared_turn *t, const struct effect *effect)
{
	char bytes[LITERAL_NAME_BYTES];
	size_t len = effect->set & EFFECT(EXECUTE) ? effect_name(effect, bytes) : 0;
	struct slice name = slice_make(bytes, len);
	return len && !slice_starts(name, STMT_PREFIX) && map_get(&t->c->prepared->map, name);
}

/* What the text begins with, if that may end a failed transaction and what follows is to be lent
 * something; else SLICE_NONE. */
static struct slice exit_of(const struct prepared_turn *t, struct slice sql)
{
	struct effect_iter iter;
	struct effect effect;
	if (!t->c->prepared || !(effects_of(t, sql) & EFFECT(EXECUTE)))
		return SLICE_NONE;
	effect_init(&iter, sql, paramset_reading(t->c->params));
	if (!effect_next(&iter, &effect) || !(effect.set & EXITS) ||
	    !paramset_is_ascii(effect.text))
		return SLICE_NONE;
	struct slice first = effect.text;
	while (effect_next(&iter, &effect))
		if (needs_lent(t, &effect))
			return first;
	return SLICE_NONE;
}

/* With what stands in front of it, so that it is where the client has put it. */
static void go_in_front(struct prepared_turn *t, struct slice sql, struct slice exit)
{
	static const char zero = '\0';
	struct buf body = { 0 };
	buf_add(&body, sql.ptr, (size_t)(exit.ptr + exit.len - sql.ptr));
	buf_add(&body, &zero, 1);
	buf_u16(&body, 0);
	prepared_turn_own(t, 'P');
	prepared_turn_parse(t->out, SLICE(""), buf_slice(&body));
	buf_fini(&body);
	prepared_turn_own(t, 'B');
	build_bind(t->out, SLICE(""), SLICE(""), NULL, 0);
	t->s->prepared->exit_seq = track_next_seq(&t->s->track);
	prepared_turn_own(t, 'E');
	build_execute(t->out, SLICE(""), 0);
	track_ran(&t->s->track);
}

/* What it executes stands in front of a Query, which is skipped where that fails. */
struct slice prepared_text_query(struct prepared_turn *t, struct slice sql)
{
	struct reading reading = { .aim = READING_RUNS };
	bool has_failed = track_tx_status(&t->s->track) == 'E';
	struct slice exit = UNLIKELY(has_failed) ? exit_of(t, sql) : SLICE_NONE;
	if (exit.ptr)
		go_in_front(t, sql, exit);
	run(t, sql, &reading);
	struct prepared_set *set = t->s->prepared;
	if (!exit.ptr &&
	    (!reading.met || !prepared_set_lent(set) || !(effects_of(t, sql) & EFFECT(EXECUTE))))
		return SLICE_NONE;
	set->holds = true;
	set->has_exit = exit.ptr != NULL;
	set->held_seq = track_next_seq(&t->s->track);
	return exit;
}

bool prepared_text_query_waits(struct prepared_turn *t, struct slice sql)
{
	if (prepared_text_waits(t, sql))
		return true;
	bool is_known = track_outstanding_syncs(&t->s->track) == 0;
	return UNLIKELY(!is_known) && exit_of(t, sql).ptr;
}
