/*
 * rename.h - the statements' names in Parse, Bind, Describe and Close: read, and replaced.
 *
 * A body is what is behind a message's type and length. What is written are whole messages, but for
 * rename_bind_head.
 *
 * Owns nothing: slices point into the body. Thread: any.
 */
#ifndef WIRE_RENAME_H
#define WIRE_RENAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bug.h"
#include "base/slice.h"

struct rename_parse {
	struct slice name, text;
	struct slice types; /* a count and OIDs, as they were sent */
};

struct rename_target {
	char kind; /* 'S': a statement, 'P': a portal */
	struct slice name;
};

/* False: the body is not one of such a message. */
bool rename_read_parse(struct slice body, struct rename_parse *out) MUST_CHECK;
bool rename_read_target(struct slice body, struct rename_target *out) MUST_CHECK; /* D and C */

/* A Parse of that name. */
void rename_write_parse(struct buf *out, struct slice name, const struct rename_parse *parse);

/* Describe ('D') or Close ('C') of a statement. */
void rename_write_target(struct buf *out, char type, struct slice name);

struct rename_bind {
	struct slice portal, statement;
	size_t used; /* bytes of the body up to and with the second name's zero */
};

/* The names at the head of a Bind, of which more may follow: > 0 they are there, 0 more bytes are
 * needed, < 0 this is no Bind. `head` is the first bytes of a body of body_bytes. */
int rename_read_bind(struct slice head, size_t body_bytes, struct rename_bind *out) MUST_CHECK;

/* Writes a Bind up to and with the statement's name. What is behind bind->used of the body follows
 * as it is: the length says so. */
void rename_bind_head(struct buf *out, struct slice name, const struct rename_bind *bind,
		      size_t body_bytes);

#endif
