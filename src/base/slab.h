/*
 * slab.h - objects of one size, many of them, coming and going.
 *
 * Objects live in blocks; a block whose objects are all free is given back to the system
 * (one is kept in hand, so that a single object coming and going costs nothing). A free
 * object is poisoned under AddressSanitizer. Objects are aligned for any type.
 *
 * Owned by whoever embeds it. Thread: the owner's.
 */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"

struct slab {
	struct list partial; /* blocks with free objects, the fullest use first */
	struct list full;
	size_t object_bytes;
	size_t block_bytes; /* a power of two, and what blocks are aligned to */
	size_t per_block;
	size_t live;   /* objects taken and not given back */
	size_t blocks; /* blocks held */
	size_t empty;  /* of these, with no live object: 0 or 1 */
	bool is_secret;
};

void slab_init(struct slab *s, size_t object_bytes);
void slab_init_secret(struct slab *s, size_t object_bytes); /* its blocks are in no core file */
void slab_fini(struct slab *s); /* every object must have been given back */

void *slab_take(struct slab *s); /* cleared; dies when there is no memory */
void slab_give(struct slab *s, void *object);

#endif
