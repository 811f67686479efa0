/*
 * listener.h - where clients come in: TCP addresses and a Unix socket, or sockets that
 * were handed to us open.
 *
 * Connections are accepted in batches and handed to the callback, who may send them to another
 * thread. When the process has no descriptor left, accepting rests for a moment and one line is
 * logged; the clients wait in the kernel's backlog.
 *
 * Owned by main, which opens it. Thread: main, until it is served; then the loop's that serves it,
 * until that has ended.
 */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/bug.h"
#include "base/err.h"
#include "base/usec.h"
#include "net/addr.h"

struct listener;
struct loop;

/* The fd is non-blocking, close-on-exec and the callback's from here on (tuned as
 * sock_tune_listening says, and no further). ADDR_NONE: the peer has hung up already, and nobody
 * knows who it was. */
typedef void (*listener_fn)(void *owner, int fd, const struct addr *peer, usec_t now);

struct listener_options {
	const char *addresses;  /* "127.0.0.1, ::1, db.example" or "*"; NULL or "": no TCP */
	int port;               /* 0 with TCP: any free one, the same for all addresses (tests) */
	const char *unix_dir;   /* where .s.PGSQL.PORT goes; "@name": abstract; NULL or "": none */
	int unix_mode;          /* permission bits of the socket file */
	const char *unix_group; /* name or number; NULL or "": left as it is */
	int backlog;
	int defer_accept_s; /* TCP_DEFER_ACCEPT; 0: off */
};

/* Opens all that is asked for, or nothing (false and err, which names the address). */
struct listener *listener_new(void) MUST_CHECK;
bool listener_open(struct listener *l, const struct listener_options *options,
		   struct err *err) MUST_CHECK;

/* Takes over a listening socket that is already open (socket activation). */
bool listener_adopt(struct listener *l, int fd, struct err *err) MUST_CHECK;

/* From here on clients are accepted; until then they wait in the backlog. False: the loop cannot.
 */
bool listener_serve(struct listener *l, struct loop *loop, listener_fn fn, void *owner,
		    struct err *err) MUST_CHECK;

/* What TCP clients that come from now on take over (sock_tune_listening). */
void listener_set_keepalive(struct listener *l, bool keepalive);

void listener_close(struct listener *l); /* no more; our socket files are removed */
void listener_free(struct listener *l);  /* closes too; not inside its own callback */

size_t listener_count(const struct listener *l); /* sockets that are open */
int listener_fd(const struct listener *l, size_t i);
int listener_port(const struct listener *l); /* of TCP; 0: none */

#endif
