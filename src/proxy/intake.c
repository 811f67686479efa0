/*
 * intake.c - what a client sends, until a server or nobody has it.
 *
 * Bytes are read into the worker's scratch and offered to the handler of the state; what it
 * leaves (a message that is not whole, a request that waits for a server) is kept in
 * client->in and offered again when more comes or the state has changed. So "wait for a
 * server" needs no memory of what was asked: the request is still there.
 */
#include "proxy/intake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proxy/client.h"
#include "proxy/keep.h"
#include "proxy/localpool.h"
#include "proxy/login.h"
#include "proxy/opening.h"
#include "proxy/relay.h"
#include "proxy/route.h"
#include "proxy/server.h"
#include "proxy/setup.h"
#include "proxy/suspect.h"
#include "proxy/worker.h"
#include "sql/words.h"
#include "wire/build.h"
#include "wire/frame.h"

/* What a client without a server may send at a time: it may have to be kept. */
#define INTAKE_IDLE_READ_BYTES ((size_t)16 << 10)

/* Asks for a server; nothing of what was asked is consumed. */
static void intake_request(struct client *c, usec_t now)
{
	c->request_at = now;
	localpool_request(c->pool, c, now);
}

/* ---- bytes, by state ---------------------------------------------------------------------------
 */

/* Reads a head in a state that keeps nothing: 0: more is needed (or it has failed). */
static size_t intake_read_head(struct client *c, struct slice in, struct frame *f, usec_t now)
{
	uint32_t limit = (uint32_t)c->worker->setup->conf->global.max_packet_size;
	int head = frame_read(in, limit, f);
	if (head > 0 && f->type != 'p' && frame_is_known(FRAME_FROM_CLIENT, f->type) &&
	    f->body_bytes <= frame_max_body(FRAME_FROM_CLIENT, f->type, limit))
		return f->head_bytes + f->body.len;
	if (head == 0)
		return 0;
	if (head < 0 || (f->type != 'p' && frame_is_known(FRAME_FROM_CLIENT, f->type))) {
		client_fail(c, ERROR_BAD_MESSAGE_LENGTH, NULL, NULL, now,
			    frame_error_text(head < 0 ? head : FRAME_TOO_LONG));
	} else {
		char type[8];
		snprintf(type, sizeof(type), "0x%02x", (unsigned char)f->type);
		client_fail(c, ERROR_PROTOCOL_VIOLATION, NULL, NULL, now, type);
	}
	return 0;
}

static size_t intake_drop_body(struct client *c, struct slice in)
{
	size_t n = c->body_left < in.len ? c->body_left : in.len;
	c->body_left -= (uint32_t)n;
	return n;
}

static size_t intake_drop_frame(struct client *c, const struct frame *f)
{
	c->body_left = f->body_bytes - (uint32_t)f->body.len;
	return f->head_bytes + f->body.len;
}

static void intake_say_ready(struct client *c, usec_t now)
{
	const char ready[] = { 'Z', 0, 0, 0, 5, opening_status(c) };
	client_send(c, slice_make(ready, sizeof(ready)), now);
}

bool intake_is_begin(const struct frame *f)
{
	struct slice sql = f->body;
	struct lexer_mode mode = { 0 };
	if (f->type == 'P') { /* the statement's name stands before its text */
		const char *name_end = sql.len ? memchr(sql.ptr, '\0', sql.len) : NULL;
		sql = name_end ? slice_skip(sql, (size_t)(name_end + 1 - sql.ptr)) : SLICE_NONE;
	} else if (f->type != 'Q') {
		return false;
	}
	const char *end = sql.len ? memchr(sql.ptr, '\0', sql.len) : NULL;
	return words_has_begin(slice_head(sql, end ? (size_t)(end - sql.ptr) : sql.len), mode);
}

