/*
 * ends.c - both ends of a handshake in one thread, in turns.
 */
#include "ends.h"

#include <check.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/sock.h"
#include "net/tls.h"

void ends_open(struct ends *e, const struct tls_context *context, X509 *cert, EVP_PKEY *key)
{
	*e = (struct ends){ .status = TLS_ACCEPT_WANTS_BYTES };
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, e->fd), 0);
	sock_tune(e->fd[0], NULL);
	sock_tune(e->fd[1], NULL);
	e->ctx = SSL_CTX_new(TLS_client_method());
	if (cert) {
		ck_assert_int_eq(SSL_CTX_use_certificate(e->ctx, cert), 1);
		ck_assert_int_eq(SSL_CTX_use_PrivateKey(e->ctx, key), 1);
	}
	e->client = SSL_new(e->ctx);
	SSL_set_connect_state(e->client);
	SSL_set_fd(e->client, e->fd[1]);
	e->server = tls_accept_new(context, e->fd[0]);
	ck_assert_ptr_nonnull(e->server);
}

void ends_close(struct ends *e)
{
	tls_free(e->server);
	SSL_free(e->client);
	SSL_CTX_free(e->ctx);
	close(e->fd[0]);
	if (e->fd[1] >= 0)
		close(e->fd[1]);
}

void ends_step(struct ends *e)
{
	e->status = tls_accept_step(e->server, &e->err);
	if (e->status != TLS_ACCEPT_WANTS_WORK)
		return;
	e->works++;
	e->status = tls_accept_work(e->server, &e->err);
}

enum tls_accept_status ends_shake(struct ends *e)
{
	for (int i = 0; i < 10 && e->status == TLS_ACCEPT_WANTS_BYTES; i++) {
		e->client_done = SSL_do_handshake(e->client) == 1;
		ends_step(e);
	}
	char byte;
	if (!e->client_done)
		e->client_done = SSL_do_handshake(e->client) == 1;
	if (e->status == TLS_ACCEPT_DONE)
		ck_assert_int_lt(SSL_read(e->client, &byte, 1), 0); /* takes the ticket */
	return e->status;
}
