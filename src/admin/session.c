/*
 * session.c - between a socket and a talk.
 *
 * While a command is out, and while the client does not read, nothing is read from it.
 */
#include "admin/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/uio.h>
#include <unistd.h>

#include "admin/desk.h"
#include "admin/inner.h"
#include "admin/request.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/tls.h"
#include "proxy/proxy.h"

#define SESSION_READ_BYTES 16384
#define SESSION_MAX_IN_BYTES (4u * TALK_MAX_MESSAGE_BYTES)
#define SESSION_LINGER_US (5 * USEC_PER_SEC)

enum session_pause {
	SESSION_PAUSE_BUSY = 1 << 0,  /* a command is out */
	SESSION_PAUSE_STUCK = 1 << 1, /* the client does not read */
};

static const struct {
	const char *name;
	unsigned edges;
} session_states[] = {
#define SESSION_STATE_ROW_(state, edges) [SESSION_##state] = { #state, edges },
	SESSION_STATES(SESSION_STATE_ROW_)
#undef SESSION_STATE_ROW_
};

static void session_enter(struct session *s, enum session_state to)
{
	BUG_ON(!(session_states[s->state].edges & 1u << to));
	LOG_NOISE("console of %s: %s -> %s", s->user, session_states[s->state].name,
		  session_states[to].name);
	s->state = to;
}

/* ---- the end -------------------------------------------------------------------------------- */

static void session_release(struct session *s)
{
	if (s->request)
		request_forget_session(s->request);
	s->request = NULL;
	loop_clear_timer(&s->linger);
	conn_close(&s->conn);
	list_remove(&s->link);
}

void session_free(struct session *s)
{
	if (s->state != SESSION_CLOSED)
		session_release(s);
	list_remove(&s->link);
	loop_cancel_deferred(&s->reap);
	talk_fini(&s->talk);
	buf_fini(&s->in);
	buf_fini(&s->out);
	free(s->user);
	free(s);
}

static void session_on_reap(struct deferred *d, usec_t now)
{
	(void)now;
	session_free(CONTAINER_OF(d, struct session, reap));
}

static void session_close(struct session *s, const char *why)
{
	char peer[ADDR_TEXT_BYTES];
	if (s->state == SESSION_CLOSED)
		return;
	if (s->admin->options.setup(s->admin->options.owner)->conf->global.log_disconnections)
		LOG_INFO("console %s@%s: left: %s", s->user, addr_text(&s->peer, peer), why);
	session_enter(s, SESSION_CLOSED);
	session_release(s);
	s->admin->session_count--;
	list_push_back(&s->admin->closed, &s->link);
	loop_defer(s->admin->options.loop, &s->reap);
}

static void session_on_linger(struct timer *t, usec_t now)
{
	(void)now;
	session_close(CONTAINER_OF(t, struct session, linger), "it did not hang up");
}

/* Its last words are sent: now the client hangs up, or is hung up on. */
static void session_leave(struct session *s, usec_t now)
{
	session_enter(s, SESSION_LEAVING);
	conn_resume(&s->conn, SESSION_PAUSE_BUSY | SESSION_PAUSE_STUCK);
	conn_shutdown(&s->conn);
	loop_set_timer(s->admin->options.loop, &s->linger, now + SESSION_LINGER_US);
}

/* ---- sending -------------------------------------------------------------------------------- */

/* False: nothing more can be sent now, or ever. */
static bool session_send(struct session *s)
{
	struct slice out = buf_slice(&s->out);
	enum conn_sent sent = CONN_SENT_ALL;
	if (out.len > 0) {
		s->admin->stats.sent_bytes += out.len;
		sent = conn_send(&s->conn, out.ptr, out.len);
		buf_release(&s->out);
	}
	switch (sent) {
	case CONN_SENT_ALL:
		return true;
	case CONN_SENT_STUCK:
		conn_pause(&s->conn, SESSION_PAUSE_STUCK);
		return false;
	case CONN_SENT_ERROR:
		session_close(s, "the connection is broken");
		return false;
	}
	return false;
}

/* ---- handling ------------------------------------------------------------------------------- */

static void session_run(struct session *s, usec_t now)
{
	s->request_wall = usec_wall();
	s->admin->stats.queries++;
	s->admin->stats.xacts++;
	s->request = request_new(s);
	desk_run(s->request, now);
}

/* One step; false: wait for bytes, for an answer, or for nothing at all. */
static bool session_step(struct session *s, usec_t now)
{
	switch (talk_next(&s->talk, &s->in, &s->out)) {
	case TALK_MORE:
		session_send(s);
		return false;
	case TALK_SEND:
		return session_send(s);
	case TALK_RUN:
		if (!session_send(s) && s->state != SESSION_OPEN)
			return false;
		session_run(s, now);
		return s->state == SESSION_OPEN && !s->request && !conn_is_stuck(&s->conn);
	case TALK_CLOSE:
		session_send(s);
		if (s->state == SESSION_OPEN)
			session_leave(s, now);
		return false;
	}
	return false;
}

static void session_pump(struct session *s, usec_t now)
{
	if (s->is_pumping || s->state != SESSION_OPEN || s->request || conn_is_stuck(&s->conn))
		return;
	s->is_pumping = true;
	while (session_step(s, now))
		;
	s->is_pumping = false;
	if (s->state != SESSION_OPEN)
		return;
	if (s->request)
		conn_pause(&s->conn, SESSION_PAUSE_BUSY);
	if (buf_len(&s->in) == 0)
		buf_release(&s->in);
}

