/*
 * connector_hosts.h - libpq's lists of hosts, and which of them is wanted, for logins that libpq
 * does not finish: it would go on to the next host only while it polls.
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

/* A copy of the i-th element; of the only one where there is one; NULL of NULL. */
char *connector_hosts_pick(const char *list, int i);

/* Is the session what target_session_attrs (NULL: any) asks for? As the server has reported it,
 * which it does since PostgreSQL 14. */
bool connector_hosts_fits(const struct connector_link *link, const char *attrs);

/* May the next host be tried after this? As libpq does it: not when the server has refused us. */
bool connector_hosts_go_on(const struct connector_fault *fault);

#endif
