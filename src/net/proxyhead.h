/*
 * proxyhead.h - the PROXY protocol's header (versions 1 and 2): what a balancer says about the
 * client, in front of the client's own first byte.
 *
 * Thread: any; nothing is kept.
 */
#ifndef NET_PROXYHEAD_H
#define NET_PROXYHEAD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/bug.h"
#include "base/slice.h"
#include "net/addr.h"

#define PROXYHEAD_MAX_BYTES 4096 /* of a header; a longer one is malformed */

#define PROXYHEAD_MORE 0
#define PROXYHEAD_MALFORMED (-1)

/*
 * What the bytes begin with: how many of them are the header, PROXYHEAD_MORE, or
 * PROXYHEAD_MALFORMED. *client is who connected to the balancer; ADDR_NONE where the header does
 * not say (LOCAL, UNKNOWN, a Unix socket), so that the socket's own address counts.
 */
ssize_t proxyhead_parse(struct slice in, struct addr *client) MUST_CHECK;

/* Whether the bytes begin like a header: to tell a balancer from a client. */
bool proxyhead_is_likely(struct slice in);

#endif
