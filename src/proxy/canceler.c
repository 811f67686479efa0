/*
 * canceler.c - one connection, sixteen bytes, and waiting for the server to close it.
 *
 * PostgreSQL closes a cancel's connection after it has signalled the backend. A session under TLS
 * is cancelled under TLS (net/tls_twin.h): its key is as much worth as any secret.
 */
#include "proxy/canceler.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/socket.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "net/tls.h"
#include "net/tls_twin.h"
#include "proxy/connector_cancel.h"
#include "proxy/connector_talk.h"
#include "proxy/helper.h"
#include "wire/build.h"

struct canceler {
	struct helper_job job;
	struct connector_cancel *target; /* a reference */
	canceler_fn done;
	void *arg; /* not owned */
	bool sent;
	struct err why; /* it was not */
};

/* A Unix socket whose backlog is full says so at once: tried again after a moment. */
#define CANCELER_RETRY_US (10 * USEC_PER_MSEC)

static bool canceler_connect(struct helper_job *job, int fd, const struct connector_cancel *to)
{
	while (connect(fd, (const struct sockaddr *)&to->address, to->address_len) != 0) {
		if (errno == EAGAIN && usec_now() < job->deadline) {
			usec_t next = usec_after(usec_now(), CANCELER_RETRY_US);
			if (helper_poll(job, -1, 0, next) == HELPER_INTERRUPTED)
				return false;
			continue;
		}
		if (errno != EINPROGRESS ||
		    helper_poll(job, fd, POLLOUT, USEC_NEVER) != HELPER_READY)
			return false;
		int error = 0;
		socklen_t len = sizeof(error);
		return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0;
	}
	return true;
}

/* Sends the request and waits for the end. */
static bool canceler_say(struct canceler *c, int fd, struct ssl_st *ssl)
{
	struct connector_talk talk;
	struct buf request;
	struct frame frame;
	connector_talk_init(&talk, &c->job, fd, ssl);
	buf_init(&request, 0);
	build_cancel_request(&request, c->target->pid,
			     slice_make(c->target->key, c->target->key_len));
	bool sent = !buf_failed(&request) &&
		    connector_talk_send(&talk, buf_slice(&request)) == CONNECTOR_TALK_OK &&
		    connector_talk_next(&talk, &frame) == CONNECTOR_TALK_CLOSED;
	buf_fini(&request);
	connector_talk_fini(&talk);
	return sent;
}

/* The server's answer to an SSLRequest, and no byte more: '\0' where there is none. */
static char canceler_ask_for_tls(struct canceler *c, int fd)
{
	struct connector_talk talk;
	struct buf request;
	char answer = '\0';
	ssize_t n = -1;
	connector_talk_init(&talk, &c->job, fd, NULL);
	buf_init(&request, 0);
	build_ssl_request(&request);
	if (!buf_failed(&request) &&
	    connector_talk_send(&talk, buf_slice(&request)) == CONNECTOR_TALK_OK) {
		do {
			n = recv(fd, &answer, 1, 0);
		} while (n < 0 && (errno == EAGAIN || errno == EINTR) &&
			 helper_poll(&c->job, fd, POLLIN, USEC_NEVER) == HELPER_READY);
	}
	buf_fini(&request);
	connector_talk_fini(&talk);
	return n == 1 ? answer : '\0';
}

static bool canceler_shake_hands(struct canceler *c, int fd, struct ssl_st *ssl)
{
	for (;;) {
		short wants = POLLOUT;
		switch (tls_twin_step(c->target->tls, ssl, &c->why)) {
		case TLS_TWIN_DONE:
			return true;
		case TLS_TWIN_FAILED:
			return false;
		case TLS_TWIN_WANTS_BYTES:
			wants = POLLIN;
			break;
		case TLS_TWIN_WANTS_ROOM:
			break;
		}
		if (helper_poll(&c->job, fd, wants, USEC_NEVER) != HELPER_READY)
			return false;
	}
}

static bool canceler_say_over_tls(struct canceler *c, int fd)
{
	switch (canceler_ask_for_tls(c, fd)) {
	case 'S':
		break;
	case 'N':
		if (!c->target->demands_tls)
			return canceler_say(c, fd, NULL);
		return err_set(&c->why, "TLS is demanded, and the server has it no more");
	default:
		return false;
	}
	struct ssl_st *ssl = tls_twin_open(c->target->tls, fd);
	if (!ssl)
		return err_set(&c->why, "no memory for a TLS session");
	bool sent = canceler_shake_hands(c, fd, ssl) && canceler_say(c, fd, ssl);
	tls_free(ssl);
	return sent;
}

static bool canceler_by_hand(struct canceler *c)
{
	const struct connector_cancel *to = c->target;
	if (to->address_len == 0)
		return false;
	int fd = socket(to->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	bool sent = canceler_connect(&c->job, fd, to) &&
		    (to->tls ? canceler_say_over_tls(c, fd) : canceler_say(c, fd, NULL));
	close(fd);
	return sent;
}

static void canceler_run(struct helper_job *job)
{
	struct canceler *c = CONTAINER_OF(job, struct canceler, job);
	err_set(&c->why, "the server did not take it");
	if (c->target->key_len > 0)
		c->sent = canceler_by_hand(c);
	else
		err_set(&c->why, "the server gave no key for it");
	if (!c->sent)
		LOG_WARNING("server pid %u: a cancel could not be sent: %s", c->target->pid,
			    c->why.text);
}

static void canceler_free(struct canceler *c)
{
	connector_cancel_unref(c->target);
	free(c);
}

static void canceler_deliver(struct mail *mail, void *owner UNUSED, usec_t now)
{
	struct canceler *c = CONTAINER_OF(mail, struct canceler, job.mail);
	canceler_fn done = c->done;
	void *arg = c->arg;
	bool sent = c->sent;
	canceler_free(c);
	done(arg, sent, now);
}

bool canceler_start(struct connector_cancel *target, struct helper_crew *crew,
		    struct mailbox *reply, usec_t deadline, canceler_fn done, void *arg)
{
	struct canceler *c = mem_zalloc(sizeof(*c));
	c->target = connector_cancel_ref(target);
	c->done = done;
	c->arg = arg;
	c->job.run = canceler_run;
	c->job.deadline = deadline;
	c->job.place = map_hash(slice_make(&target->address, target->address_len));
	c->job.mail.deliver = canceler_deliver;
	if (helper_submit(crew, &c->job, reply))
		return true;
	canceler_free(c);
	return false;
}
