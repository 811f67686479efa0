/*
 * daemon.h - becoming a well-behaved process: another user, the background, a pid file.
 *
 * Thread: main, before any other runs (daemon_remove_pidfile: at the end).
 */
#ifndef DAEMON_H
#define DAEMON_H

#include <stdbool.h>

#include "base/err.h"

/* Becomes that user, with its groups. NULL or "": stays, which root may not. */
bool daemon_become(const char *user, struct err *err) MUST_CHECK;

/*
 * Forks into the background. The parent waits for daemon_ready and exits 0, or, when the child
 * ends before, with 1. Returns in the child alone.
 */
bool daemon_detach(struct err *err) MUST_CHECK;
void daemon_ready(void); /* harmless where it did not detach */

/* Writes the pid file, unless a process that runs is named in it. NULL or "": none. */
bool daemon_write_pidfile(const char *path, struct err *err) MUST_CHECK;
void daemon_remove_pidfile(const char *path);

#endif
