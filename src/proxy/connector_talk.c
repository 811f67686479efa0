/*
 * connector_talk.c - sending and receiving under a deadline on a non-blocking socket.
 */
#include "proxy/connector_talk.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/mem.h"
#include "proxy/helper.h"

#define CONNECTOR_TALK_READ_BYTES 8192

void connector_talk_init(struct connector_talk *t, struct helper_job *job, int fd,
			 struct ssl_st *ssl)
{
	*t = (struct connector_talk){ .job = job, .fd = fd, .ssl = ssl, .left = SIZE_MAX };
	buf_init(&t->in, CONNECTOR_TALK_MAX_BODY_BYTES + CONNECTOR_TALK_READ_BYTES);
}

void connector_talk_fini(struct connector_talk *t)
{
	if (t->in.data)
		mem_wipe(t->in.data, t->in.cap);
	buf_fini(&t->in);
}

static enum connector_talk_status connector_talk_wait(struct connector_talk *t, short events)
{
	switch (helper_poll(t->job, t->fd, events, USEC_NEVER)) {
	case HELPER_READY:
		return CONNECTOR_TALK_OK;
	case HELPER_TIMEOUT:
		return CONNECTOR_TALK_TIMEOUT;
	case HELPER_INTERRUPTED:
		break;
	}
	return CONNECTOR_TALK_CANCELLED;
}

/* What to wait for after a call of the kernel's that did not move anything; 0: it failed. */
static short connector_talk_wants_plain(struct connector_talk *t, short events)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
		return events;
	snprintf(t->why, sizeof(t->why), "%s", strerror(errno));
	return 0;
}

/* The same of TLS. Without a why: the peer has closed it, properly or not. */
static short connector_talk_wants_tls(struct connector_talk *t, ssize_t result)
{
	int system = errno;
	switch (SSL_get_error(t->ssl, (int)result)) {
	case SSL_ERROR_WANT_READ:
		return POLLIN;
	case SSL_ERROR_WANT_WRITE:
		return POLLOUT;
	case SSL_ERROR_SYSCALL:
		if (system != 0 && result < 0)
			snprintf(t->why, sizeof(t->why), "%s", strerror(system));
		return 0;
	case SSL_ERROR_SSL:
		if (ERR_GET_REASON(ERR_peek_error()) != SSL_R_UNEXPECTED_EOF_WHILE_READING) {
			const char *reason = ERR_reason_error_string(ERR_peek_error());
			snprintf(t->why, sizeof(t->why), "TLS failed: %s",
				 reason ? reason : "no reason given");
		}
		return 0;
	default:
		return 0;
	}
}

static short connector_talk_wants(struct connector_talk *t, ssize_t result, short events)
{
	return t->ssl ? connector_talk_wants_tls(t, result) : connector_talk_wants_plain(t, events);
}

enum connector_talk_status connector_talk_send(struct connector_talk *t, struct slice bytes)
{
	while (bytes.len > 0) {
		ERR_clear_error();
		errno = 0;
		ssize_t n = t->ssl ? SSL_write(t->ssl, bytes.ptr, (int)bytes.len)
				   : send(t->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
		if (n > 0) {
			bytes = slice_skip(bytes, (size_t)n);
			continue;
		}
		short wants = connector_talk_wants(t, n, POLLOUT);
		if (!wants)
			return CONNECTOR_TALK_BROKEN;
		enum connector_talk_status status = connector_talk_wait(t, wants);
		if (status != CONNECTOR_TALK_OK)
			return status;
	}
	return CONNECTOR_TALK_OK;
}

/* More bytes into t->in. */
static enum connector_talk_status connector_talk_receive(struct connector_talk *t)
{
	char *to = buf_reserve(&t->in, CONNECTOR_TALK_READ_BYTES);
	if (!to)
		return CONNECTOR_TALK_MALFORMED;
	for (;;) {
		ERR_clear_error();
		errno = 0;
		ssize_t n = t->ssl ? SSL_read(t->ssl, to, CONNECTOR_TALK_READ_BYTES)
				   : recv(t->fd, to, CONNECTOR_TALK_READ_BYTES, 0);
		if (n > 0) {
			buf_commit(&t->in, (size_t)n);
			return CONNECTOR_TALK_OK;
		}
		if (n == 0 && !t->ssl)
			return CONNECTOR_TALK_CLOSED;
		short wants = connector_talk_wants(t, n, POLLIN);
		if (!wants)
			return *t->why ? CONNECTOR_TALK_BROKEN : CONNECTOR_TALK_CLOSED;
		enum connector_talk_status status = connector_talk_wait(t, wants);
		if (status != CONNECTOR_TALK_OK)
			return status;
	}
}

void connector_talk_limit(struct connector_talk *t, size_t bytes)
{
	t->left = bytes;
}

/* Is there a message, or may be one? OK and none given: more has to come. */
static enum connector_talk_status connector_talk_look(struct connector_talk *t, struct frame *out)
{
	int head = frame_read(buf_slice(&t->in), CONNECTOR_TALK_MAX_BODY_BYTES, out);
	if (head < 0)
		return CONNECTOR_TALK_MALFORMED;
	if (head == 0)
		return CONNECTOR_TALK_OK;
	size_t bytes = frame_bytes(out);
	if (bytes > t->left)
		return CONNECTOR_TALK_TOO_MUCH;
	if (frame_is_whole(out)) {
		t->given = bytes;
		if (t->left != SIZE_MAX)
			t->left -= bytes;
	}
	return CONNECTOR_TALK_OK;
}

/* Bytes that are there already are no reason to go on for ever. */
static enum connector_talk_status connector_talk_patience(const struct connector_talk *t)
{
	if (!t->job)
		return CONNECTOR_TALK_OK;
	if (helper_is_cancelled(t->job))
		return CONNECTOR_TALK_CANCELLED;
	return usec_now() < t->job->deadline ? CONNECTOR_TALK_OK : CONNECTOR_TALK_TIMEOUT;
}

enum connector_talk_status connector_talk_next(struct connector_talk *t, struct frame *out)
{
	buf_consume(&t->in, t->given);
	t->given = 0;
	enum connector_talk_status patience = connector_talk_patience(t);
	if (patience != CONNECTOR_TALK_OK)
		return patience;
	for (;;) {
		enum connector_talk_status look = connector_talk_look(t, out);
		if (look != CONNECTOR_TALK_OK || t->given > 0)
			return look;
		enum connector_talk_status status = connector_talk_receive(t);
		if (status != CONNECTOR_TALK_OK)
			return status;
	}
}

struct slice connector_talk_rest(const struct connector_talk *t)
{
	return slice_skip(buf_slice(&t->in), t->given);
}

bool connector_talk_has_more(const struct connector_talk *t)
{
	return buf_len(&t->in) > t->given;
}

const char *connector_talk_text(enum connector_talk_status status)
{
	switch (status) {
	case CONNECTOR_TALK_OK:
		return "all is well";
	case CONNECTOR_TALK_TIMEOUT:
		return "the server did not answer in time";
	case CONNECTOR_TALK_CANCELLED:
		return "the login was given up";
	case CONNECTOR_TALK_CLOSED:
		return "the server closed the connection unexpectedly";
	case CONNECTOR_TALK_BROKEN:
		return "the connection to the server broke";
	case CONNECTOR_TALK_TOO_MUCH:
		return "the server says more than belongs to a login";
	case CONNECTOR_TALK_MALFORMED:
		break;
	}
	return "the server sent what is no message";
}
