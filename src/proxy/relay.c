/*
 * relay.c - the two directions of a conversation.
 *
 * A run is a stretch of bytes in hand that go to the other side as they are. It grows
 * message by message and is sent when it ends: at the end of what is in hand, or before
 * something that does not go to the other side (an answer to our own message).
 */
#include "proxy/relay.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "proxy/client.h"
#include "proxy/ear.h"
#include "proxy/errand.h"
#include "proxy/hub.h"
#include "proxy/inspect.h"
#include "proxy/intake.h"
#include "proxy/journal.h"
#include "proxy/keep.h"
#include "proxy/leftover.h"
#include "proxy/localpool.h"
#include "proxy/opening.h"
#include "proxy/paramset.h"
#include "proxy/prepared.h"
#include "proxy/prepared_names.h"
#include "proxy/restore.h"
#include "proxy/retry.h"
#include "proxy/route.h"
#include "proxy/server.h"
#include "proxy/setup.h"
#include "proxy/worker.h"
#include "wire/frame.h"
#include "wire/notice.h"

/* How much of an error or a notice is wanted in hand: its SQLSTATE is among the first. */
#define RELAY_NOTICE_BYTES 1024u
/* No other message that must be whole is longer than this. */
#define RELAY_WHOLE_BYTES ((uint32_t)64 << 10)

/* Rows of a result, or data of a COPY, behind one of their kind that is passed on. They change
 * nothing of what track and journal know: of each but its length is looked at. How many
 * bytes; of the last one *body_left are still to come. */
static size_t relay_more_rows(struct slice in, char type, uint32_t max_body_bytes,
			      uint32_t *body_left)
{
	size_t done = 0;
	while (in.len - done > FRAME_HEAD_BYTES && in.ptr[done] == type) {
		uint32_t length;
		memcpy(&length, in.ptr + done + 1, sizeof(length));
		size_t all = (size_t)ntohl(length) + 1;
		if (all < FRAME_HEAD_BYTES || all - FRAME_HEAD_BYTES > max_body_bytes)
			break; /* for those to judge who read the others */
		if (all > in.len - done) {
			*body_left = (uint32_t)(all - (in.len - done));
			return in.len;
		}
		done += all;
	}
	return done;
}

/* Most have left nothing in their session, and need not be asked. */
static inline bool relay_restores(const struct client *c)
{
	return UNLIKELY(c->keep != NULL) && restore_holds(c);
}

/* ---- from the client ------------------------------------------------------------------ */

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

