/*
 * conn.c - one socket and what of it the kernel is asked to tell us.
 *
 *	             interest            left when
 *	awake        IN                  paused, and bytes came in spite of it -> asleep
 *	asleep       IN|RDHUP, by edge   resumed -> awake
 *	over         IN|RDHUP, by edge   never: the peer sends no more
 *	any + stuck  ... | OUT           the out-buffer is empty
 *	crossed      IN|RDHUP|OUT, by edge   TLS has written what it had to before it reads
 *
 * Pausing an awake connection is a bit and no system call: most peers send nothing
 * until they are answered. By edge, so that bytes that nobody reads do not wake us again
 * and again; not RDHUP alone, because libevent reports a reset as IN and OUT only and
 * would spin on one that asked for neither.
 *
 * The owner's callback is the last thing done in a wake-up: it may have closed the
 * connection, or sent it to another thread, where it is touched by others already.
 */
#include <event2/event_struct.h> /* first: it and base/list.h both have a LIST_ENTRY */

#include "net/conn.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/buf.h"
#include "net/conn_parts.h"
#include "net/tls.h"

/* A connection that brings as much in one turn is bulk: it is served behind the others, and
 * has a smaller share of a turn as long as there are others. 64 KiB take some 20 us to pass on:
 * with less, the system calls begin to count. */
#define CONN_BULK_BYTES ((ssize_t)32 << 10)
#define CONN_SHARE_BYTES ((size_t)64 << 10)

_Static_assert(sizeof(struct event) <= sizeof(((struct conn *)0)->event),
	       "libevent's event has outgrown the room for it in struct conn");

const char *conn_event_name(enum conn_event event)
{
	static const char *const names[] = {
#define X(name) [CONN_##name] = #name,
		CONN_EVENTS(X)
#undef X
	};
	return names[event];
}

/* ---- interest ---------------------------------------------------------------------- */

static void conn_on_event(evutil_socket_t fd, short what, void *arg);

static struct event *conn_event(struct conn *c)
{
	return (struct event *)(void *)c->event;
}

static uint8_t conn_wanted(const struct conn *c)
{
	uint8_t want = CONN_ARMED_IN;
	if (c->bits & (CONN_BIT_ASLEEP | CONN_BIT_OVER | CONN_BIT_READ_OUT))
		want |= CONN_ARMED_EDGE;
	if (c->out || (c->bits & CONN_BIT_READ_OUT))
		want |= CONN_ARMED_OUT;
	return want;
}

bool conn_arm(struct conn *c)
{
	uint8_t want = conn_wanted(c);
	if (c->armed == want)
		return true;
	short flags = EV_PERSIST | EV_READ;
	if (want & CONN_ARMED_OUT)
		flags |= EV_WRITE;
	if (want & CONN_ARMED_EDGE)
		flags |= EV_CLOSED | EV_ET;
	if (c->armed)
		event_del(conn_event(c));
	c->armed = 0;
	if (event_assign(conn_event(c), loop_base(c->loop), c->fd, flags, conn_on_event, c) != 0 ||
	    event_add(conn_event(c), NULL) != 0)
		return false;
	c->armed = want;
	return true;
}

static void conn_disarm(struct conn *c)
{
	if (c->armed)
		event_del(conn_event(c));
	c->armed = 0;
}

void conn_again(struct conn *c)
{
	c->bits |= CONN_BIT_LATE_READ;
	loop_again(c->loop, &c->again);
}

/* Looks at a connection that is not read from. True: the event is for the owner. */
static bool conn_check_peer(struct conn *c, enum conn_event *event)
{
	struct pollfd p = { .fd = c->fd, .events = POLLRDHUP };
	if (poll(&p, 1, 0) <= 0)
		return false;
	if ((p.revents & (POLLERR | POLLNVAL)) && !(c->bits & CONN_BIT_TOLD_ERROR)) {
		c->bits |= CONN_BIT_TOLD_ERROR | CONN_BIT_TOLD_EOF;
		*event = CONN_ERROR;
		return true;
	}
	if ((p.revents & (POLLHUP | POLLRDHUP)) && !(c->bits & CONN_BIT_TOLD_EOF)) {
		c->bits |= CONN_BIT_TOLD_EOF;
		*event = CONN_EOF;
		return true;
	}
	return false;
}

/* What a wake-up for reading means to the owner; false: nothing. */
static bool conn_wake_reader(struct conn *c, enum conn_event *event)
{
	if (!c->pauses && !(c->bits & CONN_BIT_OVER) && c->armed) {
		*event = CONN_READABLE;
		return true;
	}
	if (!(c->bits & CONN_BIT_OVER))
		c->bits |= CONN_BIT_ASLEEP;
	if (!conn_arm(c)) {
		*event = CONN_ERROR;
		return true;
	}
	return conn_check_peer(c, event);
}

