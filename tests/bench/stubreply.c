/*
 * stubreply.c - the stub PostgreSQL's answers.
 */
#include "stubreply.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "wire/build.h"
#include "wire/reader.h"

#define STUBREPLY_BLOCK_BYTES (256u << 10)
#define STUBREPLY_BLOCKS 8

static const char *const stubreply_reported[] = { "application_name",
						  "client_encoding",
						  "DateStyle",
						  "IntervalStyle",
						  "is_superuser",
						  "TimeZone",
						  "standard_conforming_strings",
						  "session_authorization" };

void stubreply_init(struct stubreply_session *s)
{
	*s = (struct stubreply_session){ .tx_status = 'I' };
	map_init(&s->statements);
}

void stubreply_fini(struct stubreply_session *s)
{
	struct slice name;
	void *text;
	for (size_t at = 0; map_next(&s->statements, &at, &name, &text);)
		free(text);
	map_fini(&s->statements);
}

void stubreply_greet(struct buf *out, uint32_t pid)
{
	static const char *const params[][2] = {
		{ "server_version", "15.0" },
		{ "server_encoding", "UTF8" },
		{ "client_encoding", "UTF8" },
		{ "application_name", "" },
		{ "DateStyle", "ISO, MDY" },
		{ "IntervalStyle", "postgres" },
		{ "TimeZone", "UTC" },
		{ "integer_datetimes", "on" },
		{ "standard_conforming_strings", "on" },
		{ "is_superuser", "off" },
		{ "session_authorization", "bench" },
	};
	build_auth_ok(out);
	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++)
		build_parameter_status(out, slice_of(params[i][0]), slice_of(params[i][1]));
	build_backend_key(out, pid, SLICE("\0\0\0\1"));
	build_ready(out, 'I');
}

/* ---- rows ------------------------------------------------------------------------------ */

static void stubreply_columns(struct buf *out)
{
	size_t at = build_begin(out, 'T');
	buf_u16(out, 1);
	build_text(out, SLICE("t"));
	buf_u32(out, 0);
	buf_u16(out, 0);
	buf_u32(out, 25);
	buf_u16(out, UINT16_MAX);
	buf_u32(out, UINT32_MAX);
	buf_u16(out, 0);
	build_end(out, at);
}

static void stubreply_row(struct buf *out, struct slice text)
{
	size_t at = build_begin(out, 'D');
	buf_u16(out, 1);
	buf_u32(out, (uint32_t)text.len);
	buf_add_slice(out, text);
	build_end(out, at);
}

static void stubreply_done(struct buf *out, const char *tag)
{
	size_t at = build_begin(out, 'C');
	build_text(out, slice_of(tag));
	build_end(out, at);
}

struct slice stubreply_rows(uint32_t row_bytes, bool copies)
{
	static struct {
		struct buf rows;
		uint32_t row_bytes;
		bool copies;
	} blocks[STUBREPLY_BLOCKS];
	size_t i = 0;
	while (i < STUBREPLY_BLOCKS && blocks[i].row_bytes &&
	       (blocks[i].row_bytes != row_bytes || blocks[i].copies != copies))
		i++;
	BUG_ON(i == STUBREPLY_BLOCKS);
	if (blocks[i].row_bytes == 0) {
		char *text = mem_alloc(row_bytes);
		memset(text, 'x', row_bytes);
		blocks[i].row_bytes = row_bytes;
		blocks[i].copies = copies;
		while (buf_len(&blocks[i].rows) < STUBREPLY_BLOCK_BYTES) {
			if (!copies) {
				stubreply_row(&blocks[i].rows, slice_make(text, row_bytes));
				continue;
			}
			size_t at = build_begin(&blocks[i].rows, 'd');
			buf_add(&blocks[i].rows, text, row_bytes);
			build_end(&blocks[i].rows, at);
		}
		free(text);
	}
	return buf_slice(&blocks[i].rows);
}

static void stubreply_copy_begins(struct buf *out, char type)
{
	size_t at = build_begin(out, type);
	buf_u8(out, 0);
	buf_u16(out, 1);
	buf_u16(out, 0);
	build_end(out, at);
}

/* "BYTES ROW" */
static bool stubreply_stream(struct stubreply_session *s, const char *args, bool copies,
			     struct buf *out)
{
	uint64_t bytes;
	uint32_t row;
	if (sscanf(args, "%" SCNu64 " %" SCNu32, &bytes, &row) != 2 || row == 0)
		return false;
	uint64_t one = row + (copies ? 5u : 11u);
	if (copies)
		stubreply_copy_begins(out, 'H');
	else
		stubreply_columns(out);
	s->stream_left = s->stream_bytes = (bytes + one - 1) / one * one;
	s->stream_row = row;
	s->stream_copies = copies;
	s->stream_ready = false;
	return true;
}

