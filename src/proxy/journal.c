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

#include "base/map.h"
#include "base/mem.h"
#include "proxy/client.h"
#include "proxy/localpool.h"
#include "proxy/paramset.h"
#include "proxy/route.h"
#include "proxy/server.h"
#include "proxy/worker.h"
#include "sql/lexer.h"
#include "tap/record.h"
#include "tap/texts.h"
#include "wire/notice.h"
#include "wire/reader.h"
#include "wire/tag.h"

#define JOURNAL_BATCHES 16 /* a power of two */
#define JOURNAL_MAX_STATEMENTS 4096
#define JOURNAL_NAME_BYTES 256

struct batch {
	struct tap_texts texts;
	uint32_t end_seq; /* of the item that ends it, once `sealed` */
	bool sealed;      /* its last message was forwarded */
	bool ended;       /* its ReadyForQuery was passed on */
	enum record_protocol protocol;
	usec_t start;      /* when its first message was there */
	usec_t wait_us;    /* for a server */
	usec_t first_byte; /* when it came; 0: not yet */
	usec_t end;        /* when ReadyForQuery came */
	usec_t drain_us;
	usec_t gap_us; /* the client thought */
	uint64_t rows, bytes_in, bytes_out;
	uint32_t statements, errors, flags;
	char sqlstate[6];
	usec_t xact_at;
};

