/*
 * talk.c - the console's side of the protocol.
 *
 *	         Query                        its last statement is done
 *	IDLE ------------> a statement runs --------------------------> IDLE
 *	IDLE -- Execute --> a portal runs --> IDLE, or SKIPPING to the next Sync
 *
 * This is the frame, and simple queries; the extended ones are in talk_extended.c.
 */
#include "admin/talk.h"

#include <stdlib.h>

#include "admin/talk_extended.h"
#include "admin/talk_order.h"
#include "config.h"
#include "wire/build.h"
#include "wire/frame.h"
#include "wire/reader.h"

void talk_init(struct talk *t, bool is_admin)
{
	*t = (struct talk){ .is_admin = is_admin, .tx_status = 'I' };
	map_init(&t->statements);
	map_init(&t->portals);
}

void talk_fini(struct talk *t)
{
	talk_extended_forget_all(t);
	talk_extended_close_portals(t);
	free(t->sql);
}

/* ---- what is said --------------------------------------------------------------------------- */

void talk_greet(const struct talk *t, const char *user, uint32_t pid, struct slice key,
		struct buf *out)
{
	static const char *const params[][2] = {
		{ "server_version", "15.0 (pgweir " PACKAGE_VERSION ")" },
		{ "server_encoding", "UTF8" },
		{ "client_encoding", "UTF8" },
		{ "DateStyle", "ISO" },
		{ "IntervalStyle", "postgres" },
		{ "TimeZone", "GMT" },
		{ "integer_datetimes", "on" },
		{ "standard_conforming_strings", "on" },
		{ "application_name", "" },
	};
	for (size_t i = 0; i < COUNT_OF(params); i++)
		build_parameter_status(out, slice_of(params[i][0]), slice_of(params[i][1]));
	build_parameter_status(out, SLICE("is_superuser"), slice_of(t->is_admin ? "on" : "off"));
	build_parameter_status(out, SLICE("session_authorization"), slice_of(user));
	build_backend_key(out, pid, key);
	build_ready(out, t->tx_status);
}

static void talk_ready(struct talk *t, struct buf *out)
{
	t->is_skipping = false;
	if (t->tx_status == 'I')
		talk_extended_close_portals(t);
	build_ready(out, t->tx_status);
}

/* ---- simple queries ------------------------------------------------------------------------- */

static void talk_end_query(struct talk *t, struct buf *out)
{
	free(t->sql);
	t->sql = NULL;
	talk_ready(t, out);
}

static void talk_begin_query(struct talk *t, struct slice sql)
{
	t->sql = slice_dup(sql);
	t->was_empty = true;
	split_init(&t->split, slice_make(t->sql, sql.len),
		   (struct lexer_mode){ .backslashes = false });
}

/* The next statement of the query: true where it is to run. */
static bool talk_continue_query(struct talk *t, struct buf *out)
{
	struct split_statement s;
	if (!split_next(&t->split, &s)) {
		if (t->was_empty)
			build_empty_query(out);
		talk_end_query(t, out);
		return false;
	}
	t->was_empty = false;
	t->binary = 0;
	t->portal = NULL;
	if (!talk_order_read(t->is_admin, &s, &t->order, out)) {
		talk_end_query(t, out);
		return false;
	}
	return true;
}

/* ---- what is heard -------------------------------------------------------------------------- */

static enum talk_heard talk_on_query(struct talk *t, struct reader *r, struct buf *out)
{
	struct slice sql = reader_cstr(r);
	(void)out;
	if (!reader_is_done(r))
		return TALK_HEARD_NONSENSE;
	talk_begin_query(t, sql);
	return TALK_HEARD_OK;
}

static enum talk_heard talk_on_sync(struct talk *t, struct reader *r, struct buf *out)
{
	if (!reader_is_done(r))
		return TALK_HEARD_NONSENSE;
	talk_ready(t, out);
	return TALK_HEARD_OK;
}

static enum talk_heard talk_on_flush(struct talk *t, struct reader *r, struct buf *out)
{
	(void)t;
	(void)out;
	return reader_is_done(r) ? TALK_HEARD_OK : TALK_HEARD_NONSENSE;
}

static enum talk_heard talk_on_function(struct talk *t, struct reader *r, struct buf *out)
{
	(void)r;
	errors_build(out, ERROR_ADMIN_UNSUPPORTED, NULL, NULL, "function calls");
	talk_ready(t, out);
	return TALK_HEARD_OK;
}

/* Left over from a COPY that never was: PostgreSQL passes over it as well. */
static enum talk_heard talk_on_copy(struct talk *t, struct reader *r, struct buf *out)
{
	(void)t;
	(void)r;
	(void)out;
	return TALK_HEARD_OK;
}

static enum talk_heard talk_on_terminate(struct talk *t, struct reader *r, struct buf *out)
{
	(void)t;
	(void)r;
	(void)out;
	return TALK_HEARD_END;
}

/* ---- messages ------------------------------------------------------------------------------- */

