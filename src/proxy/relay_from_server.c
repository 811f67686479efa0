/*
 * relay_from_server.c - what a server says: to its client, or to whoever of us has asked.
 *
 * A run is a stretch of bytes in hand that go to the client as they are. It grows message by
 * message and is sent when it ends: at the end of what is in hand, or before something that is
 * not the client's (an answer to our own message).
 */
#include "proxy/relay.h"

#include "proxy/aside.h"
#include "proxy/client.h"
#include "proxy/discard.h"
#include "proxy/ear_hear.h"
#include "proxy/errand.h"
#include "proxy/hub.h"
#include "proxy/journal.h"
#include "proxy/keep.h"
#include "proxy/localpool.h"
#include "proxy/note.h"
#include "proxy/opening.h"
#include "proxy/prepared_answer.h"
#include "proxy/prepared_names.h"
#include "proxy/prepared_portals.h"
#include "proxy/prepared_set.h"
#include "proxy/reset.h"
#include "proxy/retry.h"
#include "proxy/server.h"
#include "proxy/shape.h"
#include "proxy/suspect.h"
#include "wire/build.h"
#include "wire/frame.h"
#include "wire/notice.h"
#include "wire/reader.h"

#define RELAY_NO_STATEMENT "26000" /* invalid_sql_statement_name */

/* How much of an error or a notice is wanted in hand: its SQLSTATE is among the first. */
#define RELAY_NOTICE_BYTES 1024u
/* No other message that must be whole is longer than this. */
#define RELAY_WHOLE_BYTES ((uint32_t)64 << 10)

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
	if (f->type == 'D' && (s->errand == SERVER_ERRAND_LOOK || s->errand == SERVER_ERRAND_LEARN))
		return f->body_bytes <= RELAY_WHOLE_BYTES ? f->body_bytes : 1;
	if ((f->type == 'T' || f->type == 't') && prepared_set_asks(s->prepared)) {
		uint32_t most = f->type == 'T' ? SHAPE_PEEK_BYTES : SHAPE_TYPES_BYTES;
		return f->body_bytes < most ? f->body_bytes : most;
	}
	if (!frame_wants_whole(FRAME_FROM_SERVER, f->type))
		return f->body_bytes ? 1 : 0;
	bool may_be_long = f->type == 'A' && !relay_minds_notes(s);
	if (f->type == 'E' || f->type == 'N' || (may_be_long && f->body_bytes > RELAY_WHOLE_BYTES))
		return f->body_bytes < RELAY_NOTICE_BYTES ? f->body_bytes : RELAY_NOTICE_BYTES;
	return f->body_bytes <= RELAY_WHOLE_BYTES ? f->body_bytes : UINT32_MAX;
}

/* What is said of a statement: does somebody want to know of it? */
static void relay_note_shape(struct server *s, const struct frame *f, const struct track_news *news)
{
	if (news->item == 'D' && prepared_set_asks(s->prepared))
		prepared_set_hear(s->prepared, news->seq, f->type, f->body);
}

/* What the client has prepared, or not; and the server, though the client (NULL) is gone. */
static void relay_note_prepared(struct client *c, struct server *s, const struct frame *f,
				const struct track_news *news)
{
	bool has_names = c && c->prepared;
	switch (f->type) {
	case 'E':
		prepared_answer_failed(c, s, news);
		if (notice_is_stale_plan(f->body))
			prepared_answer_changed(c, s, news);
		else if (notice_is(f->body, RELAY_NO_STATEMENT))
			prepared_answer_missing(s, news);
		break;
	case 'C':
		if (slice_starts(f->body, "DEALLOCATE ALL"))
			prepared_answer_forgets(c, s, news->seq);
		else if (has_names && slice_starts(f->body, "DEALLOCATE"))
			prepared_names_deallocated(c);
		break;
	case '1':
	case '3':
	case 'Z':
		if (has_names)
			prepared_names_done(c, news->seq);
		if (has_names && f->type == 'Z' && track_tx_status(&s->track) == 'I')
			prepared_portals_end(&c->prepared->portals, news->seq);
		break;
	case 't':
	case 'T':
	case 'n':
		relay_note_shape(s, f, news);
		break;
	default:
		break;
	}
}

