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
#include "proxy/worker.h"
#include "sql/block.h"
#include "wire/build.h"
#include "wire/frame.h"
#include "wire/reader.h"

/* Fails in a transaction, and makes that fail. */
#define OPENING_SPOIL "BEGIN;ROLLBACK TO SAVEPOINT \"the statement before was refused\""

/* A statement that came as a whole, and what answers it. */
struct opening_asked {
	size_t bytes; /* of the messages */
	struct slice sql;
	struct slice parse; /* the body of its Parse, behind the name; none: a Query */
	bool describes_statement, describes_portal;
};

/* ---- what was asked ------------------------------------------------------------------------- */

/* The next message, if it is whole and of that type. */
static bool opening_next(struct slice in, struct opening_asked *asked, char type, struct frame *f)
{
	if (frame_read(slice_skip(in, asked->bytes), UINT32_MAX, f) <= 0 || f->type != type ||
	    !frame_is_whole(f))
		return false;
	asked->bytes += f->head_bytes + f->body.len;
	return true;
}

/* Such a message may be there, of that kind and without a name. */
static bool opening_describe(struct slice in, struct opening_asked *asked, char kind)
{
	struct opening_asked ahead = *asked;
	struct frame f;
	if (!opening_next(in, &ahead, 'D', &f) || f.body.len != 2 || f.body.ptr[0] != kind)
		return false;
	asked->bytes = ahead.bytes;
	return true;
}

static bool opening_read_parse(const struct frame *f, struct opening_asked *asked)
{
	struct reader r;
	reader_init(&r, f->body);
	struct slice name = reader_cstr(&r);
	asked->parse = r.rest;
	asked->sql = reader_cstr(&r);
	uint16_t types = reader_u16(&r);
	return reader_is_done(&r) && name.len == 0 && types == 0;
}

static bool opening_read_bind(const struct frame *f)
{
	struct reader r;
	reader_init(&r, f->body);
	struct slice portal = reader_cstr(&r), statement = reader_cstr(&r);
	uint16_t formats = reader_u16(&r), values = reader_u16(&r), results = reader_u16(&r);
	reader_bytes(&r, results * sizeof(uint16_t));
	return reader_is_done(&r) && !portal.len && !statement.len && !formats && !values &&
	       results <= 1;
}

/* Parse, Bind, Execute, Sync, all of the unnamed ones, as drivers send it. */
static bool opening_read_batch(struct slice in, struct opening_asked *asked)
{
	struct frame f;
	if (!opening_next(in, asked, 'P', &f) || !opening_read_parse(&f, asked))
		return false;
	asked->describes_statement = opening_describe(in, asked, 'S');
	if (!opening_next(in, asked, 'B', &f) || !opening_read_bind(&f))
		return false;
	asked->describes_portal = opening_describe(in, asked, 'P');
	return opening_next(in, asked, 'E', &f) && f.body.len == 5 && f.body.ptr[0] == '\0' &&
	       opening_next(in, asked, 'S', &f) && f.body.len == 0;
}

/* Can it be one of ours? All but a few end here. */
static bool opening_may_be(const struct client *c, const struct frame *f)
{
	const char *p = f->body.ptr;
	if (!frame_is_whole(f) || f->body.len < 5)
		return false;
	if (f->type == 'P')
		p++;
	else if (f->type != 'Q')
		return false;
	if ((p[0] | 0x20) == 'b' || ((p[0] | 0x20) == 's' && (p[1] | 0x20) == 't'))
		return true;
	return c->opening; /* then it may be its end as well */
}

static bool opening_read(const struct client *c, struct slice in, const struct frame *f,
			 struct opening_asked *asked)
{
	*asked = (struct opening_asked){ 0 };
	if (f->type == 'P')
		return f->body.ptr[0] == '\0' && opening_read_batch(in, asked);
	asked->bytes = f->head_bytes + f->body.len;
	asked->sql = slice_head(f->body, strnlen(f->body.ptr, f->body.len));
	return !c->worker->setup->conf->global.disable_pqexec;
}

/* ---- the answer ------------------------------------------------------------------------------ */

static void opening_say(struct client *c, const struct opening_asked *asked, const char *tag,
			usec_t now)
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
	struct opening_asked asked;
	uint16_t modes = 0;
	const char *tag;
	if (!opening_may_be(c, f) || !opening_read(c, in, f, &asked))
		return 0;
	enum block_kind kind = block_read(asked.sql, &modes);
	if (kind == BLOCK_OTHER || (kind == BLOCK_OPEN) == (c->opening != 0))
		return 0; /* PostgreSQL warns of a BEGIN in a transaction, and of a COMMIT in none
			   */
	if (kind == BLOCK_OPEN) {
		tag = block_tag(modes);
		c->opening = OPENING_BEGUN | modes;
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
