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
#include "proxy/prepared_turn.h"
#include "proxy/stmt.h"
#include "sql/effect.h"
#include "sql/words.h"

bool prepared_scene_is_known(const struct prepared_turn *t)
{
	const struct keep *keep = t->c->keep;
	return !keep || !(keep->moves_meaning || keep->awaits_report);
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

static void move(struct prepared_turn *t, const struct stmt *stmt, struct slice from,
		 struct slice to)
{
	struct buf sql = { 0 };
	if (LIKELY(slice_eq(from, to)) || !prepared_scene_is_known(t) || reads_alike(t, stmt) ||
	    may_end(t, stmt))
		return;
	paramset_sql_mean(from, to, &sql);
	if (buf_len(&sql))
		prepared_turn_run(t, buf_slice(&sql));
	buf_fini(&sql);
}

void prepared_scene_set(struct prepared_turn *t, const struct stmt *stmt)
{
	move(t, stmt, paramset_meaning(t->c->params), stmt_meaning(stmt));
}

void prepared_scene_end(struct prepared_turn *t, const struct stmt *stmt)
{
	move(t, stmt, stmt_meaning(stmt), paramset_meaning(t->c->params));
}
