/*
 * authrow.h - what a row of auth_query says of a user.
 *
 * The first column is the user's name, the second the secret as pg_authid has it; NULL in
 * either means that there is nobody. A name that is not the one asked for is nobody too: a server
 * that cuts or folds names must not let one user in as another. Further columns are told by their
 * names: "valid until" (valuntil, rolvaliduntil, valid_until: a time stamp in ISO form) and
 * "may log in" (rolcanlogin, canlogin, can_login: t or f); others are let be.
 *
 * PURE. Thread: any.
 */
#ifndef AUTH_AUTHROW_H
#define AUTH_AUTHROW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bug.h"
#include "base/slice.h"
#include "base/usec.h"

#define AUTHROW_MAX_COLUMNS 16

struct authrow {
	size_t count;
	struct slice names[AUTHROW_MAX_COLUMNS];
	struct slice values[AUTHROW_MAX_COLUMNS]; /* ptr NULL: null */
};

/* From the bodies of a RowDescription and of a DataRow, in that order; the slices are theirs.
 * Columns beyond the bound are let be. False: it is no such message. */
bool authrow_read_names(struct authrow *row, struct slice description) MUST_CHECK;
bool authrow_read_values(struct authrow *row, struct slice data) MUST_CHECK;

enum authrow_verdict {
	AUTHROW_USER,      /* its secret is in *secret; until when it holds in *until */
	AUTHROW_NOBODY,    /* and for the log *why */
	AUTHROW_MALFORMED, /* the query is not of use; for the log *why */
};

/* `wall` and `until` are microseconds since 1970; until is USEC_NEVER where nothing ends. */
enum authrow_verdict authrow_judge(const struct authrow *row, struct slice user, usec_t wall,
				   struct slice *secret, usec_t *until,
				   const char **why) MUST_CHECK;

/* "2026-11-22 18:21:03.5+01", "infinity", "-infinity", "0044-03-15 12:00:00+00 BC". False: it is
 * no time stamp. */
bool authrow_parse_time(struct slice text, usec_t *wall) MUST_CHECK;

#endif