void stubreply_stream_end(struct stubreply_session *s, struct buf *out)
{
	char tag[48];
	uint64_t rows = s->stream_bytes / (s->stream_row + (s->stream_copies ? 5u : 11u));
	if (s->stream_copies)
		build_end(out, build_begin(out, 'c'));
	snprintf(tag, sizeof(tag), "%s %" PRIu64, s->stream_copies ? "COPY" : "SELECT", rows);
	stubreply_done(out, tag);
	s->stream_bytes = 0;
	if (s->stream_ready)
		build_ready(out, s->tx_status);
}

/* ---- statements ------------------------------------------------------------------------ */

static void stubreply_error(struct stubreply_session *s, struct buf *out, const char *sqlstate,
			    const char *message, struct slice what)
{
	char text[200];
	snprintf(text, sizeof(text), "%s \"%.*s\"", message, SLICE_ARGS(slice_head(what, 100)));
	struct build_notice notice = { .severity = "ERROR", .sqlstate = sqlstate, .message = text };
	build_error(out, &notice);
	if (s->tx_status == 'T')
		s->tx_status = 'E';
}

static bool stubreply_takes(const char **sql, const char *word)
{
	size_t n = strlen(word);
	if (strncasecmp(*sql, word, n) != 0)
		return false;
	*sql += n;
	*sql += strspn(*sql, " ");
	return true;
}

/* "NAME TO|= VALUE": told where PostgreSQL would tell it. */
static void stubreply_set(const char *args, struct buf *out)
{
	char name[STUBREPLY_TEXT_BYTES], value[STUBREPLY_TEXT_BYTES];
	stubreply_takes(&args, "session ");
	args += *args == '"';
	size_t n = strcspn(args, "\" =");
	snprintf(name, sizeof(name), "%.*s", (int)n, args);
	args += n;
	args += strspn(args, "\" =");
	stubreply_takes(&args, "to ");
	args += strspn(args, "'\"");
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(args, "'\""), args);
	for (size_t i = 0; i < sizeof(stubreply_reported) / sizeof(stubreply_reported[0]); i++)
		if (strcasecmp(stubreply_reported[i], name) == 0)
			build_parameter_status(out, slice_of(stubreply_reported[i]),
					       slice_of(value));
	stubreply_done(out, "SET");
}

static void stubreply_transaction(struct stubreply_session *s, char status, const char *tag,
				  struct buf *out)
{
	s->tx_status = status;
	stubreply_done(out, tag);
}

/* What a pooler wants to know of this session, or of what is defined here: there is nothing. */
static bool stubreply_asks_catalogs(const char *sql)
{
	return stubreply_takes(&sql, "with ") || strstr(sql, " UNION ALL ") ||
	       strstr(sql, " FROM pg_catalog.");
}

/* One statement, ended by a zero; false: an error. */
static bool stubreply_statement(struct stubreply_session *s, const char *sql, bool describes,
				struct buf *out)
{
	const char *all = sql;
	if (stubreply_asks_catalogs(sql)) {
		stubreply_columns(out);
		stubreply_done(out, "SELECT 0");
		return true;
	}
	if (stubreply_takes(&sql, "select ")) {
		struct slice text = SLICE("1");
		if (*sql == '\'')
			text = slice_make(sql + 1, strcspn(sql + 1, "'"));
		else if (*sql == '$')
			text = slice_of(s->param);
		if (describes)
			stubreply_columns(out);
		stubreply_row(out, text);
		stubreply_done(out, "SELECT 1");
		return true;
	}
	if (stubreply_takes(&sql, "stream "))
		return stubreply_stream(s, sql, false, out);
	if (stubreply_takes(&sql, "copy_out "))
		return stubreply_stream(s, sql, true, out);
	if (stubreply_takes(&sql, "copy_in")) {
		s->copy_in = true;
		s->copy_bytes = 0;
		stubreply_copy_begins(out, 'G');
	} else if (stubreply_takes(&sql, "set "))
		stubreply_set(sql, out);
	else if (stubreply_takes(&sql, "reset "))
		stubreply_done(out, "RESET");
	else if (stubreply_takes(&sql, "discard "))
		stubreply_done(out, "DISCARD ALL");
	else if (stubreply_takes(&sql, "begin"))
		stubreply_transaction(s, 'T', "BEGIN", out);
	else if (stubreply_takes(&sql, "commit"))
		stubreply_transaction(s, 'I', "COMMIT", out);
	else if (stubreply_takes(&sql, "rollback"))
		stubreply_transaction(s, 'I', "ROLLBACK", out);
	else {
		stubreply_error(s, out, "42601", "the stub does not know", slice_of(all));
		return false;
	}
	return true;
}