void session_answer(struct session *s, struct answer *answer, usec_t now)
{
	s->request = NULL;
	talk_answer(&s->talk, answer, &s->out);
	if (!session_send(s) || s->is_pumping)
		return;
	conn_resume(&s->conn, SESSION_PAUSE_BUSY);
	session_pump(s, now);
}

/* ---- the socket ----------------------------------------------------------------------------- */

static void session_on_readable(struct session *s, usec_t now)
{
	char *room = buf_reserve(&s->in, SESSION_READ_BYTES);
	if (!room) {
		session_close(s, "it sends too much");
		return;
	}
	ssize_t n = conn_recv(&s->conn, room, SESSION_READ_BYTES);
	if (n == CONN_RECV_WAIT)
		return;
	if (n < 0) {
		session_close(s, n == CONN_RECV_EOF ? "it hung up" : "the connection is broken");
		return;
	}
	if (s->state == SESSION_LEAVING)
		return; /* nobody reads that */
	buf_commit(&s->in, (size_t)n);
	s->admin->stats.received_bytes += (uint64_t)n;
	session_pump(s, now);
}

static void session_on_conn(struct conn *conn, enum conn_event event, usec_t now)
{
	struct session *s = CONTAINER_OF(conn, struct session, conn);
	switch (event) {
	case CONN_READABLE:
		session_on_readable(s, now);
		break;
	case CONN_DRAINED:
		conn_resume(conn, SESSION_PAUSE_STUCK);
		if (!s->request)
			conn_resume(conn, SESSION_PAUSE_BUSY);
		session_pump(s, now);
		break;
	case CONN_EOF:
		session_close(s, "it hung up");
		break;
	case CONN_ERROR:
		session_close(s, "the connection is broken");
		break;
	case CONN_EVENT_COUNT:
		BUG_ON(true);
	}
}

/* ---- the beginning -------------------------------------------------------------------------- */

static struct session *session_new(struct admin *admin, struct proxy_console *console)
{
	struct session *s = mem_zalloc(sizeof(*s));
	s->admin = admin;
	s->state = SESSION_OPEN;
	s->user = console->user;
	s->peer = console->peer;
	s->connected_wall = console->connected_wall;
	buf_init(&s->in, SESSION_MAX_IN_BYTES);
	buf_add_slice(&s->in, buf_slice(&console->pending));
	buf_init(&s->out, 0);
	talk_init(&s->talk, console->is_admin);
	wheel_init_timer(&s->linger, session_on_linger);
	loop_init_deferred(&s->reap, session_on_reap);
	list_init(&s->link);
	return s;
}

static void session_greet(struct session *s, usec_t now)
{
	char key[4] = { 0 };
	char peer[ADDR_TEXT_BYTES], tls[TLS_INFO_BYTES];
	if (getrandom(key, sizeof(key), GRND_NONBLOCK) != sizeof(key))
		LOG_DEBUG("no randomness for a key that nobody asks for");
	if (s->admin->options.setup(s->admin->options.owner)->conf->global.log_connections)
		LOG_INFO("console %s@%s: came in%s%s%s", s->user, addr_text(&s->peer, peer),
			 s->talk.is_admin ? "" : ", to look only", s->conn.ssl ? " tls=" : "",
			 tls_info(s->conn.ssl, tls));
	talk_greet(&s->talk, s->user, (uint32_t)getpid(), slice_make(key, sizeof(key)), &s->out);
	if (session_send(s))
		session_pump(s, now);
}

void session_start(struct admin *admin, struct proxy_console *console, usec_t now)
{
	struct session *s = session_new(admin, console);
	if (conn_open(&s->conn, admin->options.loop, console->fd, console->ssl, session_on_conn)) {
		list_push_back(&admin->sessions, &s->link);
		admin->session_count++;
		session_greet(s, now);
	} else {
		LOG_ERROR("console of %s: no room on the event loop", s->user);
		tls_free(console->ssl);
		close(console->fd);
		s->state = SESSION_CLOSED;
		session_free(s);
	}
	buf_fini(&console->pending);
	free(console);
}

/* ---- for SHOW ------------------------------------------------------------------------------- */

void session_describe(const struct session *s, struct report_conn *row)
{
	char text[ADDR_HOST_BYTES];
	struct addr local = addr_local(s->conn.fd);
	bool is_unix = s->peer.kind == ADDR_UNIX;
	*row = (struct report_conn){ .port = is_unix ? 0 : s->peer.port,
				     .local_port = is_unix ? 0 : local.port,
				     .connected_wall = s->connected_wall,
				     .request_wall = s->request_wall,
				     .close_needed = s->state != SESSION_OPEN,
				     .ptr = (uint64_t)(uintptr_t)s,
				     .remote_pid = is_unix ? s->peer.peer.pid : 0,
				     .worker = -1 };
	tls_info(s->conn.ssl, row->tls);
	report_copy(row->database, sizeof(row->database), SETUP_CONSOLE_ALIAS);
	report_copy(row->user, sizeof(row->user), s->user);
	report_copy(row->state, sizeof(row->state), "active");
	report_copy(row->addr, sizeof(row->addr), addr_host(&s->peer, text));
	report_copy(row->local_addr, sizeof(row->local_addr),
		    is_unix ? "unix" : addr_host(&local, text));
}
