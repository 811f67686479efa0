/*
 * shape.c - columns as one number.
 */
#include "proxy/shape.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "wire/reader.h"

struct shape *shape_new(void)
{
	struct shape *shape = mem_zalloc(sizeof(*shape));
	atomic_init(&shape->refs, 1);
	return shape;
}

struct shape *shape_ref(struct shape *shape)
{
	atomic_fetch_add(&shape->refs, 1);
	return shape;
}

void shape_unref(struct shape *shape)
{
	if (shape && atomic_fetch_sub(&shape->refs, 1) == 1)
		free(shape);
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
	if (type == 'T')
		write_columns(body, &columns);
	uint64_t sum = map_hash(buf_slice(&columns));
	buf_fini(&columns);
	atomic_store_explicit(&shape->sum, sum ? sum : 1, memory_order_relaxed);
}
