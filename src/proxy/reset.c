/*
 * reset.c - SETs behind RESETs.
 */
#include "proxy/reset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "proxy/paramset_sql.h"
#include "proxy/prepared.h"
#include "proxy/prepared_names.h"
#include "proxy/prepared_turn.h"
#include "proxy/server.h"
#include "sql/letters.h"
#include "wire/build.h"
#include "wire/notice.h"
#include "wire/track.h"

enum reset_scope { RESET_NOTHING, RESET_SESSION, RESET_LOCAL };

/* ---- what is reset --------------------------------------------------------------------------- */

/* What RESET ALL leaves alone (GUC_NO_RESET_ALL in PostgreSQL's guc_tables.c). */
static bool reset_is_spared(const char *name)
{
	return paramset_name_is_passing(slice_of(name)) || strcasecmp(name, "role") == 0 ||
	       strcasecmp(name, "session_authorization") == 0;
}

/* The session's user has the role of the start-up. */
static bool reset_means(const struct effect_setting *set, const char *name)
{
	return strcasecmp(set->name, name) == 0 ||
	       (strcmp(set->name, "session_authorization") == 0 && strcasecmp(name, "role") == 0);
}

static enum reset_scope reset_scope_of(const struct effect *e, const char *name)
{
	enum reset_scope scope = RESET_NOTHING;
	if (e->set & EFFECT(DISCARD_ALL) || (e->set & EFFECT(RESET_ALL) && !reset_is_spared(name)))
		scope = RESET_SESSION;
	for (size_t i = 0; i < e->setting_count; i++)
		if (e->settings[i].form == EFFECT_FORM_DEFAULT &&
		    reset_means(&e->settings[i], name))
			scope = e->settings[i].local ? RESET_LOCAL : RESET_SESSION;
	return scope;
}

static bool reset_begins(const struct effect *e, const char *word)
{
	struct lexer lex;
	lexer_init(&lex, e->text, (struct lexer_mode){ 0 });
	struct lexer_token first = lexer_next(&lex, NULL);
	return lexer_is_word(&first, word);
}

/* Adds what gives it back, with something around each; how many are they? */
static unsigned reset_write(const struct client *c, const struct effect *e, struct slice before,
			    struct slice behind, struct buf *sql)
{
	unsigned count = 0;
	if (!reset_begins(e, "reset") && !reset_begins(e, "set") && !reset_begins(e, "discard"))
		return 0; /* it may do as it says, or not */
	for (size_t i = 0; i < paramset_count(c->came_with); i++) {
		const struct paramset_member *m = paramset_member(c->came_with, i);
		enum reset_scope scope = reset_scope_of(e, m->name);
		if (scope == RESET_NOTHING)
			continue;
		buf_add_slice(sql, before);
		paramset_sql_again(m, scope == RESET_LOCAL, c->server->wire.server_version, sql);
		buf_add_slice(sql, behind);
		count++;
	}
	return count;
}

/* ---- a Query --------------------------------------------------------------------------------- */

/* So much stands behind RESETs of a Query, at most; else it goes out as it came. */
#define RESET_MOST_BYTES ((size_t)64 << 10)

/* Letters of it, as the server counts them for the position of an error. */
static size_t reset_letters(const struct client *c, struct slice text)
{
	const struct paramset *base = c->server->base;
	const char *encoding = paramset_get(c->params, SLICE("client_encoding"));
	const char *server = paramset_get(base, SLICE("server_encoding"));
	if (!encoding)
		encoding = paramset_get(base, SLICE("client_encoding"));
	return letters_count(text, slice_of(encoding ? encoding : ""),
			     slice_of(server ? server : ""));
}

/* The parts of Queries before `seq` are done with. */
static struct reset_part *reset_parts_of(struct reset *reset, uint32_t seq)
{
	if (!reset)
		return NULL;
	uint32_t was = reset->count ? reset->parts[reset->first].seq : 0;
	while (reset->first < reset->count && track_seq_before(reset->parts[reset->first].seq, seq))
		reset->first++;
	if (reset->first == reset->count) {
		reset->first = reset->count = 0;
		reset->heard = 0;
		return NULL;
	}
	struct reset_part *part = &reset->parts[reset->first];
	if (part->seq != was)
		reset->heard = 0;
	return part->seq == seq ? part : NULL;
}

static void reset_add_part(struct server *s, const struct reset_part *part)
{
	if (!s->reset)
		s->reset = mem_zalloc(sizeof(*s->reset));
	struct reset *reset = s->reset;
	(void)reset_parts_of(reset, track_head_seq(&s->track));
	if (reset->count == reset->room && reset->first > 0) { /* there is always one under way */
		reset->count -= reset->first;
		memmove(reset->parts, reset->parts + reset->first,
			reset->count * sizeof(*reset->parts));
		reset->first = 0;
	}
	if (reset->count == reset->room) {
		reset->room = reset->room ? reset->room * 2 : 4;
		reset->parts = mem_realloc(reset->parts, reset->room * sizeof(*reset->parts));
	}
	reset->parts[reset->count++] = *part;
}

/* That Query goes out as it came. */
static void reset_drop_parts(struct reset *reset, uint32_t seq)
{
	while (reset && reset->count > reset->first && reset->parts[reset->count - 1].seq == seq)
		reset->count--;
}

/* Does it say the same in whatever encoding it is, and with whatever escapes? */
static bool reset_reads_alike(struct slice sql)
{
	return !memchr(sql.ptr, '\\', sql.len) && paramset_is_ascii(sql);
}

