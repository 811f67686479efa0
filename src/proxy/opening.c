/*
 * opening.c - BEGIN without a server, and what comes of it.
 */
#include "proxy/opening.h"

#include <string.h>

#include "base/bug.h"
#include "proxy/errand.h"
#include "proxy/journal.h"
#include "proxy/localpool.h"
#include "proxy/prepared_names.h"
#include "proxy/prepared_set.h"
#include "proxy/prepared_turn.h"
#include "proxy/setup.h"
#include "proxy/whole.h"
#include "proxy/worker.h"
#include "sql/block.h"
#include "wire/build.h"
#include "wire/frame.h"

/* Fails in a transaction, and makes that fail. */
#define OPENING_SPOIL "BEGIN;ROLLBACK TO SAVEPOINT \"the statement before was refused\""

/* ---- the answer ------------------------------------------------------------------------------ */

static void opening_say(struct client *c, const struct whole *asked, const char *tag, usec_t now)
{
	struct buf out = { 0 };
	if (asked->parse.ptr)
		build_parse_complete(&out);
	if (asked->describes_statement) {
		build_parameter_description(&out, NULL, 0);
		build_no_data(&out);
	}
	if (asked->parse.ptr)
		build_bind_complete(&out);
	if (asked->describes_portal)
		build_no_data(&out);
	build_command_complete(&out, tag);
	build_ready(&out, opening_status(c));
	client_send(c, buf_slice(&out), now);
	buf_fini(&out);
}

size_t opening_answer(struct client *c, struct slice in, const struct frame *f, usec_t now)
{
	struct whole asked;
	uint16_t modes = 0;
	const char *tag;
	if (!whole_read(in, f, &asked) ||
	    (f->type == 'Q' && c->worker->setup->conf->global.disable_pqexec))
		return 0;
	enum block_kind kind = block_read(asked.sql, &modes);
	if (kind == BLOCK_OTHER || (kind == BLOCK_OPEN) == (c->opening != 0))
		return 0; /* PostgreSQL warns of a BEGIN in a transaction, and of a COMMIT in none
			   */
	if (kind == BLOCK_OPEN) {
		tag = block_tag(modes);
		c->opening = OPENING_BEGUN | modes | (asked.parse.ptr ? OPENING_PORTAL : 0);
	} else {
		tag = kind == BLOCK_COMMIT && opening_status(c) == 'T' ? "COMMIT" : "ROLLBACK";
		c->opening = 0;
		c->pool->stats.xacts++;
	}
	c->pool->stats.queries++;
	if (c->pool->follows_prepared)
		prepared_names_set_unnamed(c, asked.parse);
	journal_answered(c, slice_head(in, asked.bytes), now);
	opening_say(c, &asked, tag, now);
	return asked.bytes;
}

/* ---- at the server --------------------------------------------------------------------------- */

static void opening_own(struct server *s, char type)
{
	enum track_verdict verdict = track_client(&s->track, type, true);
	BUG_ON(verdict != TRACK_OK); /* nothing but parameters of ours is in front */
}

static bool opening_send_spoilt(struct server *s, usec_t now)
{
	if (s->errand == SERVER_ERRAND_NONE) {
		s->client->opening = 0;
		errand_query(s, SERVER_ERRAND_SPOIL, SLICE(OPENING_SPOIL), now);
	} else {
		server_send(s, SLICE_NONE, now); /* its parameters come first */
	}
	s->holds_client = true;
	return false;
}

bool opening_send(struct server *s, usec_t now)
{
	struct client *c = s->client;
	struct buf sql = { 0 };
	if (c->opening & OPENING_FAILED)
		return opening_send_spoilt(s, now);
	prepared_turn_bring_home(s);
	block_write(c->opening & ((1u << BLOCK_MODES_BITS) - 1), &sql);
	opening_own(s, 'P');
	build_parse(&s->before, SLICE(""), buf_slice(&sql), NULL, 0);
	opening_own(s, 'B');
	build_bind(&s->before, SLICE(""), SLICE(""), NULL, 0);
	opening_own(s, 'E');
	build_execute(&s->before, SLICE(""), 0);
	track_ran(&s->track);
	if (!(c->opening & OPENING_PORTAL)) {
		opening_own(s, 'C');
		build_close(&s->before, 'P', SLICE(""));
	}
	buf_fini(&sql);
	prepared_set_unnamed_taken(s);
	c->opening = 0;
	s->opening = SERVER_OPENING_SENT;
	return true;
}

bool opening_holds(const struct server *s)
{
	return s->opening == SERVER_OPENING_CLOSED || s->opening == SERVER_OPENING_REFUSED;
}

void opening_sent(struct server *s, char type)
{
	if (s->opening == SERVER_OPENING_SENT && (type == 'Q' || type == 'F' || type == 'S'))
		s->opening = SERVER_OPENING_CLOSED;
	else if (s->opening == SERVER_OPENING_SKIPPED && type == 'S')
		s->opening = SERVER_OPENING_REFUSED;
}

void opening_reply(struct server *s, char type, usec_t now)
{
	if (type == 'C')
		s->opening = SERVER_OPENING_NONE;
	if (type != 'E')
		return;
	s->opening = s->opening == SERVER_OPENING_CLOSED ? SERVER_OPENING_REFUSED
							 : SERVER_OPENING_SKIPPED;
	if (s->opening == SERVER_OPENING_SKIPPED || !s->track.skipping)
		return; /* the client's own Sync comes, or has come */
	/* what it sent was a Query or a FunctionCall, which is skipped, and so is its end */
	enum track_verdict verdict = track_client(&s->track, 'S', false);
	BUG_ON(verdict != TRACK_OK);
	build_sync(&s->before);
	server_send(s, SLICE_NONE, now);
}

void opening_refused_ready(struct server *s, usec_t now)
{
	struct client *c = s->client;
	struct buf out = { 0 };
	s->opening = SERVER_OPENING_NONE;
	c->opening = OPENING_BEGUN | OPENING_FAILED;
	build_ready(&out, opening_status(c));
	client_send(c, buf_slice(&out), now);
	buf_fini(&out);
}
