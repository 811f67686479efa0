/*
 * lineout.h - one line of named values, as logfmt or as JSON, that no value can break out of.
 *
 * Whatever bytes a value has, the line stays one line, stays valid UTF-8, and reads back as the
 * same fields.
 *
 * Thread: any.
 */
#ifndef ADVISOR_LINEOUT_H
#define ADVISOR_LINEOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "base/usec.h"

enum lineout_style {
	LINEOUT_PLAIN,  /* running text: control characters and what is not UTF-8 as \n, \xNN */
	LINEOUT_QUOTED, /* the same in double quotes where needed, with \" and \\ */
	LINEOUT_JSON,   /* a JSON string; a byte that is not UTF-8 is \\xNN */
};

struct lineout {
	struct buf *out; /* not owned */
	enum lineout_style style;
	bool any; /* a field was written */
};

/* Adds the text alone. */
void lineout_text(struct buf *out, enum lineout_style style, struct slice text);

void lineout_begin(struct lineout *line, struct buf *out, enum lineout_style style);
void lineout_end(struct lineout *line);

void lineout_name(struct lineout *line, const char *name); /* its value is to follow in `out` */
void lineout_string(struct lineout *line, const char *name, struct slice value);
void lineout_count(struct lineout *line, const char *name, uint64_t value);
void lineout_bool(struct lineout *line, const char *name, bool value);
void lineout_ms(struct lineout *line, const char *name, usec_t value); /* with three decimals */

/* Adds `value` in units of `unit` microseconds with so many decimals, cut, never less than 0. */
void lineout_time(struct buf *out, usec_t value, usec_t unit, int decimals);

#endif