/* SET TO DEFAULT, of what the client came with? */
static const struct paramset_member *reset_replaces(const struct client *c, const struct effect *e)
{
	const struct effect_setting *set = e->settings;
	if (e->set & EFFECT(RESET_ALL) || e->setting_count != 1 ||
	    set->form != EFFECT_FORM_DEFAULT || !reset_begins(e, "set"))
		return NULL;
	for (size_t i = 0; i < paramset_count(c->came_with); i++)
		if (strcasecmp(paramset_member(c->came_with, i)->name, set->name) == 0)
			return paramset_member(c->came_with, i);
	return NULL;
}

/* A statement of a text, in our words: it, and what stands behind it. `from`: it, and what is in
 * front of it since the one before, of which `part` is. */
static void reset_statement(struct client *c, const struct effect *e, struct slice from,
			    struct reset_part *part, struct buf *text)
{
	const struct paramset_member *same = reset_replaces(c, e);
	size_t start = buf_len(text), letters = reset_letters(c, from);
	buf_add_slice(text, from);
	part->at += letters;
	part->first += part->count + 1;
	part->count = 0;
	if (same) { /* one for one: to have another beside it would be a transaction */
		buf_truncate(text, buf_len(text) - e->text.len);
		paramset_sql_again(same, e->settings->local, c->server->wire.server_version, text);
		while (buf_len(text) < start + from.len)
			buf_u8(text, ' ');
	} else if (!(e->set & EFFECT(DISCARD_ALL))) { /* beside another one it is refused */
		part->count = reset_write(c, e, SLICE("\n;"), SLICE_NONE, text);
	}
	part->letters = reset_letters(c, slice_skip(buf_slice(text), start)) - letters;
	if (part->letters)
		reset_add_part(c->server, part);
}

enum reset_verdict reset_query(struct client *c, struct slice sql, uint32_t seq, bool is_read,
			       struct buf *text)
{
	struct reset_part part = { .seq = seq };
	struct effect_iter iter;
	struct effect e;
	size_t taken = 0;
	if (!is_read && !reset_reads_alike(sql))
		return RESET_GIVEN_UP;
	effect_init(&iter, sql, paramset_reading(c->params));
	while (effect_next(&iter, &e) && !(e.set & EFFECT(UNREAD))) {
		size_t end = (size_t)(e.text.ptr + e.text.len - sql.ptr);
		reset_statement(c, &e, slice_make(sql.ptr + taken, end - taken), &part, text);
		taken = end;
		if (buf_len(text) > end + RESET_MOST_BYTES) {
			reset_drop_parts(c->server->reset, seq);
			return RESET_GIVEN_UP;
		}
	}
	buf_add(text, sql.ptr + taken, sql.len - taken);
	buf_u8(text, 0);
	bool is_same = slice_eq(slice_head(buf_slice(text), buf_len(text) - 1), sql);
	return is_same ? RESET_AS_IT_IS : RESET_REWRITTEN;
}

bool reset_is_ours(struct server *s, const struct track_news *news)
{
	if (news->item != 'Q')
		return false;
	struct reset_part *part = reset_parts_of(s->reset, news->seq);
	if (!part)
		return false;
	uint32_t nth = s->reset->heard++;
	const struct reset_part *end = s->reset->parts + s->reset->count;
	for (; part < end && part->seq == news->seq && part->first <= nth; part++)
		if (nth < part->first + part->count)
			return true;
	return false;
}

bool reset_moves_notice(const struct server *s, char type, const struct track_news *news,
			struct slice body, struct buf *out)
{
	char moved[24];
	struct slice text = notice_get(body, NOTICE_POSITION);
	struct reset_part *part = reset_parts_of(s->reset, news->seq);
	if (!part || !text.ptr || text.len >= sizeof(moved))
		return false;
	size_t position = strtoul(text.ptr, NULL, 10), was = position;
	const struct reset_part *end = s->reset->parts + s->reset->count;
	for (; part < end && part->seq == news->seq && position > part->at; part++)
		position -=
			position - part->at < part->letters ? position - part->at : part->letters;
	if (position == was)
		return false;
	snprintf(moved, sizeof(moved), "%zu", position ? position : 1);
	notice_replace(type, body, NOTICE_POSITION, slice_of(moved), out);
	return true;
}

void reset_free(struct server *s)
{
	if (s->reset)
		free(s->reset->parts);
	free(s->reset);
	s->reset = NULL;
}

/* ---- an Execute ------------------------------------------------------------------------------ */

void reset_execute(struct client *c, struct slice sql)
{
	struct buf *behind = &prepared_names_need(c)->behind;
	struct effect_iter iter;
	struct effect e;
	effect_init(&iter, sql, paramset_reading(c->params));
	if (!effect_next(&iter, &e))
		return;
	unsigned count = reset_write(c, &e, SLICE_NONE, slice_make("", 1), behind);
	if (count && e.set & EFFECT(DISCARD_ALL))
		buf_add_slice(behind, SLICE("BEGIN\0COMMIT\0"));
}

static bool reset_has_room(const struct track *track, struct slice sets)
{
	size_t count = 0, has = track_next_seq(track) - track_head_seq(track);
	for (size_t i = 0; i < sets.len; i++)
		count += sets.ptr[i] == '\0';
	return has + count * PREPARED_TURN_RUN_ITEMS + PREPARED_MAX_ITEMS <= TRACK_MAX_ITEMS;
}

bool reset_catch_up(struct prepared_turn *t)
{
	struct buf *behind = &t->c->prepared->behind;
	struct slice rest = buf_slice(behind);
	if (!t->s->track.skipping && !reset_has_room(&t->s->track, rest))
		return false;
	while (rest.len > 0 && !t->s->track.skipping) { /* or it did not get so far */
		struct slice sql = slice_head(rest, strnlen(rest.ptr, rest.len));
		prepared_turn_run(t, sql);
		rest = slice_skip(rest, sql.len + 1);
	}
	buf_release(behind);
	return true;
}
