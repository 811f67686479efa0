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

struct addr addr_of_v4(const uint8_t ip[4], uint16_t port)
{
	struct addr a = { .kind = ADDR_V4, .port = port };
	memcpy(a.ip, ip, 4);
	return a;
}

struct addr addr_of_v6(const uint8_t ip[16], uint16_t port)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	if (memcmp(ip, mapped, sizeof(mapped)) == 0)
		return addr_of_v4(ip + 12, port);
	struct addr a = { .kind = ADDR_V6, .port = port };
	memcpy(a.ip, ip, 16);
	return a;
}

static struct addr addr_make(const union addr_any *any)
{
	if (any->sa.sa_family == AF_INET)
		return addr_of_v4((const uint8_t *)&any->in.sin_addr, ntohs(any->in.sin_port));
	if (any->sa.sa_family == AF_INET6)
		return addr_of_v6(any->in6.sin6_addr.s6_addr, ntohs(any->in6.sin6_port));
	return (struct addr){ .kind = any->sa.sa_family == AF_UNIX ? ADDR_UNIX : ADDR_NONE };
}

struct addr addr_of_sockaddr(const struct sockaddr_storage *sa)
{
	union addr_any any = { .room = *sa };
	return addr_make(&any);
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
