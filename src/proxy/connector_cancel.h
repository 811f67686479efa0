/*
 * connector_cancel.h - what is needed to cancel a server's query: where, and the key.
 *
 * Immutable and counted; shared by the link and by cancels under way. Thread: any.
 */
#ifndef PROXY_CONNECTOR_CANCEL_H
#define PROXY_CONNECTOR_CANCEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/slice.h"

struct ssl_st;
struct tls_twin;

#define CONNECTOR_CANCEL_KEY_BYTES 256

struct connector_cancel {
	atomic_int refs;
	struct sockaddr_storage address;
	socklen_t address_len;
	uint32_t pid;
	size_t key_len; /* 0: the server gave none */
	uint8_t key[CONNECTOR_CANCEL_KEY_BYTES];
	struct tls_twin *tls; /* owned; how it is encrypted; NULL: in the clear */
	bool demands_tls;     /* where the server has none any more, it is not sent */
};

/* To the address that fd is connected to; one reference. A key that is too long is not known. */
struct connector_cancel *connector_cancel_new(int fd, uint32_t pid, struct slice key);
/* Before anybody else has it: cancels go over TLS as the session does. `host`, if not NULL, has to
 * be in the server's certificate. */
void connector_cancel_secure(struct connector_cancel *c, struct ssl_st *ssl, const char *host,
			     bool demanded);

struct connector_cancel *connector_cancel_ref(struct connector_cancel *c);
void connector_cancel_unref(struct connector_cancel *c); /* NULL does nothing */

#endif
