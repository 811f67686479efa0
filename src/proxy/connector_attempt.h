/*
 * connector_attempt.h - one address asked for a session, from libpq's first step to a link that is
 * idle; and in both ways that sslmode `allow` and `prefer` have.
 *
 * Owned by the connector, which embeds it. Thread: a helper.
 */
#ifndef PROXY_CONNECTOR_ATTEMPT_H
#define PROXY_CONNECTOR_ATTEMPT_H

#include <stdbool.h>

#include "base/bug.h"
#include "proxy/connector.h"
#include "proxy/connector_exchange.h"
#include "proxy/connector_options.h"
#include "proxy/connector_terms.h"
#include "proxy/helper.h"

struct connector_attempt {
	struct helper_job *job;           /* not owned; its deadline is that of the attempt */
	struct connector_options options; /* owned; one host or address in them */
	struct connector_proof proof;
	char *query;                  /* owned; run behind the login; NULL: none */
	bool any_role;                /* whatever target_session_attrs asks for */
	struct connector_terms terms; /* while it is under way */
	struct connector_link link;   /* if it was a success */
	struct connector_fault fault; /* of the last one that was none */
};

bool connector_attempt_run(struct connector_attempt *a) MUST_CHECK;

#endif
