/*
 * connector_steps.h - the steps of a login that are ours, behind the startup packet: proving who
 * we are (connector_exchange.h), taking in what the server reports, and connect_query.
 *
 * Thread: a helper.
 */
#ifndef PROXY_CONNECTOR_STEPS_H
#define PROXY_CONNECTOR_STEPS_H

#include <stdbool.h>

#include "base/bug.h"
#include "proxy/connector.h"
#include "proxy/connector_exchange.h"
#include "proxy/connector_hosts.h"
#include "proxy/connector_talk.h"

/* Remembers a parameter; a later value replaces an earlier one. */
void connector_steps_param(struct connector_link *link, struct slice name, struct slice value);

/* "15.18 (Debian ...)" to 150018, "9.6.2" to 90602; 0 where it is neither. */
int connector_steps_version(const char *text);

/* From where libpq stopped, having sent the startup packet, to an idle server: fills in pid,
 * params, cancel, has_proved. */
bool connector_steps_login(struct connector_link *link, struct connector_talk *talk,
			   const struct connector_proof *proof, const struct connector_terms *terms,
			   struct connector_fault *fault) MUST_CHECK;

/* What the session is. Servers older than PostgreSQL 14 do not report that and are asked. */
bool connector_steps_role(struct connector_link *link, struct connector_talk *talk,
			  struct connector_role *role, struct connector_fault *fault) MUST_CHECK;

/* False only if the connection did not survive it. */
bool connector_steps_query(struct connector_link *link, struct connector_talk *talk,
			   const char *sql, struct connector_fault *fault) MUST_CHECK;

#endif
