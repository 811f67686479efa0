/*
 * login_rule.h - which method a login is judged by: auth_type, the database's own auth_type, or the
 * rule of auth_hba_file that fits; and what is asked of the client's certificate beside it.
 *
 * A rule borrows from the setup that it was found in.
 *
 * Thread: any.
 */
#ifndef PROXY_LOGIN_RULE_H
#define PROXY_LOGIN_RULE_H

#include <stdbool.h>

#include "auth/hba.h"
#include "auth/judge.h"
#include "base/buf.h"
#include "base/bug.h"
#include "net/tls_peer.h"
#include "proxy/setup.h"

struct login_rule {
	enum hba_method method;
	bool is_any; /* auth_type any: whoever it says it is */
	enum hba_clientcert clientcert;
	bool clientname_is_dn;
	bool pam_use_hostname;
	const char *map;
	const char *pam_service;
	const struct ldapopts *ldap;
};

/* Whom the rule is for. False: nobody may in like this, and *refusal says so to the client. */
bool login_rule_find(const struct setup *setup, const struct hba_query *query, bool is_console,
		     struct login_rule *rule, struct buf *refusal) MUST_CHECK;

enum login_rule_cert {
	LOGIN_RULE_CERT_FITS,
	LOGIN_RULE_CERT_MISSING,   /* none that was verified */
	LOGIN_RULE_CERT_ELSES_NAME /* its names are not the user's, and are not mapped to it */
};

/* `peer` NULL: the client has shown no certificate that was verified. */
enum login_rule_cert login_rule_judge_cert(const struct login_rule *rule, const struct ident *ident,
					   const struct tls_peer *peer,
					   struct slice user) MUST_CHECK;

#endif
