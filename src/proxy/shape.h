/*
 * shape.h - what a copy of a prepared statement takes and gives: the types of its parameters, and
 * its columns.
 *
 * Each copy that a server has made of a statement has a shape, which stays as it is for as long as
 * the copy lives: PostgreSQL refuses to run one whose columns have changed. What it is, is known
 * once the server has described the copy to anybody. A client's name goes by the shape of the copy
 * that it was told of; a copy on another server will do for it if that is the same.
 *
 * Columns are the same where their names and types are. Modifiers of types (varchar(10)) do not
 * count: they decide nothing on how a value is written, and a statement and its portal may say
 * different ones of an expression. Nor do formats, which are each Bind's own.
 *
 * Types of parameters count where a statement is open: its Parse leaves some to the server, which
 * infers them from what is there by then (stmt_is_open). Of others nothing need be heard.
 *
 * Counted by reference. Thread: any.
 */
#ifndef PROXY_SHAPE_H
#define PROXY_SHAPE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* So much of a RowDescription is looked at; a longer ParameterDescription than the next is not. It
 * takes no more than the Parse that it is about (prepared.h). */
#define SHAPE_PEEK_BYTES ((uint32_t)48 << 10)
#define SHAPE_TYPES_BYTES ((uint32_t)192 << 10)

struct shape_types;

struct shape {
	atomic_uint refs;
	bool is_open;
	_Atomic(struct shape_types *) types; /* of an open one's parameters; NULL: not known */
	_Atomic uint64_t sum;                /* of all that counts; 0: not known */
};

struct shape *shape_new(bool is_open); /* not known yet */
/* Its columns are not known, and its parameters are as that one's, as far as they are. */
struct shape *shape_new_like(const struct shape *other);
/* Of a statement that names the types which those of an open one's parameters are. */
struct shape *shape_new_closed(const struct shape *open);
struct shape *shape_ref(struct shape *shape);
void shape_unref(struct shape *shape); /* NULL is fine */

/* A server has described it: ParameterDescription (t), whole or it says nothing; then
 * RowDescription (T) with as much of its body as there is to look at, or NoData (n). Of an open
 * shape the latter say nothing until its types are known; of a portal there is no other word. */
void shape_learn(struct shape *shape, char type, struct slice body);

/* Its columns are others by now: they are not known any more. */
void shape_forget_columns(struct shape *shape);

/* What a Parse says of the types of an open one's parameters, behind the text; SLICE_NONE: they are
 * not known, or it is not open. */
struct slice shape_types(const struct shape *shape);

/* Would a RowDescription say all that is to be known? */
bool shape_has_types(const struct shape *shape);

/* Are the types of both known, and other ones? */
bool shape_takes_other(const struct shape *a, const struct shape *b);

static inline uint64_t shape_sum(const struct shape *shape)
{
	return atomic_load_explicit(&shape->sum, memory_order_relaxed);
}

/* NULL: there is none. */
static inline bool shape_is_known(const struct shape *shape)
{
	return shape && shape_sum(shape) != 0;
}

/* Are both known, and the same? */
static inline bool shape_is_same(const struct shape *a, const struct shape *b)
{
	return shape_is_known(a) && b && shape_sum(a) == shape_sum(b);
}

#endif
