/*
 * connector_fault.h - what became of a login that failed, from each of its sources.
 *
 * Thread: a helper.
 */
#ifndef PROXY_CONNECTOR_FAULT_H
#define PROXY_CONNECTOR_FAULT_H

#include "base/slice.h"
#include "proxy/connector.h"
#include "proxy/connector_talk.h"

/* libpq's error text: of options, addresses, connecting and TLS. */
void connector_fault_from_libpq(struct connector_fault *f, const char *text);

/* An ErrorResponse. */
void connector_fault_from_server(struct connector_fault *f, struct slice body);

void connector_fault_from_talk(struct connector_fault *f, enum connector_talk_status status);
/* And why, where the talk knows it. */
void connector_fault_broken(struct connector_fault *f, const struct connector_talk *t,
			    enum connector_talk_status status);

/* Of two tries one after another: what the server itself has said of them goes before what the
 * network did, and the log's line has both. */
void connector_fault_after(struct connector_fault *f, const struct connector_fault *earlier);

/* In our own words. */
void connector_fault_set(struct connector_fault *f, enum connector_fault_kind kind,
			 const char *sqlstate, const char *message);

/* Says whom the log's line is about ("host 10.0.0.1 port 5432"), unless libpq has. `host`: what it
 * must have named for that; NULL or "": whatever it was. */
void connector_fault_about(struct connector_fault *f, const char *whom, const char *host);

#endif
