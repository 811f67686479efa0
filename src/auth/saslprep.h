/*
 * saslprep.h - passwords as SCRAM sees them (RFC 4013).
 *
 * As PostgreSQL does it: what is not valid UTF-8, or has characters that SASLprep forbids, is
 * used as it is. Built without libidn, everything is used as it is; that differs only for
 * passwords outside ASCII that were not in normal form already.
 *
 * Thread: any.
 */
#ifndef AUTH_SASLPREP_H
#define AUTH_SASLPREP_H

#include "base/bug.h"
#include "base/slice.h"

/* The normal form, terminated by a zero, owned by the caller, who wipes and frees it. */
char *saslprep_password(struct slice password) MUST_CHECK;

#endif
