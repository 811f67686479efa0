/*
 * build.c - making messages.
 *
 * Every builder is build_begin, its fields, build_end. build_end is what keeps the promise
 * that a buffer never ends in half a message: where anything in between failed, what was
 * begun is taken back.
 */
#include "wire/build.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "wire/startup.h"

#define NULL_VALUE 0xffffffffu
#define NO_TYPE_MODIFIER 0xffffffffu

enum build_auth {
	AUTH_OK = 0,
	AUTH_CLEARTEXT = 3,
	AUTH_MD5 = 5,
	AUTH_SASL = 10,
	AUTH_SASL_CONTINUE = 11,
	AUTH_SASL_FINAL = 12,
};

/* ---- any message ---------------------------------------------------------------- */

/* A packet without a type byte. */
static size_t build_begin_untyped(struct buf *b)
{
	size_t at = buf_len(b);
	buf_u32(b, 0);
	return at;
}

size_t build_begin(struct buf *b, char type)
{
	size_t start = buf_len(b);
	const char head[] = { type, 0, 0, 0, 0 };
	buf_add(b, head, sizeof(head));
	return start + 1; /* also where that failed: then build_end takes it back */
}

/* `at` is where the length is, `start` where the message begins. */
static void build_finish(struct buf *b, size_t start, size_t at)
{
	if (buf_failed(b)) {
		if (start < buf_len(b))
			buf_truncate(b, start);
		return;
	}
	buf_put_u32(b, at, (uint32_t)(buf_len(b) - at));
}

void build_end(struct buf *b, size_t at)
{
	build_finish(b, at - 1, at);
}

void build_text(struct buf *b, struct slice text)
{
	if (text.len > 0 && memchr(text.ptr, '\0', text.len)) {
		b->failed = true;
		return;
	}
	char *to = buf_reserve(b, text.len + 1);
	if (!to)
		return;
	if (text.len > 0)
		memcpy(to, text.ptr, text.len);
	to[text.len] = '\0';
	buf_commit(b, text.len + 1);
}

static void build_cstr(struct buf *b, const char *text)
{
	build_text(b, slice_of(text));
}

static void build_empty(struct buf *b, char type)
{
	build_end(b, build_begin(b, type));
}

static void build_bytes(struct buf *b, char type, struct slice data)
{
	size_t at = build_begin(b, type);
	buf_add_slice(b, data);
	build_end(b, at);
}

/* How many follow: two bytes. */
static void build_count(struct buf *b, size_t n)
{
	if (n > UINT16_MAX)
		b->failed = true;
	buf_u16(b, (uint16_t)n);
}

static void build_oids(struct buf *b, const uint32_t *oids, size_t n)
{
	build_count(b, n);
	for (size_t i = 0; i < n && !buf_failed(b); i++)
		buf_u32(b, oids[i]);
}

/* ---- what a server says ----------------------------------------------------------- */

static void build_auth(struct buf *b, enum build_auth what, struct slice data)
{
	size_t at = build_begin(b, 'R');
	buf_u32(b, (uint32_t)what);
	buf_add_slice(b, data);
	build_end(b, at);
}

void build_auth_ok(struct buf *b)
{
	build_auth(b, AUTH_OK, SLICE_NONE);
}

void build_auth_cleartext(struct buf *b)
{
	build_auth(b, AUTH_CLEARTEXT, SLICE_NONE);
}

void build_auth_md5(struct buf *b, const uint8_t salt[4])
{
	build_auth(b, AUTH_MD5, slice_make(salt, 4));
}

void build_auth_sasl(struct buf *b, const char *const *mechanisms, size_t n)
{
	size_t at = build_begin(b, 'R');
	buf_u32(b, AUTH_SASL);
	for (size_t i = 0; i < n; i++)
		build_cstr(b, mechanisms[i]);
	buf_u8(b, 0);
	build_end(b, at);
}

void build_auth_sasl_continue(struct buf *b, struct slice data)
{
	build_auth(b, AUTH_SASL_CONTINUE, data);
}

void build_auth_sasl_final(struct buf *b, struct slice data)
{
	build_auth(b, AUTH_SASL_FINAL, data);
}

