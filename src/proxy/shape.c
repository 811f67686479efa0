/*
 * shape.c - types and columns as one number.
 */
#include "proxy/shape.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "wire/reader.h"

/* As ParameterDescription has them, and Parse behind its text. */
struct shape_types {
	size_t len;
	char bytes[];
};

struct shape *shape_new(bool is_open)
{
	struct shape *shape = mem_zalloc(sizeof(*shape));
	atomic_init(&shape->refs, 1);
	atomic_init(&shape->types, NULL);
	shape->is_open = is_open;
	return shape;
}

/* They are told once of each copy; whoever comes second has heard the same. */
static void set_types(struct shape *shape, struct slice types)
{
	struct shape_types *none = NULL, *made = mem_alloc(sizeof(*made) + types.len);
	made->len = types.len;
	memcpy(made->bytes, types.ptr, types.len);
	if (!atomic_compare_exchange_strong(&shape->types, &none, made))
		free(made);
}

struct slice shape_types(const struct shape *shape)
{
	const struct shape_types *types = atomic_load(&shape->types);
	return types ? slice_make(types->bytes, types->len) : SLICE_NONE;
}

struct shape *shape_new_like(const struct shape *other)
{
	struct shape *shape = shape_new(other->is_open);
	struct slice types = shape_types(other);
	if (types.ptr)
		set_types(shape, types);
	return shape;
}

/* What is added for types is taken off again. */
static uint64_t sum_of(uint64_t columns, struct slice types)
{
	uint64_t sum = types.ptr ? columns ^ map_hash(types) : columns;
	return sum ? sum : 1;
}

static void set_sum(struct shape *shape, uint64_t sum)
{
	atomic_store_explicit(&shape->sum, sum, memory_order_relaxed);
}

struct shape *shape_new_closed(const struct shape *open)
{
	struct shape *shape = shape_new(false);
	if (shape_is_known(open))
		set_sum(shape, sum_of(shape_sum(open), shape_types(open)));
	return shape;
}

struct shape *shape_ref(struct shape *shape)
{
	atomic_fetch_add(&shape->refs, 1);
	return shape;
}

void shape_unref(struct shape *shape)
{
	if (!shape || atomic_fetch_sub(&shape->refs, 1) != 1)
		return;
	free(atomic_load(&shape->types));
	free(shape);
}

bool shape_has_types(const struct shape *shape)
{
	return !shape->is_open || shape_types(shape).ptr;
}

bool shape_takes_other(const struct shape *a, const struct shape *b)
{
	struct slice one = shape_types(a), other = shape_types(b);
	return one.ptr && other.ptr && !slice_eq(one, other);
}

static void learn_types(struct shape *shape, struct slice body)
{
	struct reader r;
	reader_init(&r, body);
	reader_bytes(&r, (size_t)reader_u16(&r) * 4);
	if (shape->is_open && reader_is_done(&r))
		set_types(shape, body);
}

/* What counts of the columns, one behind the other; one that is not there as a whole does not. */
static void write_columns(struct slice body, struct buf *out)
{
	struct reader r;
	reader_init(&r, slice_head(body, SHAPE_PEEK_BYTES));
	uint16_t columns = reader_u16(&r);
	buf_u16(out, columns);
	while (columns--) {
		struct slice name = reader_cstr(&r);
		reader_u32(&r); /* the table, */
		reader_u16(&r); /* and which of its columns */
		uint32_t type = reader_u32(&r);
		reader_bytes(&r, 2 + 4 + 2); /* the type's length, its modifier, the format */
		if (reader_failed(&r))
			return;
		buf_add_slice(out, name);
		buf_u8(out, 0);
		buf_u32(out, type);
	}
}

void shape_learn(struct shape *shape, char type, struct slice body)
{
	struct buf columns = { 0 };
	if (type == 't') {
		learn_types(shape, body);
		return;
	}
	if (!shape_has_types(shape))
		return;
	if (type == 'T')
		write_columns(body, &columns);
	set_sum(shape, sum_of(map_hash(buf_slice(&columns)), shape_types(shape)));
	buf_fini(&columns);
}

void shape_forget_columns(struct shape *shape)
{
	set_sum(shape, 0);
}
