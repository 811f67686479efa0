/*
 * login_front.c - the PROXY header of a client that comes through a balancer.
 *
 * It is the very first that the balancer sends, in front of TLS too, whose handshake reads the
 * socket itself. So the bytes are looked at first, and no more of them is taken than is the
 * header's.
 */
#include "proxy/login.h"
#include "proxy/login_parts.h"

#include <stdio.h>

#include "base/log.h"
#include "net/proxyhead.h"
#include "proxy/client.h"
#include "proxy/setup.h"
#include "proxy/worker.h"

void login_front_begin(struct client *c, usec_t now)
{
	const struct netset *fronts = &c->login->setup->fronts;
	if ((fronts->count || fronts->has_unix) && c->peer.kind == ADDR_NONE)
		client_close(c, "client unexpected eof", now); /* gone: nobody can say who it was */
	else if (netset_has(fronts, &c->peer))
		client_enter(c, CLIENT_FRONTED, now);
}

static void login_front_fail(struct client *c, usec_t now)
{
	bool is_head = proxyhead_is_likely(buf_slice(&c->login->head));
	client_fail(c, ERROR_BAD_STARTUP, NULL, NULL, now,
		    is_head ? "malformed PROXY header"
			    : "a PROXY header is expected from this address (proxy_protocol_from)");
}

/* From here on it is the client that the balancer has named, where it has named one. */
static void login_front_done(struct client *c, const struct addr *client, usec_t now)
{
	char front[ADDR_TEXT_BYTES], who[ADDR_TEXT_BYTES];
	if (client->kind != ADDR_NONE) {
		LOG_DEBUG("client %s comes through %s", addr_text(client, who),
			  addr_text(&c->peer, front));
		c->peer = *client;
		c->is_unix = false;
	} else if (c->peer.kind == ADDR_UNIX) {
		c->peer.peer.uid =
			(uid_t)-1; /* the kernel knows the balancer, and not who it is for */
		c->peer.peer.gid = (gid_t)-1;
	}
	buf_release(&c->login->head);
	client_enter(c, CLIENT_STARTUP, now);
}

/* Takes n bytes that were seen to be there. */
static bool login_front_recv(struct client *c, size_t n, usec_t now)
{
	ssize_t got = n ? conn_recv(&c->conn, c->worker->scratch, n) : 0;
	if (got == (ssize_t)n)
		return true;
	client_close(c, "client unexpected eof", now);
	return false;
}

bool login_front_takes(struct client *c, usec_t now)
{
	struct addr client;
	struct buf *head = &c->login->head;
	size_t held = buf_len(head);
	if (c->state != CLIENT_FRONTED)
		return false;
	ssize_t n = conn_peek(&c->conn, c->worker->scratch, PROXYHEAD_MAX_BYTES);
	if (n < 0)
		client_close(c, "client unexpected eof", now);
	if (n <= 0)
		return true;
	buf_add(head, c->worker->scratch, (size_t)n);
	ssize_t size = proxyhead_parse(buf_slice(head), &client);
	if (size == PROXYHEAD_MALFORMED)
		login_front_fail(c, now);
	else if (size == PROXYHEAD_MORE)
		(void)login_front_recv(c, (size_t)n, now);
	else if (login_front_recv(c, (size_t)size - held, now))
		login_front_done(c, &client, now);
	return true;
}
