/*
 * sock.h - how a socket is set up, whoever opened it.
 *
 * Thread: any.
 */
#ifndef NET_SOCK_H
#define NET_SOCK_H

#include <stdbool.h>

struct sock_tuning {
	bool keepalive; /* SO_KEEPALIVE; the next three only with it */
	int keepidle_s; /* 0: the system's */
	int keepintvl_s;
	int keepcnt;
	int user_timeout_ms; /* TCP_USER_TIMEOUT; 0: the system's */
	int buffer_bytes;    /* SO_SNDBUF and SO_RCVBUF; 0: the system's */
};

/* Non-blocking, close-on-exec and, on TCP, TCP_NODELAY and what tuning says. What the system
 * refuses is left as it is: no connection is lost over a comfort. NULL: no tuning. */
void sock_tune(int fd, const struct sock_tuning *tuning);

/*
 * The same in two parts, for what is accepted: what every TCP connection takes over from the socket
 * that listens (TCP_NODELAY, and SO_KEEPALIVE or not), and what it has to be told itself, which is
 * nothing unless tuning asks for more. Each system call less is one less per login.
 */
void sock_tune_listening(int fd, bool keepalive);
void sock_tune_accepted(int fd, const struct sock_tuning *tuning);

/* The kernel takes no more for a TCP peer while it holds about so many bytes that it has not sent
 * yet (TCP_NOTSENT_LOWAT); what is under way, which a far peer needs, is not counted. 0: as many
 * as the system has it hold. */
void sock_bound_unsent(int fd, int bytes);

/* Removes the socket file if nobody listens on it any more. False: somebody does (errno is
 * EADDRINUSE), or it is not ours to remove (errno says why). True when there is none. */
bool sock_unlink_stale(const char *path);

#endif
