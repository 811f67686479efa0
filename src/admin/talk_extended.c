/*
 * talk_extended.c - Parse, Bind, Describe, Execute and Close.
 *
 * What they refer to is kept as orders, which are small; the text is gone once it is read.
 */
#include "admin/talk_extended.h"

#include <stdlib.h>

#include "admin/talk_order.h"
#include "base/mem.h"
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

/* ---- names ---------------------------------------------------------------------------------- */

static void talk_free_portal(struct talk_portal *p)
{
	if (!p)
		return;
	buf_fini(&p->rows);
	free(p);
}

void talk_extended_close_portals(struct talk *t)
{
	struct slice name;
	void *portal;
	for (size_t at = 0; map_next(&t->portals, &at, &name, &portal);)
		talk_free_portal(portal);
	map_fini(&t->portals);
	map_init(&t->portals);
}

void talk_extended_forget_all(struct talk *t)
{
	struct slice name;
	void *statement;
	for (size_t at = 0; map_next(&t->statements, &at, &name, &statement);)
		free(statement);
	map_fini(&t->statements);
	map_init(&t->statements);
}

void talk_extended_forget(struct talk *t, struct slice statement)
{
	free(map_remove(&t->statements, statement));
}

/* An error inside the extended protocol. */
static void talk_refuse(struct talk *t, struct buf *out, enum error_id id, const char *word)
{
	errors_build(out, id, NULL, NULL, word);
	t->is_skipping = true;
}

/* ---- messages ------------------------------------------------------------------------------- */

static bool talk_room(struct talk *t, const struct map *names, struct slice name, struct buf *out)
{
	char room[64];
	bool ok =
		name.len == 0 || (name.len < ORDER_NAME_BYTES && map_count(names) < TALK_MAX_NAMED);
	if (!ok)
		talk_refuse(t, out, ERROR_ADMIN_UNSUPPORTED,
			    "so many statements, or such long names");
	else if (name.len > 0 && map_get(names, name)) {
		talk_refuse(t, out, ERROR_DUPLICATE_STATEMENT, talk_order_quote(name, room));
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
	return talk_order_read(t->is_admin, &s, &statement->order, out);
}

enum talk_heard talk_extended_parse(struct talk *t, struct reader *r, struct buf *out)
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

enum talk_heard talk_extended_bind(struct talk *t, struct reader *r, struct buf *out)
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
		talk_refuse(t, out, ERROR_UNKNOWN_STATEMENT, talk_order_quote(name, room));
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

enum talk_heard talk_extended_describe(struct talk *t, struct reader *r, struct buf *out)
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
			    talk_order_quote(name, room));
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

enum talk_heard talk_extended_execute(struct talk *t, struct reader *r, struct buf *out)
{
	char room[64];
	struct slice name = reader_cstr(r);
	uint32_t max_rows = reader_u32(r);
	if (!reader_is_done(r))
		return TALK_HEARD_NONSENSE;
	struct talk_portal *p = map_get(&t->portals, name);
	t->max_rows = max_rows > INT32_MAX ? 0 : max_rows;
	if (!p) {
		talk_refuse(t, out, ERROR_UNKNOWN_PORTAL, talk_order_quote(name, room));
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

enum talk_heard talk_extended_close(struct talk *t, struct reader *r, struct buf *out)
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

/* ---- answers -------------------------------------------------------------------------------- */

void talk_extended_answer(struct talk *t, struct answer *answer, struct buf *out)
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
