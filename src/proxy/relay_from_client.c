/*
 * relay_from_client.c - what a client says, on its way to the server it has.
 *
 * A run is a stretch of bytes in hand that go to the server as they are. It grows message by
 * message and is sent when it ends: at the end of what is in hand, or before something of ours
 * that goes out in a message's place.
 */
#include "proxy/relay.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "proxy/aside.h"
#include "proxy/client.h"
#include "proxy/define.h"
#include "proxy/discard.h"
#include "proxy/ear.h"
#include "proxy/errand.h"
#include "proxy/intake.h"
#include "proxy/journal.h"
#include "proxy/keep.h"
#include "proxy/leftover.h"
#include "proxy/localpool.h"
#include "proxy/opening.h"
#include "proxy/prepared.h"
#include "proxy/reset.h"
#include "proxy/retry.h"
#include "proxy/server.h"
#include "proxy/setup.h"
#include "proxy/suspect.h"
#include "proxy/swap.h"
#include "proxy/worker.h"
#include "wire/frame.h"

static uint32_t relay_wants_of_client(const struct client *c, const struct frame *f)
{
	if (frame_wants_whole(FRAME_FROM_CLIENT, f->type))
		return f->body_bytes;
	size_t peek = c->pool->logs_queries ? journal_peek_bytes(f->type) : 0;
	if (c->pool->is_auto && f->type == 'Q' && peek < INTAKE_GATHER_BYTES)
		peek = INTAKE_GATHER_BYTES;
	if (c->pool->follows_prepared && peek < prepared_wants(c, f))
		peek = prepared_wants(c, f);
	if ((c->pool->is_statement || c->pool->minds_leftovers) &&
	    (f->type == 'Q' || f->type == 'P') && peek < INTAKE_GATHER_BYTES)
		peek = INTAKE_GATHER_BYTES;
	return peek < f->body_bytes ? (uint32_t)peek : f->body_bytes;
}

static void relay_count(struct client *c, char type)
{
	struct stats *stats = &c->pool->stats;
	switch (type) {
	case 'P':
		stats->client_parses++;
		stats->server_parses++;
		break;
	case 'B':
		stats->binds++;
		break;
	default:
		break;
	}
}

/* What a client has done wrong: told to it once what it sent before has gone out. */
struct relay_fault {
	bool is_there;
	enum error_id error;
	char text[64];
};

