/*
 * journal.c - batches under way, and the texts that they run.
 *
 * Batches form a queue as the client's requests do. Each knows the sequence number of the item that
 * ends it (wire/track.h); when the server completes that item, the batch has ended, and with
 * it every batch before it that an error made the server skip. More batches than the queue
 * holds are counted to the last one.
 */
#include "proxy/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proxy/batch.h"
#include "proxy/client.h"
#include "proxy/journal_texts.h"
#include "proxy/localpool.h"
#include "proxy/worker.h"
#include "tap/texts.h"
#include "wire/notice.h"
#include "wire/reader.h"
#include "wire/tag.h"

#define JOURNAL_BATCHES 16 /* a power of two */
#define JOURNAL_NAME_BYTES 256
#define JOURNAL_KEEP_BYTES 4096 /* of a batch's texts: more is given back when it has ended */

struct journal {
	struct list idle; /* worker->idle_journals */
	struct batch batches[JOURNAL_BATCHES];
	unsigned head, count; /* the oldest, and how many */
	struct journal_texts texts;
	usec_t stuck_at; /* since when the client does not take what it is sent; 0 */
	usec_t gap_at;   /* since when everything was answered in an open batch; 0 */
	usec_t copy_at;  /* since when the client sends COPY data; 0 */
};

static struct batch *journal_at(struct journal *j, unsigned i)
{
	return &j->batches[(j->head + i) % JOURNAL_BATCHES];
}

static struct batch *journal_last(struct journal *j)
{
	return j->count ? journal_at(j, j->count - 1) : NULL;
}

size_t journal_peek_bytes(char type)
{
	switch (type) {
	case 'Q':
	case 'P':
		return TEXTS_ONE_MAX_BYTES;
	case 'B':
	case 'F':
		return JOURNAL_NAME_BYTES * 2;
	default:
		return 0;
	}
}

/* ---- the client's side ----------------------------------------------------------------- */

static struct journal *journal_take(struct client *c)
{
	struct worker *w = c->worker;
	struct journal *j = LIST_FIRST(&w->idle_journals, struct journal, idle);
	if (j) {
		list_remove(&j->idle);
	} else {
		j = mem_zalloc(sizeof(*j));
		list_init(&j->idle);
		journal_texts_init(&j->texts);
	}
	c->journal = j;
	return j;
}

/* The batch that takes the client's next message. */
static struct batch *journal_open(struct client *c, struct journal *j, usec_t now)
{
	struct batch *b = journal_last(j);
	if (b && !b->sealed)
		return b;
	if (j->count == JOURNAL_BATCHES) {
		b->sealed = b->ended = false; /* it grows to hold this one too */
		return b;
	}

	b = journal_at(j, j->count++);
	struct tap_texts texts = b->texts;
	*b = (struct batch){ .texts = texts, .start = now, .protocol = RECORD_EXTENDED };
	texts_clear(&b->texts);
	if (c->request_at && c->linked_at >= c->request_at && c->linked_at == now) {
		b->start = c->request_at;
		b->wait_us = c->linked_at - c->request_at;
	}
	return b;
}

static void journal_seal(struct batch *b, enum record_protocol protocol, uint32_t seq)
{
	b->protocol = protocol;
	b->sealed = true;
	b->end_seq = seq;
}

/* A string off the front of what is in hand; *is_whole: its end is there. */
static struct slice journal_string(struct slice *rest, bool *is_whole)
{
	const char *zero = rest->len ? memchr(rest->ptr, '\0', rest->len) : NULL;
	struct slice string = slice_head(*rest, zero ? (size_t)(zero - rest->ptr) : rest->len);
	*is_whole = zero != NULL;
	*rest = slice_skip(*rest, string.len + (zero ? 1 : 0));
	return string;
}

static void journal_add(struct batch *b, enum texts_kind kind, struct slice text, bool is_whole)
{
	if (is_whole)
		texts_add(&b->texts, kind, text);
	else
		texts_add_head(&b->texts, kind, text);
}

static void journal_parse(struct journal *j, struct batch *b, struct slice body)
{
	bool is_whole;
	struct slice name = journal_string(&body, &is_whole);
	struct slice sql = journal_string(&body, &is_whole);
	journal_texts_parse(&j->texts, name, sql, is_whole);
	journal_add(b, TEXTS_PARSE, sql, is_whole);
}

static void journal_bind(struct journal *j, struct slice body)
{
	bool is_whole;
	struct slice portal = journal_string(&body, &is_whole);
	struct slice statement = journal_string(&body, &is_whole);
	journal_texts_bind(&j->texts, portal, statement);
}

