/*
 * login_start.c - the start-up packet, and the requests that may come before it.
 */
#include "proxy/login.h"
#include "proxy/login_parts.h"

#include "base/mem.h"
#include "proxy/cancel.h"
#include "proxy/client.h"
#include "proxy/setup.h"
#include "wire/startup.h"

#define LOGIN_MAX_ASKS 4 /* SSLRequest and GSSENCRequest before the start-up packet */

static void login_refuse_version(struct client *c, const struct startup *packet, usec_t now)
{
	client_fail(c, ERROR_UNSUPPORTED_PROTOCOL, NULL, NULL, now, (unsigned)packet->major,
		    (unsigned)packet->minor);
}

static void login_take_packet(struct client *c, const struct startup *packet, usec_t now)
{
	struct login *login = c->login;
	struct err err;

	if (!startparams_read(&login->params, packet, login->setup->conf, &err)) {
		if (!login->params.user)
			client_fail(c, ERROR_NO_USER, NULL, NULL, now);
		else
			client_fail(c, ERROR_UNSUPPORTED_STARTUP_PARAM, NULL, NULL, now, err.text);
		return;
	}
	c->user = mem_strdup(login->params.user);
	if (buf_len(&login->params.unknown) || packet->minor > 0) {
		struct buf out = { 0 };
		startparams_build_negotiation(&login->params, &out);
		client_send(c, buf_slice(&out), now);
		buf_fini(&out);
	}
	if (c->state != CLIENT_CLOSING)
		login_gate_hold(c, now);
}

/* Plain text is no way in where TLS is demanded. A cancel is let through, as PostgreSQL does it:
 * libpq sent those in the clear until version 17, whatever the session had. */
static bool login_start_is_too_open(const struct client *c)
{
	return !c->conn.ssl && !c->is_unix &&
	       c->login->setup->conf->global.client_tls_sslmode >= CONF_CLIENT_TLS_REQUIRE;
}

static void login_deny_encryption(struct client *c, usec_t now)
{
	if (c->conn.ssl)
		client_fail(c, ERROR_BAD_STARTUP, NULL, NULL, now,
			    "the session is under TLS already");
	else if (++c->login->asks > LOGIN_MAX_ASKS)
		client_close(c, "it asks for encryption again and again", now);
	else
		client_send(c, SLICE("N"), now);
}

/* What came behind the request was sent before there was any TLS, by whomever. */
static void login_grant_tls(struct client *c, struct slice behind, usec_t now)
{
	if (behind.len > 0)
		client_fail(c, ERROR_UNENCRYPTED_AFTER_TLS, NULL, NULL, now);
	else if (client_send(c, SLICE("S"), now))
		login_tls_begin(c, false, now);
}

size_t login_start_bytes(struct client *c, struct slice in, usec_t now)
{
	struct startup packet;
	int n = startup_read(in, &packet);
	if (n == 0)
		return 0;
	if (n < 0 || startup_is_tls(in)) {
		client_fail(c, ERROR_BAD_STARTUP, NULL, NULL, now,
			    startup_is_tls(in) ? "direct TLS is not offered"
					       : startup_error_text(n));
		return in.len;
	}
	switch (packet.kind) {
	case STARTUP_SSL:
		if (login_tls_is_offered(c))
			login_grant_tls(c, slice_skip(in, (size_t)n), now);
		else
			login_deny_encryption(c, now);
		break;
	case STARTUP_GSSENC:
		login_deny_encryption(c, now);
		break;
	case STARTUP_CANCEL: /* the last that it may say: it waits to be closed */
		conn_pause(&c->conn, CLIENT_PAUSE_WAITING);
		cancel_route(c, packet.cancel_pid, packet.cancel_key);
		return in.len;
	case STARTUP_MESSAGE:
		if (login_start_is_too_open(c))
			client_fail(c, ERROR_TLS_REQUIRED, NULL, NULL, now);
		else
			login_take_packet(c, &packet, now);
		break;
	case STARTUP_UNKNOWN_VERSION:
		login_refuse_version(c, &packet, now);
		break;
	}
	return (size_t)n;
}
