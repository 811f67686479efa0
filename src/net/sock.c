/*
 * sock.c - socket options, and socket files that were left behind.
 */
#include "net/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/bug.h"

/* What the system refuses stays as it was. */
static void sock_set(int fd, int level, int option, int value)
{
	int refused UNUSED = setsockopt(fd, level, option, &value, sizeof(value));
}

static void sock_set_positive(int fd, int level, int option, int value)
{
	if (value > 0)
		sock_set(fd, level, option, value);
}

static bool sock_is_tcp(int fd)
{
	int family = 0;
	socklen_t len = sizeof(family);
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) != 0)
		return false;
	return family == AF_INET || family == AF_INET6;
}

void sock_tune_listening(int fd, bool keepalive)
{
	if (!sock_is_tcp(fd))
		return;
	sock_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	sock_set(fd, SOL_SOCKET, SO_KEEPALIVE, keepalive);
}

void sock_tune_accepted(int fd, const struct sock_tuning *tuning)
{
	sock_set_positive(fd, SOL_SOCKET, SO_SNDBUF, tuning->buffer_bytes);
	sock_set_positive(fd, SOL_SOCKET, SO_RCVBUF, tuning->buffer_bytes);
	sock_set_positive(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, tuning->user_timeout_ms);
	if (!tuning->keepalive)
		return;
	sock_set_positive(fd, IPPROTO_TCP, TCP_KEEPIDLE, tuning->keepidle_s);
	sock_set_positive(fd, IPPROTO_TCP, TCP_KEEPINTVL, tuning->keepintvl_s);
	sock_set_positive(fd, IPPROTO_TCP, TCP_KEEPCNT, tuning->keepcnt);
}

void sock_tune(int fd, const struct sock_tuning *tuning)
{
	int flags = fcntl(fd, F_GETFL);
	if (flags >= 0 && !(flags & O_NONBLOCK))
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (sock_is_tcp(fd)) {
		sock_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
		if (tuning) {
			sock_set(fd, SOL_SOCKET, SO_KEEPALIVE, tuning->keepalive);
			sock_tune_accepted(fd, tuning);
		}
	} else if (tuning) {
		sock_set_positive(fd, SOL_SOCKET, SO_SNDBUF, tuning->buffer_bytes);
		sock_set_positive(fd, SOL_SOCKET, SO_RCVBUF, tuning->buffer_bytes);
	}
}

void sock_bound_unsent(int fd, int bytes)
{
	sock_set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, bytes);
}

/* Whether somebody listens there. */
static bool sock_answers(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(un.sun_path))
		return false;
	memcpy(un.sun_path, path, strlen(path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return true; /* not known: leave it alone */
	int failed = connect(fd, (struct sockaddr *)&un, sizeof(un));
	int why = errno;
	close(fd);
	return failed == 0 || why != ECONNREFUSED;
}

bool sock_unlink_stale(const char *path)
{
	struct stat st;
	if (lstat(path, &st) != 0)
		return errno == ENOENT;
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return false;
	}
	if (sock_answers(path)) {
		errno = EADDRINUSE;
		return false;
	}
	return unlink(path) == 0 || errno == ENOENT;
}
