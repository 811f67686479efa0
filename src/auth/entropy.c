/*
 * entropy.c - a store for each thread.
 */
#include "auth/entropy.h"

#include <openssl/rand.h>

#include <stdint.h>
#include <string.h>

#include "base/mem.h"

#define ENTROPY_STORE_BYTES 1024

struct entropy {
	size_t left; /* at the end of bytes */
	uint8_t bytes[ENTROPY_STORE_BYTES];
};

static _Thread_local struct entropy entropy_store;

bool entropy_take(void *out, size_t n)
{
	struct entropy *e = &entropy_store;
	if (n > sizeof(e->bytes))
		return RAND_bytes(out, (int)n) == 1;
	if (n > e->left) {
		if (RAND_bytes(e->bytes, sizeof(e->bytes)) != 1)
			return false;
		e->left = sizeof(e->bytes);
	}
	uint8_t *from = e->bytes + sizeof(e->bytes) - e->left;
	memcpy(out, from, n);
	mem_wipe(from, n);
	e->left -= n;
	return true;
}
