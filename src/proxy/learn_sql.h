/*
 * learn_sql.h - what a server is asked of its catalogs (proxy/learn.h), as text.
 *
 * A string of commands for one Query, a transaction of its own. What comes first is read first.
 *
 * Thread: any.
 */
#ifndef PROXY_LEARN_SQL_H
#define PROXY_LEARN_SQL_H

#include <stddef.h>

#include "base/buf.h"
#include "base/usec.h"
#include "proxy/site.h"

/* Which backends are still there, how the catalogs are, and then which names hide code. It is asked
 * at `asked_at`. Some milliseconds; half a second where there are 20,000 tables. */
void learn_sql_whole(struct buf *sql, const struct site_ghost *ghosts, size_t count,
		     usec_t asked_at);

/* How the catalogs are, alone. Half a millisecond. */
void learn_sql_catalogs(struct buf *sql);

#endif
