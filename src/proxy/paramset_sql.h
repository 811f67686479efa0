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
struct paramset_member;

/*
 * Appends the SQL that makes a session that has `have` one that has `want`: one string of
 * RESET, SET and set_config(), "" when nothing differs. Values are quoted so that they mean the
 * same whatever standard_conforming_strings is. client_encoding comes first, so that the server
 * reports the others in the new one; the role last, and none is in force while others are set: it
 * may not be allowed to. `server_version`: 150018.
 */
void paramset_sql_change(const struct paramset *have, const struct paramset *want,
			 int server_version, struct buf *sql);

/* Appends the SET (or SET LOCAL) of it, which is no query, with nothing behind it. Lists of names
 * are spelt as SET does. */
void paramset_sql_again(const struct paramset_member *member, bool local, int server_version,
			struct buf *sql);

/* Is the value that member's, of a list of names, in whatever spelling? */
bool paramset_sql_is_again(const struct paramset_member *member, const char *value);

/* Appends the query that gives what has one paramset_meaning() another one, to the end of the
 * transaction: all but the search_path. "" where nothing differs. */
void paramset_sql_mean(struct slice have, struct slice want, struct buf *sql);

#endif