static void relay_blame(struct relay_fault *fault, enum error_id error, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

static void relay_blame(struct relay_fault *fault, enum error_id error, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(fault->text, sizeof(fault->text), fmt, ap);
	va_end(ap);
	fault->error = error;
	fault->is_there = true;
}

/* The text of a query, without the zero byte behind it. */
static struct slice relay_text(const struct frame *f)
{
	const char *end = f->body.len ? memchr(f->body.ptr, '\0', f->body.len) : NULL;
	return slice_head(f->body, end ? (size_t)(end - f->body.ptr) : f->body.len);
}

/* What a message may do to the client's session; of what is prepared prepared.c sees to it. The
 * effects of a Query, as far as they are known. `seq`: its own; it was told to the track. */
static uint64_t relay_watch(struct client *c, const struct frame *f, uint32_t seq)
{
	uint64_t effects = 0;
	if (c->pool->settings.auto_probe == CONF_AUTO_PROBE_ALWAYS &&
	    (f->type == 'Q' || f->type == 'E' || f->type == 'F'))
		suspect_always(c);
	if (f->type == 'Q')
		effects = suspect_text(c, relay_text(f), frame_is_whole(f));
	else if (f->type == 'F')
		suspect_call(c);
	if (UNLIKELY(c->keep != NULL) && track_seq_before(seq, c->keep->moved_seq))
		c->keep->moved_seq = seq; /* and not what comes next */
	return effects;
}

/* BEGIN and nothing else? False where it may be more. */
static bool relay_is_begin(const struct frame *f)
{
	const char *p = f->body.ptr;
	if (f->type != 'Q' || f->body.len < 6 ||
	    ((p[0] | 0x20) != 'b' && ((p[0] | 0x20) != 's' || (p[1] | 0x20) != 't')))
		return false; /* nearly all */
	struct slice sql = slice_head(f->body, f->body.len ? f->body.len - 1 : 0);
	while (sql.len && (sql.ptr[sql.len - 1] == ';' || sql.ptr[sql.len - 1] == ' '))
		sql.len--;
	return frame_is_whole(f) && sql.len >= 5 && !memchr(sql.ptr, ';', sql.len) &&
	       (strncasecmp(sql.ptr, "begin", 5) == 0 || strncasecmp(sql.ptr, "start", 5) == 0);
}

/* The first time that the pool sees somebody read what sequences gave, and it is in a transaction:
 * the server has still what others got. They are forgotten, unless the client has run something
 * that may be what it asks about. */
static void relay_mind_sequences(struct client *c, struct server *s, const struct frame *f,
				 usec_t now)
{
	if (s->sequences_of != SERVER_SEQUENCES_MIXED || (f->type != 'Q' && f->type != 'P'))
		return;
	if (track_tx_status(&s->track) == 'T' && !s->has_run && s->params == c->params &&
	    s->errand == SERVER_ERRAND_NONE && track_is_quiet(&s->track) &&
	    c->pool->settings.sequence_state != CONF_SEQUENCE_STATE_IGNORE &&
	    suspect_reads_sequences(f->body)) {
		s->sequences_of = c->id;
		errand_set_params(s, s->params, true, now);
	}
}

/* What is in hand and goes to the server as it is, so far. */
struct relay_out {
	struct server *s;
	struct slice in;
	size_t from, to;
};

/* Something of ours comes next: what was before it waits with it. */
static void relay_out_flush(void *arg)
{
	struct relay_out *out = arg;
	size_t n = out->to - out->from;
	buf_add(&out->s->before, out->in.ptr + out->from, n);
	out->s->pool->stats.received_bytes += n;
	out->from = out->to;
}

/* Prepared statements: it may have to be other words than the client's. False: not now. */
static bool relay_prepare(struct client *c, const struct frame *f, const struct frame *sent,
			  struct relay_out *out, struct relay_fault *fault)
{
	const char *end = out->in.ptr + out->in.len;
	switch (prepared_message(c, sent, end, &out->s->before, relay_out_flush, out)) {
	case PREPARED_PASSES:
		return true;
	case PREPARED_WRITTEN:
		out->from = out->to + f->head_bytes + f->body.len;
		return true;
	case PREPARED_FULL:
		conn_pause(&c->conn, CLIENT_PAUSE_TRACK);
		return false;
	case PREPARED_TOO_MANY:
		relay_blame(fault, ERROR_PROTOCOL_VIOLATION,
			    "more than %u prepared statements, or %zu MB of their texts",
			    PREPARED_MAX_NAMES, PREPARED_MAX_TEXT_BYTES >> 20);
		return false;
	}
	return true;
}

enum relay_step { RELAY_TAKE, RELAY_HOLD };

/* So much of ours goes out, or of statements' texts is read for what they do, in one turn of a
 * client's, whose few bytes may ask for as much again and again. */
#define RELAY_TURN_BYTES ((size_t)1 << 20)

/* What is sent is not what came. */
static void relay_replace(const struct frame *f, const struct frame *sent, struct relay_out *out)
{
	size_t end = out->to + f->head_bytes + f->body.len;
	if (sent->body.ptr == f->body.ptr || out->from == end) /* or is there already */
		return;
	relay_out_flush(out);
	buf_u8(&out->s->before, (uint8_t)sent->type);
	buf_u32(&out->s->before, (uint32_t)sent->body.len + 4);
	buf_add_slice(&out->s->before, sent->body);
	out->from = end;
}

/* The text of the Query that goes out next, which may be there already, in other words. */
static void relay_take_query(const struct frame *f, const struct relay_out *out, struct buf *sql)
{
	struct slice written = buf_slice(&out->s->before);
	if (out->from == out->to + f->head_bytes + f->body.len)
		buf_add_slice(sql, slice_skip(written, written.len - f->body.len));
	else
		buf_add_slice(sql, f->body);
}

/* A Query goes out that may reset what the client came with, in other words if it does. `is_read`:
 * it is read as its client's parameters say. */
static void relay_settings(struct client *c, const struct frame *f, uint64_t effects, bool is_read,
			   struct relay_out *out)
{
	struct server *s = out->s;
	uint32_t seq = track_next_seq(&s->track) - 1;
	struct buf sql = { 0 }, text = { 0 };
	struct frame sent = *f;
	if (frame_is_whole(f)) {
		relay_take_query(f, out, &sql);
		sent.body = buf_slice(&sql);
	}
	enum reset_verdict verdict = RESET_GIVEN_UP;
	if (frame_is_whole(f))
		verdict = reset_query(c, relay_text(&sent), seq, is_read, &text);
	if (verdict == RESET_GIVEN_UP && effects & EFFECT(RESET_ALL))
		keep_need(c)->has_lost_all = true;
	if (verdict == RESET_REWRITTEN) {
		if (out->from > out->to) { /* instead of that */
			buf_truncate(&s->before, buf_len(&s->before) - f->head_bytes - f->body.len);
			out->from = out->to;
		}
		sent.body = buf_slice(&text);
		relay_replace(f, &sent, out);
	}
	buf_fini(&text);
	buf_fini(&sql);
	if (effects & EFFECT(DISCARD_ALL))
		discard_begin(c);
}

/* A message of the client's, at its head; `sent` goes to the server for it. */
static enum relay_step relay_message(struct client *c, const struct frame *f,
				     const struct frame *sent, struct relay_out *out,
				     struct relay_fault *fault, usec_t now)
{
	struct server *s = out->s;
	uint64_t effects = 0;

	if (f->type == 'Q' && c->worker->setup->conf->global.disable_pqexec) {
		relay_blame(fault, ERROR_PROTOCOL_VIOLATION,
			    "simple queries are disabled (disable_pqexec)");
		return RELAY_HOLD;
	}
	/* refused once this client has no server; amid a batch the server is the one to say no */
	if (c->pool->is_statement && !track_wants_sync(&s->track) && intake_is_begin(f))
		return RELAY_HOLD;
	if (c->pool->is_auto)
		relay_mind_sequences(c, s, f, now);
	if (c->pool->follows_prepared && prepared_concerns(c, f->type) &&
	    !relay_prepare(c, f, sent, out, fault))
		return RELAY_HOLD;
	if (!s->has_run && c->pool->is_auto)
		s->has_run = !relay_is_begin(f);
	uint32_t seq = track_next_seq(&s->track);
	bool is_read = !(c->keep && c->keep->moves_reading) || track_is_quiet(&s->track);
	switch (track_client(&s->track, f->type, false)) {
	case TRACK_OK:
		relay_count(c, f->type);
		if (c->pool->is_auto)
			effects = relay_watch(c, f, seq);
		else if (UNLIKELY(site_is_minded(c->pool->hidden.site)))
			define_watch(c, f);
		if (UNLIKELY(effects & RESET_EFFECTS) && reset_concerns(c, effects))
			relay_settings(c, f, effects, is_read, out);
		relay_replace(f, sent, out);
		if (c->pool->logs_queries)
			journal_client(c, f, seq, now);
		return RELAY_TAKE;
	case TRACK_SKIPPED:
		relay_replace(f, sent, out);
		return RELAY_TAKE;
	case TRACK_FULL:
		conn_pause(&c->conn, CLIENT_PAUSE_TRACK);
		return RELAY_HOLD;
	case TRACK_VIOLATION:
		break;
	}
	relay_blame(fault, ERROR_PROTOCOL_VIOLATION, "unexpected message 0x%02x",
		    (unsigned char)f->type);
	return RELAY_HOLD;
}

/* What leaves something in the session may be refused. */
static enum relay_step relay_minded(struct client *c, const struct frame *f, struct relay_out *out,
				    struct relay_fault *fault, usec_t now)
{
	if (!c->pool->minds_leftovers || (f->type != 'Q' && f->type != 'P'))
		return relay_message(c, f, f, out, fault, now);
	struct buf body = { 0 };
	struct frame sent = *f;
	if (leftover_refuses(c, f, &body)) {
		sent.body = buf_slice(&body);
		sent.body_bytes = (uint32_t)buf_len(&body);
	}
	enum relay_step step = relay_message(c, f, &sent, out, fault, now);
	buf_fini(&body);
	return step;
}

/* BEGIN is under way in front of it. */
static enum relay_step relay_behind_opening(struct client *c, const struct frame *f,
					    struct relay_out *out, struct relay_fault *fault,
					    usec_t now)
{
	if (opening_holds(out->s)) {
		conn_pause(&c->conn, CLIENT_PAUSE_TRACK);
		return RELAY_HOLD;
	}
	enum relay_step step = relay_minded(c, f, out, fault, now);
	if (step == RELAY_TAKE)
		opening_sent(out->s, f->type);
	return step;
}

static enum relay_step relay_client_message(struct client *c, const struct frame *f,
					    struct relay_out *out, struct relay_fault *fault,
					    usec_t now)
{
	if (UNLIKELY(out->s->opening))
		return relay_behind_opening(c, f, out, fault, now);
	return relay_minded(c, f, out, fault, now);
}

/* Reads the head at the front of `in`; false: more is needed, or it is at fault. */
static bool relay_read_client(const struct client *c, struct slice in, struct frame *f,
			      struct relay_fault *fault)
{
	uint32_t limit = (uint32_t)c->worker->setup->conf->global.max_packet_size;
	int head = frame_read(in, limit, f);
	if (head == 0)
		return false;
	if (head > 0 && !frame_is_known(FRAME_FROM_CLIENT, f->type)) {
		relay_blame(fault, ERROR_PROTOCOL_VIOLATION, "unknown message 0x%02x",
			    (unsigned char)f->type);
		return false;
	}
	if (head < 0 || f->body_bytes > frame_max_body(FRAME_FROM_CLIENT, f->type, limit)) {
		relay_blame(fault, ERROR_BAD_MESSAGE_LENGTH, "%s",
			    frame_error_text(head < 0 ? head : FRAME_TOO_LONG));
		return false;
	}
	return f->body.len >= relay_wants_of_client(c, f);
}

static void relay_send_to_server(struct client *c, struct server *s, struct slice run, usec_t now)
{
	if (run.len == 0 && buf_len(&s->before) == 0)
		return;
	c->pool->stats.received_bytes += run.len;
	if (c->pool->logs_queries)
		journal_received(c, run.len);
	if (!c->batch_at) {
		c->batch_at = now;
		if (c->pool->has_deadlines)
			client_deadline_set(c, now);
	}
	server_send(s, run, now);
	if (UNLIKELY(s->cancel_waits))
		server_cancel_waiting(s, now);
}

/* Must its next message wait for what the server says to those before? */
static bool relay_is_held(struct client *c, const struct server *s)
{
	if (UNLIKELY(s->discard) && discard_holds(s))
		return true;
	if (LIKELY(s->aside == ASIDE_NONE) || !aside_holds(s))
		return false;
	conn_pause(&c->conn, CLIENT_PAUSE_TRACK);
	return true;
}

size_t relay_from_client(struct client *c, struct slice in, usec_t now)
{
	struct server *s = c->server;
	if (s->errand == SERVER_ERRAND_LOOK)
		return 0;
	if (UNLIKELY(s->is_worn || s->is_outdated) && swap_is_wanted(c, in)) {
		swap_server(s, now);
		return 0;
	}
	if (UNLIKELY(c->keep != NULL) && c->params != s->params && track_is_idle(&s->track) &&
	    s->errand == SERVER_ERRAND_NONE && !c->body_left)
		server_link_fit(s, now); /* code has reset something */
	if (s->errand != SERVER_ERRAND_NONE && s->holds_client) {
		relay_send_to_server(c, s, SLICE_NONE, now);
		return 0;
	}
	s->holds_client = false;
	if (UNLIKELY(s->retries)) {
		conn_pause(&c->conn, CLIENT_PAUSE_TRACK);
		return 0;
	}
	if (c->keep && c->keep->ear) {
		in = slice_head(in, ear_allows(c->keep->ear, in, now));
		if (c->state == CLIENT_CLOSING)
			return 0;
	}
	if (UNLIKELY(c->opening) && !opening_send(s, now))
		return 0;
	size_t done = c->body_left < in.len ? c->body_left : in.len, border = done;
	struct relay_out out = { .s = s, .in = in };
	bool leaves = false;
	struct relay_fault fault = { 0 };
	c->body_left -= (uint32_t)done;

	c->worker->texts_bytes = 0;
	while (done < in.len && !c->body_left && !relay_is_held(c, s)) {
		struct frame f;
		if (UNLIKELY(buf_len(&s->before) + c->worker->texts_bytes > RELAY_TURN_BYTES) &&
		    done > border) {
			conn_again(&c->conn);
			break;
		}
		if (!relay_read_client(c, slice_skip(in, done), &f, &fault))
			break;
		if (f.type == 'X') {
			leaves = true;
			break;
		}
		out.to = done;
		if (relay_client_message(c, &f, &out, &fault, now) == RELAY_HOLD)
			break;
		done += f.head_bytes + f.body.len;
		c->body_left = f.body_bytes - (uint32_t)f.body.len;
		if (f.type == 'd' && !c->body_left)
			done += frame_more(slice_skip(in, done), f.type,
					   (uint32_t)c->worker->setup->conf->global.max_packet_size,
					   &c->body_left);
	}
	if (c->pool->follows_prepared && !s->opening)
		retry_sent(s, slice_skip(slice_head(in, done), border));
	relay_send_to_server(c, s, slice_skip(slice_head(in, done), out.from), now);
	if (fault.is_there) {
		client_fail(c, fault.error, NULL, NULL, now, fault.text);
		return in.len;
	}
	if (leaves) {
		c->said_goodbye = true;
		client_close(c, "client close request", now);
		return in.len;
	}
	return done;
}
