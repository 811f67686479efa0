/*
 * build.h - making messages, of either side.
 *
 * Each function appends one whole message to a buffer, or nothing: where the buffer is at
 * its cap, or a text has a zero byte in it that the wire could not carry, the buffer is
 * marked failed (look with buf_failed, once, at the end) and never ends in half a message.
 *
 * Owns nothing. Thread: the buffer's.
 */
#ifndef WIRE_BUILD_H
#define WIRE_BUILD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bug.h"
#include "base/slice.h"

/* ---- any message ---------------------------------------------------------------- */

/* A message by hand: at = build_begin(b, type); buf_...(b, ...); build_end(b, at); */
size_t build_begin(struct buf *b, char type);
void build_end(struct buf *b, size_t at);
void build_text(struct buf *b, struct slice text); /* with a zero byte behind it */

/* ---- what a server says ----------------------------------------------------------- */

void build_auth_ok(struct buf *b);
void build_auth_cleartext(struct buf *b);
void build_auth_md5(struct buf *b, const uint8_t salt[4]);
void build_auth_sasl(struct buf *b, const char *const *mechanisms, size_t n);
void build_auth_sasl_continue(struct buf *b, struct slice data);
void build_auth_sasl_final(struct buf *b, struct slice data);

/* `version` whole, as STARTUP_VERSION(3, 0): the newest that is understood. */
void build_negotiate_version(struct buf *b, uint32_t version, const struct slice *unknown_options,
			     size_t n);
void build_parameter_status(struct buf *b, struct slice name, struct slice value);
void build_backend_key(struct buf *b, uint32_t pid, struct slice key);
void build_ready(struct buf *b, char tx_status);

struct build_notice {
	const char *severity; /* "ERROR", "FATAL", "WARNING", ... */
	const char *sqlstate;
	const char *message;
	const char *detail; /* this and all below may be NULL */
	const char *hint;
	const char *where;
	const char *position;
	const char *routine;
};

void build_error(struct buf *b, const struct build_notice *n);
void build_notice(struct buf *b, const struct build_notice *n);
void build_notification(struct buf *b, uint32_t pid, struct slice channel, struct slice payload);

enum build_type {
	BUILD_TEXT,
	BUILD_BOOL,
	BUILD_INT4,
	BUILD_INT8,
	BUILD_FLOAT8,
	BUILD_NUMERIC,
};

struct build_column {
	const char *name;
	enum build_type type;
};

void build_row_description(struct buf *b, const struct build_column *columns, size_t n);

/* All values are text; a slice with ptr NULL is null. */
void build_data_row(struct buf *b, const struct slice *values, size_t n);

/* A row value by value: at = build_row_begin(b, n); n times build_value...; build_end(b, at); */
size_t build_row_begin(struct buf *b, size_t n);
void build_value(struct buf *b, struct slice value); /* ptr NULL: null */
void build_value_null(struct buf *b);
void build_valuef(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

void build_command_complete(struct buf *b, const char *tag);
void build_empty_query(struct buf *b);
void build_parse_complete(struct buf *b);
void build_bind_complete(struct buf *b);
void build_close_complete(struct buf *b);
void build_no_data(struct buf *b);
void build_portal_suspended(struct buf *b);
void build_parameter_description(struct buf *b, const uint32_t *oids, size_t n);
void build_parameter_description_of(struct buf *b, struct slice types); /* its body */

/* ---- what a client says ------------------------------------------------------------ */

struct build_param {
	struct slice name, value;
};

void build_startup(struct buf *b, uint32_t version, const struct build_param *params, size_t n);
void build_ssl_request(struct buf *b);
void build_cancel_request(struct buf *b, uint32_t pid, struct slice key);
void build_password(struct buf *b, struct slice password);
void build_sasl_initial(struct buf *b, const char *mechanism, struct slice data);
void build_sasl_response(struct buf *b, struct slice data);

void build_query(struct buf *b, struct slice sql);
void build_parse(struct buf *b, struct slice statement, struct slice sql, const uint32_t *oids,
		 size_t n);
/* Parameters and results in text; a value with ptr NULL is null. */
void build_bind(struct buf *b, struct slice portal, struct slice statement,
		const struct slice *values, size_t n);
void build_describe(struct buf *b, char kind, struct slice name); /* 'S' or 'P' */
void build_execute(struct buf *b, struct slice portal, uint32_t max_rows);
void build_close(struct buf *b, char kind, struct slice name); /* 'S' or 'P' */
void build_flush(struct buf *b);
void build_sync(struct buf *b);
void build_terminate(struct buf *b);
void build_copy_done(struct buf *b);
void build_copy_fail(struct buf *b, struct slice message);

#endif
