/*
 * loadlink.c - sockets of the load generator.
 */
#include "loadlink.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#define LOADLINK_SOURCES 200u

bool loadlink_tls(struct loadtarget *target, bool resumes)
{
	target->tls = SSL_CTX_new(TLS_client_method());
	if (!target->tls)
		return false;
	SSL_CTX_set_verify(target->tls, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_mode(target->tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
					      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					      SSL_MODE_RELEASE_BUFFERS);
	target->resumes = resumes;
	return true;
}

void loadlink_fini(struct loadtarget *target)
{
	SSL_SESSION_free(target->session);
	SSL_CTX_free(target->tls);
	close(target->epoll);
}

static bool loadlink_arm(struct loadlink *l, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = l->owner };
	if (l->armed == events)
		return true;
	int op = l->armed ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
	l->armed = events;
	return epoll_ctl(l->target->epoll, op, l->fd, &ev) == 0;
}

bool loadlink_open(struct loadlink *l, struct loadtarget *target, void *owner)
{
	int yes = 1;
	struct sockaddr_in from = { .sin_family = AF_INET };
	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + target->opened++ % LOADLINK_SOURCES);
	*l = (struct loadlink){ .target = target, .owner = owner, .state = LOADLINK_CONNECTS };
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return false;
	setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	setsockopt(l->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof(yes));
	if (bind(l->fd, (struct sockaddr *)&from, sizeof(from)) < 0)
		return false;
	if (connect(l->fd, (struct sockaddr *)&target->addr, sizeof(target->addr)) < 0 &&
	    errno != EINPROGRESS)
		return false;
	return loadlink_arm(l, EPOLLOUT);
}

void loadlink_close(struct loadlink *l)
{
	if (l->state == LOADLINK_CLOSED)
		return;
	if (l->ssl && l->target->resumes && l->state == LOADLINK_UP) {
		SSL_SESSION_free(l->target->session);
		l->target->session = SSL_get1_session(l->ssl);
	}
	if (l->ssl) {
		SSL_set_quiet_shutdown(l->ssl, 1); /* or the session is not taken up again */
		SSL_shutdown(l->ssl);
	}
	SSL_free(l->ssl);
	l->ssl = NULL;
	buf_fini(&l->out);
	close(l->fd);
	l->state = LOADLINK_CLOSED;
}

/* ---- coming up --------------------------------------------------------------------------- */

static enum loadlink_news loadlink_up(struct loadlink *l)
{
	l->state = LOADLINK_UP;
	return loadlink_arm(l, EPOLLIN) ? LOADLINK_IS_UP : LOADLINK_BROKEN;
}

static enum loadlink_news loadlink_shake(struct loadlink *l)
{
	int rc = SSL_connect(l->ssl);
	if (rc == 1)
		return loadlink_up(l);
	rc = SSL_get_error(l->ssl, rc);
	if (rc != SSL_ERROR_WANT_READ && rc != SSL_ERROR_WANT_WRITE)
		return LOADLINK_BROKEN;
	return loadlink_arm(l, rc == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT) ? LOADLINK_NOTHING
									       : LOADLINK_BROKEN;
}

static enum loadlink_news loadlink_begin_tls(struct loadlink *l)
{
	l->ssl = SSL_new(l->target->tls);
	if (!l->ssl || !SSL_set_fd(l->ssl, l->fd))
		return LOADLINK_BROKEN;
	if (l->target->session)
		SSL_set_session(l->ssl, l->target->session);
	l->state = LOADLINK_SHAKES;
	return loadlink_shake(l);
}

static enum loadlink_news loadlink_connected(struct loadlink *l)
{
	static const char ssl_request[8] = { 0, 0, 0, 8, 4, (char)210, 22, 47 };
	int error = 0;
	socklen_t size = sizeof(error);
	getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error) {
		errno = error;
		return LOADLINK_BROKEN;
	}
	if (!l->target->tls)
		return loadlink_up(l);
	if (l->target->direct)
		return loadlink_begin_tls(l);
	l->state = LOADLINK_ASKS;
	if (send(l->fd, ssl_request, sizeof(ssl_request), MSG_NOSIGNAL) != sizeof(ssl_request))
		return LOADLINK_BROKEN;
	return loadlink_arm(l, EPOLLIN) ? LOADLINK_NOTHING : LOADLINK_BROKEN;
}

static enum loadlink_news loadlink_asked(struct loadlink *l)
{
	char answer;
	if (recv(l->fd, &answer, 1, 0) != 1 || answer != 'S') {
		errno = EPROTONOSUPPORT;
		return LOADLINK_BROKEN;
	}
	return loadlink_begin_tls(l);
}

/* ---- bytes ------------------------------------------------------------------------------- */

ssize_t loadlink_recv(struct loadlink *l, void *data, size_t n)
{
	if (!l->ssl) {
		ssize_t got = recv(l->fd, data, n, 0);
		return got > 0 ? got : got < 0 && errno == EAGAIN ? 0 : -1;
	}
	size_t have = 0;
	int got = 1;
	while (have < n && (got = SSL_read(l->ssl, (char *)data + have, (int)(n - have))) > 0)
		have += (size_t)got;
	l->reads_more = have == n;
	if (have)
		return (ssize_t)have;
	return SSL_get_error(l->ssl, got) == SSL_ERROR_WANT_READ ? 0 : -1;
}

/* How much went; -1: broken. */
static ssize_t loadlink_push(struct loadlink *l, struct slice data)
{
	if (!l->ssl) {
		ssize_t sent = send(l->fd, data.ptr, data.len, MSG_NOSIGNAL);
		return sent >= 0 ? sent : errno == EAGAIN ? 0 : -1;
	}
	size_t done = 0;
	while (done < data.len) {
		int sent = SSL_write(l->ssl, data.ptr + done, (int)(data.len - done));
		if (sent <= 0)
			return SSL_get_error(l->ssl, sent) == SSL_ERROR_WANT_WRITE ? (ssize_t)done
										   : -1;
		done += (size_t)sent;
	}
	return (ssize_t)done;
}

bool loadlink_send(struct loadlink *l, struct slice data)
{
	ssize_t sent = loadlink_is_stuck(l) ? 0 : loadlink_push(l, data);
	if (sent < 0)
		return false;
	if ((size_t)sent == data.len)
		return true;
	buf_add_slice(&l->out, slice_skip(data, (size_t)sent));
	return loadlink_arm(l, EPOLLIN | EPOLLOUT);
}

static enum loadlink_news loadlink_drain(struct loadlink *l)
{
	ssize_t sent = loadlink_push(l, buf_slice(&l->out));
	if (sent < 0)
		return LOADLINK_BROKEN;
	buf_consume(&l->out, (size_t)sent);
	if (loadlink_is_stuck(l))
		return LOADLINK_NOTHING;
	buf_clear(&l->out);
	return loadlink_arm(l, EPOLLIN) ? LOADLINK_DRAINED : LOADLINK_BROKEN;
}

enum loadlink_news loadlink_event(struct loadlink *l, uint32_t events)
{
	switch (l->state) {
	case LOADLINK_CONNECTS:
		return loadlink_connected(l);
	case LOADLINK_ASKS:
		return loadlink_asked(l);
	case LOADLINK_SHAKES:
		return loadlink_shake(l);
	case LOADLINK_UP:
		if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
			return LOADLINK_READABLE;
		return events & EPOLLOUT ? loadlink_drain(l) : LOADLINK_NOTHING;
	case LOADLINK_CLOSED:
		break;
	}
	return LOADLINK_NOTHING;
}
