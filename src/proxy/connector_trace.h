/*
 * connector_trace.h - what libpq knows of a login and has no call for, read off its trace.
 *
 * Which parameters the server has reported, and the key to cancel with. The trace (PQtrace) goes
 * into memory, covers the login alone and is wiped. Should a newer libpq trace in another
 * form nothing is found: the parameters that PostgreSQL is known to report are asked for by
 * name, and the key stays unknown.
 *
 * Thread: a helper.
 */
#ifndef PROXY_CONNECTOR_TRACE_H
#define PROXY_CONNECTOR_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/bug.h"
#include "proxy/connector.h"

struct connector_trace {
	FILE *file; /* NULL: not tracing */
	char *text;
	size_t bytes;
};

void connector_trace_start(struct connector_trace *t, struct pg_conn *pg);
void connector_trace_stop(struct connector_trace *t, struct pg_conn *pg); /* the text stays */
void connector_trace_fini(struct connector_trace *t);                     /* after the stop */

/* All parameters, into the link. */
void connector_trace_params(const struct connector_trace *t, struct connector_link *link);

/* False: the trace does not tell. */
bool connector_trace_key(const struct connector_trace *t, int backend_pid,
			 uint8_t key[4]) MUST_CHECK;

#endif
