/*
 * answer.h - what came of one command: rows, or an error, and what is said beside them.
 *
 * Filled by whoever carries the command out, sent by admin/talk.h. The error, once there, is
 * what counts.
 *
 * Owned by the struct that embeds it. Thread: the owner's.
 */
#ifndef ADMIN_ANSWER_H
#define ADMIN_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "admin/sheet.h"
#include "base/buf.h"
#include "wire/errors.h"

struct answer {
	const struct sheet *sheet; /* NULL: no rows */
	uint64_t binary;           /* columns wanted so, a bit each */
	struct buf rows;           /* whole DataRows */
	size_t row_count;
	struct buf notices; /* whole NoticeResponses */
	struct buf error;   /* one ErrorResponse, or empty */
};

void answer_init(struct answer *a, enum sheet_id sheet, uint64_t binary);
void answer_fini(struct answer *a);

void answer_row(struct answer *a, const void *row); /* of the sheet's struct */
void answer_notice(struct answer *a, const char *message, const char *detail);

/* The arguments of the row's message follow. */
void answer_fail(struct answer *a, enum error_id id, ...);
bool answer_has_failed(const struct answer *a);

#endif
