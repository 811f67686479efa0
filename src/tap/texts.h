/*
 * texts.h - the statements of one batch, gathered while it runs.
 *
 * Owned by whoever embeds it (a client). A batch may hold thousands of statements: texts are
 * copied up to TEXTS_ONE_MAX_BYTES each and TEXTS_ALL_MAX_BYTES together, executions of the same
 * statement in a row are one entry with a count, and what finds no room is counted. Memory is held
 * between the first texts_add and texts_release.
 *
 * The bytes (texts_slice) go into the record as they are and are read with texts_next.
 *
 * Thread: the owner's; a slice of it any.
 */
#ifndef TAP_TEXTS_H
#define TAP_TEXTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

#define TEXTS_ONE_MAX_BYTES ((size_t)16 << 10)
#define TEXTS_ALL_MAX_BYTES ((size_t)32 << 10)
#define TEXTS_UNRUN 16 /* parsed and not run yet: so many are looked through for what is run */

#define TEXTS_KINDS(X)                                                                             \
	X(QUERY, "query")       /* a simple query, with all its statements */                      \
	X(PARSE, "parse")       /* parsed in this batch, and run `times` times */                  \
	X(EXECUTE, "execute")   /* run, parsed by an earlier batch */                              \
	X(FUNCTION, "function") /* FunctionCall: "function OID" */

#define TEXTS_KIND_ENUM_(kind, name) TEXTS_##kind,
enum texts_kind { TEXTS_KINDS(TEXTS_KIND_ENUM_) TEXTS_KIND_COUNT };
#undef TEXTS_KIND_ENUM_

struct tap_texts {
	struct buf bytes; /* entries, one behind the other */
	size_t last;      /* offset of the last entry */
	uint32_t entries;
	uint32_t left_out;           /* statements for which there was no room */
	uint32_t unrun[TEXTS_UNRUN]; /* offsets of the newest that were parsed and not run, in order
				      */
	uint32_t unrun_count;
};

struct tap_text {
	enum texts_kind kind;
	uint32_t times; /* how often it was run */
	bool cut;       /* the text is but the head of it */
	struct slice text;
};

const char *texts_kind_name(enum texts_kind kind);

/* All zeros is a valid empty one. */
void texts_clear(struct tap_texts *texts);   /* empty, memory kept */
void texts_release(struct tap_texts *texts); /* empty, memory given back */

/* A statement of the batch: QUERY for each Query, PARSE for each Parse, EXECUTE for each Execute
 * (with the text of what it runs: where the same batch has parsed it, that entry's count goes up),
 * FUNCTION for each FunctionCall. A text of TEXTS_ONE_MAX_BYTES or more counts as cut, so that
 * whoever keeps texts for later need not keep more. */
void texts_add(struct tap_texts *texts, enum texts_kind kind, struct slice text);

/* The same, where only the head of the statement is at hand. */
void texts_add_head(struct tap_texts *texts, enum texts_kind kind, struct slice head);

struct slice texts_slice(const struct tap_texts *texts);

/* Takes the first entry off `bytes`; false when there is none, or when the bytes are not entries.
 */
bool texts_next(struct slice *bytes, struct tap_text *out);

#endif
