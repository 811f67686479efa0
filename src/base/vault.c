/*
 * vault.c - slabs for what is small, pages of its own for what is not.
 *
 * Each piece has a head in front of it that says how large it is.
 */
#include "base/vault.h"

#include <pthread.h>
#include <stdalign.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bug.h"
#include "base/mem.h"
#include "base/slab.h"

#define VAULT_SLABS 7
#define VAULT_LEAST_BYTES                                                                          \
	((size_t)64) /* of the first slab; each of the others has twice as much                    \
		      */
#define VAULT_PAGE_BYTES ((size_t)4096)

struct vault_head {
	alignas(max_align_t) size_t bytes; /* with the head */
	int slab;                          /* VAULT_SLABS: it has pages of its own */
};

static pthread_once_t vault_once = PTHREAD_ONCE_INIT;
static pthread_mutex_t vault_lock = PTHREAD_MUTEX_INITIALIZER;
static struct slab vault_slabs[VAULT_SLABS]; /* under the lock */

static void vault_init(void)
{
	for (int i = 0; i < VAULT_SLABS; i++)
		slab_init_secret(&vault_slabs[i], VAULT_LEAST_BYTES << i);
}

static struct vault_head *vault_map(size_t bytes)
{
	void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	BUG_ON(pages == MAP_FAILED);
	madvise(pages, bytes, MADV_DONTDUMP);
	return pages;
}

void *vault_alloc(size_t size)
{
	size_t bytes = size + sizeof(struct vault_head);
	struct vault_head *head;
	int slab = 0;
	while (slab < VAULT_SLABS && VAULT_LEAST_BYTES << slab < bytes)
		slab++;
	if (slab < VAULT_SLABS) {
		pthread_once(&vault_once, vault_init);
		pthread_mutex_lock(&vault_lock);
		head = slab_take(&vault_slabs[slab]);
		pthread_mutex_unlock(&vault_lock);
	} else {
		bytes = (bytes + VAULT_PAGE_BYTES - 1) & ~(VAULT_PAGE_BYTES - 1);
		head = vault_map(bytes);
	}
	head->bytes = bytes;
	head->slab = slab;
	return head + 1;
}

char *vault_dup(struct slice s)
{
	char *copy = vault_alloc(s.len + 1);
	if (s.len)
		memcpy(copy, s.ptr, s.len);
	return copy;
}

void vault_free(void *ptr)
{
	if (!ptr)
		return;
	struct vault_head *head = (struct vault_head *)ptr - 1;
	size_t bytes = head->bytes;
	int slab = head->slab;
	mem_wipe(head, bytes);
	if (slab == VAULT_SLABS) {
		munmap(head, bytes);
		return;
	}
	pthread_mutex_lock(&vault_lock);
	slab_give(&vault_slabs[slab], head);
	pthread_mutex_unlock(&vault_lock);
}
