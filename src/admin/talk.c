/*
 * talk.c - the console's side of the protocol.
 *
 *	         Query                        its last statement is done
 *	IDLE ------------> a statement runs --------------------------> IDLE
 *	IDLE -- Execute --> a portal runs --> IDLE, or SKIPPING to the next Sync
 *
 * What Parse, Bind and Execute refer to is kept as orders, which are small; the text is gone
 * once it is read.
 */
#include "admin/talk.h"

#include <stdlib.h>

#include "base/mem.h"
#include "config.h"
#include "wire/build.h"
#include "wire/frame.h"
#include "wire/reader.h"

struct talk_statement {
	bool is_empty; /* no command in it */
	struct order order;
};

/* Borrows nothing from its statement, which may go before it. */
struct talk_portal {
	bool is_empty, has_run;
	uint64_t binary;
	struct order order;
	struct buf rows; /* owned: those that have not been sent */
	size_t sent;     /* since it ran */
};

/* ---- names ------------------------------------------------------------------------------------
 */

static void talk_free_portal(struct talk_portal *p)
{
	if (!p)
		return;
	buf_fini(&p->rows);
	free(p);
}

static void talk_close_portals(struct talk *t)
{
	struct slice name;
	void *portal;
	for (size_t at = 0; map_next(&t->portals, &at, &name, &portal);)
		talk_free_portal(portal);
	map_fini(&t->portals);
	map_init(&t->portals);
}

static void talk_close_statements(struct talk *t)
{
	struct slice name;
	void *statement;
	for (size_t at = 0; map_next(&t->statements, &at, &name, &statement);)
		free(statement);
	map_fini(&t->statements);
	map_init(&t->statements);
}

void talk_init(struct talk *t, bool is_admin)
{
	*t = (struct talk){ .is_admin = is_admin, .tx_status = 'I' };
	map_init(&t->statements);
	map_init(&t->portals);
}

void talk_fini(struct talk *t)
{
	talk_close_portals(t);
	talk_close_statements(t);
	free(t->sql);
}

/* ---- what is said -------------------------------------------------------------------------------
 */

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
		talk_close_portals(t);
	build_ready(out, t->tx_status);
}

/* An error inside the extended protocol. */
static void talk_refuse(struct talk *t, struct buf *out, enum error_id id, const char *word)
{
	errors_build(out, id, NULL, NULL, word);
	t->is_skipping = true;
}

/* For an error's text: the beginning of what came, printable. */
static const char *talk_quote(struct slice text, char room[64])
{
	size_t n = 0;
	for (; n < text.len && n < 63; n++)
		room[n] = (unsigned char)text.ptr[n] < ' ' || (unsigned char)text.ptr[n] > '~'
				  ? '?'
				  : text.ptr[n];
	room[n] = '\0';
	return room;
}

/* Reads one statement; false: the error has been said. */
static bool talk_read_order(const struct talk *t, const struct split_statement *s,
			    struct order *order, struct buf *out)
{
	char room[64];
	if (s->open || !order_parse(s->text, order)) {
		errors_build(out, ERROR_ADMIN_SYNTAX, NULL, NULL, talk_quote(s->text, room));
		return false;
	}
	if (order_rule(order->id)->right == ORDER_RIGHT_RULE && !t->is_admin) {
		errors_build(out, ERROR_ADMIN_DENIED, NULL, NULL, order_rule(order->id)->pattern);
		return false;
	}
	return true;
}

/* ---- simple queries
 * --------------------------------------------------------------------------------- */

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
	if (!talk_read_order(t, &s, &t->order, out)) {
		talk_end_query(t, out);
		return false;
	}
	return true;
}

/* ---- extended queries
 * --------------------------------------------------------------------------------- */

/* A handler sees one whole message. */
enum talk_heard { TALK_HEARD_OK, TALK_HEARD_RUN, TALK_HEARD_NONSENSE, TALK_HEARD_END };

static enum talk_heard talk_on_query(struct talk *t, struct reader *r, struct buf *out)
{
	struct slice sql = reader_cstr(r);
	(void)out;
	if (!reader_is_done(r))
		return TALK_HEARD_NONSENSE;
	talk_begin_query(t, sql);
	return TALK_HEARD_OK;
}

static bool talk_room(struct talk *t, const struct map *names, struct slice name, struct buf *out)
{
	char room[64];
	bool ok =
		name.len == 0 || (name.len < ORDER_NAME_BYTES && map_count(names) < TALK_MAX_NAMED);
	if (!ok)
		talk_refuse(t, out, ERROR_ADMIN_UNSUPPORTED,
			    "so many statements, or such long names");
	else if (name.len > 0 && map_get(names, name)) {
		talk_refuse(t, out, ERROR_DUPLICATE_STATEMENT, talk_quote(name, room));
		ok = false;
	}
	return ok;
}

