/*
 * login_rule.c - from the configuration to one login's method.
 */
#include "proxy/login_rule.h"

#include "proxy/replication.h"

/* ---- which method ----------------------------------------------------------------------- */

/* The database's own word, else [pgweir]'s; the console has none of its own. Physical replication
 * that names no database of ours goes to the one that login_admit will choose: its word holds. */
static void login_rule_resolve(const struct setup *setup, const struct hba_query *query,
			       bool is_console, struct conf_pool *pool)
{
	const struct conf_database *db =
		is_console ? NULL : conf_find_database(setup->conf, query->database);
	if (!db && query->is_replication)
		db = replication_choose(setup->conf);
	conf_resolve(setup->conf, db, NULL, pool);
}

static bool login_rule_from_hba(const struct setup *setup, const struct hba *hba,
				const struct hba_query *query, struct login_rule *rule,
				struct buf *refusal)
{
	const struct hba_rule *found = hba ? hba_match(hba, query) : NULL;
	if (!found || found->method == HBA_METHOD_REJECT) {
		hba_refusal(found, query, refusal);
		return false;
	}
	*rule = (struct login_rule){ .method = found->method,
				     .clientcert = found->clientcert,
				     .clientname_is_dn = found->clientname_is_dn,
				     .map = found->map,
				     .pam_service = found->pam_service,
				     .pam_use_hostname = found->pam_use_hostname,
				     .ldap = &found->ldap };
	if (!*rule->pam_service)
		rule->pam_service = setup->conf->global.auth_pam_service;
	return true;
}

bool login_rule_find(const struct setup *setup, const struct hba_query *query, bool is_console,
		     struct login_rule *rule, struct buf *refusal)
{
	*rule = (struct login_rule){ .map = "",
				     .pam_service = setup->conf->global.auth_pam_service,
				     .ldap = &setup->ldap };
	struct conf_pool pool;
	login_rule_resolve(setup, query, is_console, &pool);
	switch (pool.auth_type) {
	case CONF_AUTH_TYPE_HBA:
		return login_rule_from_hba(setup, setup_find_hba(setup, pool.auth_hba_file), query,
					   rule, refusal);
	case CONF_AUTH_TYPE_ANY:
		rule->method = HBA_METHOD_TRUST;
		rule->is_any = true;
		break;
	case CONF_AUTH_TYPE_TRUST:
		rule->method = HBA_METHOD_TRUST;
		break;
	case CONF_AUTH_TYPE_PLAIN:
		rule->method = HBA_METHOD_PASSWORD;
		break;
	case CONF_AUTH_TYPE_MD5:
		rule->method = HBA_METHOD_MD5;
		break;
	case CONF_AUTH_TYPE_SCRAM:
		rule->method = HBA_METHOD_SCRAM;
		break;
	case CONF_AUTH_TYPE_CERT:
		rule->method = HBA_METHOD_CERT;
		rule->clientcert = HBA_CLIENTCERT_FULL;
		break;
	case CONF_AUTH_TYPE_LDAP:
		rule->method = HBA_METHOD_LDAP;
		break;
	case CONF_AUTH_TYPE_PAM:
		rule->method = HBA_METHOD_PAM;
		break;
	case CONF_AUTH_TYPE_PEER:
		rule->method = HBA_METHOD_PEER;
		break;
	case CONF_AUTH_TYPE_PASS:
		rule->method = HBA_METHOD_PASS;
		break;
	}
	return true;
}

/* ---- the certificate ------------------------------------------------------------------------ */

static bool login_rule_is_name(const struct login_rule *rule, const struct ident *ident,
			       const char *name, struct slice user)
{
	return name && *name && ident_allows(ident, rule->map, slice_of(name), user);
}

enum login_rule_cert login_rule_judge_cert(const struct login_rule *rule, const struct ident *ident,
					   const struct tls_peer *peer, struct slice user)
{
	if (rule->clientcert == HBA_CLIENTCERT_NONE)
		return LOGIN_RULE_CERT_FITS;
	if (!peer)
		return LOGIN_RULE_CERT_MISSING;
	if (rule->clientcert == HBA_CLIENTCERT_CA)
		return LOGIN_RULE_CERT_FITS;
	bool fits = login_rule_is_name(rule, ident,
				       rule->clientname_is_dn ? peer->dn : peer->common_name, user);
	for (size_t i = 0; i < peer->san_count && !fits && !rule->clientname_is_dn; i++)
		fits = login_rule_is_name(rule, ident, peer->sans[i].name, user);
	return fits ? LOGIN_RULE_CERT_FITS : LOGIN_RULE_CERT_ELSES_NAME;
}
