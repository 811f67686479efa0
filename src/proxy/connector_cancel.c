/*
 * connector_cancel.c - the life of a cancel's address and key.
 */
#include "proxy/connector_cancel.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/tls_twin.h"

struct connector_cancel *connector_cancel_new(int fd, uint32_t pid, struct slice key)
{
	struct connector_cancel *c = mem_zalloc(sizeof(*c));
	atomic_init(&c->refs, 1);
	c->pid = pid;
	c->address_len = sizeof(c->address);
	if (getpeername(fd, (struct sockaddr *)&c->address, &c->address_len) != 0)
		c->address_len = 0;
	if (key.len > 0 && key.len <= sizeof(c->key)) {
		memcpy(c->key, key.ptr, key.len);
		c->key_len = key.len;
	}
	return c;
}

void connector_cancel_secure(struct connector_cancel *c, struct ssl_st *ssl, const char *host,
			     bool demanded)
{
	c->tls = tls_twin_new(ssl, host);
	c->demands_tls = demanded;
}

struct connector_cancel *connector_cancel_ref(struct connector_cancel *c)
{
	atomic_fetch_add(&c->refs, 1);
	return c;
}

void connector_cancel_unref(struct connector_cancel *c)
{
	if (!c || atomic_fetch_sub(&c->refs, 1) != 1)
		return;
	tls_twin_free(c->tls);
	mem_wipe(c, sizeof(*c));
	free(c);
}
