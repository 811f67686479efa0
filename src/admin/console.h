/*
 * console.h - the admin console: what operators ask for with psql.
 *
 * Thread: main.
 */
#ifndef ADMIN_CONSOLE_H
#define ADMIN_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bug.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/usec.h"

struct admin;
struct loop;
struct proxy;
struct proxy_console;
struct setup;

enum admin_shutdown {
	ADMIN_SHUTDOWN_NOW,
	ADMIN_SHUTDOWN_WAIT_FOR_SERVERS,
	ADMIN_SHUTDOWN_WAIT_FOR_CLIENTS,
};

struct admin_options {
	struct loop *loop;
	struct proxy *proxy;
	void *owner;                                  /* of the functions below */
	struct setup *(*setup)(void *owner);          /* the running snapshot, borrowed */
	bool (*reload)(void *owner, struct err *err); /* RELOAD: err has the faults, in lines */
	bool (*set)(void *owner, struct slice key, struct slice value, struct err *err); /* SET */
	void (*shutdown)(void *owner, enum admin_shutdown mode);
	usec_t started_wall;
};

struct admin *admin_new(const struct admin_options *options, struct err *err) MUST_CHECK;
void admin_free(struct admin *admin); /* closes all its sessions */

/* A session of the console, logged in by the proxy: it is the console's from here on. NULL: the
 * console has ended, and it is hung up on. */
void admin_adopt(struct admin *admin, struct proxy_console *console, usec_t now);
size_t admin_count(const struct admin *admin); /* sessions */

#endif
