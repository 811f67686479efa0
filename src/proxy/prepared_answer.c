/*
 * prepared_answer.c - what servers say to what was prepared or used.
 */
#include "proxy/prepared_answer.h"

#include "base/buf.h"
#include "proxy/client.h"
#include "proxy/prepared_names.h"
#include "proxy/prepared_set.h"
#include "proxy/server.h"
#include "proxy/stmt.h"
#include "wire/build.h"
#include "wire/errors.h"
#include "wire/notice.h"
#include "wire/track.h"

void prepared_answer_failed(struct client *c, struct server *s, const struct track_news *news)
{
	struct prepared_names *names = c ? c->prepared : NULL;
	uint32_t from = news->seq, to = track_head_seq(&s->track);
	bool skips = track_seq_before(from, to);
	if (s->prepared && skips)
		prepared_set_skipped(s->prepared, from, to);
	if (c && skips && UNLIKELY(prepared_set_lent(s->prepared)))
		prepared_set_lends_no_more(s->prepared, SLICE_NONE,
					   c->id); /* perhaps it got none */
	if (names && skips) {
		prepared_unnamed_failed(&names->unnamed, from, to);
		prepared_names_skipped(names, from, to);
	} else if (names) {
		prepared_names_text_failed(names, from);
	}
}

/* May the message `seq`, which is answered, have been about it? */
static bool was_used(const struct prepared_entry *entry, const struct track *track, uint32_t seq)
{
	uint32_t end = track_next_seq(track), sent = end - seq;
	return end - entry->used_seq <= sent && end - entry->seq > sent;
}

void prepared_answer_missing(struct server *s, const struct track_news *news)
{
	if (!s->prepared || (news->item != 'B' && news->item != 'D'))
		return;
	LIST_EACH (node, tmp, &s->prepared->lru) {
		struct prepared_entry *entry = LIST_ENTRY(node, struct prepared_entry, lru);
		if (was_used(entry, &s->track, news->seq))
			entry->is_good = false;
	}
}

void prepared_answer_changed(struct client *c, struct server *s, const struct track_news *news)
{
	if (!s->prepared || (news->item != 'B' && news->item != 'D'))
		return; /* it is the business of what was run */
	prepared_set_unnamed_lost(s);
	if (c && c->prepared && c->prepared->unnamed.used_seq == news->seq) {
		prepared_unnamed_told(&c->prepared->unnamed, news->seq);
		return;
	}
	LIST_EACH (node, tmp, &s->prepared->lru) {
		struct prepared_entry *entry = LIST_ENTRY(node, struct prepared_entry, lru);
		if (was_used(entry, &s->track, news->seq))
			entry->is_good = false;
	}
	if (c && c->prepared)
		prepared_names_told(c->prepared, news->seq, track_head_seq(&s->track));
}

bool prepared_answer_tells(struct client *c, const struct track_news *news, struct buf *out)
{
	struct prepared_names *names = c ? c->prepared : NULL;
	if (!names || !names->tells || names->untold_seq != news->seq)
		return false;
	struct build_notice notice = { .severity = "ERROR",
				       .sqlstate = errors_sqlstate(ERROR_STALE_PLAN),
				       .message = errors_format(ERROR_STALE_PLAN),
				       .routine = NOTICE_STALE_PLAN_ROUTINE };
	build_error(out, &notice);
	if (names->tells_unnamed)
		prepared_unnamed_told(&names->unnamed, news->seq);
	prepared_names_tell_no_more(names);
	return true;
}

bool prepared_answer_describes(const struct server *s, const struct track_news *news,
			       struct buf *out)
{
	if (news->item != 'P' || !prepared_set_asks(s->prepared) ||
	    track_tx_status(&s->track) == 'E') /* there it tells nothing */
		return false;
	struct slice types = prepared_set_refused(s->prepared, news->seq);
	if (!types.ptr)
		return false;
	build_parameter_description_of(out, types);
	return true;
}

bool prepared_answer_skipped_text(const struct server *s, const struct track_news *news)
{
	const struct prepared_set *set = s->prepared;
	return set && set->holds && s->track.skipping &&
	       track_seq_before(news->seq, set->held_seq) &&
	       track_seq_before(set->held_seq, track_head_seq(&s->track));
}

bool prepared_answer_is_told(const struct server *s, const struct track_news *news)
{
	const struct prepared_set *set = s->prepared;
	return set && set->holds && set->has_exit && set->exit_seq == news->seq;
}

void prepared_answer_forgets(struct client *c, struct server *s, uint32_t seq)
{
	if (s->prepared)
		prepared_set_forget(s->prepared, seq);
	if (c && c->prepared)
		prepared_names_forget(c, seq);
}