/* Statement mode: there are no transaction blocks, and the client may go on. */
static size_t intake_refuse_begin(struct client *c, const struct frame *f, usec_t now)
{
	struct buf out = { 0 };
	c->pool->stats.refusals++;
	errors_build(&out, ERROR_STATEMENT_MODE, NULL, NULL);
	if (f->type == 'Q')
		build_ready(&out, 'I');
	else
		client_enter(c, CLIENT_SKIPPING, now);
	client_send(c, buf_slice(&out), now);
	buf_fini(&out);
	return intake_drop_frame(c, f);
}

/* All that is here is looked at: the server must be fit for it when it is given out. */
static void intake_see_sequences(const struct client *c, struct slice in)
{
	atomic_bool *reads = &c->pool->route->reads_sequences;
	if (!atomic_load_explicit(reads, memory_order_relaxed) && suspect_reads_sequences(in))
		atomic_store(reads, true);
}

/* Something that the client asks for, at the front of `in`. */
static size_t intake_asked(struct client *c, struct slice in, const struct frame *f, usec_t now)
{
	/* no server is held for somebody who is still speaking */
	if (!frame_is_whole(f) && f->body_bytes <= INTAKE_GATHER_BYTES)
		return 0;
	if (c->pool->is_statement && intake_is_begin(f))
		return intake_refuse_begin(c, f, now);
	/* who listens is to hear nothing amid a transaction: its server sees to that (ear.h) */
	bool defers = c->pool->defers_begin && !(c->keep && c->keep->ear);
	if ((defers || c->opening) && opening_may_be(c, f)) {
		size_t answered = opening_answer(c, in, f, now);
		if (answered)
			return answered;
	}
	if (c->pool->is_auto)
		intake_see_sequences(c, in);
	intake_request(c, now);
	return 0;
}

static size_t intake_idle_bytes(struct client *c, struct slice in, usec_t now)
{
	struct frame f;
	if (c->body_left)
		return intake_drop_body(c, in);
	size_t here = intake_read_head(c, in, &f, now);
	if (here == 0)
		return 0;
	switch (f.type) {
	case 'X':
		c->said_goodbye = true;
		client_close(c, "client close request", now);
		return in.len;
	case 'S': /* nothing is open that it could end */
		if (frame_is_whole(&f))
			intake_say_ready(c, now);
		return frame_is_whole(&f) ? here : 0;
	case 'H':
	case 'c':
	case 'd':
	case 'f': /* the rest of a COPY that has failed: PostgreSQL ignores it too */
		return intake_drop_frame(c, &f);
	default:
		return intake_asked(c, in, &f, now);
	}
}

static size_t intake_skipping_bytes(struct client *c, struct slice in, usec_t now)
{
	struct frame f;
	if (c->body_left)
		return intake_drop_body(c, in);
	size_t here = intake_read_head(c, in, &f, now);
	if (here == 0)
		return 0;
	if (f.type == 'X') {
		client_close(c, "client close request", now);
		return in.len;
	}
	if (f.type != 'S')
		return intake_drop_frame(c, &f);
	if (!frame_is_whole(&f))
		return 0;
	client_enter(c, CLIENT_IDLE, now);
	intake_say_ready(c, now);
	return here;
}

static size_t intake_bytes(struct client *c, struct slice in, usec_t now)
{
	switch ((enum client_state)c->state) {
	case CLIENT_STARTUP:
		return login_start_bytes(c, in, now);
	case CLIENT_AUTH:
		return login_auth_bytes(c, in, now);
	case CLIENT_IDLE:
		return c->conn.pauses & CLIENT_PAUSE_STUCK ? 0 : intake_idle_bytes(c, in, now);
	case CLIENT_SKIPPING:
		return c->conn.pauses & CLIENT_PAUSE_STUCK ? 0 : intake_skipping_bytes(c, in, now);
	case CLIENT_LINKED:
		return conn_is_paused(&c->conn) ? 0 : relay_from_client(c, in, now);
	case CLIENT_FRONTED:
	case CLIENT_HANDSHAKE:
	case CLIENT_HELD:
	case CLIENT_ADMITTED:
	case CLIENT_PROVING:
	case CLIENT_WAITING:
		return 0;
	case CLIENT_CLOSING:
		return in.len;
	}
	return 0;
}