static void journal_execute(struct journal *j, struct batch *b, struct slice body)
{
	bool is_whole;
	struct slice portal = journal_string(&body, &is_whole);
	struct slice text = journal_texts_get(&j->texts, portal, &is_whole);
	journal_add(b, TEXTS_EXECUTE, text, is_whole);
	b->statements++;
}

static void journal_close(struct journal *j, struct slice body)
{
	bool is_whole;
	struct slice kind = slice_head(body, 1);
	body = slice_skip(body, kind.len);
	struct slice name = journal_string(&body, &is_whole);
	if (slice_eq_str(kind, "S"))
		journal_texts_close_statement(&j->texts, name);
	else
		journal_texts_close_portal(&j->texts, name);
}

static void journal_query(struct batch *b, struct slice body)
{
	bool is_whole;
	struct slice sql = journal_string(&body, &is_whole);
	journal_add(b, TEXTS_QUERY, sql, is_whole);
	b->statements++;
}

static void journal_function(struct batch *b, struct slice body)
{
	struct reader r;
	char text[32];
	reader_init(&r, body);
	snprintf(text, sizeof(text), "function %u", reader_u32(&r));
	texts_add(&b->texts, TEXTS_FUNCTION, slice_of(text));
	b->statements++;
}

/* The client goes on in a batch in which everything was answered. */
static void journal_end_gap(struct journal *j, struct batch *b, usec_t now)
{
	if (j->gap_at)
		b->gap_us += now - j->gap_at;
	j->gap_at = 0;
}

static bool journal_begins_nothing(char type)
{
	return type == 'd' || type == 'c' || type == 'f' || type == 'H' || type == 'X';
}

void journal_client(struct client *c, const struct frame *f, uint32_t seq, usec_t now)
{
	struct journal *j = c->journal ? c->journal : journal_take(c);
	struct batch *b = journal_last(j);

	if (journal_begins_nothing(f->type)) {
		if (f->type != 'd' && b && j->copy_at) {
			b->drain_us += now - j->copy_at;
			j->copy_at = 0;
		}
		return;
	}
	b = journal_open(c, j, now);
	journal_end_gap(j, b, now);
	switch (f->type) {
	case 'Q':
		journal_query(b, f->body);
		journal_seal(b, RECORD_SIMPLE, seq);
		break;
	case 'F':
		journal_function(b, f->body);
		journal_seal(b, RECORD_FUNCTION, seq);
		break;
	case 'S':
		journal_seal(b, RECORD_EXTENDED, seq);
		break;
	case 'P':
		journal_parse(j, b, f->body);
		break;
	case 'B':
		journal_bind(j, f->body);
		break;
	case 'E':
		journal_execute(j, b, f->body);
		break;
	case 'C':
		journal_close(j, f->body);
		break;
	default:
		break;
	}
}

void journal_received(struct client *c, size_t bytes)
{
	struct batch *b = c->journal ? journal_last(c->journal) : NULL;
	if (b)
		b->bytes_in += bytes;
}

/* ---- the server's side -------------------------------------------------------------------- */

/* The batch that the server works on: the oldest that has not ended. */
static struct batch *journal_current(struct journal *j)
{
	for (unsigned i = 0; i < j->count; i++) {
		struct batch *b = journal_at(j, i);
		if (!b->ended)
			return b;
	}
	return NULL;
}

static void journal_failed(struct batch *b, struct slice body)
{
	if (b->errors++ == 0)
		notice_sqlstate(body, b->sqlstate);
}

/* The item `seq` is answered: its batch has ended, and so have those before it that were
 * skipped; what they held is shown with the one that ended. */
static void journal_ended(struct client *c, struct journal *j, uint32_t seq, usec_t now)
{
	for (unsigned i = 0; i < j->count; i++) {
		struct batch *b = journal_at(j, i);
		if (b->ended)
			continue;
		if (!b->sealed || track_seq_before(seq, b->end_seq))
			return;
		b->ended = true;
		b->end = now;
		b->xact_at = c->xact_at;
	}
}

void journal_server(struct client *c, const struct frame *f, const struct track_news *news,
		    usec_t now)
{
	struct journal *j = c->journal;
	struct batch *b = j ? journal_current(j) : NULL;
	if (!b)
		return;

	if (!b->first_byte)
		b->first_byte = now;
	switch (f->type) {
	case 'C': {
		struct tag tag = tag_read(f->body);
		b->rows += tag.has_rows ? tag.rows : 0;
		break;
	}
	case 'E':
		journal_failed(b, f->body);
		break;
	case 'G':
		b->flags |= RECORD_COPY_IN;
		j->copy_at = now;
		break;
	case 'H':
		b->flags |= RECORD_COPY_OUT;
		break;
	case 'Z':
		if (news->done)
			journal_ended(c, j, news->seq, now);
		if (f->body.len && f->body.ptr[0] == 'I')
			journal_texts_end_portals(&j->texts);
		break;
	default:
		break;
	}
}

