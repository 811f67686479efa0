/*
 * whole.h - a statement that came as a whole: a Query, or Parse, Bind, Execute and Sync, all of the
 * unnamed ones, as drivers send it for what has no parameters.
 *
 * Slices point into what was read. Thread: any.
 */
#ifndef PROXY_WHOLE_H
#define PROXY_WHOLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct frame;

struct whole {
	size_t bytes; /* of the messages */
	struct slice sql;
	struct slice parse; /* the body of its Parse, behind the name; none: a Query */
	bool describes_statement, describes_portal;
};

/* `f` is the message at the front of `in`, of which all is here. False: it is none of these, or
 * more of it is to come. */
bool whole_read(struct slice in, const struct frame *f, struct whole *out);

#endif
