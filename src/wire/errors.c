/*
 * errors.c - the table of the pooler's own errors, and saying one of them.
 */
#include "wire/errors.h"

#include <stdint.h>
#include <stdio.h>

#include "base/bug.h"
#include "base/slice.h"
#include "wire/build.h"

#define MESSAGE_BYTES 1024

struct errors_row {
	const char *name, *severity, *sqlstate, *args, *format, *hint, *manual;
};

static const struct errors_row errors_rows[] = {
#define ERRORS_ROW(id, severity, sqlstate, args, message, hint, manual)                            \
	[ERROR_##id] = { #id, severity, sqlstate, args, message, hint, manual },
#include "wire/errors.def"
#undef ERRORS_ROW
};

static const struct errors_row *errors_row(enum error_id id)
{
	BUG_ON((size_t)id >= COUNT_OF(errors_rows));
	return &errors_rows[id];
}

void errors_vbuild(struct buf *b, enum error_id id, const char *detail, const char *hint,
		   va_list ap)
{
	const struct errors_row *row = errors_row(id);
	char message[MESSAGE_BYTES];

	vsnprintf(message, sizeof(message), row->format, ap);
	build_error(b, &(struct build_notice){
			       .severity = row->severity,
			       .sqlstate = row->sqlstate,
			       .message = message,
			       .detail = detail,
			       .hint = hint ? hint : row->hint,
		       });
}

void errors_build(struct buf *b, enum error_id id, const char *detail, const char *hint, ...)
{
	va_list ap;
	va_start(ap, hint);
	errors_vbuild(b, id, detail, hint, ap);
	va_end(ap);
}

void errors_message(enum error_id id, char *out, size_t out_bytes, ...)
{
	va_list ap;
	va_start(ap, out_bytes);
	vsnprintf(out, out_bytes, errors_row(id)->format, ap);
	va_end(ap);
}

const char *errors_name(enum error_id id)
{
	return errors_row(id)->name;
}

const char *errors_sqlstate(enum error_id id)
{
	return errors_row(id)->sqlstate;
}

const char *errors_severity(enum error_id id)
{
	return errors_row(id)->severity;
}

const char *errors_format(enum error_id id)
{
	return errors_row(id)->format;
}

const char *errors_args(enum error_id id)
{
	return errors_row(id)->args;
}

const char *errors_hint(enum error_id id)
{
	return errors_row(id)->hint;
}

const char *errors_manual(enum error_id id)
{
	return errors_row(id)->manual;
}

bool errors_is_fatal(enum error_id id)
{
	return errors_row(id)->severity[0] == 'F';
}
