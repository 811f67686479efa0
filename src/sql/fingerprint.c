/*
 * fingerprint.c - the hash of a statement's shape.
 */
#include "sql/fingerprint.h"

#include <xxhash.h>

#include "sql/norm.h"

uint64_t fingerprint_of(struct slice sql, struct lexer_mode mode, struct buf *scratch)
{
	struct norm_options options = { .mode = mode, .max_bytes = FINGERPRINT_MAX_BYTES };
	buf_clear(scratch);
	norm_write_key(sql, &options, scratch);
	struct slice key = buf_slice(scratch);
	return XXH3_64bits(key.ptr, key.len);
}
