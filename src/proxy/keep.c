/*
 * keep.c - what was found of what was suspected, and the server that is kept for it.
 */
#include "proxy/keep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/mem.h"
#include "proxy/client.h"
#include "proxy/ear.h"
#include "proxy/localpool.h"
#include "proxy/paramset.h"
#include "proxy/prepared_names.h"
#include "proxy/route.h"
#include "proxy/server.h"
#include "proxy/suspect.h"
#include "proxy/worker.h"

static const struct {
	const char *name;
	size_t counter; /* in struct stats */
} keep_states[] = {
#define KEEP_ROW_(state, shown, counter, from, until) { shown, offsetof(struct stats, counter) },
	KEEP_STATES(KEEP_ROW_)
#undef KEEP_ROW_
};

const char *keep_describe(unsigned states, char *out, size_t out_bytes)
{
	size_t at = 0;
	out[0] = '\0';
	for (unsigned i = 0; i < KEEP_STATE_COUNT; i++) {
		if (!(states & (1u << i)))
			continue;
		int n = snprintf(out + at, out_bytes - at, "%s%s", at ? ", " : "",
				 keep_states[i].name);
		if (n < 0 || at + (size_t)n >= out_bytes)
			break;
		at += (size_t)n;
	}
	return out;
}

struct keep *keep_need(struct client *c)
{
	if (!c->keep)
		c->keep = mem_zalloc(sizeof(*c->keep));
	return c->keep;
}

static void keep_forget_names(struct keep *keep)
{
	while (keep->name_count)
		free(keep->names[--keep->name_count]);
}

void keep_free(struct client *c)
{
	struct keep *keep = c->keep;
	if (!keep)
		return;
	keep_let_go(c);
	c->keep = NULL;
	ear_free(keep->ear);
	keep_forget_names(keep);
	free(keep->cause);
	free(keep);
}

void keep_forget(struct client *c)
{
	if (!c->keep)
		return;
	prepared_names_read(c);
	if (!c->keep->ear || ear_is_home(c->keep->ear)) {
		keep_free(c);
		return;
	}
	/* it hears what it listens to from elsewhere */
	keep_let_go(c);
	c->keep->inner = 0;
	free(c->keep->cause);
	c->keep->cause = NULL;
}

bool keep_wants_look(const struct client *c)
{
	const struct keep *keep = c->keep;
	/* is there more than what others could listen to for it? */
	bool is_asked = keep->ear && (keep->suspected & KEEP(LISTEN) || ear_may_leave(keep->ear));
	/* what it may leave beside is asked about when its server could be released; not so what it
	 * has gone back to */
	if (keep->kept && !keep->may_end && !is_asked && !(keep->named & ~keep->kept) &&
	    !keep->has_reset)
		return false;
	return keep->suspected || keep->asks_all || keep->name_count ||
	       (keep->kept && keep->may_end);
}

static void keep_count(struct client *c, unsigned states)
{
	for (unsigned i = 0; i < KEEP_STATE_COUNT; i++)
		if (states & (1u << i))
			++*(uint64_t *)((char *)&c->pool->stats + keep_states[i].counter);
}

static void keep_change(struct client *c, unsigned states, usec_t now)
{
	struct keep *keep = c->keep;
	if (!keep->kept)
		keep->kept_since = now;
	keep_count(c, states & ~keep->kept);
	keep->kept = (uint16_t)states;
	if (!states)
		keep_let_go(c);
}

void keep_let_go(struct client *c)
{
	if (c->keep && c->keep->is_counted)
		atomic_fetch_sub(&c->pool->route->kept, 1);
	if (c->keep)
		c->keep->is_counted = false;
}

/* One more of the pool's servers, unless as many are kept as may be. */
static bool keep_take_place(struct localpool *lp)
{
	atomic_int *kept = &lp->route->kept;
	int max = lp->max_kept, now = atomic_load(kept);
	do {
		if (max >= 0 && now >= max)
			return false;
	} while (!atomic_compare_exchange_weak(kept, &now, now + 1));
	return true;
}

void keep_lend(struct client *c)
{
	struct keep *keep = c->keep;
	keep->kept &= (uint16_t)~KEEP(LISTEN);
	free(keep->ear->cause);
	keep->ear->cause = keep->cause;
	keep->cause = NULL;
}

void keep_reclaim(struct client *c, usec_t now)
{
	struct keep *keep = c->keep;
	if (!keep->kept)
		keep->kept_since = now;
	keep->kept |= KEEP(LISTEN);
	if (keep->cause)
		return;
	keep->cause = keep->ear->cause;
	keep->ear->cause = NULL;
}

