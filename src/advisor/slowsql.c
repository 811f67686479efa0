/*
 * slowsql.c - from recorded texts to what an operator may read.
 */
#include "advisor/slowsql.h"

#include "sql/norm.h"
#include "sql/split.h"

#define SQL_ROOM_MIN 16 /* with less left the statements that follow are left out */
#define SYNTAX_ERROR "42601"

static struct lexer_mode mode_of(const struct tap_record *r)
{
	return (struct lexer_mode){ .backslashes = r->policy.backslashes,
				    .encoding = (enum lexer_encoding)r->policy.encoding };
}

/* The worker does not look into texts, so it may have counted a whole simple query as one. */
uint32_t slowsql_statements(const struct tap_record *record)
{
	struct slice rest = record->texts;
	struct tap_text t;
	size_t count = 0;
	if (record->protocol != RECORD_SIMPLE)
		return record->statements;
	while (texts_next(&rest, &t))
		count += split_count(t.text, mode_of(record));
	return count > record->statements ? (uint32_t)count : record->statements;
}

void slowsql_begin(struct slowsql *sql, const struct tap_record *record)
{
	size_t max = record->policy.text_max_bytes;
	*sql = (struct slowsql){
		.record = record,
		.rest = record->texts,
		.room = max == 0             ? SIZE_MAX
			: max < SQL_ROOM_MIN ? SQL_ROOM_MIN
					     : max,
	};
}

/* As it came; cut between characters. */
static bool show_raw(const struct tap_text *t, size_t room, struct buf *shown)
{
	struct slice head = slice_head(t->text, room);
	while (head.len > 0 && head.len < t->text.len &&
	       ((unsigned char)t->text.ptr[head.len] & 0xc0) == 0x80)
		head.len--;
	bool cut = head.len < t->text.len || t->cut;
	buf_add_slice(shown, head);
	if (cut)
		buf_add_str(shown, " ...");
	return cut;
}

#define BROKEN_OFF (RECORD_CANCELLED | RECORD_TIMED_OUT | RECORD_CLIENT_GONE | RECORD_SERVER_GONE)

/* Is it certain that the server has read all of the batch as SQL? */
static bool was_read(const struct tap_record *r)
{
	return r->server_pid != 0 && r->sqlstate[0] == '\0' && !(r->flags & BROKEN_OFF);
}

/* Nobody can tell what is a value in a text that the server could not read as SQL, or that it did
 * not come to read and that has odd quotes. What was prepared before it has read. */
static bool is_unreadable(const struct tap_record *r, const struct tap_text *t,
			  const struct norm_options *options)
{
	if (t->kind != TEXTS_QUERY && t->kind != TEXTS_PARSE)
		return false;
	return slice_eq_str(slice_of(r->sqlstate), SYNTAX_ERROR) ||
	       (!was_read(r) && norm_is_doubtful(t->text, options));
}

static bool show(const struct tap_record *r, const struct tap_text *t, size_t room,
		 struct buf *shown)
{
	struct norm_options options = {
		.mode = mode_of(r),
		.max_bytes = room == SIZE_MAX ? 0 : room,
		.cut = t->cut,
	};
	if (r->policy.show_values || t->kind == TEXTS_FUNCTION)
		return show_raw(t, room, shown);
	if (!is_unreadable(r, t, &options))
		return norm_write(t->text, &options, shown);
	norm_head(t->text, &options, shown);
	return true;
}

bool slowsql_next(struct slowsql *sql, struct tap_text *out, struct buf *shown)
{
	if (sql->rest.len == 0)
		return false;
	if (sql->room < SQL_ROOM_MIN || !texts_next(&sql->rest, out)) {
		sql->cut = true;
		return false;
	}
	buf_clear(shown);
	sql->cut |= show(sql->record, out, sql->room, shown);
	sql->entries++;
	sql->executed += out->times;
	if (sql->room != SIZE_MAX)
		sql->room -= buf_len(shown) < sql->room ? buf_len(shown) : sql->room;
	return true;
}

bool slowsql_is_cut(const struct slowsql *sql)
{
	bool simple = sql->record->protocol == RECORD_SIMPLE;
	return sql->cut || (!simple && sql->executed < sql->record->statements);
}
