/*
 * block.h - statements that open or close a transaction block, and do nothing else.
 *
 * Only what PostgreSQL surely takes is read as one: a text of which there is any doubt is
 * BLOCK_OTHER.
 *
 * Thread: any.
 */
#ifndef SQL_BLOCK_H
#define SQL_BLOCK_H

#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum block_kind {
	BLOCK_OTHER,
	BLOCK_OPEN,     /* BEGIN, START TRANSACTION */
	BLOCK_COMMIT,   /* COMMIT, END */
	BLOCK_ROLLBACK, /* ROLLBACK, ABORT */
};

/* What an opening says of its transaction, as bits; 0: plain BEGIN. */
#define BLOCK_MODES_BITS 9

/* `modes` is filled where it opens one. */
enum block_kind block_read(struct slice sql, uint16_t *modes);

/* The statement that opens a block with these modes, and its command tag. */
void block_write(uint16_t modes, struct buf *sql);
const char *block_tag(uint16_t modes);

#endif