/* The one command of a text for Parse. */
static bool talk_read_only_order(const struct talk *t, struct slice sql,
				 struct talk_statement *statement, struct buf *out)
{
	struct split split;
	struct split_statement s, second;
	split_init(&split, sql, (struct lexer_mode){ .backslashes = false });
	statement->is_empty = !split_next(&split, &s);
	if (statement->is_empty)
		return true;
	if (split_next(&split, &second)) {
		errors_build(out, ERROR_ADMIN_UNSUPPORTED, NULL, NULL,
			     "several commands in a prepared statement");
		return false;
	}
	return talk_read_order(t, &s, &statement->order, out);
}

static enum talk_heard talk_on_parse(struct talk *t, struct reader *r, struct buf *out)
{
	struct slice name = reader_cstr(r), sql = reader_cstr(r);
	unsigned types = reader_u16(r);
	reader_bytes(r, (size_t)types * 4);
	if (!reader_is_done(r))
		return TALK_HEARD_NONSENSE;
	if (types > 0) {
		talk_refuse(t, out, ERROR_ADMIN_UNSUPPORTED, "parameters");
		return TALK_HEARD_OK;
	}
	if (!talk_room(t, &t->statements, name, out))
		return TALK_HEARD_OK;
	struct talk_statement *statement = mem_zalloc(sizeof(*statement));
	if (!talk_read_only_order(t, sql, statement, out)) {
		t->is_skipping = true;
		free(statement);
		return TALK_HEARD_OK;
	}
	free(map_put(&t->statements, name, statement));
	build_parse_complete(out);
	return TALK_HEARD_OK;
}

/* Bind's result formats, as bits; false: nonsense, or more formats than columns. */
static bool talk_formats(struct reader *r, const struct sheet *sheet, uint64_t *binary)
{
	size_t columns = sheet ? sheet->column_count : 0;
	unsigned n = reader_u16(r);
	bool fits = n <= 1 || n == columns;
	*binary = 0;
	for (unsigned i = 0; i < n && !reader_failed(r); i++) {
		unsigned format = reader_u16(r);
		fits = fits && format <= 1;
		if (format == 1 && i < SHEET_MAX_COLUMNS)
			*binary |= n == 1 ? UINT64_MAX : UINT64_C(1) << i;
	}
	return fits;
}

static void talk_bind(struct talk *t, struct slice portal, const struct talk_statement *statement,
		      uint64_t binary, struct buf *out)
{
	if (!talk_room(t, &t->portals, portal, out))
		return;
	struct talk_portal *p = mem_zalloc(sizeof(*p));
	p->is_empty = statement->is_empty;
	p->order = statement->order;
	p->binary = binary;
	talk_free_portal(map_put(&t->portals, portal, p));
	build_bind_complete(out);
}

static enum talk_heard talk_on_bind(struct talk *t, struct reader *r, struct buf *out)
{
	char room[64];
	uint64_t binary;
	struct slice portal = reader_cstr(r), name = reader_cstr(r);
	unsigned formats = reader_u16(r);
	reader_bytes(r, (size_t)formats * 2);
	unsigned params = reader_u16(r);
	for (unsigned i = 0; i < params && !reader_failed(r); i++)
		reader_value(r);
	const struct talk_statement *statement = map_get(&t->statements, name);
	const struct sheet *sheet = statement && !statement->is_empty
					    ? sheet_get(order_rule(statement->order.id)->sheet)
					    : NULL;
	bool fits = talk_formats(r, sheet, &binary);
	if (!reader_is_done(r))
		return TALK_HEARD_NONSENSE;
	if (!statement)
		talk_refuse(t, out, ERROR_UNKNOWN_STATEMENT, talk_quote(name, room));
	else if (params > 0)
		talk_refuse(t, out, ERROR_ADMIN_UNSUPPORTED, "parameters");
	else if (!fits)
		talk_refuse(t, out, ERROR_ADMIN_UNSUPPORTED, "these result formats");
	else
		talk_bind(t, portal, statement, binary, out);
	return TALK_HEARD_OK;
}

static void talk_describe(const struct order *order, bool is_empty, uint64_t binary,
			  struct buf *out)
{
	const struct sheet *sheet = is_empty ? NULL : sheet_get(order_rule(order->id)->sheet);
	if (sheet)
		sheet_describe(sheet, binary, out);
	else
		build_no_data(out);
}