static void conn_wake(struct conn *c, short what, usec_t now)
{
	bool reading = what & (EV_READ | EV_CLOSED);
	if ((what & EV_WRITE) && (c->bits & CONN_BIT_READ_OUT))
		reading = true;
	if (c->out && ((what & EV_WRITE) || (c->bits & CONN_BIT_WRITE_IN))) {
		enum conn_sent sent = conn_send_rest(c);
		if (sent != CONN_SENT_STUCK) {
			if (reading)
				conn_again(c);
			if (sent == CONN_SENT_ERROR)
				c->bits |= CONN_BIT_TOLD_ERROR;
			c->fn(c, sent == CONN_SENT_ALL ? CONN_DRAINED : CONN_ERROR, now);
			return;
		}
	}
	enum conn_event event;
	if (reading && conn_wake_reader(c, &event))
		c->fn(c, event, now);
}

/* Who moves much, or does not take what it is sent, is served behind the others of the turn. */
static bool conn_is_late(struct conn *c, short what)
{
	if (!(c->out || (c->bits & CONN_BIT_BULK)) || (what & ~(EV_READ | EV_WRITE | EV_ET)))
		return false;
	if (what & EV_READ)
		c->bits |= CONN_BIT_LATE_READ;
	if (what & EV_WRITE)
		c->bits |= CONN_BIT_LATE_WRITE;
	loop_again(c->loop, &c->again);
	return true;
}

static void conn_on_event(evutil_socket_t fd UNUSED, short what, void *arg)
{
	struct conn *c = arg;
	usec_t now = loop_enter(c->loop);
	if (conn_is_late(c, what))
		return;
	loop_set_brisk(c->loop);
	conn_wake(c, what, now);
}

static void conn_on_again(struct deferred *d, usec_t now)
{
	struct conn *c = CONTAINER_OF(d, struct conn, again);
	int what = (c->bits & CONN_BIT_LATE_READ ? EV_READ : 0) |
		   (c->bits & CONN_BIT_LATE_WRITE ? EV_WRITE : 0);
	c->bits &= (uint16_t) ~(CONN_BIT_LATE_READ | CONN_BIT_LATE_WRITE);
	conn_wake(c, (short)what, now);
}

/* ---- open and close ----------------------------------------------------------------- */

bool conn_open(struct conn *c, struct loop *loop, int fd, struct ssl_st *ssl, conn_fn fn)
{
	*c = (struct conn){ .loop = loop, .fd = fd, .fn = fn };
	loop_init_deferred(&c->again, conn_on_again);
	if (!conn_arm(c)) {
		c->fd = -1;
		c->loop = NULL;
		return false;
	}
	if (ssl)
		conn_set_tls(c, ssl);
	return true;
}

void conn_set_tls(struct conn *c, struct ssl_st *ssl)
{
	BUG_ON(c->ssl || c->out);
	tls_prepare(ssl);
	c->ssl = ssl;
	if (tls_is_sealed_by_kernel(ssl))
		c->bits |= CONN_BIT_SEALED;
	if (tls_has_more(ssl)) {
		c->bits |= CONN_BIT_TLS_MORE;
		conn_again(c);
	}
}

bool conn_is_open(const struct conn *c)
{
	return c->fd >= 0;
}

void conn_give_up(struct conn *c, int *fd, struct ssl_st **ssl)
{
	if (c->loop)
		conn_detach(c);
	conn_send_forget(c);
	*fd = c->fd;
	*ssl = c->ssl;
	c->fd = -1;
	c->ssl = NULL;
}

void conn_close(struct conn *c)
{
	if (!conn_is_open(c))
		return;
	int fd;
	struct ssl_st *ssl;
	conn_give_up(c, &fd, &ssl);
	if (ssl) {
		tls_goodbye(ssl);
		tls_free(ssl);
	}
	close(fd);
}

void conn_detach(struct conn *c)
{
	conn_disarm(c);
	loop_cancel_deferred(&c->again);
	c->loop = NULL;
}

bool conn_attach(struct conn *c, struct loop *loop, conn_fn fn)
{
	BUG_ON(c->loop || !conn_is_open(c));
	c->loop = loop;
	c->fn = fn;
	loop_init_deferred(&c->again, conn_on_again); /* the struct may have moved */
	if (!conn_arm(c)) {
		c->loop = NULL;
		return false;
	}
	if (c->bits & CONN_BIT_TLS_MORE)
		conn_again(c);
	return true;
}

