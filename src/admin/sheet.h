/*
 * sheet.h - the tables that SHOW shows: their columns, and how a line is written.
 *
 * The columns are the rows of sheets.def: name, type, and from which field of which struct a
 * value is read and how. A line is written from one such struct.
 *
 * Owns nothing. Thread: any.
 */
#ifndef ADMIN_SHEET_H
#define ADMIN_SHEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "wire/build.h"

/*    kind            the field                what is shown */
#define SHEET_KINDS(X)                                                                             \
	X(STRING)         /* const char * */                                                       \
	X(STRING_OR_NULL) /* const char *             null where it is NULL or empty */            \
	X(CHARS)          /* char[] */                                                             \
	X(INT)            /* int */                                                                \
	X(U64)            /* uint64_t */                                                           \
	X(BIT)            /* bool                     1 or 0 */                                    \
	X(YES_NO)         /* bool                     yes or no */                                 \
	X(PTR)            /* uint64_t                 in hexadecimal; 0: empty */                  \
	X(WALL)           /* usec_t since 1970        local time to the second; 0: empty */        \
	X(SECONDS)        /* usec_t                   whole seconds; USEC_NEVER: 0 */              \
	X(WHOLE_SECONDS)  /* usec_t                   whole seconds */                             \
	X(REST_US)        /* usec_t                   the microseconds beyond those */             \
	X(ZERO)           /* any                      0 */                                         \
	X(CONN_TYPE)      /* bool, is it a server     S or C */                                    \
	X(REPLICATION)    /* bool                     yes or none */

#define SHEET_KIND_ENUM_(kind) SHEET_##kind,
enum sheet_kind { SHEET_KINDS(SHEET_KIND_ENUM_) SHEET_KIND_COUNT };
#undef SHEET_KIND_ENUM_

enum sheet_id {
#define SHEET(id, name, needs, text) SHEET_ID_##id,
#define COLUMN(row, field, name, type, kind, text)
#define SHEET_END()
#include "admin/sheets.def"
#undef SHEET
#undef COLUMN
#undef SHEET_END
	SHEET_ID_COUNT,
	SHEET_ID_NONE = SHEET_ID_COUNT, /* a command that shows nothing */
};

struct sheet_column {
	struct build_column column; /* its name, and its type */
	enum sheet_kind kind;
	size_t at; /* of the field in the row's struct */
	const char *text;
};

#define SHEET_MAX_COLUMNS 64

struct sheet {
	const char *name;
	unsigned needs; /* enum report_what */
	const char *text;
	const struct sheet_column *columns;
	size_t column_count; /* at most SHEET_MAX_COLUMNS */
};

/* Rows of sheets that need no struct of their own. */
struct sheet_pair {
	const char *name;
	const char *value;
};

struct sheet_count {
	const char *name;
	uint64_t count;
};

const struct sheet *sheet_get(enum sheet_id id); /* NULL for SHEET_ID_NONE */

/* `binary`: a bit per column, the first one lowest, for those wanted in binary. */
void sheet_describe(const struct sheet *sheet, uint64_t binary, struct buf *out);
void sheet_write(const struct sheet *sheet, uint64_t binary, const void *row, struct buf *out);

/* A field of the kind U64. */
uint64_t sheet_u64(const struct sheet_column *column, const void *row);

#endif
