/*
 * listener.c - opening, accepting, and resting when the process has no descriptor left.
 *
 * A socket's event is armed while the listener is served, unless it rests.
 *
 * How many are accepted in one wake-up grows while as many are there, so that a storm is taken in
 * batches and who comes alone is not followed by a call that finds nobody.
 */
#include "net/listener.h"

#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/slice.h"
#include "net/addr.h"
#include "net/loop.h"
#include "net/sock.h"

#define LISTENER_MAX_BATCH 64
#define LISTENER_REST_US (100 * USEC_PER_MSEC)
#define LISTENER_COMPLAIN_US (10 * USEC_PER_SEC)

struct listener_sock {
	struct listener *listener;
	struct event *event;
	int fd;
	bool is_unix;
	bool is_adopted; /* who came before we had it has taken nothing over */
	int batch;       /* how many are taken in the next wake-up */
	char *path;      /* of a socket file that is ours to remove; else NULL */
};

struct listener {
	struct loop *loop; /* not owned; NULL: not served yet */
	listener_fn fn;
	void *owner;
	struct listener_sock **socks;
	size_t count;
	int port;
	bool keepalive;
	struct timer rest;
	usec_t complained; /* when the last line about descriptors was logged; 0: never */
};

/* ---- accepting -------------------------------------------------------------------- */

static void listener_arm(struct listener *l)
{
	for (size_t i = 0; i < l->count; i++) {
		if (!wheel_is_armed(&l->rest))
			event_add(l->socks[i]->event, NULL);
		else
			event_del(l->socks[i]->event);
	}
}

static void listener_on_rested(struct timer *t, usec_t now UNUSED)
{
	listener_arm(CONTAINER_OF(t, struct listener, rest));
}

static void listener_take_rest(struct listener *l, usec_t now, int why)
{
	if (l->complained == 0 || now - l->complained >= LISTENER_COMPLAIN_US) {
		LOG_WARNING("cannot accept clients for the moment: %s", strerror(why));
		l->complained = now;
	}
	loop_set_timer(l->loop, &l->rest, usec_after(now, LISTENER_REST_US));
	listener_arm(l);
}

static bool listener_is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static int listener_accept(const struct listener_sock *sock, struct addr *peer)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	int fd = accept4(sock->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		*peer = sock->is_unix ? addr_peer(fd) : addr_of_sockaddr(&from);
	if (fd >= 0 && sock->is_adopted)
		sock_tune_listening(fd, sock->listener->keepalive);
	return fd;
}

/* The callback may close the listener: then `l->count` is 0 and this socket is gone. */
static void listener_on_client(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct listener_sock *sock = arg;
	struct listener *l = sock->listener;
	usec_t now = loop_enter(l->loop);
	struct addr peer;
	int batch = sock->batch;
	for (int taken = 0; taken < batch; taken++) {
		int client = listener_accept(sock, &peer);
		if (client < 0 && listener_is_shortage(errno)) {
			listener_take_rest(l, now, errno);
			return;
		}
		if (client < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			sock->batch = taken ? taken : 1;
			return;
		}
		if (client < 0)
			continue;
		l->fn(l->owner, client, &peer, now);
		if (l->count == 0)
			return;
	}
	sock->batch = 2 * batch < LISTENER_MAX_BATCH ? 2 * batch : LISTENER_MAX_BATCH;
}

/* ---- opening ----------------------------------------------------------------------- */

struct listener *listener_new(void)
{
	struct listener *l = mem_zalloc(sizeof(*l));
	wheel_init_timer(&l->rest, listener_on_rested);
	return l;
}

static void listener_drop(struct listener_sock *sock)
{
	if (sock->event)
		event_free(sock->event);
	close(sock->fd);
	if (sock->path)
		unlink(sock->path);
	free(sock->path);
	free(sock);
}

static bool listener_serve_sock(struct listener_sock *sock, struct err *err)
{
	const struct listener *l = sock->listener;
	sock->event = event_new(loop_base(l->loop), sock->fd, EV_READ | EV_PERSIST,
				listener_on_client, sock);
	if (sock->event && event_add(sock->event, NULL) == 0)
		return true;
	return err_set(err, "the event loop does not take the socket");
}

/* Takes the fd and the path, also when it fails. */
static bool listener_add(struct listener *l, int fd, bool is_unix, char *path, struct err *err)
{
	struct listener_sock *sock = mem_zalloc(sizeof(*sock));
	*sock = (struct listener_sock){
		.listener = l, .fd = fd, .is_unix = is_unix, .batch = 1, .path = path
	};
	if (l->loop && !listener_serve_sock(sock, err)) {
		listener_drop(sock);
		return false;
	}
	l->socks = mem_realloc(l->socks, (l->count + 1) * sizeof(*l->socks));
	l->socks[l->count++] = sock;
	return true;
}

