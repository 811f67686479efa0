/*
 * mallocs.c - counts what goes through malloc(); the linker leads it here (--wrap).
 */
#include "mallocs.h"

#include <stdatomic.h>
#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *ptr, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *ptr, size_t size);

static atomic_ulong mallocs;

unsigned long mallocs_count(void)
{
	return atomic_load(&mallocs);
}

void *__wrap_malloc(size_t size)
{
	atomic_fetch_add(&mallocs, 1);
	return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	atomic_fetch_add(&mallocs, 1);
	return __real_calloc(n, size);
}

void *__wrap_realloc(void *ptr, size_t size)
{
	atomic_fetch_add(&mallocs, 1);
	return __real_realloc(ptr, size);
}
