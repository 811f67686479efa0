/*
 * harmless.h - calls of functions that are somebody's own, and have been found to leave
 * nothing in the session.
 *
 * What a function does cannot be read from the statement that calls it. The statement's shape is
 * asked about until it was found clean HARMLESS_TIMES in a row, and trusted then; one that was
 * found to leave something is never trusted. The settings that are somebody's own (my.tenant)
 * are remembered too, since the server does not list them.
 *
 * Bounded; owned by a localpool. Thread: worker.
 */
#ifndef PROXY_HARMLESS_H
#define PROXY_HARMLESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/slice.h"
#include "sql/lexer.h"

#define HARMLESS_TIMES 16
#define HARMLESS_MAX_SHAPES 4096
#define HARMLESS_MAX_SETTINGS 64
#define HARMLESS_TRIED_MAX 4

struct harmless {
	struct map shapes;   /* of a statement: how often it was found clean */
	struct map settings; /* names with a dot that were seen */
	struct buf scratch;
};

/* Shapes that ran since the last look. */
struct harmless_tried {
	size_t count;
	bool too_many;
	uint64_t shapes[HARMLESS_TRIED_MAX];
};

void harmless_init(struct harmless *h);
void harmless_fini(struct harmless *h);

bool harmless_is(struct harmless *h, struct slice statement, struct lexer_mode mode);
void harmless_try(struct harmless *h, struct harmless_tried *tried, struct slice statement,
		  struct lexer_mode mode);
void harmless_was(struct harmless *h, struct harmless_tried *tried, bool clean);

/* Functions are not what they were. */
void harmless_forget(struct harmless *h);

void harmless_know_setting(struct harmless *h, struct slice name);

#endif
