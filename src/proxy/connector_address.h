/*
 * connector_address.h - the addresses that a host's name stands for.
 *
 * libpq would go through them itself, but waits for a silent one for as long as there is time: so
 * each is given to it alone, with a part of the time (connector.c).
 *
 * Thread: a helper. It blocks for as long as the system's resolver does.
 */
#ifndef PROXY_CONNECTOR_ADDRESS_H
#define PROXY_CONNECTOR_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bug.h"
#include "proxy/connector.h"

/* Owned: connector_address_free. */
struct connector_addresses {
	char **texts; /* as numbers; each once, in the resolver's order */
	size_t count;
};

/* Is it a name, and neither an address nor a socket's directory? */
bool connector_address_is_name(const char *host);

/* False: it stands for none, and why not is in the fault. */
bool connector_address_find(const char *name, struct connector_addresses *out,
			    struct connector_fault *fault) MUST_CHECK;
void connector_address_free(struct connector_addresses *list);

#endif