struct journal {
	struct list idle; /* worker->idle_journals */
	struct batch batches[JOURNAL_BATCHES];
	unsigned head, count;  /* the oldest, and how many */
	struct map statements; /* name -> text, owned */
	struct map portals;    /* name -> text, owned; emptied when the transaction ends */
	usec_t stuck_at;       /* since when the client does not take what it is sent; 0 */
	usec_t gap_at;         /* since when everything was answered in an open batch; 0 */
	usec_t copy_at;        /* since when the client sends COPY data; 0 */
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

/* ---- texts by name --------------------------------------------------------------- */

static void journal_forget_name(struct map *texts, struct slice name)
{
	free(map_remove(texts, name));
}

static void journal_name(struct map *texts, struct slice name, struct slice text)
{
	if (map_count(texts) >= JOURNAL_MAX_STATEMENTS && !map_get(texts, name))
		return;
	free(map_put(texts, name, slice_dup(slice_head(text, TEXTS_ONE_MAX_BYTES))));
}

static void journal_forget_all(struct map *texts)
{
	struct slice key;
	void *value;
	for (size_t at = 0; map_next(texts, &at, &key, &value);)
		free(value);
	map_fini(texts);
}

static struct slice journal_text(struct map *texts, struct slice name)
{
	return slice_of(map_get(texts, name));
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

static void journal_parse(struct journal *j, struct batch *b, struct slice body)
{
	struct reader r;
	reader_init(&r, body);
	struct slice name = reader_cstr(&r);
	struct slice sql = reader_rest(&r);
	if (reader_failed(&r))
		return;
	const char *end = memchr(sql.ptr, '\0', sql.len);
	if (end)
		sql.len = (size_t)(end - sql.ptr);
	journal_name(&j->statements, name, sql);
	texts_add(&b->texts, TEXTS_PARSE, sql);
}

static void journal_bind(struct journal *j, struct slice body)
{
	struct reader r;
	reader_init(&r, body);
	struct slice portal = reader_cstr(&r);
	struct slice statement = reader_cstr(&r);
	if (!reader_failed(&r))
		journal_name(&j->portals, portal, journal_text(&j->statements, statement));
}

static void journal_execute(struct journal *j, struct batch *b, struct slice body)
{
	struct reader r;
	reader_init(&r, body);
	struct slice portal = reader_cstr(&r);
	texts_add(&b->texts, TEXTS_EXECUTE, journal_text(&j->portals, portal));
	b->statements++;
}

static void journal_close(struct journal *j, struct slice body)
{
	struct reader r;
	reader_init(&r, body);
	uint8_t kind = reader_u8(&r);
	struct slice name = reader_cstr(&r);
	journal_forget_name(kind == 'S' ? &j->statements : &j->portals, name);
}

static void journal_query(struct batch *b, struct slice body)
{
	const char *end = body.len ? memchr(body.ptr, '\0', body.len) : NULL;
	if (end)
		body.len = (size_t)(end - body.ptr);
	texts_add(&b->texts, TEXTS_QUERY, body);
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

void journal_client(struct client *c, const struct frame *f, uint32_t seq, usec_t now)
{
	struct journal *j = c->journal ? c->journal : journal_take(c);
	struct batch *b = journal_last(j);

	if (strchr("dcfHX", f->type)) { /* these begin nothing */
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
		if (f->body.len && f->body.ptr[0] == 'I' && map_count(&j->portals))
			journal_forget_all(&j->portals);
		break;
	default:
		break;
	}
}

/* ---- judging ----------------------------------------------------------------------------------
 */

static bool journal_has_escapes(const struct client *c)
{
	const char *value = paramset_get(c->params, SLICE("standard_conforming_strings"));
	return value && strcmp(value, "off") == 0;
}

static uint8_t journal_encoding(const struct client *c)
{
	const char *name = paramset_get(c->params, SLICE("client_encoding"));
	return (uint8_t)lexer_encoding_of(slice_of(name));
}

static void journal_tell(struct client *c, const struct batch *b, usec_t end)
{
	const struct localpool *lp = c->pool;
	const char *app = paramset_get(c->params, SLICE("application_name"));
	char addr[ADDR_TEXT_BYTES];
	usec_t server_start = b->start + b->wait_us;
	usec_t first = b->first_byte ? b->first_byte : b->end;
	usec_t total = end - b->start - b->gap_us;

	struct tap_record record = {
		.started_wall_us = usec_wall() - (end - b->start),
		.wait_us = b->wait_us,
		.first_byte_us = first > server_start ? first - server_start : 0,
		.server_us = b->end > server_start ? b->end - server_start : 0,
		.drain_us = b->drain_us,
		.total_us = total,
		.xact_age_us = b->xact_at ? end - b->xact_at : 0,
		.rows = b->rows,
		.bytes_in = b->bytes_in,
		.bytes_out = b->bytes_out,
		.statements = b->statements,
		.errors = b->errors,
		.flags = b->flags,
		.protocol = b->protocol,
		.server_pid = c->server ? c->server->pid : 0,
		.policy = { .show_values = lp->settings.log_parameter_values,
			    .backslashes = journal_has_escapes(c),
			    .encoding = journal_encoding(c),
			    .text_max_bytes = (uint32_t)c->worker->setup->conf->global
						      .log_statement_max_bytes },
		.database = slice_of(lp->route->database),
		.user = slice_of(c->user),
		.client = slice_of(addr_text(&c->peer, addr)),
		.application_name = slice_of(app ? app : ""),
		.texts = texts_slice(&b->texts),
	};
	memcpy(record.sqlstate, b->sqlstate, sizeof(record.sqlstate));
	if (record_push(c->worker->tap, &record) == RING_PUSHED_FIRST)
		c->worker->shared->on_record(c->worker->shared->owner);
}

static void journal_judge(struct client *c, const struct batch *b, usec_t end)
{
	usec_t limit = c->pool->settings.log_min_duration_statement_us;
	if (limit != USEC_NEVER && end - b->start - b->gap_us >= limit && b->statements > 0)
		journal_tell(c, b, end);
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

	while (!is_stuck && j->count && journal_at(j, 0)->ended) {
		journal_judge(c, journal_at(j, 0), now);
		j->head = (j->head + 1) % JOURNAL_BATCHES;
		j->count--;
	}
	if (all_answered && j->count && !j->gap_at && !journal_last(j)->sealed)
		j->gap_at = now;
}

void journal_cut(struct client *c, uint32_t flag, const char *sqlstate, usec_t now)
{
	struct journal *j = c->journal;
	if (!j)
		return;
	for (; j->count; j->head = (j->head + 1) % JOURNAL_BATCHES, j->count--) {
		struct batch *b = journal_at(j, 0);
		b->flags |= flag;
		b->end = b->ended ? b->end : now;
		if (sqlstate && b->errors++ == 0)
			memcpy(b->sqlstate, sqlstate, sizeof(b->sqlstate));
		if (j->gap_at && !b->sealed)
			b->gap_us += now - j->gap_at;
		journal_judge(c, b, now);
	}
	j->gap_at = j->stuck_at = j->copy_at = 0;
}

void journal_refused(struct client *c, struct slice in, const char *sqlstate, usec_t now)
{
	struct frame f;
	if (!c->pool->logs_queries || (c->journal && c->journal->count))
		return;
	for (uint32_t seq = 0; frame_read(in, UINT32_MAX, &f) > 0; seq++) {
		journal_client(c, &f, seq, now);
		if (!frame_is_whole(&f) || !c->journal ||
		    (c->journal->count && journal_last(c->journal)->sealed))
			break;
		in = slice_skip(in, frame_bytes(&f));
	}
	if (!c->journal || !c->journal->count)
		return;
	struct batch *b = journal_at(c->journal, 0);
	b->start = c->request_at;
	b->wait_us = now - c->request_at;
	journal_cut(c, 0, sqlstate, now);
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
	journal_forget_all(&j->portals);
	journal_forget_name(&j->statements, SLICE(""));
	if (map_count(&j->statements))
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
	j->count = 0;
	journal_forget_all(&j->statements);
	journal_rest(c);
}

void journal_free_idle(struct worker *w)
{
	struct journal *j;
	while ((j = LIST_FIRST(&w->idle_journals, struct journal, idle))) {
		list_remove(&j->idle);
		for (size_t i = 0; i < JOURNAL_BATCHES; i++)
			texts_release(&j->batches[i].texts);
		map_fini(&j->statements);
		map_fini(&j->portals);
		free(j);
	}
}
