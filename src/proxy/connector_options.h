/*
 * connector_options.h - a connection string, as libpq's keywords and their values.
 *
 * Owned by the connector, which embeds it. Thread: the requester's until the login begins, then the
 * helper's.
 */
#ifndef PROXY_CONNECTOR_OPTIONS_H
#define PROXY_CONNECTOR_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#define CONNECTOR_OPTIONS_MAX 64

struct connector_options {
	char *keywords[CONNECTOR_OPTIONS_MAX +
		       1]; /* owned, as are the values; NULL behind the last */
	char *values[CONNECTOR_OPTIONS_MAX + 1];
	size_t count;
};

void connector_options_fini(struct connector_options *o);

/* A copy; the last one wins; NULL takes the keyword out again. */
void connector_options_set(struct connector_options *o, const char *keyword, const char *value);
void connector_options_set_default(struct connector_options *o, const char *keyword,
				   const char *value);
const char *connector_options_get(const struct connector_options *o, const char *keyword);

/* Where it goes, for helpers to tell such jobs apart: its hosts and ports as they were written. */
uint64_t connector_options_place(const struct connector_options *o);

/* "host H port P", as far as it was said; "host H (ADDRESS) port P". */
void connector_options_whom(const struct connector_options *o, char *out, size_t out_bytes);

#endif