static bool listener_bind_tcp(int fd, const struct addrinfo *ai, const struct listener_options *o)
{
	int on = 1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
		return false;
	if (ai->ai_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0)
		return false;
	if (o->defer_accept_s > 0 &&
	    setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &o->defer_accept_s, sizeof(int)) != 0)
		return false;
	return bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, o->backlog) == 0;
}

static bool listener_open_ai(struct listener *l, const struct addrinfo *ai,
			     const struct listener_options *o, struct err *err)
{
	if (l->port > 0 && ai->ai_family == AF_INET)
		((struct sockaddr_in *)ai->ai_addr)->sin_port = htons((uint16_t)l->port);
	else if (l->port > 0 && ai->ai_family == AF_INET6)
		((struct sockaddr_in6 *)ai->ai_addr)->sin6_port = htons((uint16_t)l->port);
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		sock_tune_listening(fd, l->keepalive);
	if (fd < 0 || !listener_bind_tcp(fd, ai, o)) {
		err_set(err, "%s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	if (l->port == 0)
		l->port = addr_local(fd).port;
	return listener_add(l, fd, false, NULL, err);
}

/* Every address that the name stands for. "*" is both wildcards, of which the machine may lack one.
 */
static bool listener_open_host(struct listener *l, const char *host,
			       const struct listener_options *o, struct err *err)
{
	bool any = strcmp(host, "*") == 0;
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
				  .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE };
	struct addrinfo *list = NULL;
	char port[16];
	snprintf(port, sizeof(port), "%d", o->port);
	int failed = getaddrinfo(any ? NULL : host, port, &hints, &list);
	if (failed) {
		err_set(err, "%s", gai_strerror(failed));
		return err_prefix(err, "cannot listen on %s port %s: ", host, port);
	}
	bool ok = true;
	size_t before = l->count;
	for (struct addrinfo *ai = list; ai && ok; ai = ai->ai_next) {
		ok = listener_open_ai(l, ai, o, err);
		if (!ok && any && ai->ai_family == AF_INET6)
			ok = true;
	}
	freeaddrinfo(list);
	if (ok && l->count == before)
		ok = err_set(err, "no address can be used");
	return ok || err_prefix(err, "cannot listen on %s port %s: ", host, port);
}

static bool listener_open_tcp(struct listener *l, const struct listener_options *o, struct err *err)
{
	struct slice rest = slice_of(o->addresses);
	while (rest.len > 0) {
		const char *comma = memchr(rest.ptr, ',', rest.len);
		size_t n = comma ? (size_t)(comma - rest.ptr) : rest.len;
		struct slice one = slice_trim(slice_head(rest, n));
		rest = slice_skip(rest, comma ? n + 1 : n);
		if (one.len == 0)
			continue;
		char *host = slice_dup(one);
		bool ok = listener_open_host(l, host, o, err);
		free(host);
		if (!ok)
			return false;
	}
	return true;
}

static bool listener_find_group(const char *name, gid_t *gid)
{
	char *end;
	unsigned long number = strtoul(name, &end, 10);
	if (*name && !*end) {
		*gid = (gid_t)number;
		return true;
	}
	struct group *group = getgrnam(name);
	if (group)
		*gid = group->gr_gid;
	return group != NULL;
}

/* Binds to a name beside the path that nobody has, no longer than it: .a.PGSQL.6432 for
 * .s.PGSQL.6432, or .b., and so on. The name is left in `un`. */
static bool listener_bind_beside(int fd, struct sockaddr_un *un)
{
	char *letter = strrchr(un->sun_path, '/') + 2;
	for (char c = 'a'; c <= 'z'; c++) {
		if (c == 's')
			continue;
		*letter = c;
		if (bind(fd, (const struct sockaddr *)un, sizeof(*un)) == 0)
			return true;
		if (errno != EADDRINUSE)
			return false;
	}
	return false;
}

/* Makes it listen, with mode and group, and only then gives it its name: who waits for the file
 * can connect. The name is taken from nobody. No chown without a group: a service may not have it.
 */
static bool listener_name_file(int fd, const char *beside, const char *path, const gid_t *gid,
			       const struct listener_options *o, struct err *err)
{
	if ((gid && chown(beside, (uid_t)-1, *gid) != 0) ||
	    chmod(beside, (mode_t)o->unix_mode) != 0 || listen(fd, o->backlog) != 0)
		return err_set(err, "%s", strerror(errno));
	if (link(beside, path) != 0)
		return err_set(err, "%s",
			       errno == EEXIST ? "somebody listens there" : strerror(errno));
	return true;
}

static bool listener_bind_file(int fd, const char *path, const struct listener_options *o,
			       struct err *err)
{
	gid_t gid;
	bool has_group = o->unix_group && *o->unix_group;
	if (has_group && !listener_find_group(o->unix_group, &gid))
		return err_set(err, "there is no group \"%s\"", o->unix_group);
	if (!sock_unlink_stale(path))
		return err_set(err, "%s",
			       errno == EADDRINUSE ? "somebody listens there" : strerror(errno));
	struct sockaddr_un beside = { .sun_family = AF_UNIX };
	memcpy(beside.sun_path, path, strlen(path));
	if (!listener_bind_beside(fd, &beside))
		return err_set(err, "%s", strerror(errno));
	bool ok = listener_name_file(fd, beside.sun_path, path, has_group ? &gid : NULL, o, err);
	unlink(beside.sun_path);
	return ok;
}

/* A name that begins with @: no file, so neither mode nor group. */
static bool listener_bind_abstract(int fd, const char *name, const struct listener_options *o,
				   struct err *err)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t n = strlen(name);
	memcpy(un.sun_path + 1, name + 1, n - 1);
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	return (bind(fd, (const struct sockaddr *)&un, len) == 0 && listen(fd, o->backlog) == 0) ||
	       err_set(err, "%s", strerror(errno));
}