/* Statements with semicolons between, outside quotes. */
static void stubreply_query(struct stubreply_session *s, struct slice body, struct buf *out)
{
	char text[2048];
	snprintf(text, sizeof(text), "%.*s", SLICE_ARGS(body));
	bool any = false, ok = true;
	for (char *at = text, *end; ok && *at; at = end) {
		bool quoted = false;
		at += strspn(at, " ;");
		for (end = at; *end && (quoted || *end != ';'); end++)
			quoted ^= *end == '\'';
		if (end == at)
			break;
		if (*end)
			*end++ = '\0';
		any = true;
		ok = stubreply_statement(s, at, true, out);
	}
	if (!any)
		build_end(out, build_begin(out, 'I'));
	s->stream_ready = true;
	if (!s->copy_in && s->stream_left == 0)
		build_ready(out, s->tx_status);
}

/* ---- the extended protocol ----------------------------------------------------------------- */

static void stubreply_empty(struct buf *out, char type)
{
	build_end(out, build_begin(out, type));
}

static void stubreply_fail(struct stubreply_session *s, struct buf *out, const char *sqlstate,
			   const char *message, struct slice what)
{
	stubreply_error(s, out, sqlstate, message, what);
	s->skipping = true;
}

static void stubreply_parse(struct stubreply_session *s, struct reader *r, struct buf *out)
{
	struct slice name = reader_cstr(r);
	struct slice sql = reader_cstr(r);
	if (name.len && map_get(&s->statements, name)) {
		stubreply_fail(s, out, "42P05", "there is already a prepared statement", name);
		return;
	}
	free(map_put(&s->statements, name, slice_dup(sql)));
	stubreply_empty(out, '1');
}

static void stubreply_bind(struct stubreply_session *s, struct reader *r, struct buf *out)
{
	(void)reader_cstr(r);
	struct slice name = reader_cstr(r);
	const char *sql = map_get(&s->statements, name);
	if (!sql) {
		stubreply_fail(s, out, "26000", "there is no prepared statement", name);
		return;
	}
	snprintf(s->sql, sizeof(s->sql), "%s", sql);
	for (uint16_t formats = reader_u16(r); formats; formats--)
		(void)reader_u16(r);
	*s->param = '\0';
	if (reader_u16(r)) {
		struct slice value = reader_value(r);
		snprintf(s->param, sizeof(s->param), "%.*s", SLICE_ARGS(value));
	}
	stubreply_empty(out, '2');
}

static void stubreply_describe(struct reader *r, struct buf *out)
{
	if (reader_u8(r) == 'S') {
		size_t at = build_begin(out, 't');
		buf_u16(out, 1);
		buf_u32(out, 25);
		build_end(out, at);
	}
	stubreply_columns(out);
}

static void stubreply_close(struct stubreply_session *s, struct reader *r, struct buf *out)
{
	if (reader_u8(r) == 'S')
		free(map_remove(&s->statements, reader_cstr(r)));
	stubreply_empty(out, '3');
}

static void stubreply_extended(struct stubreply_session *s, char type, struct slice body,
			       struct buf *out)
{
	struct reader r;
	reader_init(&r, body);
	switch (type) {
	case 'P':
		stubreply_parse(s, &r, out);
		break;
	case 'B':
		stubreply_bind(s, &r, out);
		break;
	case 'D':
		stubreply_describe(&r, out);
		break;
	case 'E':
		s->stream_ready = false;
		if (!stubreply_statement(s, s->sql, false, out))
			s->skipping = true;
		break;
	case 'C':
		stubreply_close(s, &r, out);
		break;
	default:
		stubreply_fail(s, out, "08P01", "the stub does not take", slice_make(&type, 1));
	}
}

static void stubreply_copy(struct stubreply_session *s, char type, size_t bytes, struct buf *out)
{
	char tag[48];
	s->copy_bytes += type == 'd' ? bytes : 0;
	if (type != 'c' && type != 'f')
		return;
	s->copy_in = false;
	if (type == 'f') {
		stubreply_error(s, out, "57014", "COPY failed:", SLICE("CopyFail"));
	} else {
		snprintf(tag, sizeof(tag), "COPY %" PRIu64, s->copy_bytes);
		stubreply_done(out, tag);
	}
	if (s->stream_ready)
		build_ready(out, s->tx_status);
}

bool stubreply_message(struct stubreply_session *s, char type, struct slice body, struct buf *out)
{
	if (s->copy_in) {
		stubreply_copy(s, type, body.len, out);
		return !s->copy_in;
	}
	switch (type) {
	case 'Q':
		stubreply_query(s, body, out);
		return s->stream_left == 0 && !s->copy_in;
	case 'S':
		s->skipping = false;
		build_ready(out, s->tx_status);
		return true;
	case 'H':
	case 'c':
	case 'd':
	case 'f':
		return false;
	default:
		if (!s->skipping)
			stubreply_extended(s, type, body, out);
		return false;
	}
}
