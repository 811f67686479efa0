/*
 * errors.h - what the pooler itself tells clients: one row per error, in errors.def.
 *
 * A row says severity, SQLSTATE, message, hint, and what the manual says of it. The message
 * is a format; its arguments are named in the row, and are passed after detail and hint.
 *
 * Owns nothing. Thread: any.
 */
#ifndef WIRE_ERRORS_H
#define WIRE_ERRORS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum error_id {
#define ERRORS_ROW(id, severity, sqlstate, args, message, hint, manual) ERROR_##id,
#include "wire/errors.def"
#undef ERRORS_ROW
	ERROR_COUNT_
};

/* Appends the ErrorResponse. detail: NULL where there is none; hint: NULL for the row's. */
void errors_build(struct buf *b, enum error_id id, const char *detail, const char *hint, ...);
void errors_vbuild(struct buf *b, enum error_id id, const char *detail, const char *hint,
		   va_list ap);

/* The message alone, for the log; cut where it does not fit. */
void errors_message(enum error_id id, char *out, size_t out_bytes, ...);

const char *errors_name(enum error_id id); /* "POOL_TIMEOUT" */
const char *errors_sqlstate(enum error_id id);
const char *errors_severity(enum error_id id);
const char *errors_format(enum error_id id);
const char *
errors_args(enum error_id id); /* a letter each: d int, s string, f double, u unsigned */
const char *errors_hint(enum error_id id); /* NULL where there is none */
const char *errors_manual(enum error_id id);
bool errors_is_fatal(enum error_id id); /* the connection ends with it */

#endif