void conn_pause(struct conn *c, uint8_t reason)
{
	c->pauses |= reason;
}

void conn_resume(struct conn *c, uint8_t reason)
{
	bool was_paused = conn_is_paused(c);
	c->pauses &= (uint8_t)~reason;
	if (!was_paused || conn_is_paused(c))
		return;
	c->bits &= (uint16_t)~CONN_BIT_ASLEEP;
	if (!(c->bits & CONN_BIT_OVER))
		c->bits &= (uint16_t)~CONN_BIT_TOLD_EOF;
	if (!c->loop)
		return;
	if (!conn_arm(c) || (c->bits & CONN_BIT_TLS_MORE))
		conn_again(c);
}

/* ---- reading ------------------------------------------------------------------------- */

ssize_t conn_peek(const struct conn *c, void *buf, size_t n)
{
	ssize_t got;
	do
		got = recv(c->fd, buf, n, MSG_PEEK | MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		return got;
	return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? CONN_RECV_WAIT
								    : CONN_RECV_EOF;
}

bool conn_await_room(struct conn *c, bool on)
{
	c->bits &= (uint16_t)~CONN_BIT_READ_OUT;
	if (on)
		c->bits |= CONN_BIT_READ_OUT;
	return conn_arm(c);
}

static ssize_t conn_end_reading(struct conn *c, enum conn_recv why)
{
	int saved = errno;
	c->bits |= CONN_BIT_OVER | CONN_BIT_TOLD_EOF;
	c->bits &= (uint16_t) ~(CONN_BIT_TLS_MORE | CONN_BIT_READ_OUT);
	if (why == CONN_RECV_ERROR)
		c->bits |= CONN_BIT_TOLD_ERROR;
	if (!conn_arm(c))
		why = CONN_RECV_ERROR;
	errno = saved;
	return why;
}

static ssize_t conn_recv_plain(struct conn *c, void *data, size_t n)
{
	ssize_t got;
	do {
		got = recv(c->fd, data, conn_bound(c, n), 0);
	} while (got < 0 && errno == EINTR);
	if (got > 0)
		return got;
	if (got == 0)
		return conn_end_reading(c, CONN_RECV_EOF);
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return CONN_RECV_WAIT;
	return conn_end_reading(c, CONN_RECV_ERROR);
}

static ssize_t conn_recv_tls(struct conn *c, char *data, size_t n)
{
	bool capped = loop_io_bytes(c->loop) > 0;
	bool had_to_write = c->bits & CONN_BIT_READ_OUT;
	size_t have = 0;
	ssize_t got;
	c->bits &= (uint16_t) ~(CONN_BIT_TLS_MORE | CONN_BIT_READ_OUT);
	do {
		got = tls_read(c->ssl, data + have, conn_bound(c, n - have));
		if (got > 0)
			have += (size_t)got;
	} while (got > 0 && have < n && !capped && tls_has_more(c->ssl));
	if ((got == TLS_EOF || got == TLS_ERROR) && have == 0)
		return conn_end_reading(c, got == TLS_EOF ? CONN_RECV_EOF : CONN_RECV_ERROR);
	if (got == TLS_CROSSED)
		c->bits |= CONN_BIT_READ_OUT;
	if ((had_to_write || got == TLS_CROSSED) && !conn_arm(c))
		return conn_end_reading(c, CONN_RECV_ERROR);
	/* what is inside, or the end that it has met already and will say again */
	if (got == TLS_EOF || got == TLS_ERROR || (got > 0 && tls_has_more(c->ssl))) {
		c->bits |= CONN_BIT_TLS_MORE;
		conn_again(c);
	}
	return (ssize_t)have;
}

ssize_t conn_recv(struct conn *c, void *buf, size_t n)
{
	BUG_ON(n == 0 || !c->loop);
	if ((c->bits & CONN_BIT_BULK) && n > CONN_SHARE_BYTES && loop_is_brisk(c->loop))
		n = CONN_SHARE_BYTES;
	ssize_t got = c->ssl ? conn_recv_tls(c, buf, n) : conn_recv_plain(c, buf, n);
	c->bits &= (uint16_t)~CONN_BIT_BULK;
	if (got >= CONN_BULK_BYTES)
		c->bits |= CONN_BIT_BULK;
	return got;
}

/* ---- the end of what is sent -------------------------------------------------------------- */

bool conn_is_stuck(const struct conn *c)
{
	return c->out != NULL;
}

size_t conn_out_bytes(const struct conn *c)
{
	return c->out ? buf_len(c->out) : 0;
}

void conn_shutdown(struct conn *c)
{
	if (c->out)
		c->bits |= CONN_BIT_SHUTDOWN;
	else
		conn_send_end(c);
}
