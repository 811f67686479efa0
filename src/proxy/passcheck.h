/*
 * passcheck.h - asks a server whether a password is right, by logging in with it (auth_type =
 * pass).
 *
 * The connection is closed at once; while it is there it has a seat under the limits of the pool
 * that the client asks for. Those who come with the same password of the same user at the same time
 * share one login. What was right last is remembered for auth_cache_time, as a digest under a
 * key of this process, so that not each login costs one at the server; another password is
 * always asked for again. One that was wrong is remembered for a second.
 *
 * A server that asks for no password cannot say whether it is right: nobody comes in by it.
 *
 * Owned by authquery. Thread: main.
 */
#ifndef PROXY_PASSCHECK_H
#define PROXY_PASSCHECK_H

#include <stdbool.h>

#include "base/bug.h"
#include "base/err.h"
#include "base/usec.h"
#include "proxy/authquery.h"

struct loop;
struct passcheck;
struct worker_shared;

/* How a question is given back. */
typedef void (*passcheck_fn)(struct authquery_ask *ask, enum authquery_verdict verdict,
			     const char *why);

struct passcheck *passcheck_new(struct loop *loop, struct worker_shared *shared,
				passcheck_fn answer, struct err *err) MUST_CHECK;
void passcheck_ask(struct passcheck *p, struct authquery_ask *ask, usec_t now);
void passcheck_forget(struct passcheck *p);
bool passcheck_stop(struct passcheck *p, usec_t deadline) MUST_CHECK; /* as authquery_stop */
void passcheck_free(struct passcheck *p);

#endif