/* What is heard, by whom, and whether also while skipping. */
static const struct talk_handler {
	char type;
	bool always;
	enum talk_heard (*fn)(struct talk *t, struct reader *r, struct buf *out);
} talk_handlers[] = {
	{ 'Q', true, talk_on_query },          { 'P', false, talk_extended_parse },
	{ 'B', false, talk_extended_bind },    { 'D', false, talk_extended_describe },
	{ 'E', false, talk_extended_execute }, { 'C', false, talk_extended_close },
	{ 'S', true, talk_on_sync },           { 'H', false, talk_on_flush },
	{ 'F', true, talk_on_function },       { 'X', true, talk_on_terminate },
	{ 'd', false, talk_on_copy },          { 'c', false, talk_on_copy },
	{ 'f', false, talk_on_copy },
};

static enum talk_step talk_fatal(struct buf *out, enum error_id id, const char *word)
{
	errors_build(out, id, NULL, NULL, word);
	return TALK_CLOSE;
}

static const struct talk_handler *talk_handler(char type)
{
	for (size_t i = 0; i < COUNT_OF(talk_handlers); i++)
		if (talk_handlers[i].type == type)
			return &talk_handlers[i];
	return NULL;
}

/* The message at the front of `in`; TALK_SEND: go on. */
static enum talk_step talk_message(struct talk *t, struct buf *in, struct buf *out)
{
	struct frame f;
	struct reader r;
	int n = frame_read(buf_slice(in), TALK_MAX_MESSAGE_BYTES, &f);
	if (n == 0)
		return TALK_MORE;
	if (n < 0)
		return talk_fatal(out, ERROR_BAD_MESSAGE_LENGTH, frame_error_text(n));
	const struct talk_handler *h = talk_handler(f.type);
	if (!h)
		return talk_fatal(out, ERROR_PROTOCOL_VIOLATION, "no such message");
	if (!frame_is_whole(&f))
		return TALK_MORE;
	enum talk_heard heard = TALK_HEARD_OK;
	reader_init(&r, f.body);
	if (h->always || !t->is_skipping)
		heard = h->fn(t, &r, out);
	buf_consume(in, frame_bytes(&f));
	switch (heard) {
	case TALK_HEARD_OK:
		break;
	case TALK_HEARD_RUN:
		t->is_running = true;
		return TALK_RUN;
	case TALK_HEARD_NONSENSE:
		return talk_fatal(out, ERROR_PROTOCOL_VIOLATION,
				  frame_name(FRAME_FROM_CLIENT, f.type));
	case TALK_HEARD_END:
		return TALK_CLOSE;
	}
	return TALK_SEND;
}

enum talk_step talk_next(struct talk *t, struct buf *in, struct buf *out)
{
	BUG_ON(t->is_running);
	while (buf_len(out) < TALK_ENOUGH_BYTES && !buf_failed(out)) {
		if (t->sql) {
			t->is_running = talk_continue_query(t, out);
			if (t->is_running)
				return TALK_RUN;
			continue;
		}
		enum talk_step step = talk_message(t, in, out);
		if (step != TALK_SEND)
			return step;
	}
	return buf_failed(out) ? TALK_CLOSE : TALK_SEND;
}

/* ---- answers -------------------------------------------------------------------------------- */

/* What is the talk's own in a command that went well. A driver may believe in its transactions:
 * nothing else comes of them. */
static void talk_note(struct talk *t)
{
	const struct order *o = &t->order;
	if (o->id == ORDER_BEGIN || o->id == ORDER_START)
		t->tx_status = 'T';
	else if (o->id == ORDER_COMMIT || o->id == ORDER_END || o->id == ORDER_ROLLBACK)
		t->tx_status = 'I';
	else if (o->id == ORDER_DISCARD ||
		 (o->id == ORDER_DEALLOCATE && slice_ieq_str(slice_of(o->name), "all")))
		talk_extended_forget_all(t);
	else if (o->id == ORDER_DEALLOCATE)
		talk_extended_forget(t, slice_of(o->name));
}

void talk_answer(struct talk *t, struct answer *answer, struct buf *out)
{
	BUG_ON(!t->is_running);
	t->is_running = false;
	if (buf_failed(&answer->rows)) {
		buf_clear(&answer->rows);
		answer_fail(answer, ERROR_ADMIN_FAILED, "there is more to show than memory for it");
	}
	buf_add_slice(out, buf_slice(&answer->notices));
	buf_add_slice(out, buf_slice(&answer->error));
	if (!answer_has_failed(answer))
		talk_note(t);
	if (t->portal) {
		talk_extended_answer(t, answer, out);
	} else if (answer_has_failed(answer)) {
		talk_end_query(t, out);
	} else {
		if (answer->sheet)
			sheet_describe(answer->sheet, 0, out);
		buf_add_slice(out, buf_slice(&answer->rows));
		build_command_complete(out, order_rule(t->order.id)->tag);
	}
}
