/*
 * connector_steps.h - the steps of a login that are ours, between connector.c's: SCRAM from
 * keys and md5 from its secret, taking in what the server reports, and connect_query.
 *
 * Thread: a helper.
 */
#ifndef PROXY_CONNECTOR_STEPS_H
#define PROXY_CONNECTOR_STEPS_H

#include <stdbool.h>

#include "auth/scram.h"
#include "base/bug.h"
#include "proxy/connector.h"
#include "proxy/connector_talk.h"

/* Remembers a parameter; a later value replaces an earlier one. */
void connector_steps_param(struct connector_link *link, struct slice name, struct slice value);

/* "15.18 (Debian ...)" to 150018, "9.6.2" to 90602; 0 where it is neither. */
int connector_steps_version(const char *text);

/* What is known where the password is not. */
struct connector_proof {
	bool binds, demands_binding; /* channel_binding: not disable; require */
	bool has_keys, has_md5;
	struct scram_keys keys;
	char md5[CONNECTOR_MD5_BYTES]; /* hex, without a zero */
};

/* From where libpq stopped, having sent the startup packet, to an idle server: fills in pid,
 * params, cancel. */
bool connector_steps_login(struct connector_link *link, struct connector_talk *talk,
			   const struct connector_proof *proof,
			   struct connector_fault *fault) MUST_CHECK;

/* False only if the connection did not survive it. */
bool connector_steps_query(struct connector_link *link, struct connector_talk *talk,
			   const char *sql, struct connector_fault *fault) MUST_CHECK;

#endif
