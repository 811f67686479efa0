/*
 * shape.h - which columns a copy of a prepared statement gives.
 *
 * Each copy that a server has made of a statement has a shape, which stays as it is for as long as
 * the copy lives: PostgreSQL refuses to run one whose columns have changed. What it is, is known
 * once the server has described the copy to anybody. A client's name goes by the shape of the copy
 * that it was told of; a copy on another server will do for it if that has the same columns.
 *
 * Columns are the same where their names and types are. Modifiers of types (varchar(10)) do not
 * count: they decide nothing on how a value is written, and a statement and its portal may say
 * different ones of an expression. Nor do formats, which are each Bind's own.
 *
 * Counted by reference. Thread: any.
 */
#ifndef PROXY_SHAPE_H
#define PROXY_SHAPE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* So much of a RowDescription is looked at. */
#define SHAPE_PEEK_BYTES ((uint32_t)48 << 10)

struct shape {
	atomic_uint refs;
	_Atomic uint64_t sum; /* of its columns; 0: not known */
};

struct shape *shape_new(void); /* not known yet */
struct shape *shape_ref(struct shape *shape);
void shape_unref(struct shape *shape); /* NULL is fine */

/* A server has described it: RowDescription (T) with as much of its body as there is to look at, or
 * NoData (n). */
void shape_learn(struct shape *shape, char type, struct slice body);

static inline uint64_t shape_sum(const struct shape *shape)
{
	return atomic_load_explicit(&shape->sum, memory_order_relaxed);
}

/* NULL: there is none. */
static inline bool shape_is_known(const struct shape *shape)
{
	return shape && shape_sum(shape) != 0;
}

/* Are both known, and the same columns? */
static inline bool shape_is_same(const struct shape *a, const struct shape *b)
{
	return shape_is_known(a) && b && shape_sum(a) == shape_sum(b);
}

#endif