bool keep_hold(struct client *c, usec_t now)
{
	struct keep *keep = c->keep;
	char states[200], who[256], detail[512];
	if (keep->is_counted)
		return true;
	keep_describe(keep->kept, states, sizeof(states));
	const char *cause = keep->cause ? keep->cause : "";
	if (!keep_take_place(c->pool)) {
		c->pool->stats.refusals++;
		snprintf(detail, sizeof(detail), "The session has left: %s (%s).", states, cause);
		client_fail(c, ERROR_TOO_MANY_KEPT, detail, NULL, now, c->pool->max_kept);
		return false;
	}
	keep->is_counted = true;
	c->pool->stats.keeps++;
	if (c->was_kept)
		LOG_DEBUG("client %s keeps its server again: %s (%s)",
			  client_text(c, who, sizeof(who)), states, cause);
	else
		LOG_INFO("client %s keeps its server: %s (%s)", client_text(c, who, sizeof(who)),
			 states, cause);
	c->was_kept = true;
	return true;
}

usec_t keep_deadline(const struct client *c)
{
	usec_t timeout = c->pool->settings.keep_timeout_us;
	if (timeout == USEC_NEVER)
		return USEC_NEVER;
	return c->quiet_at + (c->keep->warned_at == c->quiet_at ? timeout : timeout / 2);
}

void keep_warn(struct client *c, usec_t now)
{
	char states[200], who[256];
	c->keep->warned_at = c->quiet_at;
	usec_t left = keep_deadline(c) - now;
	LOG_WARNING(
		"client %s is idle and keeps its server: %s (%s); keep_timeout ends it in %llds",
		client_text(c, who, sizeof(who)),
		keep_describe(c->keep->kept, states, sizeof(states)),
		c->keep->cause ? c->keep->cause : "",
		(long long)((left + USEC_PER_SEC / 2) / USEC_PER_SEC));
}

/* Is pgweir.keep on? */
static bool keep_is_wanted(const struct client *c)
{
	static const char *const on[] = { "on", "true", "yes", "1", "t", "y" };
	const char *value = paramset_get(c->params, KEEP_SETTING);
	for (size_t i = 0; value && i < COUNT_OF(on); i++)
		if (strcasecmp(value, on[i]) == 0)
			return true;
	return false;
}

void keep_greet(struct client *c, usec_t now)
{
	if (c->pool->is_auto && keep_is_wanted(c)) {
		keep_need(c);
		keep_change(c, KEEP(MANUAL), now);
	}
}

void keep_sequences_discarded(struct client *c)
{
	/* what is suspected may come from a text that was sent behind it */
	if (c->keep)
		c->keep->kept &= (uint16_t)~KEEP(SEQUENCE);
}

void keep_looked(struct client *c, unsigned found, bool changed, usec_t now)
{
	struct keep *keep = c->keep;
	unsigned stays = (keep->kept | keep->suspected) & ~(KEEP_ASKED | KEEP(MANUAL));
	if (keep_is_wanted(c))
		stays |= KEEP(MANUAL);
	harmless_was(&c->pool->harmless, &keep->tried, !found && !stays && !changed);
	/* what was kept may have hidden what nobody knew of then */
	if (keep->kept && !(found | stays) && c->pool->minds_hidden)
		suspect_sweep(c);
	keep_change(c, found | stays, now);
	keep->suspected = keep->named = 0;
	keep->asks_all = keep->has_reset = keep->has_lost_all = keep->may_end = false;
	keep->moves_path = keep->moves_reading = keep->moves_meaning = false;
	prepared_names_read(c);
	keep_forget_names(keep);
	if (keep->ear && ear_is_home(keep->ear) && !(keep->kept & KEEP(LISTEN))) {
		ear_free(keep->ear);
		keep->ear = NULL;
	}
	if (!keep->kept)
		keep_forget(c);
}

void keep_awaits_report(struct client *c)
{
	struct keep *keep = keep_need(c);
	keep->awaits_report = true;
	keep->moved_seq = track_next_seq(&c->server->track);
}

void keep_reported(struct client *c)
{
	uint32_t head = track_head_seq(&c->server->track);
	if (c->keep->awaits_report && !track_seq_before(c->keep->moved_seq, head))
		return; /* a batch that is still open has set something, too */
	c->keep->awaits_report = false;
	if (!c->keep->moves_meaning)
		prepared_names_read(c);
}

void keep_is_unknown(struct client *c, usec_t now)
{
	keep_looked(c, c->keep->kept | c->keep->suspected | KEEP(UNKNOWN), true, now);
}

void keep_discarded(struct client *c)
{
	struct keep *keep = c->keep;
	if (!keep)
		return;
	keep->kept &= KEEP_DOOMS | KEEP(MANUAL);
	/* what is suspected may come from a text that was sent behind it */
	keep->may_end = true;
	keep->inner = 0;
}

bool keep_is_dirty(const struct keep *keep)
{
	return keep && (keep->kept || keep->suspected || keep->asks_all || keep->name_count);
}
