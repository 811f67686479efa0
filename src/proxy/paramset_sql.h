/*
 * paramset_sql.h - the commands that turn one set of run-time parameters into another.
 *
 * PostgreSQL reads a command in the client_encoding of the session, and in some (SJIS, BIG5, GBK
 * ...) the second half of a character may be a byte that looks like a quote's escape. What is
 * written here is ASCII alone, whatever the values are, and so reads the same in each.
 *
 * Thread: any.
 */
#ifndef PROXY_PARAMSET_SQL_H
#define PROXY_PARAMSET_SQL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

struct paramset;

/*
 * Appends the SQL that makes a session that has `have` one that has `want`: one string of
 * RESET, SET and set_config(), "" when nothing differs. Values are quoted so that they mean the
 * same whatever standard_conforming_strings is. client_encoding comes first, so that the server
 * reports the others in the new one; the role last, and none is in force while others are set: it
 * may not be allowed to. `server_version`: 150018.
 */
void paramset_sql_change(const struct paramset *have, const struct paramset *want,
			 int server_version, struct buf *sql);

/*
 * Appends the SQL that sets those of `set` that nobody has set in the session, or that were reset.
 * `local`: to the end of the transaction. Of settings with a dot in their names the server does not
 * say who has set them: those that are empty are set too, where `own_too` says so; and so is the
 * role, by `role_too`, where there is none.
 */
void paramset_sql_restore(const struct paramset *set, bool local, bool own_too, bool role_too,
			  int server_version, struct buf *sql);

/*
 * Appends the SETs, and SET LOCALs, of those members of `set` whose bits are given: no query. Lists
 * of names SET may have to spell in its own way; of which was that so? And the queries that spell
 * those as they were, unless they are something else by now.
 */
uint64_t paramset_sql_reset(const struct paramset *set, uint64_t session, uint64_t local,
			    int server_version, struct buf *sql) MUST_CHECK;
void paramset_sql_respell(const struct paramset *set, uint64_t session, uint64_t local,
			  struct buf *sql);

/* Appends the query that gives what has one paramset_meaning() another one, to the end of the
 * transaction: all but the search_path. "" where nothing differs. */
void paramset_sql_mean(struct slice have, struct slice want, struct buf *sql);

/* Appends the SET LOCAL TO DEFAULT of each. */
void paramset_sql_unset(const struct paramset *set, uint64_t members, struct buf *sql);

#endif
