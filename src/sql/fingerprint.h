/*
 * fingerprint.h - 64 bits that are the same for texts of the same shape.
 *
 * XXH3 over norm_write_key(), of which the first FINGERPRINT_MAX_BYTES count.
 *
 * Thread: any.
 */
#ifndef SQL_FINGERPRINT_H
#define SQL_FINGERPRINT_H

#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "sql/lexer.h"

#define FINGERPRINT_MAX_BYTES 16384

/* `scratch` is overwritten; its memory is kept for the next call. */
uint64_t fingerprint_of(struct slice sql, struct lexer_mode mode, struct buf *scratch);

#endif
