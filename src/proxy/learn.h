/*
 * learn.h - the question to a server which names of its database hide code (proxy/hidden.h), and
 * which settings of somebody's own its functions set (proxy/harmless.h).
 *
 * Asked before a client gets its first server of a site, when what is known may be wrong by now,
 * and before a session is looked into (proxy/inspect.h). The client's bytes wait for the answer;
 * who gets another server meanwhile does not wait, and is suspected of everything.
 *
 * Nobody tells what is defined elsewhere. So every HIDDEN_PEEK_US one transaction of the site's,
 * when it is over and its client has its answer, has the server asked how the catalogs are: if not
 * as they were, all is asked anew, and that client's session is looked into, since its statements
 * may have met what is new. A site that nobody uses is not asked anything.
 *
 * Own functions: those that are not PostgreSQL's and not written in C (which are trusted), and
 * those of PostgreSQL's that leave something in the session or run SQL in a string. What uses them
 * is followed through pg_depend; its own functions are not in there, and are looked for in the
 * expressions themselves.
 *
 * Owner of struct learn: the server, while the errand is LEARN. Thread: worker.
 */
#ifndef PROXY_LEARN_H
#define PROXY_LEARN_H

#include <stdbool.h>

#include "base/slice.h"
#include "base/usec.h"

struct learn;
struct localpool;
struct server;

/* Is the server to be asked? What others have been told is known then. One of before a RECONNECT,
 * or a reload that leads its pool elsewhere, is not: it may say what is true of another database.
 */
bool learn_is_due(const struct server *s, usec_t now);

/* The server is linked, quiet and idle. `at_link`: its client has not been heard yet. */
void learn_start(struct server *s, bool at_link, usec_t now);

/* A transaction is over, and its client may keep the server or not: how are the catalogs? The
 * server is linked, quiet and idle. True: it is asked. False: it is too early, or nobody wants to
 * know. */
bool learn_peeks(struct server *s, usec_t now);

/* A DataRow of the answer, whole. */
void learn_row(struct server *s, struct slice body);

/* An error instead: the log hears of it, once until there is an answer again. */
void learn_failed(struct server *s, struct slice error_body);

/* The answer is here in full, or an error was. */
void learn_done(struct server *s, bool failed, usec_t now);

/* It will not answer. Harmless where it was not asked. */
void learn_free(struct server *s);

#endif
