/*
 * protocols.h - versions of TLS in PgBouncer's words: "secure", "all", "tlsv1.2,tlsv1.3".
 *
 * Thread: any.
 */
#ifndef CONF_PROTOCOLS_H
#define CONF_PROTOCOLS_H

#include "base/slice.h"

enum protocols {
	PROTOCOLS_10 = 1,
	PROTOCOLS_11 = 2,
	PROTOCOLS_12 = 4,
	PROTOCOLS_13 = 8,
	PROTOCOLS_SECURE = PROTOCOLS_12 | PROTOCOLS_13,
	PROTOCOLS_ALL = 15,
};

/* A set; 0 where the text is none, or nothing is left of it. Empty text is "secure". */
unsigned protocols_parse(struct slice text);

/* libpq's words for the ends of a set, "TLSv1.2"; NULL: of a set with a gap there are none. */
const char *protocols_least(unsigned set);
const char *protocols_most(unsigned set);

#endif
