/*
 * netblock.h - a network: an address and which bits of it count.
 *
 * Thread: any; netblock_local asks the system for its interfaces.
 */
#ifndef NET_NETBLOCK_H
#define NET_NETBLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bug.h"
#include "base/slice.h"
#include "net/addr.h"

struct netblock {
	uint8_t kind; /* ADDR_V4 or ADDR_V6 */
	uint8_t ip[16];
	uint8_t mask[16];
};

/* "10.1.2.3", "10.0.0.0/8", "::1", "fe80::/10"; bits behind the mask may be set. */
bool netblock_parse(struct slice text, struct netblock *out) MUST_CHECK;

/* An address and its mask, each as text: "10.0.0.0" and "255.0.0.0". */
bool netblock_parse_mask(struct slice ip, struct slice mask, struct netblock *out) MUST_CHECK;

bool netblock_has(const struct netblock *n, const struct addr *a);

/* The networks that this machine has an address in, up to max: the count. With is_host its
 * own addresses alone. */
size_t netblock_local(bool is_host, struct netblock *out, size_t max);

#define NETBLOCK_TEXT_BYTES (2 * ADDR_HOST_BYTES + 2)
/* "10.0.0.0/8", or "10.0.0.0 255.0.255.0" where the mask is no prefix */
const char *netblock_text(const struct netblock *n, char out[NETBLOCK_TEXT_BYTES]);

#endif
