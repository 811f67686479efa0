/*
 * connector_hosts.c - see connector_hosts.h.
 */
#include "proxy/connector_hosts.h"

#include <string.h>

#include "base/slice.h"

int connector_hosts_count(const char *list)
{
	int n = 1;
	for (; list && *list; list++)
		n += *list == ',';
	return n;
}

bool connector_hosts_match(const char *host, const char *hostaddr, const char *port)
{
	bool has_host = host && *host, has_addr = hostaddr && *hostaddr;
	int hosts = connector_hosts_count(has_addr ? hostaddr : host);
	int ports = connector_hosts_count(port);
	return (!has_host || !has_addr || connector_hosts_count(host) == hosts) &&
	       (ports == 1 || ports == hosts);
}

char *connector_hosts_pick(const char *list, int i)
{
	if (!list)
		return NULL;
	if (connector_hosts_count(list) == 1)
		i = 0;
	for (; i > 0 && *list; list++)
		i -= *list == ',';
	return slice_dup(slice_make(list, strcspn(list, ",")));
}

bool connector_hosts_fits(const struct connector_role *role, const char *attrs)
{
	bool only_reads = role->is_standby || role->is_read_only;
	if (!connector_hosts_choosy(attrs))
		return true;
	if (strcmp(attrs, "read-write") == 0)
		return !only_reads;
	if (strcmp(attrs, "read-only") == 0)
		return only_reads;
	if (strcmp(attrs, "primary") == 0)
		return !role->is_standby;
	return role->is_standby; /* "standby", and the first round of "prefer-standby" */
}

bool connector_hosts_choosy(const char *attrs)
{
	return attrs && *attrs && strcmp(attrs, "any") != 0;
}

bool connector_hosts_go_on(const struct connector_fault *fault)
{
	if (fault->kind == CONNECTOR_FAULT_SERVER && fault->is_of_role)
		return true;
	if (fault->kind == CONNECTOR_FAULT_SERVER)
		return strcmp(fault->sqlstate, "57P03") == 0; /* starting up or shutting down */
	return fault->kind == CONNECTOR_FAULT_UNREACHABLE || fault->kind == CONNECTOR_FAULT_TIMEOUT;
}
