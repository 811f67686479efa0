/*
 * login_rig.c - see login_rig.h.
 */
#include "login_rig.h"

#include <dlfcn.h>
#include <netdb.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/buf.h"
#include "wire/build.h"
#include "wire/frame.h"
#include "wire/notice.h"
#include "wire/reader.h"

static void visit_on_done(struct connector *c, void *owner, usec_t now)
{
	struct visit *v = connector_arg(c);
	ck_assert_ptr_eq(owner, v->office);
	ck_assert_int_gt(now, 0);
	v->over = true;
	v->ok = connector_is_ok(c);
	if (v->ok)
		v->link = connector_take(c);
	else
		v->fault = *connector_fault(c);
	connector_free(c);
	v->connector = NULL;
}

void visit_init(struct visit *v, struct office *o, const char *user, const char *password)
{
	char port[16];
	*v = (struct visit){ .office = o, .connector = connector_new(), .link.fd = -1 };
	snprintf(port, sizeof(port), "%d", cluster_port());
	connector_set(v->connector, "host", "127.0.0.1");
	connector_set(v->connector, "port", port);
	connector_set(v->connector, "dbname", "postgres");
	connector_set(v->connector, "user", user);
	connector_set(v->connector, "sslmode", "disable");
	connector_set(v->connector, "password", password);
}

void visit_start(struct visit *v, usec_t within_us)
{
	ck_assert(connector_start(v->connector, v->office->crew, v->office->box,
				  usec_after(usec_now(), within_us), visit_on_done, v));
}

void visit_wait(struct visit *v)
{
	TURN_UNTIL(v->office->loop, v->over);
}

void visit_go(struct visit *v)
{
	visit_start(v, 20 * USEC_PER_SEC);
	visit_wait(v);
}

void visit_must(struct visit *v)
{
	visit_go(v);
	ck_assert_msg(v->ok, "%s", v->fault.log);
}

bool visit_is_in_time(struct visit *v)
{
	visit_start(v, 3600 * USEC_PER_SEC);
	visit_wait(v);
	if (!v->ok && v->fault.kind == CONNECTOR_FAULT_TIMEOUT)
		return false;
	ck_assert_msg(v->ok, "%s", v->fault.log);
	return true;
}

void visit_leave(struct visit *v)
{
	connector_close(&v->link, true);
}

static struct slice next_part(struct slice *rest, char end)
{
	const char *at = memchr(rest->ptr, end, rest->len);
	ck_assert_ptr_nonnull(at);
	struct slice part = slice_make(rest->ptr, (size_t)(at - rest->ptr));
	*rest = slice_skip(*rest, part.len + 1);
	return part;
}

void rig_keys(const char *user, struct scram_keys *keys)
{
	char sql[128], text[256];
	uint8_t salted[SCRAM_KEY_BYTES];
	struct scram_verifier v;
	snprintf(sql, sizeof(sql), "SELECT rolpassword FROM pg_authid WHERE rolname = '%s'", user);
	cluster_sql(sql, text, sizeof(text));
	struct slice rest = slice_of(text);
	ck_assert(slice_eq_str(next_part(&rest, '$'), SCRAM_MECHANISM));
	ck_assert(scram_parse_verifier(slice_of(text), &v));
	ck_assert(scram_salt_password(slice_of(cluster_password()),
				      slice_make(v.salt, v.salt_bytes), v.iterations, salted));
	ck_assert(scram_derive_keys(salted, keys));
	ck_assert_mem_eq(keys->server_key, v.server_key, SCRAM_KEY_BYTES);
}

static void rig_wait(const struct connector_link *link, short events)
{
	struct pollfd p = { .fd = link->fd, .events = events };
	ck_assert_int_ge(poll(&p, 1, -1), 0);
}

void rig_send(const struct connector_link *link, const char *sql)
{
	struct buf b;
	buf_init(&b, 0);
	build_query(&b, slice_of(sql));
	struct slice bytes = buf_slice(&b);
	if (link->ssl)
		ck_assert_int_eq(SSL_write(link->ssl, bytes.ptr, (int)bytes.len), (int)bytes.len);
	else
		ck_assert_int_eq(send(link->fd, bytes.ptr, bytes.len, 0), (ssize_t)bytes.len);
	buf_fini(&b);
}

/* Up to n bytes; the server must not have closed. */
static size_t rig_recv(const struct connector_link *link, char *to, size_t n)
{
	for (;;) {
		ssize_t got =
			link->ssl ? SSL_read(link->ssl, to, (int)n) : recv(link->fd, to, n, 0);
		if (got > 0)
			return (size_t)got;
		ck_assert_int_ne(got, link->ssl ? 1 : 0);
		rig_wait(link, POLLIN);
	}
}

static void rig_value(struct slice body, char *out, size_t n)
{
	struct reader r;
	reader_init(&r, body);
	reader_u16(&r);
	struct slice value = reader_value(&r);
	ck_assert(!reader_failed(&r));
	snprintf(out, n, "%.*s", SLICE_ARGS(value));
}

void rig_answer(const struct connector_link *link, char *out, size_t n)
{
	struct buf in;
	struct frame f = { 0 };
	buf_init(&in, 0);
	out[0] = '\0';
	while (f.type != 'Z') {
		int head = frame_read(buf_slice(&in), 1 << 20, &f);
		ck_assert_int_ge(head, 0);
		if (head == 0 || !frame_is_whole(&f)) {
			f.type = 0;
			buf_commit(&in, rig_recv(link, buf_reserve(&in, 4096), 4096));
			continue;
		}
		char state[6];
		if (f.type == 'D')
			rig_value(f.body, out, n);
		else if (f.type == 'E') {
			notice_sqlstate(f.body, state);
			snprintf(out, n, "%s", state);
		}
		buf_consume(&in, frame_bytes(&f));
	}
	ck_assert_uint_eq(buf_len(&in), 0);
	buf_fini(&in);
}

void rig_query(const struct connector_link *link, const char *sql, char *out, size_t n)
{
	rig_send(link, sql);
	rig_answer(link, out, n);
}

static int rig_silent_at(uint32_t host, int *port, bool full)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)*port) };
	socklen_t len = sizeof(in);
	int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
	in.sin_addr.s_addr = htonl(host);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, len), 0);
	ck_assert_int_eq(listen(fd, 0), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	*port = ntohs(in.sin_port);
	for (int i = 0; full && i < 4; i++) { /* these stay open: the process ends soon */
		int peer = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		int refused = connect(peer, (struct sockaddr *)&in, len);
		ck_assert(refused == 0 || refused == -1);
	}
	return fd;
}

int rig_silent(int *port, bool full)
{
	*port = 0;
	return rig_silent_at(INADDR_LOOPBACK, port, full);
}

int rig_silent_neighbour(int port, bool full)
{
	return rig_silent_at(INADDR_LOOPBACK + 1, &port, full);
}

/* In place of the system's, for the program as a whole: one name more. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **out)
{
	static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	if (!node || strcmp(node, RIG_NAME) != 0)
		return real(node, service, hints, out);
	if (hints->ai_flags & AI_NUMERICHOST)
		return EAI_NONAME;
	int failed = real("127.0.0.2", service, hints, out);
	return failed ? failed : real("127.0.0.1", service, hints, &(*out)->ai_next);
}
