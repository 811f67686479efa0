/*
 * connector_talk.h - whole messages to and from a server, in a helper thread.
 *
 * For the part of a login that libpq does not do, and for connect_query. What the server says
 * is bounded; waiting ends at the job's deadline or when it is cancelled.
 *
 * Owned by whoever logs in. Thread: a helper.
 */
#ifndef PROXY_CONNECTOR_TALK_H
#define PROXY_CONNECTOR_TALK_H

#include "base/buf.h"
#include "base/bug.h"
#include "wire/frame.h"

struct helper_job;
struct ssl_st;

#define CONNECTOR_TALK_MAX_BODY_BYTES (16u << 20)
#define CONNECTOR_TALK_WHY_BYTES 128

enum connector_talk_status {
	CONNECTOR_TALK_OK,
	CONNECTOR_TALK_TIMEOUT,
	CONNECTOR_TALK_CANCELLED,
	CONNECTOR_TALK_CLOSED,    /* by the server */
	CONNECTOR_TALK_BROKEN,    /* the network, or TLS */
	CONNECTOR_TALK_MALFORMED, /* what came is no message */
	CONNECTOR_TALK_TOO_MUCH,  /* more than connector_talk_limit allows */
};

struct connector_talk {
	struct helper_job *job; /* none of these three is owned */
	int fd;
	struct ssl_st *ssl;
	struct buf in;
	size_t given;                       /* bytes of the message that was handed out last */
	size_t left;                        /* bytes that may still come */
	char why[CONNECTOR_TALK_WHY_BYTES]; /* of BROKEN: the system's words, or TLS's */
};

void connector_talk_init(struct connector_talk *t, struct helper_job *job, int fd,
			 struct ssl_st *ssl);
void connector_talk_fini(struct connector_talk *t);

enum connector_talk_status connector_talk_send(struct connector_talk *t,
					       struct slice bytes) MUST_CHECK;

/* No more than so many bytes from now on; SIZE_MAX, as in the beginning: any number. */
void connector_talk_limit(struct connector_talk *t, size_t bytes);

/* The next message, whole; it lives until the next call. A server that never stops talking is
 * left at the deadline too, or when the job is cancelled. */
enum connector_talk_status connector_talk_next(struct connector_talk *t,
					       struct frame *out) MUST_CHECK;

/* Have bytes come that no message was made of yet? */
bool connector_talk_has_more(const struct connector_talk *t);

/* What has come, where it is no message. */
struct slice connector_talk_rest(const struct connector_talk *t);

const char *connector_talk_text(enum connector_talk_status status);

#endif