void build_negotiate_version(struct buf *b, uint32_t version, const struct slice *unknown_options,
			     size_t n)
{
	size_t at = build_begin(b, 'v');
	buf_u32(b, version);
	buf_u32(b, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		build_text(b, unknown_options[i]);
	build_end(b, at);
}

void build_parameter_status(struct buf *b, struct slice name, struct slice value)
{
	size_t at = build_begin(b, 'S');
	build_text(b, name);
	build_text(b, value);
	build_end(b, at);
}

void build_backend_key(struct buf *b, uint32_t pid, struct slice key)
{
	size_t at = build_begin(b, 'K');
	buf_u32(b, pid);
	buf_add_slice(b, key);
	build_end(b, at);
}

void build_ready(struct buf *b, char tx_status)
{
	build_bytes(b, 'Z', slice_make(&tx_status, 1));
}

static void build_field(struct buf *b, char code, const char *value)
{
	if (!value)
		return;
	buf_u8(b, (uint8_t)code);
	build_cstr(b, value);
}

static void build_fields(struct buf *b, char type, const struct build_notice *n)
{
	size_t at = build_begin(b, type);
	build_field(b, 'S', n->severity);
	build_field(b, 'V', n->severity);
	build_field(b, 'C', n->sqlstate);
	build_field(b, 'M', n->message);
	build_field(b, 'D', n->detail);
	build_field(b, 'H', n->hint);
	build_field(b, 'P', n->position);
	build_field(b, 'W', n->where);
	build_field(b, 'R', n->routine);
	buf_u8(b, 0);
	build_end(b, at);
}

void build_error(struct buf *b, const struct build_notice *n)
{
	build_fields(b, 'E', n);
}

void build_notice(struct buf *b, const struct build_notice *n)
{
	build_fields(b, 'N', n);
}

void build_notification(struct buf *b, uint32_t pid, struct slice channel, struct slice payload)
{
	size_t at = build_begin(b, 'A');
	buf_u32(b, pid);
	build_text(b, channel);
	build_text(b, payload);
	build_end(b, at);
}

static void build_column(struct buf *b, const struct build_column *column)
{
	static const struct {
		uint32_t oid;
		uint16_t bytes;
	} types[] = {
		[BUILD_TEXT] = { 25, 0xffff }, [BUILD_BOOL] = { 16, 1 },
		[BUILD_INT4] = { 23, 4 },      [BUILD_INT8] = { 20, 8 },
		[BUILD_FLOAT8] = { 701, 8 },   [BUILD_NUMERIC] = { 1700, 0xffff },
	};

	build_cstr(b, column->name);
	buf_u32(b, 0); /* of no table */
	buf_u16(b, 0);
	buf_u32(b, types[column->type].oid);
	buf_u16(b, types[column->type].bytes);
	buf_u32(b, NO_TYPE_MODIFIER);
	buf_u16(b, 0); /* text */
}

void build_row_description(struct buf *b, const struct build_column *columns, size_t n)
{
	size_t at = build_begin(b, 'T');
	build_count(b, n);
	for (size_t i = 0; i < n && !buf_failed(b); i++)
		build_column(b, &columns[i]);
	build_end(b, at);
}

size_t build_row_begin(struct buf *b, size_t n)
{
	size_t at = build_begin(b, 'D');
	build_count(b, n);
	return at;
}

void build_value(struct buf *b, struct slice value)
{
	buf_u32(b, value.ptr ? (uint32_t)value.len : NULL_VALUE);
	buf_add_slice(b, value);
}

void build_value_null(struct buf *b)
{
	build_value(b, SLICE_NONE);
}

void build_valuef(struct buf *b, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text))
		b->failed = true;
	else
		build_value(b, slice_make(text, (size_t)n));
}

void build_data_row(struct buf *b, const struct slice *values, size_t n)
{
	size_t at = build_row_begin(b, n);
	for (size_t i = 0; i < n; i++)
		build_value(b, values[i]);
	build_end(b, at);
}

void build_command_complete(struct buf *b, const char *tag)
{
	size_t at = build_begin(b, 'C');
	build_cstr(b, tag);
	build_end(b, at);
}

void build_empty_query(struct buf *b)
{
	build_empty(b, 'I');
}

