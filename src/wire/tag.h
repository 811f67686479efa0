/*
 * tag.h - the command tag of a CommandComplete.
 *
 * Owns nothing: slices point into the body.
 * Thread: any.
 */
#ifndef WIRE_TAG_H
#define WIRE_TAG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct tag {
	struct slice text; /* all of it: "INSERT 0 5", "DEALLOCATE ALL" */
	struct slice word; /* its first word: "INSERT" */
	bool has_rows;
	uint64_t rows; /* its last number: 5 */
};

struct tag tag_read(struct slice body);

#endif
