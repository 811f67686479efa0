/*
 * restore.c - what was reset is set to what its client came with.
 */
#include "proxy/restore.h"

#include <string.h>

#include "proxy/client.h"
#include "proxy/errand.h"
#include "proxy/keep.h"
#include "proxy/paramset.h"
#include "proxy/paramset_sql.h"
#include "proxy/server.h"
#include "proxy/whole.h"
#include "proxy/worker.h"
#include "sql/effect.h"
#include "wire/build.h"
#include "wire/frame.h"
#include "wire/notice.h"

/* Effects of what may reset something. */
#define RESTORE_EFFECTS                                                                            \
	(EFFECT(SETTING) | EFFECT(SETTING_LOCAL) | EFFECT(RESET_ALL) | EFFECT(DISCARD_ALL))

bool restore_concerns(const struct client *c, uint64_t effects)
{
	return paramset_count(c->came_with) > 0 &&
	       (effects & RESTORE_EFFECTS || restore_is_asked(c));
}

static void restore_statement(struct client *c, const struct effect *e)
{
	struct restore now = { .state = RESTORE_NONE };
	if (c->keep)
		now = c->keep->restore;
	if (now.state == RESTORE_LATE)
		return; /* it is SET TRANSACTION */
	bool resets = resets_note(&now.resets, c->came_with, e);
	if (now.state == RESTORE_NONE && !resets)
		return; /* nothing to go back to yet */
	if (now.state == RESTORE_NONE)
		now.state = RESTORE_ASKED;
	now.resets.is_doubtful |= now.state == RESTORE_DUE;
	keep_need(c)->restore = now;
	c->keep->asks_all |= (e->set & (EFFECT(RESET_ALL) | EFFECT(DISCARD_ALL))) != 0;
}

/* Does it say the same in whatever encoding it is, and with whatever escapes? */
static bool restore_reads_alike(struct slice sql)
{
	return !memchr(sql.ptr, '\\', sql.len) && paramset_is_ascii(sql);
}

void restore_text(struct client *c, struct slice sql, bool is_whole)
{
	struct effect_iter iter;
	struct effect effect;
	effect_init(&iter, sql, paramset_reading(c->params));
	while (effect_next(&iter, &effect))
		restore_statement(c, &effect);
	if (!is_whole || (c->keep && c->keep->moves_reading && !restore_reads_alike(sql)))
		restore_doubt(c);
}

void restore_doubt(struct client *c)
{
	if (c->keep && c->keep->restore.state != RESTORE_NONE)
		c->keep->restore.resets.is_doubtful = true;
}

void restore_refused(struct client *c, uint32_t seq)
{
	const struct track *track = &c->server->track;
	if (!c->keep || !c->keep->restore.is_sent)
		return;
	uint32_t asked_at = c->keep->restore.asked_at;
	bool is_reached = !track_seq_before(asked_at, track_head_seq(track));
	if (track_seq_before(seq, asked_at) && is_reached)
		return;
	c->keep->restore.resets.role_too = false; /* it was not run, or is undone */
	restore_doubt(c);
}

bool restore_is_asked(const struct client *c)
{
	return c->keep && c->keep->restore.state == RESTORE_ASKED;
}

void restore_sent(struct client *c, char type, uint32_t seq)
{
	if (!restore_is_asked(c))
		return;
	struct restore *restore = &c->keep->restore;
	if (!restore->is_sent)
		restore->asked_at = seq;
	restore->is_sent = true;
	if (type == 'Q' || type == 'S')
		restore->state = RESTORE_DUE;
}

bool restore_is_due(const struct client *c)
{
	return c->keep && c->keep->restore.state == RESTORE_DUE;
}

bool restore_minds_ready(const struct client *c)
{
	return c->keep && c->keep->restore.state >= RESTORE_DUE;
}

/* SET TRANSACTION and nothing else, or not even that? */
static bool restore_is_passed_by(const struct client *c, struct slice next)
{
	static const char *const words[] = { "set", "transaction" };
	struct lexer_mode mode = paramset_reading(c->params);
	struct effect_iter iter;
	struct effect effect;
	struct frame f;
	struct whole whole;
	if (frame_read(next, UINT32_MAX, &f) <= 0 || !frame_is_whole(&f) ||
	    !whole_read(next, &f, &whole))
		return false;
	effect_init(&iter, whole.sql, mode);
	if (!effect_next(&iter, &effect))
		return true;
	struct lexer lex;
	lexer_init(&lex, effect.text, mode);
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		struct lexer_token word = lexer_next(&lex, NULL);
		if (!lexer_is_word(&word, words[i]))
			return false;
	}
	return !effect_next(&iter, &effect);
}

