/*
 * confmem.c - blocks that are filled from front to end.
 */
#include "conf/confmem.h"

#include "base/vault.h"
#include <stdalign.h>

#define CONFMEM_BLOCK_BYTES 16384
#define CONFMEM_ALIGN alignof(max_align_t)

struct confmem_block {
	struct confmem_block *next;
	size_t used;
	size_t size;
	alignas(max_align_t) char data[];
};

void confmem_fini(struct confmem *m)
{
	while (m->blocks) {
		struct confmem_block *b = m->blocks;
		m->blocks = b->next;
		vault_free(b);
	}
}

void *confmem_alloc(struct confmem *m, size_t size)
{
	struct confmem_block *b = m->blocks;

	size = (size + CONFMEM_ALIGN - 1) & ~(CONFMEM_ALIGN - 1);
	if (!b || b->size - b->used < size) {
		size_t bytes = size > CONFMEM_BLOCK_BYTES ? size : CONFMEM_BLOCK_BYTES;
		b = vault_alloc(sizeof(*b) + bytes);
		b->size = bytes;
		b->next = m->blocks;
		m->blocks = b;
	}
	void *given = b->data + b->used;
	b->used += size;
	return given;
}

char *confmem_str(struct confmem *m, struct slice s)
{
	char *copy = confmem_alloc(m, s.len + 1);
	if (s.len > 0)
		memcpy(copy, s.ptr, s.len);
	return copy;
}

void *confmem_grow(struct confmem *m, void *array, size_t count, size_t item_bytes)
{
	if (count == 0)
		return confmem_alloc(m, 8 * item_bytes);
	if (count < 8 || (count & (count - 1)) != 0)
		return array;
	void *larger = confmem_alloc(m, 2 * count * item_bytes);
	memcpy(larger, array, count * item_bytes);
	return larger;
}
