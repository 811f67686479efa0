/*
 * confmem.h - the memory of a snapshot: given out bit by bit, given back at once.
 *
 * Wiped when it is given back and in no core file (base/vault.h), for there are passwords in it.
 * Embedded and owned by its user.
 *
 * Thread: the owner's.
 */
#ifndef CONF_CONFMEM_H
#define CONF_CONFMEM_H

#include <stddef.h>

#include "base/slice.h"

struct confmem_block;

struct confmem {
	struct confmem_block *blocks; /* the newest first; all zeros is a valid empty one */
};

void confmem_fini(struct confmem *m);
void *confmem_alloc(struct confmem *m, size_t size);  /* cleared, aligned for anything */
char *confmem_str(struct confmem *m, struct slice s); /* a copy with a terminating zero */

/* The array in room for one more: itself, or a copy twice as large when `count` has filled
 * it (it grows at powers of two). */
void *confmem_grow(struct confmem *m, void *array, size_t count, size_t item_bytes);

#endif