/* What a message may do to the client's session; of what is prepared prepared.c sees to it. */
static void relay_watch(struct client *c, const struct frame *f)
{
	if (c->pool->settings.auto_probe == CONF_AUTO_PROBE_ALWAYS &&
	    (f->type == 'Q' || f->type == 'E' || f->type == 'F'))
		keep_always(c);
	const char *end = f->body.len ? memchr(f->body.ptr, '\0', f->body.len) : NULL;
	if (f->type == 'Q')
		keep_text(c, slice_head(f->body, end ? (size_t)(end - f->body.ptr) : f->body.len),
			  frame_is_whole(f));
	else if (f->type == 'F')
		keep_call(c);
	else if (f->type == 'P' && !c->pool->follows_prepared && *f->body.ptr)
		keep_long_statement(c);
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
static void relay_mind_sequences(struct client *c, struct server *s, const struct frame *f)
{
	if (s->sequences_of != SERVER_SEQUENCES_MIXED || (f->type != 'Q' && f->type != 'P'))
		return;
	if (track_tx_status(&s->track) == 'T' && !s->has_run && s->params == c->params &&
	    s->errand == SERVER_ERRAND_NONE && track_is_quiet(&s->track) &&
	    c->pool->settings.sequence_state != CONF_SEQUENCE_STATE_IGNORE &&
	    keep_reads_sequences(f->body)) {
		s->sequences_of = c->id;
		errand_set_params(s, s->params, true);
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
			  struct relay_out *out, struct relay_fault *fault, usec_t now)
{
	switch (prepared_message(c, sent, &out->s->before, relay_out_flush, out, now)) {
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

/* A message of the client's, at its head; `sent` goes to the server for it. */
static enum relay_step relay_message(struct client *c, const struct frame *f,
				     const struct frame *sent, struct relay_out *out,
				     struct relay_fault *fault, usec_t now)
{
	struct server *s = out->s;

	if (f->type == 'Q' && c->worker->setup->conf->global.disable_pqexec) {
		relay_blame(fault, ERROR_PROTOCOL_VIOLATION,
			    "simple queries are disabled (disable_pqexec)");
		return RELAY_HOLD;
	}
	/* refused once this client has no server; amid a batch the server is the one to say no */
	if (c->pool->is_statement && !track_wants_sync(&s->track) && intake_is_begin(f))
		return RELAY_HOLD;
	if (c->pool->is_auto)
		relay_mind_sequences(c, s, f);
	if (c->pool->follows_prepared && prepared_concerns(c, f->type) &&
	    !relay_prepare(c, f, sent, out, fault, now))
		return RELAY_HOLD;
	if (!s->has_run && c->pool->is_auto)
		s->has_run = !relay_is_begin(f);
	uint32_t seq = track_next_seq(&s->track);
	switch (track_client(&s->track, f->type, false)) {
	case TRACK_OK:
		relay_replace(f, sent, out);
		relay_count(c, f->type);
		if (c->pool->is_auto)
			relay_watch(c, f);
		if (UNLIKELY(c->keep != NULL))
			restore_sent(c, f->type);
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
			client_set_deadline(c, now);
	}
	server_send(s, run, now);
}

size_t relay_from_client(struct client *c, struct slice in, usec_t now)
{
	struct server *s = c->server;
	if (s->errand == SERVER_ERRAND_LOOK)
		return 0;
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

	while (done < in.len && !c->body_left && !relay_restores(c)) {
		struct frame f;
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
			done += relay_more_rows(
				slice_skip(in, done), f.type,
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

/* ---- from the server ---------------------------------------------------------------------- */

struct relay_run {
	const char *start; /* NULL: empty */
	size_t len;
	size_t sent; /* in this turn */
};

static void relay_flush(struct server *s, struct relay_run *run, usec_t now)
{
	if (run->len && s->client) {
		s->pool->stats.sent_bytes += run->len;
		run->sent += run->len;
		client_send(s->client, slice_make(run->start, run->len), now);
	}
	run->start = NULL;
	run->len = 0;
}

static void relay_put(struct server *s, struct relay_run *run, struct slice piece, bool passes,
		      usec_t now)
{
	if (!passes) {
		relay_flush(s, run, now);
		return;
	}
	if (!run->start)
		run->start = piece.ptr;
	run->len += piece.len;
}

/* Are notifications more than to be passed on? */
static bool relay_minds_notes(const struct server *s)
{
	return s->hub || (s->client && s->client->keep && s->client->keep->ear);
}

/* How much of the message must be in hand; UINT32_MAX: it cannot be. */
static uint32_t relay_wants_of_server(const struct server *s, const struct frame *f)
{
	if (f->type == 'D' && s->errand == SERVER_ERRAND_LOOK)
		return f->body_bytes <= RELAY_WHOLE_BYTES ? f->body_bytes : UINT32_MAX;
	if (!frame_wants_whole(FRAME_FROM_SERVER, f->type))
		return f->body_bytes ? 1 : 0;
	if (f->type == 'E' || f->type == 'N' || (f->type == 'A' && !relay_minds_notes(s)))
		return f->body_bytes < RELAY_NOTICE_BYTES ? f->body_bytes : RELAY_NOTICE_BYTES;
	return f->body_bytes <= RELAY_WHOLE_BYTES ? f->body_bytes : UINT32_MAX;
}

/* What the client has prepared, or not; and the server, though the client (NULL) is gone. */
static void relay_note_prepared(struct client *c, struct server *s, const struct frame *f,
				const struct track_news *news, usec_t now)
{
	bool has_names = c && c->prepared;
	if (f->type == 'E') {
		prepared_failed(c, s, news);
		if (notice_is_stale_plan(f->body))
			prepared_result_changed(c, s, news, now);
	} else if (f->type == 'C' && slice_starts(f->body, "DEALLOCATE ALL")) {
		prepared_forget_all(c, s, news->seq);
	} else if (f->type == 'C' && has_names && slice_starts(f->body, "DEALLOCATE")) {
		prepared_names_deallocated(c);
	} else if (has_names && (f->type == '1' || f->type == '3' || f->type == 'Z')) {
		prepared_names_done(c, news->seq);
	}
}

/* An answer that is the client's. */
static void relay_note(struct server *s, const struct frame *f, const struct track_news *news,
		       usec_t now)
{
	struct stats *stats = &s->pool->stats;
	struct client *c = s->client;

	if (s->prepared || (c && c->prepared))
		relay_note_prepared(c, s, f, news, now);
	if (f->type == 'Z') {
		stats->queries += news->done;
		server_note_ready(s, now);
	} else if (f->type == 'C' && slice_starts(f->body, "DISCARD ALL")) {
		server_param_forget(s);
		prepared_forget_all(c, s, news->seq);
		if (c) {
			paramset_replace(&c->params, inspect_for_client(c, s->params));
			keep_discarded(c);
		}
	} else if (f->type == 'C' && slice_starts(f->body, "DISCARD SEQUENCES")) {
		if (c)
			keep_sequences_discarded(c);
	} else if (f->type == 'E') {
		stats->errors++;
		if (c)
			keep_failed(c);
		if (notice_is_fatal(f->body) && c)
			s->last_words = true;
	}
	if (c && c->journal)
		journal_server(c, f, news, now);
}

/* A NotificationResponse: does it pass? */
static bool relay_notification(struct server *s, const struct frame *f, usec_t now)
{
	struct client *c = s->client;
	if (s->hub)
		hub_heard(s, f->body);
	if (!c || c->state != CLIENT_LINKED)
		return false;
	return !c->keep || !c->keep->ear || ear_hears_own(c->keep->ear, f->body, now);
}

/* ReadyForQuery, which the client is not to get now, or not this one? */
static bool relay_ready_waits(struct server *s, struct relay_run *run, usec_t now)
{
	if (!s->client)
		return false;
	if (UNLIKELY(s->retries)) {
		relay_flush(s, run, now);
		retry_ready(s, now);
		return true;
	}
	if (relay_restores(s->client)) {
		relay_flush(s, run, now);
		if (restore_start(s, now))
			return true;
	}
	if (s->opening != SERVER_OPENING_REFUSED)
		return false;
	relay_flush(s, run, now);
	opening_refused_ready(s, now);
	return true;
}

/* An error that is the client's: does it get it, and in those words? */
static bool relay_error(struct server *s, const struct frame *f, const struct track_news *news,
			struct relay_run *run, usec_t now)
{
	struct buf other = { 0 };
	struct frame told = *f;
	if (UNLIKELY(prepared_tells(s->client, news, &other, now))) {
		told.body = slice_skip(buf_slice(&other), FRAME_HEAD_BYTES);
		told.body_bytes = (uint32_t)told.body.len;
	}
	relay_note(s, &told, news, now);
	bool passes = !notice_is_stale_plan(told.body) || !retry_begin(s, news);
	if (passes && buf_len(&other)) {
		relay_flush(s, run, now);
		client_send(s->client, buf_slice(&other), now);
		passes = false;
	}
	buf_fini(&other);
	return passes;
}

/* Is it for the client? */
static bool relay_server_message(struct server *s, const struct frame *f, struct relay_run *run,
				 usec_t now)
{
	struct track_news news;
	switch (track_server(&s->track, f->type, f->body, &news)) {
	case TRACK_PASS:
		if (f->type == 'E')
			return relay_error(s, f, &news, run, now);
		relay_note(s, f, &news, now);
		return f->type != 'Z' || !relay_ready_waits(s, run, now);
	case TRACK_SWALLOW:
		if (f->type == 'E' && s->errand == SERVER_ERRAND_NONE && s->client) {
			relay_note(s, f, &news, now); /* to a Parse of ours for its statement */
			if (s->opening)
				opening_reply(s, 'E', now);
			return true;
		}
		if (s->opening && news.item == 'E')
			opening_reply(s, f->type, now);
		if (f->type == 'E')
			prepared_failed(s->client, s, &news);
		relay_flush(s, run, now);
		errand_reply(s, f->type, f->body, &news, now);
		return false;
	case TRACK_ASYNC:
		if (f->type == 'S')
			return server_param(s, f->body);
		if (f->type == 'A')
			return relay_notification(s, f, now);
		return s->client && s->client->state == CLIENT_LINKED &&
		       s->errand == SERVER_ERRAND_NONE;
	case TRACK_LAST_WORDS:
		if (!s->client) {
			server_heard_last_words(s, f->body, now);
			return false;
		}
		s->last_words = true;
		return true;
	case TRACK_DESYNC:
		break;
	}
	relay_flush(s, run, now);
	server_desync(s, f->type, now);
	return false;
}

/* Reads the head at the front of `in`; false: more is needed, or the server was closed. */
static bool relay_read_server(struct server *s, struct slice in, struct frame *f,
			      struct relay_run *run, usec_t now)
{
	int head = frame_read(in, FRAME_MAX_BODY_BYTES, f);
	if (head == 0)
		return false;
	bool is_message = head > 0 && frame_is_known(FRAME_FROM_SERVER, f->type);
	uint32_t wants = is_message ? relay_wants_of_server(s, f) : UINT32_MAX;
	if (wants == UINT32_MAX) {
		relay_flush(s, run, now);
		server_desync(s, in.ptr[0], now);
		return false;
	}
	return f->body.len >= wants;
}

size_t relay_from_server(struct server *s, struct slice in, usec_t now)
{
	struct relay_run run = { 0 };
	size_t done = s->body_left < in.len ? s->body_left : in.len;
	s->body_left -= (uint32_t)done;
	if (done)
		relay_put(s, &run, slice_head(in, done), s->body_passes, now);

	while (done < in.len && !s->body_left) {
		struct frame f;
		struct slice rest = slice_skip(in, done);
		if (!relay_read_server(s, rest, &f, &run, now))
			break;
		bool passes = relay_server_message(s, &f, &run, now);
		if (s->state == SERVER_CLOSING)
			break;
		size_t here = f.head_bytes + f.body.len;
		relay_put(s, &run, slice_head(rest, here), passes, now);
		done += here;
		s->body_left = f.body_bytes - (uint32_t)f.body.len;
		s->body_passes = passes;
		if (passes && !s->body_left && (f.type == 'D' || f.type == 'd')) {
			here = relay_more_rows(slice_skip(in, done), f.type, FRAME_MAX_BODY_BYTES,
					       &s->body_left);
			run.len += here;
			done += here;
		}
	}
	relay_flush(s, &run, now);
	if (s->client && s->client->journal)
		journal_turn(s->client, run.sent, conn_is_stuck(&s->client->conn),
			     track_head_seq(&s->track) == track_next_seq(&s->track), now);
	return done;
}
