/*
 * ahead.h - the texts that a client's next request runs: a Query, or what is parsed and bound up to
 * a Sync.
 *
 * Before it is sent, as far as it is in hand. Texts may be told that are not run in the end.
 *
 * A value, begun with `c` and `rest`. Slices point into what was read, or to the client's prepared
 * statements. Thread: worker.
 */
#ifndef PROXY_AHEAD_H
#define PROXY_AHEAD_H

#include <stdbool.h>

#include "base/slice.h"

struct client;

struct ahead {
	const struct client *c; /* not owned */
	struct slice rest;      /* what it has sent */
	bool is_over;
};

enum ahead_step { AHEAD_TEXT, AHEAD_END, AHEAD_UNKNOWN };

/* The next text; or there is none any more; or nobody can tell what comes. */
enum ahead_step ahead_next(struct ahead *a, struct slice *sql);

#endif
