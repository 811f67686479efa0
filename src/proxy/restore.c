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
#include "sql/effect.h"
#include "wire/build.h"
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

bool restore_holds(const struct client *c)
{
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

static void restore_end(struct client *c)
{
	c->keep->restore = (struct restore){ .state = RESTORE_NONE };
	conn_again(&c->conn); /* with what it has asked meanwhile */
}

/* What sets it again. */
static void restore_sql(const struct client *c, char tx_status, struct buf *sql)
{
	const struct resets *resets = &c->keep->restore.resets;
	uint64_t local = tx_status == 'T' ? resets->local : 0;
	if (resets->is_doubtful || !paramset_sql_reset(c->came_with, resets->session, local, sql))
		paramset_sql_restore(c->came_with, !resets->for_session, resets->own_too,
				     resets->role_too, sql);
}

bool restore_start(struct server *s, usec_t now)
{
	struct client *c = s->client;
	char tx_status = track_tx_status(&s->track);
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
		restore_end(c);
	buf_fini(&sql);
	return starts;
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
	struct buf out = { 0 };
	if (!c)
		return;
	restore_end(c);
	build_ready(&out, track_tx_status(&s->track));
	client_send(c, buf_slice(&out), now);
	buf_fini(&out);
}