static enum talk_heard talk_on_describe(struct talk *t, struct reader *r, struct buf *out)
{
	char room[64];
	uint8_t kind = reader_u8(r);
	struct slice name = reader_cstr(r);
	if (!reader_is_done(r) || (kind != 'S' && kind != 'P'))
		return TALK_HEARD_NONSENSE;
	const struct talk_statement *s = kind == 'S' ? map_get(&t->statements, name) : NULL;
	const struct talk_portal *p = kind == 'P' ? map_get(&t->portals, name) : NULL;
	if (s) {
		build_parameter_description(out, NULL, 0);
		talk_describe(&s->order, s->is_empty, 0, out);
	} else if (p) {
		talk_describe(&p->order, p->is_empty, p->binary, out);
	} else {
		talk_refuse(t, out, kind == 'S' ? ERROR_UNKNOWN_STATEMENT : ERROR_UNKNOWN_PORTAL,
			    talk_quote(name, room));
	}
	return TALK_HEARD_OK;
}

/* As many rows as the Execute wants, and how it ended. */
static void talk_send_rows(struct talk *t, struct talk_portal *p, struct buf *out)
{
	const struct order_rule *rule = order_rule(p->order.id);
	size_t n = 0;
	for (; buf_len(&p->rows) > 0 && (t->max_rows == 0 || n < t->max_rows); n++) {
		struct frame f;
		int head = frame_read(buf_slice(&p->rows), FRAME_MAX_BODY_BYTES, &f);
		BUG_ON(head <= 0 || !frame_is_whole(&f));
		buf_add_slice(out, slice_head(buf_slice(&p->rows), frame_bytes(&f)));
		buf_consume(&p->rows, frame_bytes(&f));
	}
	p->sent += n;
	if (buf_len(&p->rows) > 0) {
		build_portal_suspended(out);
		return;
	}
	buf_release(&p->rows);
	build_command_complete(out, rule->tag);
}

static enum talk_heard talk_on_execute(struct talk *t, struct reader *r, struct buf *out)
{
	char room[64];
	struct slice name = reader_cstr(r);
	uint32_t max_rows = reader_u32(r);
	if (!reader_is_done(r))
		return TALK_HEARD_NONSENSE;
	struct talk_portal *p = map_get(&t->portals, name);
	t->max_rows = max_rows > INT32_MAX ? 0 : max_rows;
	if (!p) {
		talk_refuse(t, out, ERROR_UNKNOWN_PORTAL, talk_quote(name, room));
	} else if (p->is_empty) {
		build_empty_query(out);
	} else if (p->has_run) {
		talk_send_rows(t, p, out);
	} else {
		t->portal = p;
		t->order = p->order;
		t->binary = p->binary;
		return TALK_HEARD_RUN;
	}
	return TALK_HEARD_OK;
}

static enum talk_heard talk_on_close(struct talk *t, struct reader *r, struct buf *out)
{
	uint8_t kind = reader_u8(r);
	struct slice name = reader_cstr(r);
	if (!reader_is_done(r) || (kind != 'S' && kind != 'P'))
		return TALK_HEARD_NONSENSE;
	if (kind == 'S')
		free(map_remove(&t->statements, name));
	else
		talk_free_portal(map_remove(&t->portals, name));
	build_close_complete(out);
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

/* ---- messages
 * ------------------------------------------------------------------------------------ */

/* What is heard, by whom, and whether also while skipping. */
static const struct talk_handler {
	char type;
	bool always;
	enum talk_heard (*fn)(struct talk *t, struct reader *r, struct buf *out);
} talk_handlers[] = {
	{ 'Q', true, talk_on_query },    { 'P', false, talk_on_parse },
	{ 'B', false, talk_on_bind },    { 'D', false, talk_on_describe },
	{ 'E', false, talk_on_execute }, { 'C', false, talk_on_close },
	{ 'S', true, talk_on_sync },     { 'H', false, talk_on_flush },
	{ 'F', true, talk_on_function }, { 'X', true, talk_on_terminate },
	{ 'd', false, talk_on_copy },    { 'c', false, talk_on_copy },
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

/* ---- answers
 * ---------------------------------------------------------------------------------------- */

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
		talk_close_statements(t);
	else if (o->id == ORDER_DEALLOCATE)
		free(map_remove(&t->statements, slice_of(o->name)));
}

static void talk_answer_portal(struct talk *t, struct answer *answer, struct buf *out)
{
	struct talk_portal *p = t->portal;
	t->portal = NULL;
	if (answer_has_failed(answer)) {
		t->is_skipping = true;
	} else {
		p->has_run = true;
		p->rows = answer->rows;
		answer->rows = (struct buf){ .data = NULL };
		talk_send_rows(t, p, out);
	}
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
		talk_answer_portal(t, answer, out);
	} else if (answer_has_failed(answer)) {
		talk_end_query(t, out);
	} else {
		if (answer->sheet)
			sheet_describe(answer->sheet, 0, out);
		buf_add_slice(out, buf_slice(&answer->rows));
		build_command_complete(out, order_rule(t->order.id)->tag);
	}
}
