/*
 * tls_ticket.h - the keys that session tickets are sealed with.
 *
 * Kept through reloads, so that a client that was here can come back with half the work, and
 * renewed by the hour, so that a key that is stolen opens little.
 *
 * Counted by reference; a context holds one as long as it may shake hands. Thread: any.
 */
#ifndef NET_TLS_TICKET_H
#define NET_TLS_TICKET_H

#include "base/bug.h"

struct ssl_ctx_st;
struct tls_ticket_keys;

/* How long a session can be resumed, and how long a key seals. */
#define TLS_TICKET_SECONDS 3600

/* NULL: there is no randomness. */
struct tls_ticket_keys *tls_ticket_keys_new(void) MUST_CHECK;
struct tls_ticket_keys *tls_ticket_keys_ref(struct tls_ticket_keys *keys);
void tls_ticket_keys_unref(struct tls_ticket_keys *keys); /* NULL is fine */

/* The context seals and opens with these; it keeps no reference. */
void tls_ticket_use(struct ssl_ctx_st *ctx, struct tls_ticket_keys *keys);

#endif
