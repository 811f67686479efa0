/*
 * judge_ldap.h - asks an LDAP server about a password: simple bind, or search and bind.
 *
 * The case is the caller's (auth/judge.h), its verdict is filled in. What a user's name becomes
 * part of is built here, so that no name can be more than a name there.
 *
 * Thread: helper; judge_ldap_dn and judge_ldap_filter any.
 */
#ifndef AUTH_JUDGE_LDAP_H
#define AUTH_JUDGE_LDAP_H

#include "auth/judge.h"
#include "base/buf.h"

void judge_ldap_run(struct judge_case *c);

/*
 * Whom to bind as without a search: prefix, name, suffix. Where the prefix ends in '=', the name is
 * an attribute's value and escaped as such (RFC 4514); else (somebody@example.com, DOMAIN\somebody)
 * there is no way to escape, and false says that the name cannot be taken.
 */
bool judge_ldap_dn(const struct ldapopts *o, struct slice user, struct buf *out) MUST_CHECK;

/* What to search for; the name escaped as RFC 4515 has it. */
void judge_ldap_filter(const struct ldapopts *o, struct slice user, struct buf *out);

/* The URIs to try, separated by blanks. */
void judge_ldap_uris(const struct ldapopts *o, struct buf *out);

#endif
