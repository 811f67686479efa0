/*
 * connector_address.c - see connector_address.h.
 */
#include "proxy/connector_address.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "proxy/connector_fault.h"

/* As libpq asks for them. */
static int connector_address_look_up(const char *host, int flags, struct addrinfo **list)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
				  .ai_socktype = SOCK_STREAM,
				  .ai_flags = flags };
	return getaddrinfo(host, NULL, &hints, list);
}

bool connector_address_is_name(const char *host)
{
	struct addrinfo *list = NULL;
	if (!host || !*host || *host == '/' || *host == '@')
		return false;
	if (connector_address_look_up(host, AI_NUMERICHOST, &list) != 0)
		return true;
	freeaddrinfo(list);
	return false;
}

static void connector_address_add(struct connector_addresses *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->texts[i], text) == 0)
			return;
	list->texts = mem_realloc(list->texts, (list->count + 1) * sizeof(*list->texts));
	list->texts[list->count++] = mem_strdup(text);
}

bool connector_address_find(const char *name, struct connector_addresses *out,
			    struct connector_fault *fault)
{
	struct addrinfo *list = NULL;
	char text[CONNECTOR_TEXT_BYTES];
	*out = (struct connector_addresses){ 0 };
	int failed = connector_address_look_up(name, 0, &list);
	if (!failed) {
		for (const struct addrinfo *at = list; at; at = at->ai_next)
			if (getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof(text), NULL, 0,
					NI_NUMERICHOST) == 0)
				connector_address_add(out, text);
		freeaddrinfo(list);
	}
	if (out->count)
		return true;
	snprintf(text, sizeof(text), "could not translate host name \"%s\" to address: %s", name,
		 failed ? gai_strerror(failed) : "it has none");
	connector_fault_set(fault, CONNECTOR_FAULT_UNREACHABLE, "08006", text);
	return false;
}

void connector_address_free(struct connector_addresses *list)
{
	while (list->count)
		free(list->texts[--list->count]);
	free(list->texts);
	list->texts = NULL;
}