void build_parse_complete(struct buf *b)
{
	build_empty(b, '1');
}

void build_bind_complete(struct buf *b)
{
	build_empty(b, '2');
}

void build_close_complete(struct buf *b)
{
	build_empty(b, '3');
}

void build_no_data(struct buf *b)
{
	build_empty(b, 'n');
}

void build_portal_suspended(struct buf *b)
{
	build_empty(b, 's');
}

void build_parameter_description(struct buf *b, const uint32_t *oids, size_t n)
{
	size_t at = build_begin(b, 't');
	build_oids(b, oids, n);
	build_end(b, at);
}

void build_parameter_description_of(struct buf *b, struct slice types)
{
	size_t at = build_begin(b, 't');
	buf_add_slice(b, types);
	build_end(b, at);
}

/* ---- what a client says ------------------------------------------------------------ */

void build_startup(struct buf *b, uint32_t version, const struct build_param *params, size_t n)
{
	size_t at = build_begin_untyped(b);
	buf_u32(b, version);
	for (size_t i = 0; i < n; i++) {
		build_text(b, params[i].name);
		build_text(b, params[i].value);
	}
	buf_u8(b, 0);
	build_finish(b, at, at);
}

void build_ssl_request(struct buf *b)
{
	size_t at = build_begin_untyped(b);
	buf_u32(b, STARTUP_CODE_SSL);
	build_finish(b, at, at);
}

void build_cancel_request(struct buf *b, uint32_t pid, struct slice key)
{
	size_t at = build_begin_untyped(b);
	buf_u32(b, STARTUP_CODE_CANCEL);
	buf_u32(b, pid);
	buf_add_slice(b, key);
	build_finish(b, at, at);
}

void build_password(struct buf *b, struct slice password)
{
	size_t at = build_begin(b, 'p');
	build_text(b, password);
	build_end(b, at);
}

void build_sasl_initial(struct buf *b, const char *mechanism, struct slice data)
{
	size_t at = build_begin(b, 'p');
	build_cstr(b, mechanism);
	build_value(b, data);
	build_end(b, at);
}

void build_sasl_response(struct buf *b, struct slice data)
{
	build_bytes(b, 'p', data);
}

void build_query(struct buf *b, struct slice sql)
{
	size_t at = build_begin(b, 'Q');
	build_text(b, sql);
	build_end(b, at);
}

void build_parse(struct buf *b, struct slice statement, struct slice sql, const uint32_t *oids,
		 size_t n)
{
	size_t at = build_begin(b, 'P');
	build_text(b, statement);
	build_text(b, sql);
	build_oids(b, oids, n);
	build_end(b, at);
}

void build_bind(struct buf *b, struct slice portal, struct slice statement,
		const struct slice *values, size_t n)
{
	size_t at = build_begin(b, 'B');
	build_text(b, portal);
	build_text(b, statement);
	buf_u16(b, 0); /* all parameters are text */
	build_count(b, n);
	for (size_t i = 0; i < n; i++)
		build_value(b, values[i]);
	buf_u16(b, 0); /* so are all results */
	build_end(b, at);
}

static void build_named(struct buf *b, char type, char kind, struct slice name)
{
	size_t at = build_begin(b, type);
	buf_u8(b, (uint8_t)kind);
	build_text(b, name);
	build_end(b, at);
}

void build_describe(struct buf *b, char kind, struct slice name)
{
	build_named(b, 'D', kind, name);
}

void build_execute(struct buf *b, struct slice portal, uint32_t max_rows)
{
	size_t at = build_begin(b, 'E');
	build_text(b, portal);
	buf_u32(b, max_rows);
	build_end(b, at);
}

void build_close(struct buf *b, char kind, struct slice name)
{
	build_named(b, 'C', kind, name);
}

void build_flush(struct buf *b)
{
	build_empty(b, 'H');
}

void build_sync(struct buf *b)
{
	build_empty(b, 'S');
}

void build_terminate(struct buf *b)
{
	build_empty(b, 'X');
}

void build_copy_done(struct buf *b)
{
	build_empty(b, 'c');
}

void build_copy_fail(struct buf *b, struct slice message)
{
	size_t at = build_begin(b, 'f');
	build_text(b, message);
	build_end(b, at);
}
