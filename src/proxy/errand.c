/*
 * errand.c - requests of our own, and what their answers lead to.
 */
#include "proxy/errand.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "proxy/aside.h"
#include "proxy/client.h"
#include "proxy/ear.h"
#include "proxy/hub.h"
#include "proxy/inspect.h"
#include "proxy/keep.h"
#include "proxy/learn.h"
#include "proxy/localpool.h"
#include "proxy/login.h"
#include "proxy/paramset.h"
#include "proxy/paramset_sql.h"
#include "proxy/prepared_set.h"
#include "proxy/route.h"
#include "proxy/swap.h"
#include "proxy/worker.h"
#include "wire/build.h"
#include "wire/notice.h"

/* What DISCARD ALL ends, but for what is prepared there. */
#define ERRAND_SWEEP "DISCARD TEMP;CLOSE ALL;UNLISTEN *;SELECT pg_catalog.pg_advisory_unlock_all();"

/* False: the server will not answer it. */
static bool errand_add(struct server *s, char type)
{
	enum track_verdict verdict = track_client(&s->track, type, true);
	if (verdict != TRACK_OK && verdict != TRACK_SKIPPED)
		s->is_doomed = true;
	return verdict == TRACK_OK;
}

static void errand_begin(struct server *s, enum server_errand errand, char type, usec_t now)
{
	BUG_ON(s->errand != SERVER_ERRAND_NONE);
	s->errand_failed = false;
	s->errand_at = now;
	bool is_answered = errand_add(s, type);
	prepared_set_unnamed_lost(s);
	if (is_answered || type != 'Q')
		s->errand = (uint8_t)errand;
	else
		s->is_doomed = true;
	if (s->client && s->pool->has_deadlines)
		client_deadline_set(s->client, now);
}

/*
 * Do the sets differ in something that only we know of? What the server reports goes out with the
 * client's query; but search_path or a role decide what the query means, so that it waits until
 * they are known to be set.
 */
static bool errand_is_grave(const struct server *s, const struct paramset *have,
			    const struct paramset *wanted)
{
	struct paramset_difference d = { 0 };
	while (paramset_next_difference(have, wanted, &d))
		if (!worker_tracks(s->pool->worker, slice_of((d.had ? d.had : d.wanted)->name)))
			return true;
	return false;
}

void errand_set_params(struct server *s, struct paramset *wanted, bool forgets_sequences,
		       usec_t now)
{
	struct buf sql = { 0 };
	struct paramset *have = s->params;
	if (s->tainted_by && s->client && s->tainted_by != s->client->id) {
		/* unknown code has run there: it may have set what nobody can ask for */
		buf_add_str(&sql, "RESET ALL;RESET ROLE;");
		if (s->is_unasked) /* nor what else it has left */
			buf_add_str(&sql, ERRAND_SWEEP);
		s->is_unasked = false;
		have = s->pool->worker->no_params;
		s->tainted_by = 0;
		s->was_reset = true;
	}
	paramset_sql_change(have, wanted, s->wire.server_version, &sql);
	if (forgets_sequences)
		buf_add_str(&sql, "DISCARD SEQUENCES;");
	paramset_replace(&s->wanted, paramset_ref(wanted));
	s->reported = 0;
	s->holds_client = errand_is_grave(s, have, wanted);
	errand_begin(s, SERVER_ERRAND_PARAMS, 'Q', now);
	build_query(&s->before, buf_slice(&sql));
	buf_fini(&sql);
}

void errand_query(struct server *s, enum server_errand errand, struct slice sql, usec_t now)
{
	errand_begin(s, errand, 'Q', now);
	build_query(&s->before, sql);
	server_send(s, SLICE_NONE, now);
}

void errand_mark(struct server *s, struct slice sql, struct slice after, usec_t now)
{
	errand_begin(s, SERVER_ERRAND_MARK, 'Q', now);
	build_query(&s->before, sql);
	errand_add(s, 'Q');
	build_query(&s->before, after);
	server_send(s, SLICE_NONE, now);
}