/* The rest of a message that PostgreSQL ignores brings no answer that would free its server. */
static void intake_settle(struct client *c, usec_t now)
{
	if (c->state == CLIENT_LINKED && !c->body_left)
		server_settle(c->server, now);
}

/* Offers the bytes to the state, and to the states that it leads to; how many were taken. */
static size_t intake_offer(struct client *c, struct slice in, usec_t now)
{
	size_t done = 0;
	for (;;) {
		enum client_state before = c->state;
		size_t n = intake_bytes(c, slice_skip(in, done), now);
		done += n;
		if (n && c->state == CLIENT_LINKED)
			intake_settle(c, now);
		if (c->state == CLIENT_CLOSING)
			return in.len;
		if (done == in.len || (n == 0 && c->state == before))
			return done;
	}
}

/* A query that waits for a server is kept, which at a busy pool is most of them: what they are kept
 * in goes from one to the next. */
static struct buf *intake_take_buf(struct worker *w)
{
	if (w->spare_in_count > 0)
		return w->spare_in[--w->spare_in_count];
	return mem_zalloc(sizeof(struct buf));
}

static void intake_give_buf(struct worker *w, struct buf *b)
{
	if (w->spare_in_count < WORKER_SPARE_BUFS && b->cap <= WORKER_SPARE_BUF_BYTES) {
		buf_clear(b);
		w->spare_in[w->spare_in_count++] = b;
		return;
	}
	buf_fini(b);
	free(b);
}

void intake_free_spare(struct worker *w)
{
	while (w->spare_in_count > 0) {
		struct buf *b = w->spare_in[--w->spare_in_count];
		buf_fini(b);
		free(b);
	}
}

static void intake_keep(struct client *c, struct slice rest)
{
	if (rest.len == 0)
		return;
	if (!c->in)
		c->in = intake_take_buf(c->worker);
	buf_add_slice(c->in, rest);
}

void intake_pump(struct client *c, usec_t now)
{
	if (!c->in || c->state == CLIENT_CLOSING)
		return;
	struct buf *held = c->in;
	c->in = NULL;
	size_t done = intake_offer(c, buf_slice(held), now);
	struct slice rest = slice_skip(buf_slice(held), done);
	if (c->state != CLIENT_CLOSING && rest.len) {
		if (c->in) {
			intake_keep(c, rest);
		} else {
			buf_consume(held, done);
			c->in = held;
			held = NULL;
		}
	}
	if (held)
		intake_give_buf(c->worker, held);
}

void intake_read(struct client *c, usec_t now)
{
	struct worker *w = c->worker;
	size_t held = c->in ? buf_len(c->in) : 0;
	size_t room = WORKER_SCRATCH_BYTES - held;
	if (held) {
		memcpy(w->scratch, buf_slice(c->in).ptr, held);
		intake_give_buf(w, c->in);
		c->in = NULL;
	}
	if (c->state != CLIENT_LINKED && room > INTAKE_IDLE_READ_BYTES)
		room = INTAKE_IDLE_READ_BYTES;

	ssize_t n = room ? conn_recv(&c->conn, w->scratch + held, room) : 0;
	if (n == CONN_RECV_EOF || n == CONN_RECV_ERROR) {
		client_close(c,
			     n == CONN_RECV_EOF ? "client unexpected eof"
						: "connection to the client is broken",
			     now);
		return;
	}
	struct slice in = slice_make(w->scratch, held + (size_t)n);
	size_t done = intake_offer(c, in, now);
	if (c->state == CLIENT_CLOSING)
		return;
	intake_keep(c, slice_skip(in, done));
	if (done == 0 && in.len == WORKER_SCRATCH_BYTES) /* resumed when the server is freed */
		conn_pause(&c->conn, CLIENT_PAUSE_TRACK);
}
