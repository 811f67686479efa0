/*
 * restore.c - what was reset is set to what its client came with.
 */
#include "proxy/restore.h"

#include <string.h>

#include "proxy/ahead.h"
#include "proxy/client.h"
#include "proxy/errand.h"
#include "proxy/keep.h"
#include "proxy/paramset.h"
#include "proxy/paramset_sql.h"
#include "proxy/server.h"
#include "sql/effect.h"
#include "wire/build.h"
#include "wire/notice.h"

/* Effects of what may reset something. */
#define RESTORE_EFFECTS                                                                            \
	(EFFECT(SETTING) | EFFECT(SETTING_LOCAL) | EFFECT(RESET_ALL) | EFFECT(DISCARD_ALL))

bool restore_is_on(const struct client *c)
{
	return c->keep && c->keep->restore.state != RESTORE_NONE;
}

bool restore_concerns(const struct client *c, uint64_t effects)
{
	return (effects & RESTORE_EFFECTS || restore_is_on(c)) && paramset_count(c->came_with) > 0;
}

static void restore_statement(struct client *c, const struct effect *e)
{
	struct resets first = { .mark_count = 0 };
	bool is_on = restore_is_on(c);
	if (!e->set && !restore_is_asked(c))
		return;
	bool resets = resets_note(is_on ? &c->keep->restore.resets : &first, c->came_with, e);
	if (!is_on && !resets)
		return; /* nothing to go back to yet */
	struct restore *restore = &keep_need(c)->restore;
	if (!is_on)
		restore->resets = first;
	restore->resets.now.is_doubtful |= restore->state == RESTORE_DUE;
	if (restore->state != RESTORE_DUE)
		restore->state = RESTORE_ASKED;
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
	if (restore_is_on(c))
		c->keep->restore.resets.now.is_doubtful = true;
}

void restore_refused(struct client *c, uint32_t seq)
{
	const struct track *track = &c->server->track;
	if (!restore_is_on(c))
		return;
	struct restore *restore = &c->keep->restore;
	bool is_reached = !track_seq_before(restore->asked_at, track_head_seq(track));
	if (!restore->is_sent || (track_seq_before(seq, restore->asked_at) && is_reached))
		return;
	resets_fail(&restore->resets);
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
	if (type != 'Q' && type != 'S')
		return;
	restore->state = RESTORE_DUE;
	restore->resets.is_skipping = false;
}

bool restore_is_due(const struct client *c)
{
	return c->keep && c->keep->restore.state == RESTORE_DUE;
}

/* Is there anything that may have to go in front of a request? */
static bool restore_looks_ahead(const struct client *c)
{
	if (!c->keep || c->keep->restore.state != RESTORE_WATCHED || !c->server)
		return false;
	const struct resets_state *now = &c->keep->restore.resets.now;
	return track_tx_status(&c->server->track) == 'T' &&
	       ((now->respelt & ~now->covered) | (now->defaults & ~now->local));
}

/* What goes in front of `next`: these get their spelling back, those have no value of their own. */
struct restore_front {
	uint64_t respelt, unset;
};

static struct restore_front restore_front(const struct client *c, struct slice next)
{
	const struct resets_state *now = &c->keep->restore.resets.now;
	struct lexer_mode mode = paramset_reading(c->params);
	struct ahead ahead = { .c = c, .rest = next };
	struct slice sql;
	bool chooses = false, tells = false, resets_all = false;
	enum ahead_step step;
	while ((step = ahead_next(&ahead, &sql)) == AHEAD_TEXT) {
		struct effect_iter iter;
		struct effect e;
		effect_init(&iter, sql, mode);
		while (effect_next(&iter, &e)) {
			resets_all |= (e.set & EFFECT(RESET_ALL)) != 0;
			chooses |= resets_chooses_modes(&e);
			tells |= !chooses && resets_may_tell(&e, c->came_with, now->respelt);
		}
	}
	tells |= !chooses && step == AHEAD_UNKNOWN;
	return (struct restore_front){ .respelt = tells ? now->respelt & ~now->covered : 0,
				       .unset = resets_all ? now->defaults & ~now->local : 0 };
}

static bool restore_goes_ahead(const struct client *c, struct slice next)
{
	const struct track *track = &c->server->track;
	if (track_wants_sync(track) || next.len == 0)
		return false;
	struct restore_front front = { .unset = 0 };
	if (track_is_quiet(track))
		front = restore_front(c, next);
	return !track_is_quiet(track) || (front.respelt | front.unset) != 0;
}