void errand_finish_batch(struct server *s, usec_t now)
{
	if (track_in_copy(&s->track) == TRACK_COPY_IN && !s->copy_failed) {
		s->copy_failed = true;
		if (track_client(&s->track, 'f', true) == TRACK_OK)
			build_copy_fail(&s->before, SLICE("the client has left"));
		server_send(s, SLICE_NONE, now);
		return;
	}
	if (track_in_copy(&s->track) != TRACK_COPY_NONE || !track_wants_sync(&s->track))
		return;
	/* A Sync would commit what the client has not: the batch is a transaction, and is undone.
	 */
	errand_begin(s, SERVER_ERRAND_SYNC, 'P', now);
	build_parse(&s->before, SLICE(""), SLICE("ROLLBACK"), NULL, 0);
	errand_add(s, 'B');
	build_bind(&s->before, SLICE(""), SLICE(""), NULL, 0);
	errand_add(s, 'E');
	build_execute(&s->before, SLICE(""), 0);
	errand_add(s, 'S');
	build_sync(&s->before);
	server_send(s, SLICE_NONE, now);
}

/* ---- answers ---------------------------------------------------------------------------- */

static void errand_log_failure(const struct server *s, struct slice body)
{
	LOG_WARNING("server %s/%s pid %d refused a command of the pooler: %.*s",
		    s->pool->route->database, s->pool->route->user, s->pid,
		    SLICE_ARGS(notice_get(body, NOTICE_MESSAGE)));
}

/* The server ends amid what we have asked. Its client is told in its words, as who idles is. */
static bool errand_met_end(struct server *s, struct slice body, usec_t now)
{
	struct buf out = { 0 };
	if (!s->client || !notice_is_fatal(body))
		return false;
	s->is_doomed = true;
	if (swap_dying_server(s, now))
		return true;
	if (s->client->state != CLIENT_LINKED)
		return false;
	s->last_words = true;
	notice_retell(body, "FATAL", &out);
	client_send(s->client, buf_slice(&out), now);
	buf_fini(&out);
	return true;
}

static void errand_failed(struct server *s, struct slice body, usec_t now)
{
	s->errand_failed = true;
	if (errand_met_end(s, body, now))
		return;
	if (s->errand == SERVER_ERRAND_SPOIL)
		return; /* that is what it is for */
	if (s->errand == SERVER_ERRAND_LEARN) {
		learn_failed(s, body);
		return;
	}
	if (s->errand == SERVER_ERRAND_LOOK && inspect_failed(s, body))
		return;
	if (s->errand == SERVER_ERRAND_PARAMS && s->client) {
		struct client *c = s->client;
		if (swap_refusing_server(s, body, now))
			return;
		if (c->state == CLIENT_PROVING) {
			login_params_refused(c, body, now);
			return;
		}
		char why[256];
		snprintf(why, sizeof(why), "%.*s", SLICE_ARGS(notice_get(body, NOTICE_MESSAGE)));
		s->is_doomed = true;
		client_fail(c, ERROR_CANNOT_GO_ON, NULL, NULL, now, why);
		return;
	}
	errand_log_failure(s, body);
}

static void errand_params_done(struct server *s, usec_t now)
{
	struct client *c = s->client;
	if (!s->errand_failed)
		server_param_spell(s);
	struct paramset *wanted = s->wanted;
	s->wanted = NULL;
	if (s->errand_failed) { /* one string of commands is one transaction: nothing was set */
		/* who was refused at its login leaves the server as it was; a reset of ours must do
		 */
		bool was_ours = !c && wanted == s->pool->worker->no_params;
		s->is_doomed = s->is_doomed || was_ours || s->was_reset;
		paramset_unref(wanted);
		return;
	}
	s->was_reset = false;
	paramset_replace(&s->params, wanted);
	if (!c)
		return;
	if (s->holds_client)
		conn_again(&c->conn); /* with what it has asked */
	if (c->state == CLIENT_PROVING) {
		login_params_taken(c, now);
		return;
	}
	if (c->params != wanted)
		paramset_replace(&c->params, paramset_ref(wanted));
}