static bool listener_open_unix(struct listener *l, const struct listener_options *o,
			       struct err *err)
{
	struct buf path;
	buf_init(&path, 0);
	buf_addf(&path, "%s/.s.PGSQL.%d", o->unix_dir, l->port > 0 ? l->port : o->port);
	const char *name = buf_cstr(&path);
	bool abstract = name[0] == '@', ok;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		ok = err_set(err, "%s", strerror(errno));
	else if (strlen(name) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		ok = err_set(err, "the path is longer than a socket's can be");
	else
		ok = abstract ? listener_bind_abstract(fd, name, o, err)
			      : listener_bind_file(fd, name, o, err);
	if (ok)
		ok = listener_add(l, fd, true, abstract ? NULL : mem_strdup(name), err);
	else if (fd >= 0)
		close(fd);
	if (!ok)
		err_prefix(err, "cannot listen on %s: ", name);
	buf_fini(&path);
	return ok;
}

bool listener_open(struct listener *l, const struct listener_options *options, struct err *err)
{
	size_t before = l->count;
	bool ok = !options->addresses || listener_open_tcp(l, options, err);
	if (ok && options->unix_dir && *options->unix_dir)
		ok = listener_open_unix(l, options, err);
	while (!ok && l->count > before)
		listener_drop(l->socks[--l->count]);
	if (!ok && before == 0)
		l->port = 0;
	return ok;
}

bool listener_adopt(struct listener *l, int fd, struct err *err)
{
	int listens = 0;
	socklen_t len = sizeof(listens);
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) != 0 || !listens)
		return err_set(err, "descriptor %d is not a listening socket", fd);
	struct addr addr = addr_local(fd);
	sock_tune(fd, NULL);
	sock_tune_listening(fd, l->keepalive);
	if (l->port == 0 && addr.kind != ADDR_UNIX)
		l->port = addr.port;
	if (!listener_add(l, fd, addr.kind == ADDR_UNIX, NULL, err))
		return false;
	l->socks[l->count - 1]->is_adopted = true;
	return true;
}

/* ---- the rest of its life -------------------------------------------------------------- */

bool listener_serve(struct listener *l, struct loop *loop, listener_fn fn, void *owner,
		    struct err *err)
{
	BUG_ON(l->loop);
	l->loop = loop;
	l->fn = fn;
	l->owner = owner;
	for (size_t i = 0; i < l->count; i++)
		if (!listener_serve_sock(l->socks[i], err))
			return false;
	return true;
}

void listener_set_keepalive(struct listener *l, bool keepalive)
{
	l->keepalive = keepalive;
	for (size_t i = 0; i < l->count; i++)
		sock_tune_listening(l->socks[i]->fd, keepalive);
}

void listener_close(struct listener *l)
{
	loop_clear_timer(&l->rest);
	while (l->count > 0)
		listener_drop(l->socks[--l->count]);
	free(l->socks);
	l->socks = NULL;
	l->port = 0;
}

void listener_free(struct listener *l)
{
	if (!l)
		return;
	listener_close(l);
	free(l);
}

size_t listener_count(const struct listener *l)
{
	return l->count;
}

int listener_fd(const struct listener *l, size_t i)
{
	BUG_ON(i >= l->count);
	return l->socks[i]->fd;
}

int listener_port(const struct listener *l)
{
	return l->port;
}