/* ---- the end of batches ------------------------------------------------------------------- */

/* The oldest has ended: it is judged, and its place is free. */
static void journal_retire(struct client *c, struct journal *j, usec_t end)
{
	struct batch *b = journal_at(j, 0);
	batch_judge(b, c, end);
	if (b->texts.bytes.cap > JOURNAL_KEEP_BYTES)
		texts_release(&b->texts);
	j->head = (j->head + 1) % JOURNAL_BATCHES;
	if (--j->count == 0)
		j->head = 0; /* one after the other, they share their memory */
}

void journal_turn(struct client *c, size_t sent_bytes, bool is_stuck, bool all_answered, usec_t now)
{
	struct journal *j = c->journal;
	if (!j || j->count == 0)
		return;

	struct batch *b = journal_at(j, 0);
	b->bytes_out += sent_bytes;
	if (j->stuck_at)
		b->drain_us += now - j->stuck_at;
	j->stuck_at = is_stuck ? now : 0;

	while (!is_stuck && j->count && journal_at(j, 0)->ended)
		journal_retire(c, j, now);
	if (all_answered && j->count && !j->gap_at && !journal_last(j)->sealed)
		j->gap_at = now;
}

void journal_cut(struct client *c, uint32_t flag, const char *sqlstate, usec_t now)
{
	struct journal *j = c->journal;
	if (!j)
		return;
	while (j->count) {
		struct batch *b = journal_at(j, 0);
		b->flags |= flag;
		b->end = b->ended ? b->end : now;
		if (sqlstate && b->errors++ == 0)
			memcpy(b->sqlstate, sqlstate, sizeof(b->sqlstate));
		if (j->gap_at && !b->sealed)
			b->gap_us += now - j->gap_at;
		journal_retire(c, j, now);
	}
	j->gap_at = j->stuck_at = j->copy_at = 0;
}

/* The batch at the front of what no server has seen; NULL: there is none, or nobody wants to know.
 */
static struct batch *journal_alone(struct client *c, struct slice in, usec_t now)
{
	struct frame f;
	if (!c->pool->logs_queries || (c->journal && c->journal->count))
		return NULL;
	for (uint32_t seq = 0; frame_read(in, UINT32_MAX, &f) > 0; seq++) {
		journal_client(c, &f, seq, now);
		if (!frame_is_whole(&f) || !c->journal ||
		    (c->journal->count && journal_last(c->journal)->sealed))
			break;
		in = slice_skip(in, frame_bytes(&f));
	}
	return c->journal && c->journal->count ? journal_at(c->journal, 0) : NULL;
}

void journal_refused(struct client *c, struct slice in, const char *sqlstate, usec_t now)
{
	struct batch *b = journal_alone(c, in, now);
	if (!b)
		return;
	b->start = c->request_at;
	b->wait_us = now - c->request_at;
	journal_cut(c, 0, sqlstate, now);
	journal_rest(c);
}

void journal_answered(struct client *c, struct slice in, usec_t now)
{
	struct batch *b = journal_alone(c, in, now);
	if (!b)
		return;
	b->start = now;
	b->wait_us = 0;
	journal_cut(c, 0, NULL, now);
	journal_rest(c);
}

void journal_cancelled(struct client *c)
{
	struct batch *b = c->journal ? journal_current(c->journal) : NULL;
	if (b)
		b->flags |= RECORD_CANCELLED;
}

void journal_rest(struct client *c)
{
	struct journal *j = c->journal;
	if (!j || j->count)
		return;
	journal_texts_end_unnamed(&j->texts);
	if (journal_texts_has_statements(&j->texts))
		return;
	j->gap_at = j->stuck_at = j->copy_at = 0;
	c->journal = NULL;
	list_push_front(&c->worker->idle_journals, &j->idle);
}

void journal_drop(struct client *c)
{
	struct journal *j = c->journal;
	if (!j)
		return;
	j->count = j->head = 0;
	journal_texts_fini(&j->texts);
	journal_rest(c);
}

void journal_free_idle(struct worker *w)
{
	struct journal *j;
	while ((j = LIST_FIRST(&w->idle_journals, struct journal, idle))) {
		list_remove(&j->idle);
		for (size_t i = 0; i < JOURNAL_BATCHES; i++)
			texts_release(&j->batches[i].texts);
		journal_texts_fini(&j->texts);
		free(j);
	}
}
