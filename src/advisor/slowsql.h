/*
 * slowsql.h - the statements of a record as they may be shown: in normal form unless the policy
 * asks for the values, and bounded in length together.
 *
 * Thread: any.
 */
#ifndef ADVISOR_SLOWSQL_H
#define ADVISOR_SLOWSQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "tap/record.h"

struct slowsql {
	const struct tap_record *record; /* not owned */
	struct slice rest;               /* entries not read yet */
	size_t room;                     /* of the bound for all texts */
	uint32_t entries;                /* read so far */
	uint64_t executed;               /* how many executions these were */
	bool cut; /* something of what was read, or all that follows, is not shown */
};

/* How many the batch has: those that were run, in simple queries as many as are in the texts. */
uint32_t slowsql_statements(const struct tap_record *record);

void slowsql_begin(struct slowsql *sql, const struct tap_record *record);

/* The next statement, its text as it may be shown added to `shown` (cleared before). False: that
 * was all. */
bool slowsql_next(struct slowsql *sql, struct tap_text *out, struct buf *shown);

/* After the last: is something not shown? */
bool slowsql_is_cut(const struct slowsql *sql);

#endif