/* An answer that is the client's. */
static void relay_note(struct server *s, const struct frame *f, const struct track_news *news,
		       usec_t now)
{
	struct stats *stats = &s->pool->stats;
	struct client *c = s->client;

	if (s->prepared || (c && c->prepared))
		relay_note_prepared(c, s, f, news);
	if (f->type == 'Z') {
		stats->queries += news->done;
		discard_ready(s, now);
		server_note_ready(s, now);
		if (c && UNLIKELY(c->keep != NULL))
			keep_reported(c);
	} else if (f->type == 'C' && slice_starts(f->body, "DISCARD ALL")) {
		prepared_answer_forgets(c, s, news->seq);
		discard_done(s, now);
	} else if (f->type == 'G') {
		if (c)
			discard_copies(c);
	} else if (f->type == 'C' && slice_starts(f->body, "DISCARD SEQUENCES")) {
		if (c)
			keep_sequences_discarded(c);
	} else if (f->type == 'E') {
		stats->errors++;
		aside_failed(s, news->seq);
		discard_failed(s);
		if (c)
			suspect_failed(c);
		if (notice_is_fatal(f->body) && c)
			s->last_words = true;
	}
	if (c && c->journal)
		journal_server(c, f, news, now);
}

void relay_from_server_ready(struct server *s, uint32_t seq, usec_t now)
{
	struct buf out = { 0 };
	struct frame f;
	struct track_news news = { .item = 'S', .done = true, .seq = seq };
	build_ready(&out, 'I');
	BUG_ON(frame_read(buf_slice(&out), FRAME_MAX_BODY_BYTES, &f) <= 0);
	relay_note(s, &f, &news, now);
	if (s->client)
		client_send(s->client, buf_slice(&out), now);
	buf_fini(&out);
}

/* A notification that the client has sent itself: it knows itself by the number that it was given
 * at its login, not by the server's. */
static bool relay_is_own(const struct server *s, struct slice body, struct buf *told)
{
	struct slice channel, payload;
	struct reader r;
	reader_init(&r, body);
	if (reader_u32(&r) != (uint32_t)s->pid || !note_read(body, &channel, &payload))
		return false;
	build_notification(told, s->client->cancel_pid, channel, payload);
	return true;
}

/* A NotificationResponse: does it pass? */
static bool relay_notification(struct server *s, const struct frame *f, struct relay_run *run,
			       usec_t now)
{
	struct client *c = s->client;
	struct buf told = { 0 };
	if (s->hub)
		hub_heard(s, f->body);
	if (!c || c->state != CLIENT_LINKED)
		return false;
	bool is_own = frame_is_whole(f) && relay_is_own(s, f->body, &told);
	struct slice body = is_own ? slice_skip(buf_slice(&told), FRAME_HEAD_BYTES) : f->body;
	bool passes = !c->keep || !c->keep->ear || ear_hear_own(c->keep->ear, body, now);
	if (passes && is_own) {
		relay_flush(s, run, now);
		client_send(c, buf_slice(&told), now);
		passes = false;
	}
	buf_fini(&told);
	return passes;
}

/* In place of a message; the client may have left, or leave of what comes in front. */
static void relay_tell(struct server *s, struct slice other, struct relay_run *run, usec_t now)
{
	relay_flush(s, run, now);
	if (s->client)
		client_send(s->client, other, now);
}

/* One of ours was refused: what the client is to hear before the error. */
static void relay_refused(struct server *s, const struct track_news *news, struct relay_run *run,
			  usec_t now)
{
	struct buf first = { 0 };
	if (prepared_answer_describes(s, news, &first))
		relay_tell(s, buf_slice(&first), run, now);
	buf_fini(&first);
}

/* A NoticeResponse that is the client's: in those words? */
static bool relay_notice(struct server *s, const struct frame *f, const struct track_news *news,
			 struct relay_run *run, usec_t now)
{
	struct buf other = { 0 };
	if (LIKELY(s->reset == NULL) || !frame_is_whole(f) ||
	    !reset_moves_notice(s, 'N', news, f->body, &other))
		return true;
	relay_tell(s, buf_slice(&other), run, now);
	buf_fini(&other);
	return false;
}

