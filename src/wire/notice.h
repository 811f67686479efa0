/*
 * notice.h - the fields of an ErrorResponse or NoticeResponse.
 *
 * Every field may be missing, and the body may be anything at all: a server is not trusted
 * more than a client is.
 *
 * Owns nothing: slices point into the body.
 * Thread: any.
 */
#ifndef WIRE_NOTICE_H
#define WIRE_NOTICE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

/* Those that are asked for; all letters are passed on. */
#define NOTICE_SEVERITY 'S'    /* in the server's language */
#define NOTICE_SEVERITY_EN 'V' /* never translated; since PostgreSQL 9.6 */
#define NOTICE_SQLSTATE 'C'
#define NOTICE_MESSAGE 'M'
#define NOTICE_DETAIL 'D'
#define NOTICE_HINT 'H'
#define NOTICE_POSITION 'P'
#define NOTICE_WHERE 'W'
#define NOTICE_ROUTINE 'R' /* of PostgreSQL's source; never translated */

/* The first such field; a slice with ptr NULL where there is none. */
struct slice notice_get(struct slice body, char field);

/* Does the server close the connection after this (FATAL or PANIC)? */
bool notice_is_fatal(struct slice body);

bool notice_is(struct slice body, const char *sqlstate);

/* "cached plan must not change result type": what was prepared fails for ever, since what it reads
 * has other columns now. */
#define NOTICE_STALE_PLAN_ROUTINE "RevalidateCachedQuery"
bool notice_is_stale_plan(struct slice body);

/* A SQLSTATE of five letters or digits, zero-terminated; "XX000" where there is none. */
void notice_sqlstate(struct slice body, char out[6]);

/* Appends an ErrorResponse that says the same with another severity: SQLSTATE, message, detail and
 * hint. What has no end in the body (the rest of it is still to come) is left out, and the message,
 * which no client does without, is said to be missing. */
void notice_retell(struct slice body, const char *severity, struct buf *out);

/* Appends one (`type`: of an error, or of a notice) of the same fields, but with this value of one
 * of them. */
void notice_replace(char type, struct slice body, char field, struct slice value, struct buf *out);

#endif
