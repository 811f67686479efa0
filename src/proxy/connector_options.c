/*
 * connector_options.c - see connector_options.h.
 */
#include "proxy/connector_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/bug.h"
#include "base/map.h"
#include "base/mem.h"

static void connector_options_forget(char *text)
{
	if (text)
		mem_wipe(text, strlen(text));
	free(text);
}

void connector_options_fini(struct connector_options *o)
{
	for (size_t i = 0; i < o->count; i++) {
		free(o->keywords[i]);
		connector_options_forget(o->values[i]);
	}
	o->count = 0;
}

static size_t connector_options_find(const struct connector_options *o, const char *keyword)
{
	size_t i = 0;
	while (i < o->count && strcmp(o->keywords[i], keyword) != 0)
		i++;
	return i;
}

const char *connector_options_get(const struct connector_options *o, const char *keyword)
{
	size_t i = connector_options_find(o, keyword);
	return i < o->count ? o->values[i] : NULL;
}

void connector_options_set(struct connector_options *o, const char *keyword, const char *value)
{
	size_t i = connector_options_find(o, keyword);
	if (i == o->count) {
		if (!value)
			return;
		BUG_ON(o->count == CONNECTOR_OPTIONS_MAX);
		o->keywords[o->count++] = mem_strdup(keyword);
		o->values[i] = mem_strdup(value);
		return;
	}
	connector_options_forget(o->values[i]);
	o->values[i] = mem_strdup(value);
	if (value)
		return;
	free(o->keywords[i]);
	o->count--;
	o->keywords[i] = o->keywords[o->count];
	o->values[i] = o->values[o->count];
	o->keywords[o->count] = o->values[o->count] = NULL;
}

void connector_options_set_default(struct connector_options *o, const char *keyword,
				   const char *value)
{
	if (!connector_options_get(o, keyword))
		connector_options_set(o, keyword, value);
}

uint64_t connector_options_place(const struct connector_options *o)
{
	static const char *const words[] = { "host", "hostaddr", "port" };
	struct buf place = { 0 };
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		const char *value = connector_options_get(o, words[i]);
		buf_add_cstr(&place, value ? value : "");
	}
	uint64_t hash = map_hash(buf_slice(&place));
	buf_fini(&place);
	return hash ? hash : 1;
}

void connector_options_whom(const struct connector_options *o, char *out, size_t out_bytes)
{
	const char *host = connector_options_get(o, "host");
	const char *addr = connector_options_get(o, "hostaddr");
	const char *port = connector_options_get(o, "port");
	bool has_host = host && *host, has_addr = addr && *addr;
	if (has_host && has_addr && strcmp(host, addr) != 0)
		snprintf(out, out_bytes, "host %s (%s) port %s", host, addr,
			 port && *port ? port : "5432");
	else
		snprintf(out, out_bytes, "host %s port %s",
			 has_addr   ? addr
			 : has_host ? host
				    : "(local)",
			 port && *port ? port : "5432");
}