/* ReadyForQuery, which the client is not to get now, or not this one? */
static bool relay_ready_waits(struct server *s, struct relay_run *run, usec_t now)
{
	if (!s->client || LIKELY(!s->retries && s->opening != SERVER_OPENING_REFUSED))
		return false;
	relay_flush(s, run, now);
	if (!s->client)
		return true;
	if (s->retries)
		retry_ready(s, now);
	else
		opening_refused_ready(s, now);
	return true;
}

/* An error that is the client's: does it get it, and in those words? */
static bool relay_error(struct server *s, const struct frame *f, const struct track_news *news,
			struct relay_run *run, usec_t now)
{
	struct buf other = { 0 };
	struct frame told = *f;
	if (UNLIKELY(prepared_answer_tells(s->client, news, &other)) ||
	    (UNLIKELY(s->reset != NULL) && frame_is_whole(f) &&
	     reset_moves_notice(s, 'E', news, f->body, &other))) {
		told.body = slice_skip(buf_slice(&other), FRAME_HEAD_BYTES);
		told.body_bytes = (uint32_t)told.body.len;
	}
	relay_note(s, &told, news, now);
	bool passes = !notice_is_stale_plan(told.body) || !retry_begin(s, news);
	if (passes && buf_len(&other)) {
		relay_tell(s, buf_slice(&other), run, now);
		passes = false;
	}
	buf_fini(&other);
	return passes;
}

/* The client's text was skipped, and with it its ReadyForQuery. */
static void relay_sync(struct server *s, usec_t now)
{
	enum track_verdict verdict = track_client(&s->track, 'S', false);
	BUG_ON(verdict != TRACK_OK);
	build_sync(&s->before);
	server_send(s, SLICE_NONE, now);
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
		if (f->type == 'C' && UNLIKELY(s->reset != NULL) && reset_is_ours(s, &news))
			return false;
		if (f->type == 'C' && UNLIKELY(slice_starts(f->body, "DISCARD")))
			relay_flush(s, run, now); /* its client may be told something */
		if (f->type == 'Z' && UNLIKELY(s->aside != ASIDE_NONE) &&
		    aside_ready(s, news.seq, now))
			return false;
		relay_note(s, f, &news, now);
		return f->type != 'Z' || !relay_ready_waits(s, run, now);
	case TRACK_SWALLOW:
		if (f->type == 'E' && s->errand == SERVER_ERRAND_NONE && s->client) {
			relay_refused(s, &news, run, now);
			relay_note(s, f, &news, now); /* to a Parse of ours for its statement */
			if (s->opening)
				opening_reply(s, 'E', now);
			else if (UNLIKELY(prepared_answer_skipped_text(s, &news)))
				relay_sync(s, now);
			return true;
		}
		if (f->type == 'C' && UNLIKELY(prepared_answer_is_told(s, &news))) {
			relay_note(s, f, &news, now);
			return true;
		}
		if (s->opening && news.item == 'E')
			opening_reply(s, f->type, now);
		if (f->type == 'E')
			prepared_answer_failed(s->client, s, &news);
		else if (f->type == 't' || f->type == 'T' || f->type == 'n')
			relay_note_shape(s, f, &news);
		relay_flush(s, run, now);
		/* of a row that is too long a part, whatever is in hand: one that cannot be read */
		errand_reply(s, f->type, slice_head(f->body, RELAY_WHOLE_BYTES), &news, now);
		return false;
	case TRACK_ASYNC:
		if (f->type == 'S')
			return server_param(s, f->body);
		if (f->type == 'A')
			return relay_notification(s, f, run, now);
		return s->client && s->client->state == CLIENT_LINKED &&
		       s->errand == SERVER_ERRAND_NONE && !news.own &&
		       relay_notice(s, f, &news, run, now);
	case TRACK_LAST_WORDS:
		if (!s->client) {
			server_close_last_words(s, f->body, now);
			return false;
		}
		s->last_words = true;
		return true;
	case TRACK_DESYNC:
		break;
	}
	relay_flush(s, run, now);
	server_close_desync(s, f->type, now);
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
		server_close_desync(s, in.ptr[0], now);
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
			here = frame_more(slice_skip(in, done), f.type, FRAME_MAX_BODY_BYTES,
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