static void errand_spoilt(struct server *s, usec_t now)
{
	if (!s->client)
		return;
	if (track_tx_status(&s->track) == 'E') {
		conn_again(&s->client->conn); /* with what it has asked */
		return;
	}
	s->is_doomed = true;
	client_fail(s->client, ERROR_CANNOT_GO_ON, NULL, NULL, now,
		    "its transaction has failed, and would not have there");
}

static void errand_mark_done(struct server *s, usec_t now)
{
	struct client *c = s->client;
	if (c && c->keep && c->keep->ear)
		ear_answered(c->keep->ear, s->errand_failed, now);
	server_cancel_waiting(s, now);
}

static void errand_done(struct server *s, usec_t now)
{
	if (s->errand == SERVER_ERRAND_MARK && track_outstanding_syncs(&s->track) > 0)
		return; /* the first of the two */
	enum server_errand errand = s->errand;
	s->errand = SERVER_ERRAND_NONE;
	switch (errand) {
	case SERVER_ERRAND_PARAMS:
		errand_params_done(s, now);
		server_cancel_waiting(s, now);
		if (s->hub && s->errand_failed)
			hub_unfit(s, now);
		break;
	case SERVER_ERRAND_SPOIL:
		errand_spoilt(s, now);
		server_cancel_waiting(s, now);
		break;
	case SERVER_ERRAND_UNDO:
		aside_undone(s, now);
		server_cancel_waiting(s, now);
		break;
	case SERVER_ERRAND_LOOK:
		inspect_done(s, s->errand_failed, now);
		server_cancel_waiting(s, now);
		break;
	case SERVER_ERRAND_LEARN:
		learn_done(s, s->errand_failed, now);
		server_cancel_waiting(s, now);
		break;
	case SERVER_ERRAND_MARK:
		errand_mark_done(s, now);
		break;
	case SERVER_ERRAND_LISTEN:
		if (s->hub)
			hub_answered(s, s->errand_failed, now);
		break;
	case SERVER_ERRAND_UNLISTEN:
		s->is_doomed = s->is_doomed || s->errand_failed;
		break;
	case SERVER_ERRAND_DISCARD:
		if (s->errand_failed)
			s->is_doomed = true;
		else
			paramset_replace(&s->params, paramset_ref(s->pool->worker->no_params));
		s->sequences_of = 0;
		s->tainted_by = 0;
		s->is_unasked = false;
		prepared_set_free(s);
		break;
	case SERVER_ERRAND_ROLLBACK:
		if (s->errand_failed || track_tx_status(&s->track) != 'I')
			s->is_doomed = true;
		break;
	case SERVER_ERRAND_RESET:
		if (s->errand_failed)
			s->is_doomed = true;
		prepared_set_doubt(s);
		break;
	case SERVER_ERRAND_PING:
		loop_clear_timer(&s->timer);
		if (s->errand_failed) {
			pool_ping_failed(&s->member, now);
		} else {
			server_enter(s, SERVER_IDLE, now);
			pool_ping_ok(&s->member, now);
		}
		break;
	case SERVER_ERRAND_PROBE:
		s->is_doomed = !track_is_quiet(&s->track) && track_is_uncertain(&s->track);
		break;
	case SERVER_ERRAND_SYNC:
	case SERVER_ERRAND_NONE:
		break;
	}
}

void errand_reply(struct server *s, char type, struct slice body, const struct track_news *news,
		  usec_t now)
{
	if (type == 'E' && s->errand != SERVER_ERRAND_NONE && s->errand != SERVER_ERRAND_SYNC)
		errand_failed(s, body, now);
	else if (type == 'D' && s->errand == SERVER_ERRAND_LOOK)
		inspect_row(s, body);
	else if (type == 'D' && s->errand == SERVER_ERRAND_LEARN)
		learn_row(s, body);
	else if (type == 'Z' && news->done)
		errand_done(s, now);
}

void errand_ping(struct server *s, usec_t now)
{
	struct worker *w = s->pool->worker;
	server_enter(s, SERVER_PINGING, now);
	loop_set_timer(w->loop, &s->timer,
		       usec_after(now, s->pool->settings.server_connect_timeout_us));
	errand_query(s, SERVER_ERRAND_PING, slice_of(s->pool->settings.server_check_query), now);
}
