/*
 * addr.c - reading a socket's two ends.
 */
#include "net/addr.h"

#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

union addr_any {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_storage room;
};

static struct addr addr_make(const union addr_any *any)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	struct addr a = { .kind = ADDR_NONE };
	if (any->sa.sa_family == AF_INET) {
		a.kind = ADDR_V4;
		a.port = ntohs(any->in.sin_port);
		memcpy(a.ip, &any->in.sin_addr, 4);
	} else if (any->sa.sa_family == AF_INET6) {
		const uint8_t *ip = any->in6.sin6_addr.s6_addr;
		bool is_v4 = memcmp(ip, mapped, sizeof(mapped)) == 0;
		a.kind = is_v4 ? ADDR_V4 : ADDR_V6;
		a.port = ntohs(any->in6.sin6_port);
		memcpy(a.ip, is_v4 ? ip + 12 : ip, is_v4 ? 4 : 16);
	} else if (any->sa.sa_family == AF_UNIX) {
		a.kind = ADDR_UNIX;
	}
	return a;
}

struct addr addr_peer(int fd)
{
	union addr_any any;
	socklen_t len = sizeof(any);
	memset(&any, 0, sizeof(any));
	if (getpeername(fd, &any.sa, &len) != 0)
		return (struct addr){ .kind = ADDR_NONE };
	struct addr a = addr_make(&any);
	struct ucred cred;
	len = sizeof(cred);
	if (a.kind == ADDR_UNIX && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0) {
		a.peer.pid = cred.pid;
		a.peer.uid = cred.uid;
		a.peer.gid = cred.gid;
	}
	return a;
}

struct addr addr_local(int fd)
{
	union addr_any any;
	socklen_t len = sizeof(any);
	memset(&any, 0, sizeof(any));
	if (getsockname(fd, &any.sa, &len) != 0)
		return (struct addr){ .kind = ADDR_NONE };
	return addr_make(&any);
}

const char *addr_host(const struct addr *a, char out[ADDR_HOST_BYTES])
{
	out[0] = '\0';
	if (a->kind == ADDR_V4)
		inet_ntop(AF_INET, a->ip, out, ADDR_HOST_BYTES);
	else if (a->kind == ADDR_V6)
		inet_ntop(AF_INET6, a->ip, out, ADDR_HOST_BYTES);
	else if (a->kind == ADDR_UNIX)
		snprintf(out, ADDR_HOST_BYTES, "unix");
	return out;
}

const char *addr_text(const struct addr *a, char out[ADDR_TEXT_BYTES])
{
	char host[ADDR_HOST_BYTES];
	addr_host(a, host);
	switch ((enum addr_kind)a->kind) {
	case ADDR_NONE:
		snprintf(out, ADDR_TEXT_BYTES, "-");
		break;
	case ADDR_V4:
		snprintf(out, ADDR_TEXT_BYTES, "%s:%u", host, a->port);
		break;
	case ADDR_V6:
		snprintf(out, ADDR_TEXT_BYTES, "[%s]:%u", host, a->port);
		break;
	case ADDR_UNIX:
		snprintf(out, ADDR_TEXT_BYTES, "unix:%d", a->peer.pid);
		break;
	}
	return out;
}