bool restore_holds(const struct client *c, struct slice next)
{
	if (UNLIKELY(restore_looks_ahead(c)))
		return restore_goes_ahead(c, next);
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

void restore_forget(struct restore *restore)
{
	resets_fini(&restore->resets);
	*restore = (struct restore){ .state = RESTORE_NONE };
}

static void restore_end(struct client *c, char tx_status)
{
	struct restore *restore = &c->keep->restore;
	struct resets *resets = &restore->resets;
	resets->has_failed = tx_status == 'E';
	if (resets->has_failed) /* it has to go back */
		resets->now = (struct resets_state){ .session = 0 };
	if (tx_status == 'I' || resets_is_clean(resets)) {
		restore_forget(restore);
	} else {
		restore->state = RESTORE_WATCHED;
		restore->is_sent = restore->is_in_front = false;
		resets->has_reset = resets->has_marked = resets->has_committed = false;
	}
	conn_again(&c->conn); /* with what it has asked meanwhile */
}

/* The server is asked. Behind a SET LOCAL it says that the session has set what it has reset. */
static void restore_ask(const struct client *c, bool goes_on, struct buf *sql)
{
	struct resets *resets = &c->keep->restore.resets;
	struct resets_state *now = &resets->now;
	paramset_sql_restore(c->came_with, goes_on && !resets->for_session, resets->own_too,
			     resets->role_too, c->server->wire.server_version, sql);
	if (now->is_doubtful)
		now->session &= now->covered;
	now->is_doubtful = false;
	now->is_unsure = true;
}

/* What sets it again, now. */
static void restore_sql(const struct client *c, bool goes_on, struct buf *sql)
{
	struct resets_state *now = &c->keep->restore.resets.now;
	int version = c->server->wire.server_version;
	if (!goes_on)
		now->local = now->covered = 0;
	now->respelt |= paramset_sql_reset(c->came_with, 0, now->local, version, sql);
	now->local = 0;
	if (now->is_doubtful || (now->is_unsure && !goes_on))
		restore_ask(c, goes_on, sql);
	now->respelt |=
		paramset_sql_reset(c->came_with, now->session & ~now->covered, 0, version, sql);
	now->session &= now->covered;
	if (!goes_on)
		paramset_sql_respell(c->came_with, now->respelt & ~now->defaults, 0, sql);
}

static bool restore_may_start(const struct server *s)
{
	return track_tx_status(&s->track) != 'E' && s->opening != SERVER_OPENING_REFUSED &&
	       s->errand == SERVER_ERRAND_NONE;
}

bool restore_start(struct server *s, usec_t now)
{
	struct client *c = s->client;
	char tx_status = track_tx_status(&s->track);
	if (!restore_is_on(c))
		return false;
	if (!track_is_quiet(&s->track)) {
		if (tx_status == 'E' && c->keep->restore.resets.has_committed)
			resets_fail(&c->keep->restore.resets); /* that is a ROLLBACK */
		return false;
	}
	struct buf sql = { 0 };
	if (restore_may_start(s))
		restore_sql(c, tx_status == 'T', &sql);
	bool starts = buf_len(&sql) > 0;
	if (starts) {
		c->keep->restore.state = RESTORE_DUE;
		errand_query(s, SERVER_ERRAND_RESTORE, buf_slice(&sql), now);
	} else {
		restore_end(c, tx_status);
	}
	buf_fini(&sql);
	return starts;
}

void restore_go_ahead(struct client *c, struct slice next, usec_t now)
{
	struct server *s = c->server;
	if (!restore_looks_ahead(c) || !track_is_quiet(&s->track) || !restore_may_start(s))
		return;
	struct restore *restore = &c->keep->restore;
	struct resets_state *state = &restore->resets.now;
	struct restore_front front = restore_front(c, next);
	struct buf sql = { 0 };
	paramset_sql_respell(c->came_with, front.respelt & ~state->defaults,
			     front.respelt & state->defaults, &sql);
	paramset_sql_unset(c->came_with, front.unset, &sql);
	if (buf_len(&sql) > 0) {
		state->respelt &= ~front.respelt;
		state->local |= front.unset;
		restore->state = RESTORE_DUE;
		restore->is_in_front = true;
		errand_query(s, SERVER_ERRAND_RESTORE, buf_slice(&sql), now);
	}
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
	bool is_in_front = c->keep->restore.is_in_front;
	restore_end(c, tx_status);
	if (is_in_front)
		return;
	build_ready(&out, tx_status);
	client_send(c, buf_slice(&out), now);
	buf_fini(&out);
}
