/*
 * loadconn.c - what a client of the load generator says, and what it makes of the answers.
 */
#include "loadconn.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/scram_client.h"
#include "base/mem.h"
#include "wire/build.h"

#define LOADCONN_COPY_TURN_BYTES ((size_t)64 << 10)
/* A stream is read in turns, so that the latency of the others is the pooler's and not ours. */
#define LOADCONN_TURN_BYTES (LOADCONN_SCRATCH_BYTES / 16)
#define LOADCONN_STATEMENT "bench"

enum loadconn_state {
	LOADCONN_CONNECTS,
	LOADCONN_LOGS_IN,
	LOADCONN_PREPARES,
	LOADCONN_FREE,
	LOADCONN_ASKED
};

void loadconn_die(enum loadconn_exit status, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fflush(stdout);
	fprintf(stderr, "loadgen: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
	exit(status);
}

static void loadconn_send(struct loadconn *c, struct buf *out)
{
	if (!loadlink_send(&c->link, buf_slice(out)))
		loadconn_die(LOADCONN_EXIT_BROKEN, "client %u: cannot send: %s", c->id,
			     strerror(errno));
	buf_fini(out);
}

void loadconn_open(struct loadconn *c, struct loadrun *run, enum loadconn_role role, unsigned id)
{
	c->run = run;
	c->role = role;
	c->id = id;
	c->state = LOADCONN_CONNECTS;
	c->asked_at = usec_now();
	list_init(&c->resting);
	run->logging_in++;
	if (!loadlink_open(&c->link, &run->target, c))
		loadconn_die(LOADCONN_EXIT_BROKEN, "client %u: cannot connect: %s", id,
			     strerror(errno));
}

/* ---- asking ------------------------------------------------------------------------------- */

static void loadconn_startup(struct loadconn *c)
{
	struct buf out = { 0 };
	buf_u32(&out, 0);
	buf_u32(&out, 3u << 16);
	buf_add_cstr(&out, "user");
	buf_add_cstr(&out, c->run->user);
	buf_add_cstr(&out, "database");
	buf_add_cstr(&out, c->run->database);
	if (c->run->app_names) {
		buf_add_cstr(&out, "application_name");
		buf_addf(&out, "app%u", c->id % c->run->app_names);
		buf_u8(&out, 0);
	}
	buf_u8(&out, 0);
	buf_put_u32(&out, 0, (uint32_t)buf_len(&out));
	c->state = LOADCONN_LOGS_IN;
	loadconn_send(c, &out);
}

static void loadconn_describe_portal(struct buf *out)
{
	size_t at = build_begin(out, 'D');
	buf_u8(out, 'P');
	buf_u8(out, 0);
	build_end(out, at);
}

static void loadconn_bind(struct buf *out, const char *statement, const char *param)
{
	size_t at = build_begin(out, 'B');
	buf_u8(out, 0);
	buf_add_cstr(out, statement);
	buf_u16(out, 0);
	buf_u16(out, 1);
	buf_u32(out, (uint32_t)strlen(param));
	buf_add_str(out, param);
	buf_u16(out, 0);
	build_end(out, at);
}

static void loadconn_query(struct loadconn *c, struct buf *out)
{
	snprintf(c->nonce, sizeof(c->nonce), "%05u-%08" PRIu32, c->id, ++c->seq);
	if (c->run->proto == LOADCONN_SIMPLE || c->role == LOADCONN_STORM) {
		char sql[64];
		snprintf(sql, sizeof(sql), "select '%s'", c->nonce);
		build_query(out, slice_of(sql));
		return;
	}
	bool is_named = c->run->proto == LOADCONN_PREPARED;
	if (!is_named)
		build_parse(out, SLICE(""), SLICE("select $1"), NULL, 0);
	loadconn_bind(out, is_named ? LOADCONN_STATEMENT : "", c->nonce);
	loadconn_describe_portal(out);
	build_execute(out, SLICE(""), 0);
	build_sync(out);
}

static void loadconn_ask(struct loadconn *c)
{
	static const char *const words[LOADCONN_ROLE_COUNT] = {
		[LOADCONN_STREAM] = "stream", [LOADCONN_COPY_OUT] = "copy_out"
	};
	struct buf out = { 0 };
	char sql[64];
	switch (c->role) {
	case LOADCONN_QUERY:
	case LOADCONN_STORM:
		loadconn_query(c, &out);
		break;
	case LOADCONN_STREAM:
	case LOADCONN_COPY_OUT:
		snprintf(sql, sizeof(sql), "%s %" PRIu64 " %u", words[c->role],
			 c->run->stream_bytes, c->run->row_bytes);
		build_query(&out, slice_of(sql));
		break;
	case LOADCONN_COPY_IN:
		build_query(&out, SLICE("copy_in"));
		break;
	case LOADCONN_IDLE:
	case LOADCONN_ROLE_COUNT:
		return;
	}
	c->bytes = 0;
	c->has_row = false;
	c->state = LOADCONN_ASKED;
	c->run->unanswered++;
	if (c->role != LOADCONN_STORM)
		c->asked_at = usec_now();
	loadconn_send(c, &out);
}

void loadconn_go(struct loadconn *c)
{
	struct loadrun *run = c->run;
	if (c->state != LOADCONN_FREE || c->role == LOADCONN_IDLE || !run->asks ||
	    list_is_on(&c->resting))
		return;
	if (c->role == LOADCONN_QUERY) {
		if (run->left == 0)
			return;
		run->left--;
	}
	loadconn_ask(c);
}

void loadconn_rest(struct loadconn *c, usec_t until)
{
	c->wakes_at = until;
	list_push_back(&c->run->resting, &c->resting);
}

usec_t loadconn_wake(struct loadrun *run, usec_t now)
{
	struct loadconn *c;
	while ((c = LIST_FIRST(&run->resting, struct loadconn, resting))) {
		if (c->wakes_at > now)
			return c->wakes_at;
		list_remove(&c->resting);
		loadconn_go(c);
	}
	return USEC_NEVER;
}

/* ---- COPY FROM ---------------------------------------------------------------------------- */

static void loadconn_pump_copy(struct loadconn *c)
{
	static struct buf block;
	if (buf_len(&block) == 0) {
		char *row = mem_alloc(c->run->row_bytes);
		memset(row, 'y', c->run->row_bytes);
		while (buf_len(&block) < LOADCONN_COPY_TURN_BYTES) {
			size_t at = build_begin(&block, 'd');
			buf_add(&block, row, c->run->row_bytes);
			build_end(&block, at);
		}
		free(row);
	}
	uint64_t rows = buf_len(&block) / (c->run->row_bytes + 5);
	while (c->bytes < c->run->stream_bytes && !loadlink_is_stuck(&c->link)) {
		if (!loadlink_send(&c->link, buf_slice(&block)))
			loadconn_die(LOADCONN_EXIT_BROKEN, "client %u: broken in a COPY", c->id);
		c->bytes += rows * c->run->row_bytes;
		if (c->run->measures)
			c->run->groups[c->role].bytes += buf_len(&block);
		c->run->progress++;
	}
	if (c->bytes < c->run->stream_bytes || c->has_row)
		return;
	struct buf out = { 0 };
	build_end(&out, build_begin(&out, 'c'));
	c->has_row = true; /* the end was sent */
	loadconn_send(c, &out);
}

/* ---- answers ------------------------------------------------------------------------------- */

static void loadconn_refused(const struct loadconn *c, struct slice body)
{
	char text[300];
	size_t n = 0;
	for (size_t i = 0; i < body.len && n + 1 < sizeof(text); i++)
		text[n++] = body.ptr[i] ? body.ptr[i] : ' ';
	text[n] = '\0';
	loadconn_die(LOADCONN_EXIT_REFUSED, "client %u was told: %s", c->id, text);
}

static void loadconn_auth(struct loadconn *c, struct slice body)
{
	struct buf out = { 0 };
	if (body.len >= 4 && memcmp(body.ptr, "\0\0\0", 4) == 0 && !c->scram)
		return;
	if (!c->scram)
		c->scram = scram_client_new_keys(&c->run->keys, NULL);
	switch (scram_client_step(c->scram, body, &out)) {
	case SCRAM_CLIENT_MORE:
		if (buf_len(&out))
			loadconn_send(c, &out);
		break;
	case SCRAM_CLIENT_DONE:
		scram_client_free(c->scram);
		c->scram = NULL;
		break;
	case SCRAM_CLIENT_FAILED:
		loadconn_die(LOADCONN_EXIT_REFUSED, "client %u: %s", c->id,
			     scram_client_reason(c->scram));
	}
}

static void loadconn_logged_in(struct loadconn *c)
{
	struct loadrun *run = c->run;
	if (c->state == LOADCONN_LOGS_IN && c->role == LOADCONN_QUERY &&
	    run->proto == LOADCONN_PREPARED) {
		struct buf out = { 0 };
		build_parse(&out, SLICE(LOADCONN_STATEMENT), SLICE("select $1"), NULL, 0);
		build_sync(&out);
		c->state = LOADCONN_PREPARES;
		loadconn_send(c, &out);
		return;
	}
	run->logging_in--;
	run->up += c->role != LOADCONN_STORM;
	c->state = LOADCONN_FREE;
	if (c->role == LOADCONN_STORM)
		loadconn_ask(c);
	else
		loadconn_go(c);
}

static void loadconn_reconnect(struct loadconn *c)
{
	struct buf bye = { 0 };
	build_terminate(&bye);
	loadconn_send(c, &bye);
	loadlink_close(&c->link);
	buf_release(&c->in);
	if (c->run->asks && !c->run->logins_per_s)
		loadconn_open(c, c->run, c->role, c->id);
	else
		c->state = LOADCONN_CONNECTS;
}

static void loadconn_answered(struct loadconn *c)
{
	struct loadrun *run = c->run;
	struct loadconn_group *group = &run->groups[c->role];
	if (!c->has_row)
		loadconn_die(LOADCONN_EXIT_WRONG, "client %u got no row for %s", c->id, c->nonce);
	if ((c->role == LOADCONN_STREAM || c->role == LOADCONN_COPY_OUT) &&
	    c->bytes < run->stream_bytes)
		loadconn_die(LOADCONN_EXIT_WRONG, "client %u got %" PRIu64 " bytes of %" PRIu64,
			     c->id, c->bytes, run->stream_bytes);
	run->unanswered--;
	if (run->measures) {
		group->done++;
		c->done++;
		hist_add(&group->latency, usec_now() - c->asked_at);
	}
	c->state = LOADCONN_FREE;
	if (c->role == LOADCONN_STORM)
		loadconn_reconnect(c);
	else if (c->role == LOADCONN_QUERY && run->rest_us)
		loadconn_rest(c, usec_now() + run->rest_us);
	else
		loadconn_go(c);
}

static void loadconn_row(struct loadconn *c, struct slice body)
{
	size_t n = strlen(c->nonce);
	if (c->state != LOADCONN_ASKED || body.len != n + 6 ||
	    memcmp(body.ptr + 6, c->nonce, n) != 0)
		loadconn_die(LOADCONN_EXIT_WRONG, "client %u asked for %s and got %.*s", c->id,
			     c->nonce, body.len > 6 ? (int)body.len - 6 : 0, body.ptr + 6);
	c->has_row = true;
}

static void loadconn_tag(const struct loadconn *c, struct slice body)
{
	char tag[48];
	if (c->role != LOADCONN_COPY_IN)
		return;
	snprintf(tag, sizeof(tag), "COPY %" PRIu64, c->bytes);
	if (body.len != strlen(tag) + 1 || memcmp(body.ptr, tag, body.len) != 0)
		loadconn_die(LOADCONN_EXIT_WRONG, "client %u: %s came to be %.*s", c->id, tag,
			     SLICE_ARGS(body));
}

static void loadconn_message(struct loadconn *c, char type, struct slice body)
{
	switch (type) {
	case 'R':
		loadconn_auth(c, body);
		break;
	case 'D':
		if (c->role == LOADCONN_STREAM)
			c->has_row = true;
		else
			loadconn_row(c, body);
		break;
	case 'd':
		c->has_row = true;
		break;
	case 'G':
		c->has_row = false;
		loadconn_pump_copy(c);
		break;
	case 'C':
		loadconn_tag(c, body);
		break;
	case 'E':
		loadconn_refused(c, body);
		break;
	case 'Z':
		if (c->state == LOADCONN_ASKED)
			loadconn_answered(c);
		else if (c->state == LOADCONN_LOGS_IN || c->state == LOADCONN_PREPARES)
			loadconn_logged_in(c);
		else
			loadconn_die(LOADCONN_EXIT_WRONG, "client %u had asked nothing", c->id);
		break;
	default:
		break;
	}
}

static uint32_t loadconn_length(const char *p)
{
	const uint8_t *b = (const uint8_t *)p;
	return (uint32_t)b[1] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 8 | b[4];
}

/* Rows of a stream are counted and not looked at; how much was taken. */
static size_t loadconn_take(struct loadconn *c, struct slice in)
{
	size_t done = c->skip < in.len ? c->skip : in.len;
	c->skip -= (uint32_t)done;
	while (in.len - done >= 5) {
		const char *head = in.ptr + done;
		size_t all = (size_t)loadconn_length(head) + 1;
		bool is_data = *head == 'd' || (*head == 'D' && c->role == LOADCONN_STREAM);
		if (all < 5 || (all > LOADCONN_SCRATCH_BYTES / 2 && !is_data))
			loadconn_die(LOADCONN_EXIT_WRONG, "client %u: no message: %02x", c->id,
				     (unsigned char)*head);
		if (in.len - done < all && !is_data)
			break;
		size_t here = all < in.len - done ? all : in.len - done;
		c->bytes += is_data ? all : 0;
		c->skip = (uint32_t)(all - here);
		done += here;
		enum loadlink_state before = c->link.state;
		loadconn_message(c, *head, slice_make(head + 5, here - 5));
		if (c->link.state != before) /* a storm's next connection */
			return in.len;
	}
	return done;
}

static void loadconn_read(struct loadconn *c)
{
	struct loadrun *run = c->run;
	do {
		size_t held = buf_len(&c->in);
		if (held)
			memcpy(run->scratch, buf_slice(&c->in).ptr, held);
		buf_release(&c->in);
		ssize_t got = loadlink_recv(&c->link, run->scratch + held, LOADCONN_TURN_BYTES);
		if (got < 0)
			loadconn_die(LOADCONN_EXIT_BROKEN, "client %u: the connection has ended",
				     c->id);
		run->progress += got > 0;
		if (run->measures && c->state == LOADCONN_ASKED && c->role != LOADCONN_COPY_IN)
			run->groups[c->role].bytes += (uint64_t)got;
		struct slice in = slice_make(run->scratch, held + (size_t)got);
		size_t done = loadconn_take(c, in);
		if (done < in.len)
			buf_add_slice(&c->in, slice_skip(in, done));
	} while (c->link.reads_more);
}

void loadconn_event(struct loadconn *c, uint32_t events)
{
	switch (loadlink_event(&c->link, events)) {
	case LOADLINK_IS_UP:
		loadconn_startup(c);
		break;
	case LOADLINK_READABLE:
		loadconn_read(c);
		break;
	case LOADLINK_DRAINED:
		if (c->role == LOADCONN_COPY_IN && c->state == LOADCONN_ASKED)
			loadconn_pump_copy(c);
		break;
	case LOADLINK_BROKEN:
		loadconn_die(LOADCONN_EXIT_BROKEN, "client %u: cannot connect: %s", c->id,
			     strerror(errno));
	case LOADLINK_NOTHING:
		break;
	}
}
