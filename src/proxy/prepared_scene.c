/*
 * prepared_scene.c - set_config() in front of a Parse of ours, and behind it.
 */
#include "proxy/prepared_scene.h"

#include <string.h>

#include "base/buf.h"
#include "proxy/client.h"
#include "proxy/keep.h"
#include "proxy/paramset.h"
#include "proxy/paramset_sql.h"
#include "proxy/prepared_names.h"
#include "proxy/prepared_turn.h"
#include "proxy/server.h"
#include "proxy/stmt.h"
#include "sql/effect.h"
#include "sql/words.h"
#include "wire/track.h"

bool prepared_scene_is_known(const struct prepared_turn *t)
{
	const struct keep *keep = t->c->keep;
	return !keep || !(keep->moves_meaning || keep->awaits_report);
}

bool prepared_scene_is_awaited(const struct prepared_turn *t)
{
	return !prepared_scene_is_known(t) && track_outstanding_syncs(&t->s->track) > 0;
}

bool prepared_scene_is_due(const struct prepared_turn *t)
{
	const struct prepared_names *names = t->c->prepared;
	const struct keep *keep = t->c->keep;
	const struct track *track = &t->s->track;
	return UNLIKELY(names && names->has_unread) && keep && keep->awaits_report &&
	       !track_seq_before(keep->moved_seq, track_head_seq(track)) &&
	       track_ends_behind(track, keep->moved_seq);
}

/* Does it mean the same by any settings? Then nothing is to stand beside it, which would be a
 * query: SET TRANSACTION comes before those, LOCK before the snapshot of one. */
static bool reads_alike(const struct prepared_turn *t, const struct stmt *stmt)
{
	struct slice sql = slice_of(stmt->body.ptr);
	return !words_are_analyzed(sql, paramset_reading(t->c->params)) && paramset_is_ascii(sql) &&
	       !memchr(sql.ptr, '\\', sql.len);
}

/* What ends a failed transaction must get through, and a query does not. */
static bool may_end(const struct prepared_turn *t, const struct stmt *stmt)
{
	uint64_t ends = EFFECT(COMMIT) | EFFECT(ROLLBACK) | EFFECT(ROLLBACK_TO) |
			EFFECT(PREPARE_TRANSACTION);
	return effect_of(slice_of(stmt->body.ptr), paramset_reading(t->c->params)) & ends;
}

/* What is to be run, so that a text for these settings is read by those. */
static struct buf way(const struct prepared_turn *t, const struct stmt *stmt, struct slice from,
		      struct slice to)
{
	struct buf sql = { 0 };
	if (UNLIKELY(!slice_eq(from, to)) && prepared_scene_is_known(t) && !reads_alike(t, stmt) &&
	    !may_end(t, stmt))
		paramset_sql_mean(from, to, &sql);
	return sql;
}

bool prepared_scene_waits(const struct prepared_turn *t, const struct stmt *stmt)
{
	if (track_outstanding_syncs(&t->s->track) == 0)
		return false; /* one in doubt may never come */
	if (!prepared_scene_is_known(t))
		return prepared_scene_is_awaited(t) && !reads_alike(t, stmt) && !may_end(t, stmt);
	struct buf sql = way(t, stmt, paramset_meaning(t->c->params), stmt_meaning(stmt));
	bool waits = buf_len(&sql) > 0;
	buf_fini(&sql);
	return waits;
}

void prepared_scene_set(struct prepared_turn *t, const struct stmt *stmt)
{
	struct buf sql = way(t, stmt, paramset_meaning(t->c->params), stmt_meaning(stmt));
	if (buf_len(&sql))
		prepared_turn_run(t, buf_slice(&sql));
	buf_fini(&sql);
}

void prepared_scene_end(struct prepared_turn *t, const struct stmt *stmt)
{
	struct buf sql = way(t, stmt, stmt_meaning(stmt), paramset_meaning(t->c->params));
	if (buf_len(&sql) && track_may_commit(&t->s->track))
		prepared_turn_commit(t);
	else if (buf_len(&sql))
		prepared_turn_run(t, buf_slice(&sql));
	buf_fini(&sql);
}
