/*
 * connector_hosts.h - libpq's lists of hosts, and which of them is wanted: libpq would go on to
 * the next one only while the login is its own.
 *
 * Thread: a helper.
 */
#ifndef PROXY_CONNECTOR_HOSTS_H
#define PROXY_CONNECTOR_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

#include "proxy/connector.h"

/* Elements of a list with commas; NULL has one. */
int connector_hosts_count(const char *list);

/* Do lists go in step? Each may be left out (NULL or ""); ports may also be one for all. */
bool connector_hosts_match(const char *host, const char *hostaddr, const char *port);

/* A copy of the i-th element; of the only one where there is one; NULL of NULL. */
char *connector_hosts_pick(const char *list, int i);

/* What a session is. */
struct connector_role {
	bool is_standby;
	bool is_read_only; /* its transactions only read, unless they ask for more */
};

/* Is the session what target_session_attrs asks for? */
bool connector_hosts_fits(const struct connector_role *role, const char *attrs);
bool connector_hosts_choosy(const char *attrs); /* does it ask for anything? NULL, "any": no */

/* May the next host or address be tried after this? As libpq does it: not when the server has
 * refused us, but where it would not say what the session is. */
bool connector_hosts_go_on(const struct connector_fault *fault);

#endif
