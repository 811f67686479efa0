/*
 * proxy.h - the pooler as main sees it: workers that carry clients and servers, and what
 * they share.
 *
 * main starts it, hands it the sockets it accepts, tells it of reloads and of the console's
 * commands, and asks it for reports. Everything else happens on the workers' threads.
 *
 * Owned by main. Thread: main, except where it says worker.
 */
#ifndef PROXY_PROXY_H
#define PROXY_PROXY_H

#include <stdatomic.h>
#include <stdbool.h>

#include "auth/auth.h"
#include "base/err.h"
#include "base/usec.h"
#include "net/addr.h"
#include "net/mailbox.h"
#include "proxy/report.h"
#include "proxy/setup.h"
#include "tap/ring.h"

struct helper_crew;
struct listener;
struct loop;
struct paramset_table;
struct registry;
struct worker;

#define PROXY_MAX_WORKERS 64

/* A client of the console, logged in on a worker and handed to main with its socket. */
struct proxy_console {
	struct mail mail;
	int fd;             /* main's from here on */
	struct ssl_st *ssl; /* main's too; NULL: plain */
	char *user;         /* owned; free */
	bool is_admin;      /* else it may only look */
	struct addr peer;
	struct buf pending; /* what the client has sent behind its login; owned */
	usec_t connected_wall;
};

/*      command        what the workers do; done when all have answered */
#define PROXY_COMMANDS(X)                                                                          \
	X(PAUSE) /* give out no server; done when none is given out */                             \
	X(RESUME)                                                                                  \
	X(KILL)      /* end clients and servers of the database, and pause it */                   \
	X(RECONNECT) /* servers are closed as they come back, new ones are opened */               \
	X(KILL_CLIENT)

#define PROXY_COMMAND_ENUM_(command) PROXY_COMMAND_##command,
enum proxy_command { PROXY_COMMANDS(PROXY_COMMAND_ENUM_) PROXY_COMMAND_COUNT };
#undef PROXY_COMMAND_ENUM_

struct proxy_options {
	struct loop *loop;         /* main's, not owned */
	struct listener *listener; /* main's again when the proxy has ended */
	struct setup *setup;       /* the proxy takes a reference of its own */
	void (*on_console)(void *owner, struct proxy_console *console,
			   usec_t now); /* gives it away */
	void (*on_record)(void *owner); /* worker: a record was pushed into an empty tap */
	struct tap_ring *(*tap)(void *owner, unsigned worker); /* the ring of a worker */
	void *owner;
};

struct proxy;

/* Starts the threads. NULL and err where the system has not what it takes. */
struct proxy *proxy_start(const struct proxy_options *options, struct err *err) MUST_CHECK;

/* Ends the threads and frees all; clients get their last words (57P01). */
void proxy_stop(struct proxy *proxy);

void proxy_reload(struct proxy *proxy, struct setup *setup);

/*
 * `done` is called on main once every worker has carried the command out. database NULL:
 * all of them. id: KILL_CLIENT's.
 */
typedef void (*proxy_done_fn)(void *arg, size_t touched, usec_t now);
void proxy_command(struct proxy *proxy, enum proxy_command command, const char *database,
		   uint64_t id, proxy_done_fn done, void *arg);

/* `done` gets one report per worker, in the order of their numbers, valid during the call. */
typedef void (*proxy_report_fn)(void *arg, const struct report *reports, size_t count, usec_t now);
void proxy_report(struct proxy *proxy, unsigned what, proxy_report_fn done, void *arg);

size_t proxy_worker_count(const struct proxy *proxy);
size_t proxy_client_count(const struct proxy *proxy); /* all that are connected, console apart */
void proxy_refuse_new(
	struct proxy *proxy); /* shutting down: nobody is accepted, logins get 57P01 */

/* Lets no new client of the database in, or again; the command that needs no worker. */
void proxy_disable(struct proxy *proxy, const char *database, bool disabled);

bool proxy_is_paused(struct proxy *proxy, const char *database); /* NULL: as a whole */
bool proxy_is_disabled(struct proxy *proxy, const char *database);

/* Server connections and clients of a database or a user, over all workers. */
int proxy_database_servers(struct proxy *proxy, const char *database);
int proxy_database_clients(struct proxy *proxy, const char *database);
int proxy_user_servers(struct proxy *proxy, const char *user);
int proxy_user_clients(struct proxy *proxy, const char *user);

/* worker: a client of the console is main's from here on. */
struct worker_shared;
void proxy_hand_console(struct worker_shared *shared, struct proxy_console *console);

const char *proxy_command_name(enum proxy_command command);

#endif
