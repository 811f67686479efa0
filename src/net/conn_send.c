/*
 * conn_send.c - to the kernel what it takes, and into the out-buffer what it does not.
 */
#include "net/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/mem.h"
#include "net/conn_parts.h"
#include "net/sock.h"
#include "net/tls.h"

/* What the kernel may hold for a peer that is slower than we, as long as there are others: it
 * moves what it holds within system calls, and where the peer is on this machine those are ours
 * too: with megabytes some take ten times as long, and everybody waits. */
#define CONN_UNSENT_BYTES (256 << 10)

/* Is what is sent for OpenSSL to encrypt? */
static inline bool conn_seals(const struct conn *c)
{
	return c->ssl && !(c->bits & CONN_BIT_SEALED);
}

/* Bytes taken by the kernel (0: none now), -1 and errno when broken. */
static inline ssize_t conn_push_piece(struct conn *c, const void *data, size_t n)
{
	ssize_t sent;
	do {
		sent = send(c->fd, data, conn_bound(c, n), MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : sent;
}

static ssize_t conn_push_plain(struct conn *c, struct iovec *iov, int count)
{
	if (count == 1 || loop_io_bytes(c->loop) > 0)
		return conn_push_piece(c, iov->iov_base, iov->iov_len);
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = (size_t)count };
	ssize_t sent;
	do {
		sent = sendmsg(c->fd, &msg, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : sent;
}

static ssize_t conn_push_tls(struct conn *c, const struct iovec *iov, int count)
{
	ssize_t sent = tls_write(c->ssl, iov, count, conn_bound(c, INT32_MAX));
	c->bits &= (uint16_t)~CONN_BIT_WRITE_IN;
	if (sent == TLS_CROSSED)
		c->bits |= CONN_BIT_WRITE_IN;
	return sent == TLS_CROSSED ? 0 : sent;
}

/* Takes n bytes, and pieces that are empty, off the front. */
static void conn_advance(struct iovec **iov, int *count, size_t n)
{
	while (*count > 0 && n >= (*iov)->iov_len) {
		n -= (*iov)->iov_len;
		(*iov)++;
		(*count)--;
	}
	if (*count > 0) {
		(*iov)->iov_base = (char *)(*iov)->iov_base + n;
		(*iov)->iov_len -= n;
	}
}

static size_t conn_iov_bytes(const struct iovec *iov, int count)
{
	size_t n = 0;
	for (int i = 0; i < count; i++)
		n += iov[i].iov_len;
	return n;
}

/* As much as goes; what is left stays in *iov. A short write past OpenSSL means that the kernel
 * is full: it need not be asked again. */
static enum conn_sent conn_push(struct conn *c, struct iovec **iov, int *count)
{
	bool seals = conn_seals(c);
	conn_advance(iov, count, 0);
	while (*count > 0) {
		size_t offered = conn_iov_bytes(*iov, *count);
		ssize_t sent =
			seals ? conn_push_tls(c, *iov, *count) : conn_push_plain(c, *iov, *count);
		if (sent < 0)
			return CONN_SENT_ERROR;
		if (sent == 0)
			return CONN_SENT_STUCK;
		conn_advance(iov, count, (size_t)sent);
		if ((size_t)sent < offered && !seals && loop_io_bytes(c->loop) == 0)
			return CONN_SENT_STUCK;
	}
	return CONN_SENT_ALL;
}

static void conn_bound_unsent(struct conn *c)
{
	bool wanted = loop_is_brisk(c->loop);
	if (wanted == !!(c->bits & CONN_BIT_BOUND))
		return;
	c->bits ^= CONN_BIT_BOUND;
	sock_bound_unsent(c->fd, wanted ? CONN_UNSENT_BYTES : 0);
}

static enum conn_sent conn_keep(struct conn *c, const struct iovec *iov, int count)
{
	if (!c->out) {
		c->out = mem_zalloc(sizeof(*c->out));
		buf_init(c->out, 0);
	}
	for (int i = 0; i < count; i++)
		buf_add(c->out, iov[i].iov_base, iov[i].iov_len);
	if (buf_failed(c->out)) {
		errno = ENOBUFS;
		return CONN_SENT_ERROR;
	}
	conn_bound_unsent(c);
	return conn_arm(c) ? CONN_SENT_STUCK : CONN_SENT_ERROR;
}

enum conn_sent conn_send_pieces(struct conn *c, const struct iovec *iov, int count)
{
	BUG_ON(count < 0 || count > CONN_IOV_MAX || !c->loop);
	struct iovec left[CONN_IOV_MAX];
	struct iovec *rest = left;
	memcpy(left, iov, (size_t)count * sizeof(*iov));
	if (!c->out) {
		enum conn_sent sent = conn_push(c, &rest, &count);
		if (sent != CONN_SENT_STUCK)
			return sent;
	}
	return conn_keep(c, rest, count);
}

enum conn_sent conn_send(struct conn *c, const void *data, size_t n)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = n };
	if (conn_seals(c) || c->out || n == 0 || loop_io_bytes(c->loop) > 0)
		return conn_send_pieces(c, &iov, 1);
	/* the short way of nearly everything: one piece, and the kernel takes all of it */
	ssize_t sent = conn_push_piece(c, data, n);
	if (sent == (ssize_t)n)
		return CONN_SENT_ALL;
	if (sent < 0)
		return CONN_SENT_ERROR;
	iov.iov_base = (char *)iov.iov_base + sent;
	iov.iov_len -= (size_t)sent;
	return conn_keep(c, &iov, 1);
}

void conn_send_forget(struct conn *c)
{
	if (!c->out)
		return;
	buf_fini(c->out);
	free(c->out);
	c->out = NULL;
}

void conn_send_end(struct conn *c)
{
	if (c->ssl)
		tls_goodbye(c->ssl);
	shutdown(c->fd, SHUT_WR);
}

enum conn_sent conn_send_rest(struct conn *c)
{
	struct slice waiting = buf_slice(c->out);
	struct iovec iov = { .iov_base = (void *)(uintptr_t)waiting.ptr, .iov_len = waiting.len };
	struct iovec *rest = &iov;
	int count = 1;
	enum conn_sent sent = conn_push(c, &rest, &count);
	if (sent == CONN_SENT_STUCK) {
		buf_consume(c->out, waiting.len - iov.iov_len);
		return sent;
	}
	conn_send_forget(c);
	if (!conn_arm(c))
		return CONN_SENT_ERROR;
	if (sent == CONN_SENT_ALL && (c->bits & CONN_BIT_SHUTDOWN))
		conn_send_end(c);
	return sent;
}
