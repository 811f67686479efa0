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

static bool connector_hosts_is(const struct connector_link *link, const char *param,
			       const char *value)
{
	const char *reported = connector_param(link, param);
	return reported && strcmp(reported, value) == 0;
}

bool connector_hosts_fits(const struct connector_link *link, const char *attrs)
{
	if (!attrs || !*attrs || strcmp(attrs, "any") == 0)
		return true;
	bool primary = connector_hosts_is(link, "in_hot_standby", "off");
	bool standby = connector_hosts_is(link, "in_hot_standby", "on");
	bool locked = connector_hosts_is(link, "default_transaction_read_only", "on");
	if (strcmp(attrs, "read-write") == 0)
		return primary && !locked;
	if (strcmp(attrs, "read-only") == 0)
		return standby || locked;
	if (strcmp(attrs, "primary") == 0)
		return primary;
	return standby; /* "standby", and the first round of "prefer-standby" */
}

bool connector_hosts_go_on(const struct connector_fault *fault)
{
	if (fault->kind == CONNECTOR_FAULT_SERVER)
		return strcmp(fault->sqlstate, "57P03") == 0; /* starting up or shutting down */
	return fault->kind == CONNECTOR_FAULT_UNREACHABLE || fault->kind == CONNECTOR_FAULT_TIMEOUT;
}
