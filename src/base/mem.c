/*
 * mem.c - allocation that does not fail, and wiping.
 */
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *mem_check(void *ptr, size_t size)
{
	if (!ptr) {
		fprintf(stderr, "out of memory (%zu bytes)\n", size);
		abort();
	}
	return ptr;
}

void *mem_alloc(size_t size)
{
	return mem_check(malloc(size ? size : 1), size);
}

void *mem_zalloc(size_t size)
{
	return mem_check(calloc(1, size ? size : 1), size);
}

void *mem_realloc(void *ptr, size_t size)
{
	return mem_check(realloc(ptr, size ? size : 1), size);
}

char *mem_strdup(const char *str)
{
	return str ? mem_check(strdup(str), strlen(str) + 1) : NULL;
}

void mem_wipe(void *ptr, size_t size)
{
	if (ptr && size > 0)
		explicit_bzero(ptr, size);
}
