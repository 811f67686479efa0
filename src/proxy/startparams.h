/*
 * startparams.h - what a start-up packet asks for, sorted: who and where, what can only be
 * said at start-up, and what can be set on any server of the pool.
 *
 * A replication connection has a server of its own, which is told everything at its start;
 * any other client's parameters are run-time settings, but for the few that PostgreSQL lets be
 * changed at the start of a session alone.
 *
 * Owned by the login. Thread: worker.
 */
#ifndef PROXY_STARTPARAMS_H
#define PROXY_STARTPARAMS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "conf/conf.h"
#include "wire/startup.h"

struct paramset;

struct startparams {
	char *user;          /* owned; NULL: none was named */
	char *database;      /* owned */
	struct buf startup;  /* name, 0, value, 0, ...: only at start-up; "replication" first */
	struct buf settings; /* the same: settings of the session */
	struct buf unknown;  /* names of protocol options (_pq_.) that are not known, a 0 each */
	unsigned unknown_count;
};

/* False: err says which parameter cannot be taken (user NULL: no user was named). */
bool startparams_read(struct startparams *p, const struct startup *packet, const struct conf *conf,
		      struct err *err) MUST_CHECK;
void startparams_fini(struct startparams *p);

/* A new reference to `empty` with the settings in it. */
struct paramset *startparams_make_set(const struct startparams *p, struct paramset *empty);

/* NegotiateProtocolVersion: 3.0, and the options that are not known. */
void startparams_build_negotiation(const struct startparams *p, struct buf *out);

#endif
