/*
 * ldapopts.h - how to ask an LDAP server about a password: the options of pg_hba.conf's `ldap`.
 *
 * Either simple bind, as ldapprefix + user + ldapsuffix; or search and bind: log in as
 * ldapbinddn, look below ldapbasedn for the user, and bind as what was found.
 *
 * All strings are in the confmem that was passed in, and never NULL once ldapopts_init ran.
 *
 * Thread: any; nothing is kept.
 */
#ifndef AUTH_LDAPOPTS_H
#define AUTH_LDAPOPTS_H

#include <stdbool.h>

#include "base/bug.h"
#include "base/err.h"
#include "base/slice.h"
#include "conf/confmem.h"

enum ldapopts_scope { LDAPOPTS_BASE, LDAPOPTS_ONE, LDAPOPTS_SUB };

struct ldapopts {
	const char *server; /* names or addresses, separated by blanks */
	int port;           /* 0: the scheme's own */
	bool is_ldaps;
	bool starttls;
	const char *prefix;
	const char *suffix;
	const char *basedn; /* not "": search and bind */
	const char *binddn;
	const char *bindpasswd;
	const char *searchattribute; /* "" with no filter either: uid */
	const char *searchfilter;    /* $username stands for the user */
	enum ldapopts_scope scope;
};

void ldapopts_init(struct ldapopts *o);

/* Whether the name is one of ours (ldapserver, ...). */
bool ldapopts_is_name(struct slice name);

/* One NAME=VALUE; false: err says what is wrong with it. */
bool ldapopts_set(struct ldapopts *o, struct slice name, struct slice value, struct confmem *mem,
		  struct err *err) MUST_CHECK;

/* A line of them, `ldapserver=... ldapprefix="..."`, as an HBA line ends: ldapopts_set for each. */
bool ldapopts_parse(struct ldapopts *o, struct slice text, struct confmem *mem,
		    struct err *err) MUST_CHECK;

/* Whether they are enough, and fit together. */
bool ldapopts_check(const struct ldapopts *o, struct err *err) MUST_CHECK;

#endif
