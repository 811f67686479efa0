/*
 * conninfo.h - connection strings: `host=db1 port=5432 options='-c x=y'`.
 *
 * Blanks between the pairs, and around the = if one likes. A value with blanks stands in single
 * quotes, with '' for a quote. As in libpq, a backslash takes the next byte as it is; PgBouncer
 * does not have that, so it is off under [pgbouncer].
 *
 * Thread: any; nothing is kept.
 */
#ifndef CONF_CONNINFO_H
#define CONF_CONNINFO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"
#include "conf/conf.h"
#include "conf/confmem.h"

/* The pairs, in `mem`. False: the string is broken, `err` says how. */
bool conninfo_parse(struct slice text, bool with_backslash, struct confmem *mem,
		    struct conf_param **pairs, size_t *count, struct err *err) MUST_CHECK;

/* Is it a keyword of the libpq that we are built for, which may be written in a database's
 * connection string? */
bool conninfo_is_keyword(struct slice key);

/* The keyword most like this one, or NULL. */
const char *conninfo_nearest(struct slice key);

#endif
