/*
 * inspect.h - the question to a server what its session holds, and its answer.
 *
 * One Query of our own, between transactions, in words that no search_path and no object of a
 * user's can bend. Its rows: the states of proxy/keep.h that are there, and the settings that
 * were touched with the values that they have. What the settings are is noted for the server and
 * its client; the states go to keep_looked.
 *
 * Owner of struct inspect: the server, while the errand is LOOK. Thread: worker.
 */
#ifndef PROXY_INSPECT_H
#define PROXY_INSPECT_H

#include <stdbool.h>

#include "base/bug.h"
#include "base/slice.h"
#include "base/usec.h"

struct client;
struct inspect;
struct server;

/* Asks what the client's session makes suspicious. The server is linked, quiet and idle. */
void inspect_start(struct server *s, usec_t now);

/* A DataRow of the answer, whole. */
void inspect_row(struct server *s, struct slice body);

/* An error in its place. True: it ran out of the client's statement_timeout, or somebody has
 * cancelled it; when it is done it is asked once more, without that timeout. */
bool inspect_failed(struct server *s, struct slice body) MUST_CHECK;

/* The answer is here in full, or an error instead. */
void inspect_done(struct server *s, bool failed, usec_t now);

void inspect_free(struct inspect *look); /* NULL is fine */

#endif