static bool restore_is_late(const struct client *c)
{
	return c->keep && c->keep->restore.state == RESTORE_LATE && c->server;
}

bool restore_holds(const struct client *c, struct slice next)
{
	if (UNLIKELY(restore_is_late(c))) {
		const struct track *track = &c->server->track;
		return !track_wants_sync(track) && next.len > 0 &&
		       (!track_is_quiet(track) || !restore_is_passed_by(c, next));
	}
	if (LIKELY(!restore_is_due(c)) || !c->server)
		return false;
	const struct track *track = &c->server->track;
	return track_in_copy(track) != TRACK_COPY_IN &&
	       track_outstanding_syncs(track) > 0; /* a COPY may have read the client's Sync */
}

void restore_copies(struct client *c)
{
	if (restore_is_due(c))
		conn_again(&c->conn); /* with what it has sent already */
}

static void restore_end(struct client *c, char tx_status)
{
	struct restore *restore = &c->keep->restore;
	if (restore->late && tx_status == 'T')
		restore->state = RESTORE_LATE;
	else
		*restore = (struct restore){ .state = RESTORE_NONE };
	conn_again(&c->conn); /* with what it has asked meanwhile */
}

/* May it be set behind a SET TRANSACTION? What the client is told of by the server may not. */
static uint64_t restore_may_be_late(const struct client *c, uint64_t members)
{
	uint64_t late = 0;
	for (unsigned i = 0; i < 64 && members >> i; i++)
		if (members >> i & 1 &&
		    !worker_tracks(c->worker, slice_of(paramset_member(c->came_with, i)->name)))
			late |= UINT64_C(1) << i;
	return late;
}

/* What sets it again, now. */
static void restore_sql(const struct client *c, char tx_status, struct buf *sql)
{
	struct restore *restore = &c->keep->restore;
	const struct resets *resets = &restore->resets;
	uint64_t local = tx_status == 'T' ? resets->local : 0;
	if (resets->is_doubtful) {
		paramset_sql_restore(c->came_with, !resets->for_session, resets->own_too,
				     resets->role_too, sql);
		return;
	}
	uint64_t left = paramset_sql_reset(c->came_with, resets->session, local, sql);
	if (tx_status == 'T' && restore_may_be_late(c, left) == left)
		restore->late = left;
	else
		paramset_sql_select(c->came_with, left & resets->session, left & local, sql);
}

bool restore_start(struct server *s, usec_t now)
{
	struct client *c = s->client;
	char tx_status = track_tx_status(&s->track);
	if (restore_is_late(c) && track_is_quiet(&s->track))
		restore_end(c, tx_status);
	if (!restore_is_due(c) || !track_is_quiet(&s->track))
		return false;
	struct buf sql = { 0 };
	if (tx_status != 'E' && s->opening != SERVER_OPENING_REFUSED &&
	    s->errand == SERVER_ERRAND_NONE)
		restore_sql(c, tx_status, &sql);
	bool starts = buf_len(&sql) > 0;
	if (starts)
		errand_query(s, SERVER_ERRAND_RESTORE, buf_slice(&sql), now);
	else
		restore_end(c, tx_status);
	buf_fini(&sql);
	return starts;
}

void restore_catch_up(struct client *c, usec_t now)
{
	struct server *s = c->server;
	if (!restore_is_late(c) || !track_is_quiet(&s->track) || s->errand != SERVER_ERRAND_NONE)
		return;
	struct restore *restore = &c->keep->restore;
	const struct resets *resets = &restore->resets;
	struct buf sql = { 0 };
	paramset_sql_select(c->came_with, restore->late & resets->session,
			    restore->late & resets->local, &sql);
	restore->late = 0;
	restore->state = RESTORE_DUE;
	restore->is_belated = true;
	errand_query(s, SERVER_ERRAND_RESTORE, buf_slice(&sql), now);
	buf_fini(&sql);
}

void restore_failed(struct server *s, struct slice body, usec_t now)
{
	struct buf out = { 0 };
	notice_retell(body, "ERROR", &out);
	client_send(s->client, buf_slice(&out), now);
	buf_fini(&out);
}

void restore_done(struct server *s, usec_t now)
{
	struct client *c = s->client;
	char tx_status = track_tx_status(&s->track);
	struct buf out = { 0 };
	if (!c)
		return;
	bool is_belated = c->keep->restore.is_belated;
	restore_end(c, tx_status);
	if (is_belated)
		return;
	build_ready(&out, tx_status);
	client_send(c, buf_slice(&out), now);
	buf_fini(&out);
}
