/*
 * addr.h - who is at the other end of a socket, small enough to keep per client.
 *
 * Thread: any.
 */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sockaddr_storage;

enum addr_kind { ADDR_NONE, ADDR_V4, ADDR_V6, ADDR_UNIX };

struct addr {
	uint8_t kind;  /* enum addr_kind */
	uint16_t port; /* TCP only */
	union {
		uint8_t ip[16]; /* network order; v4: the first four */
		struct {
			int32_t pid; /* of a peer, by SO_PEERCRED; 0: not known */
			uint32_t uid, gid;
		} peer;
	};
};

#define ADDR_HOST_BYTES 64 /* room for any host text */
#define ADDR_TEXT_BYTES 80 /* room for any text */

/* ADDR_NONE where the socket is not connected any more. A v4 address mapped into v6 is v4. */
struct addr addr_peer(int fd);
struct addr addr_local(int fd);

/* As accept has it: the other end's, but for a Unix socket's, which only addr_peer knows. */
struct addr addr_of_sockaddr(const struct sockaddr_storage *sa);

struct addr addr_of_v4(const uint8_t ip[4], uint16_t port);
struct addr addr_of_v6(const uint8_t ip[16], uint16_t port); /* v4 where it is mapped */

/* "1.2.3.4", "::1", "unix", "" */
const char *addr_host(const struct addr *a, char out[ADDR_HOST_BYTES]);

/* "1.2.3.4:55", "[::1]:55", "unix:PID", "-" */
const char *addr_text(const struct addr *a, char out[ADDR_TEXT_BYTES]);

#endif
