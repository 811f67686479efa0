/*
 * slab.c - blocks of objects of one size.
 *
 * A block is aligned to its own size, so that an object's block is found from its address.
 * It begins with a struct slab_block; its free objects are a list linked through their
 * first word.
 */
#include "base/slab.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bug.h"

#if defined(__SANITIZE_ADDRESS__)
#define SLAB_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLAB_ASAN 1
#endif
#endif

#ifdef SLAB_ASAN
#include <sanitizer/asan_interface.h>
#define SLAB_POISON(ptr, n) ASAN_POISON_MEMORY_REGION(ptr, n)
#define SLAB_UNPOISON(ptr, n) ASAN_UNPOISON_MEMORY_REGION(ptr, n)
#else
#define SLAB_POISON(ptr, n) ((void)(ptr), (void)(n))
#define SLAB_UNPOISON(ptr, n) ((void)(ptr), (void)(n))
#endif

#define SLAB_MIN_BLOCK_BYTES 32768
#define SLAB_MIN_PER_BLOCK 16
#define SLAB_ALIGN alignof(max_align_t)

struct slab_block {
	struct list link; /* on partial or full */
	const struct slab *owner;
	void *free; /* the first free object */
	size_t live;
};

static size_t slab_round(size_t n)
{
	return (n + SLAB_ALIGN - 1) & ~(SLAB_ALIGN - 1);
}

static char *slab_object(const struct slab *s, struct slab_block *b, size_t i)
{
	return (char *)b + slab_round(sizeof(*b)) + i * s->object_bytes;
}

void slab_init(struct slab *s, size_t object_bytes)
{
	BUG_ON(object_bytes == 0);
	*s = (struct slab){ .object_bytes = slab_round(object_bytes) };
	list_init(&s->partial);
	list_init(&s->full);

	size_t head = slab_round(sizeof(struct slab_block));
	s->block_bytes = SLAB_MIN_BLOCK_BYTES;
	while (s->block_bytes < head + SLAB_MIN_PER_BLOCK * s->object_bytes)
		s->block_bytes *= 2;
	s->per_block = (s->block_bytes - head) / s->object_bytes;
}

void slab_init_secret(struct slab *s, size_t object_bytes)
{
	slab_init(s, object_bytes);
	s->is_secret = true;
}

/* Puts an object on its block's free list; what is behind its first word is poisoned. */
static void slab_link_free(const struct slab *s, struct slab_block *b, void *object)
{
	SLAB_UNPOISON(object, sizeof(void *));
	memcpy(object, &b->free, sizeof(void *));
	b->free = object;
	SLAB_POISON(object, s->object_bytes);
}

/*
 * Pages of the system's, aligned to their number. Not malloc's: beside an aligned block that leaves
 * room for nearly another, of which it touches a page in four, and what is in the middle of its
 * heap it does not give back. Under AddressSanitizer malloc's all the same, which finds leaks there
 * only.
 */
static void *slab_pages_take(size_t n)
{
#ifdef SLAB_ASAN
	return aligned_alloc(n, n);
#else
	char *pages = mmap(NULL, 2 * n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED)
		return NULL;
	size_t before = -(uintptr_t)pages & (n - 1);
	if (before > 0)
		munmap(pages, before);
	munmap(pages + before + n, n - before);
	return pages + before;
#endif
}

static void slab_pages_give(void *pages, size_t n)
{
#ifdef SLAB_ASAN
	(void)n;
	free(pages);
#else
	munmap(pages, n);
#endif
}

static struct slab_block *slab_block_new(struct slab *s)
{
	struct slab_block *b = slab_pages_take(s->block_bytes);
	BUG_ON(!b);
	if (s->is_secret)
		madvise(b, s->block_bytes, MADV_DONTDUMP);
	*b = (struct slab_block){ .owner = s };
	for (size_t i = s->per_block; i > 0; i--)
		slab_link_free(s, b, slab_object(s, b, i - 1));
	list_push_front(&s->partial, &b->link);
	s->blocks++;
	s->empty++;
	return b;
}

static void slab_block_free(struct slab *s, struct slab_block *b)
{
	list_remove(&b->link);
	SLAB_UNPOISON(b, s->block_bytes);
	slab_pages_give(b, s->block_bytes);
	s->blocks--;
	s->empty--;
}

void slab_fini(struct slab *s)
{
	BUG_ON(s->live > 0);
	LIST_EACH (node, tmp, &s->partial)
		slab_block_free(s, LIST_ENTRY(node, struct slab_block, link));
}

void *slab_take(struct slab *s)
{
	struct slab_block *b = LIST_FIRST(&s->partial, struct slab_block, link);
	if (!b)
		b = slab_block_new(s);

	void *object = b->free;
	SLAB_UNPOISON(object, s->object_bytes);
	memcpy(&b->free, object, sizeof(void *));
	if (b->live++ == 0)
		s->empty--;
	if (!b->free) {
		list_remove(&b->link);
		list_push_front(&s->full, &b->link);
	}
	s->live++;
	return memset(object, 0, s->object_bytes);
}

void slab_give(struct slab *s, void *object)
{
	struct slab_block *b = (struct slab_block *)((uintptr_t)object & ~(s->block_bytes - 1));
	BUG_ON(b->owner != s || b->live == 0);

	if (!b->free) {
		list_remove(&b->link);
		list_push_front(&s->partial, &b->link);
	}
	slab_link_free(s, b, object);
	s->live--;
	if (--b->live > 0)
		return;

	/* Wholly free: the last to be taken from; one such block is enough. */
	s->empty++;
	if (s->empty > 1) {
		slab_block_free(s, b);
		return;
	}
	list_remove(&b->link);
	list_push_back(&s->partial, &b->link);
}
