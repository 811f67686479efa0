/*
 * fuzz_proxyhead.c - any bytes as the first ones of a connection from a balancer.
 *
 * What is taken for a header must need all of its bytes and none of those behind it, and what is
 * malformed or incomplete must be so at every length before as well.
 */
#include <stdint.h>
#include <string.h>

#include "net/proxyhead.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct addr client, other;
	struct slice in = slice_make(data, size);
	ssize_t n = proxyhead_parse(in, &client);
	BUG_ON(n < PROXYHEAD_MALFORMED || n > (ssize_t)size || n > PROXYHEAD_MAX_BYTES);
	BUG_ON(n <= 0 && client.kind != ADDR_NONE);
	BUG_ON(client.kind == ADDR_UNIX || (n > 4 && !proxyhead_is_likely(in)));
	BUG_ON(n == PROXYHEAD_MORE && size >= PROXYHEAD_MAX_BYTES);
	if (n > 0) {
		BUG_ON(proxyhead_parse(slice_head(in, (size_t)n), &other) != n);
		BUG_ON(memcmp(&client, &other, sizeof(client)) != 0);
	}
	size_t end = n > 0 ? (size_t)n : size;
	for (size_t len = 0; len < end; len += 1 + len / 64) {
		ssize_t part = proxyhead_parse(slice_head(in, len), &other);
		BUG_ON(n >= 0 ? part != PROXYHEAD_MORE : part > 0);
	}
	return 0;
}
