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

static void restore_ask(struct client *c, bool for_session, bool own_too)
{
	struct restore *restore = &keep_need(c)->restore;
	if (restore->state == RESTORE_NONE)
		*restore = (struct restore){ .state = RESTORE_ASKED };
	restore->for_session |= for_session;
	restore->own_too |= own_too;
}

bool restore_concerns(const struct client *c, uint64_t effects)
{
	return effects & RESTORE_EFFECTS && paramset_count(c->came_with) > 0;
}

void restore_mind(struct client *c, const struct effect *e)
{
	if (paramset_count(c->came_with) == 0)
		return;
	if (e->set & (EFFECT(RESET_ALL) | EFFECT(DISCARD_ALL))) {
		restore_ask(c, true, true);
		c->keep->asks_all = true;
	}
	for (size_t i = 0; i < e->setting_count; i++) {
		const struct effect_setting *set = &e->settings[i];
		bool is_own = strchr(set->name, '.');
		/* of a value that only the server knows set_config() may make NULL, which resets */
		bool resets = set->form == EFFECT_FORM_DEFAULT ||
			      (set->form == EFFECT_FORM_ASK && !is_own);
		if (resets && paramset_get(c->came_with, slice_of(set->name)))
			restore_ask(c, !set->local, is_own);
	}
}

void restore_text(struct client *c, struct slice sql)
{
	struct effect_iter iter;
	struct effect effect;
	effect_init(&iter, sql, paramset_reading(c->params));
	while (effect_next(&iter, &effect))
		restore_mind(c, &effect);
}

void restore_sent(struct client *c, char type)
{
	if (c->keep && c->keep->restore.state == RESTORE_ASKED && (type == 'Q' || type == 'S'))
		c->keep->restore.state = RESTORE_DUE;
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

bool restore_start(struct server *s, usec_t now)
{
	struct client *c = s->client;
	if (!restore_is_due(c) || !track_is_quiet(&s->track))
		return false;
	struct restore *restore = &c->keep->restore;
	struct buf sql = { 0 };
	if (track_tx_status(&s->track) != 'E' && s->opening != SERVER_OPENING_REFUSED &&
	    s->errand == SERVER_ERRAND_NONE)
		paramset_sql_restore(c->came_with, !restore->for_session, restore->own_too, &sql);
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
