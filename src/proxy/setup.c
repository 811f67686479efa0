/*
 * setup.c - configuration, users and rules as one snapshot.
 */
#include "proxy/setup.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "auth/judge.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/confmem.h"
#include "conf/faults.h"
#include "conf/protocols.h"

struct setup_counted {
	struct setup setup;
	struct confmem mem; /* of setup.ldap's words */
	atomic_uint refs;
};

/* ---- files --------------------------------------------------------------------------------- */

struct setup_reading {
	const char *path;
	struct conf_faults *faults;
};

static void setup_report(void *arg, bool is_fault, unsigned line, const char *text)
{
	struct setup_reading *reading = arg;
	if (is_fault)
		faults_add(reading->faults, reading->path, (int)line, "%s", text);
	else
		LOG_WARNING("%s:%u: %s", reading->path, line, text);
}

_Static_assert((int)PROTOCOLS_10 == TLS_CONTEXT_10 && (int)PROTOCOLS_11 == TLS_CONTEXT_11 &&
		       (int)PROTOCOLS_12 == TLS_CONTEXT_12 && (int)PROTOCOLS_13 == TLS_CONTEXT_13,
	       "the versions of TLS have other numbers in conf/ than in net/");

static void setup_report_lines(void *arg, bool is_fault, const char *file, unsigned line,
			       const char *text)
{
	struct conf_faults *faults = arg;
	if (is_fault)
		faults_add(faults, file, (int)line, "%s", text);
	else
		LOG_WARNING("%s:%u: %s", file, line, text);
}

static void setup_make_tls(struct setup *s, const struct setup *previous,
			   struct conf_faults *faults)
{
	const struct conf_global *g = &s->conf->global;
	struct tls_context_options options = {
		.key_file = g->client_tls_key_file,
		.cert_file = g->client_tls_cert_file,
		.ca_file = g->client_tls_ca_file,
		.crl_file = g->client_tls_crl_file,
		.ciphers = g->client_tls_ciphers,
		.suites = g->client_tls13_ciphers,
		.offloads = g->tls_offload,
		.versions = protocols_parse(slice_of(g->client_tls_protocols)),
		.curves = g->client_tls_ecdhcurve,
		.dheparams = g->client_tls_dheparams,
		.demands_cert = g->client_tls_sslmode >= CONF_CLIENT_TLS_VERIFY_CA,
	};
	struct err err;
	if (g->client_tls_sslmode == CONF_CLIENT_TLS_DISABLE)
		return;
	s->tls = tls_context_new(&options, previous ? previous->tls : NULL, &err);
	if (!s->tls)
		faults_add(faults, s->conf->path, 0, "%s", err.text);
}

static void setup_make_fronts(struct setup *s, struct conf_faults *faults)
{
	const struct conf_list *list = &s->conf->global.proxy_protocol_from;
	for (size_t i = 0; i < list->count; i++)
		if (!netset_add(&s->fronts, slice_of(list->items[i])))
			faults_add(faults, s->conf->path, 0,
				   "proxy_protocol_from: \"%s\" is not an address, ADDRESS/BITS or "
				   "unix",
				   list->items[i]);
}

/* What was read, for who wonders which rule is which. */
static struct hba *setup_load_hba(const char *path, struct conf_faults *faults)
{
	struct hba *hba = hba_load(path, setup_report_lines, faults);
	struct buf text = { 0 };
	for (size_t i = 0; hba && i < hba_count(hba); i++) {
		const struct hba_rule *rule = hba_rule_at(hba, i);
		buf_clear(&text);
		hba_describe(rule, &text);
		LOG_DEBUG("%s:%u: rule: %s", rule->file, rule->line, buf_cstr(&text));
	}
	buf_fini(&text);
	return hba;
}

static struct ident *setup_load_ident(const char *path, struct conf_faults *faults)
{
	struct ident *ident = ident_load(path, setup_report_lines, faults);
	struct buf text = { 0 };
	for (size_t i = 0; ident && i < ident_count(ident); i++) {
		buf_clear(&text);
		ident_describe(ident, i, &text);
		LOG_DEBUG("%s: map: %s", path, buf_cstr(&text));
	}
	buf_fini(&text);
	return ident;
}

static struct setup_hba *setup_own_hba(const struct setup *s, const char *path)
{
	for (size_t i = 0; i < s->hba_count; i++)
		if (strcmp(s->hbas[i].path, path) == 0)
			return &s->hbas[i];
	return NULL;
}

/* Files that several databases have are read once. */
static void setup_read_hbas(struct setup *s, struct conf_faults *faults)
{
	for (size_t i = 0; i < s->conf->database_count; i++) {
		struct conf_pool pool;
		conf_resolve(s->conf, &s->conf->databases[i], NULL, &pool);
		if (strcmp(pool.auth_hba_file, s->conf->global.auth_hba_file) == 0 ||
		    !*pool.auth_hba_file || setup_own_hba(s, pool.auth_hba_file))
			continue;
		s->hbas = mem_realloc(s->hbas, (s->hba_count + 1) * sizeof(*s->hbas));
		s->hbas[s->hba_count++] = (struct setup_hba){
			.path = pool.auth_hba_file,
			.hba = setup_load_hba(pool.auth_hba_file, faults),
		};
	}
}

const struct hba *setup_find_hba(const struct setup *setup, const char *path)
{
	if (strcmp(path, setup->conf->global.auth_hba_file) == 0)
		return setup->hba;
	const struct setup_hba *own = setup_own_hba(setup, path);
	return own ? own->hba : NULL;
}

static void setup_read(struct setup_counted *made, const struct setup *previous,
		       struct conf_faults *faults)
{
	struct setup *s = &made->setup;
	const struct conf_global *g = &s->conf->global;
	struct setup_reading reading = { .path = g->auth_file, .faults = faults };
	struct err err;

	s->users = *g->auth_file ? userlist_load(g->auth_file, previous ? previous->users : NULL,
						 setup_report, &reading)
				 : userlist_new();
	s->like_iterations = s->users ? userlist_usual_iterations(s->users) : 0;
	s->like_scram = s->users && userlist_is_mostly_scram(s->users);
	if (*g->auth_hba_file)
		s->hba = setup_load_hba(g->auth_hba_file, faults);
	if (*g->auth_ident_file)
		s->ident = setup_load_ident(g->auth_ident_file, faults);
	ldapopts_init(&s->ldap);
	if (*g->auth_ldap_options &&
	    (!ldapopts_parse(&s->ldap, slice_of(g->auth_ldap_options), &made->mem, &err) ||
	     !ldapopts_check(&s->ldap, &err)))
		faults_add(faults, s->conf->path, 0, "auth_ldap_options: %s", err.text);
}

/* ---- what does not go together -----------------------------------------------------------------
 */

/* `where` and the line: what wants the judge. */
static void setup_check_judge(enum judge_kind kind, const char *file, int line, const char *where,
			      struct conf_faults *faults)
{
	if (!judge_has(kind))
		faults_add(faults, file, line, "%s: this build of pgweir has no %s", where,
			   judge_kind_name(kind));
}

static void setup_check_type(const struct setup *s, enum conf_auth_type type, const char *hba_file,
			     struct conf_faults *faults)
{
	const struct conf *conf = s->conf;
	switch (type) {
	case CONF_AUTH_TYPE_HBA:
		if (!*hba_file)
			faults_add(faults, conf->path, 0, "auth_type = hba needs auth_hba_file");
		break;
	case CONF_AUTH_TYPE_LDAP:
		setup_check_judge(JUDGE_LDAP, conf->path, 0, "auth_type = ldap", faults);
		if (!*conf->global.auth_ldap_options)
			faults_add(faults, conf->path, 0,
				   "auth_type = ldap needs auth_ldap_options");
		break;
	case CONF_AUTH_TYPE_PAM:
		setup_check_judge(JUDGE_PAM, conf->path, 0, "auth_type = pam", faults);
		break;
	case CONF_AUTH_TYPE_TRUST:
	case CONF_AUTH_TYPE_ANY:
	case CONF_AUTH_TYPE_PLAIN:
	case CONF_AUTH_TYPE_MD5:
	case CONF_AUTH_TYPE_SCRAM:
	case CONF_AUTH_TYPE_CERT:
	case CONF_AUTH_TYPE_PEER:
	case CONF_AUTH_TYPE_PASS:
		break;
	}
}

static void setup_check_rules(const struct setup *s, const struct hba *hba,
			      struct conf_faults *faults)
{
	for (size_t i = 0; hba && i < hba_count(hba); i++) {
		const struct hba_rule *rule = hba_rule_at(hba, i);
		if (rule->method == HBA_METHOD_PAM)
			setup_check_judge(JUDGE_PAM, rule->file, (int)rule->line, "pam", faults);
		if (rule->method == HBA_METHOD_LDAP)
			setup_check_judge(JUDGE_LDAP, rule->file, (int)rule->line, "ldap", faults);
		if (*rule->map && !ident_has_map(s->ident, rule->map))
			faults_add(faults, rule->file, (int)rule->line,
				   "there is no map \"%s\" in auth_ident_file", rule->map);
	}
}

static void setup_check(const struct setup *s, struct conf_faults *faults)
{
	enum conf_auth_type global = s->conf->global.auth_type;
	const char *hba_file = s->conf->global.auth_hba_file;
	setup_check_type(s, global, hba_file, faults);
	for (size_t i = 0; i < s->conf->database_count; i++) {
		struct conf_pool pool;
		conf_resolve(s->conf, &s->conf->databases[i], NULL, &pool);
		if (pool.auth_type != global)
			setup_check_type(s, pool.auth_type, pool.auth_hba_file, faults);
	}
	setup_check_rules(s, s->hba, faults);
	for (size_t i = 0; i < s->hba_count; i++)
		setup_check_rules(s, s->hbas[i].hba, faults);
}

/* ---- the snapshot
 * -------------------------------------------------------------------------------- */

struct setup *setup_new(struct conf *conf, const struct setup *previous, struct conf_faults *faults)
{
	struct setup_counted *made = mem_zalloc(sizeof(*made));
	size_t before = faults->count;
	atomic_init(&made->refs, 1);
	made->setup.conf = conf;
	made->setup.number = previous ? previous->number + 1 : 0;
	setup_read(made, previous, faults);
	setup_read_hbas(&made->setup, faults);
	setup_make_tls(&made->setup, previous, faults);
	setup_make_fronts(&made->setup, faults);
	setup_check(&made->setup, faults);
	if (made->setup.users && faults->count == before)
		return &made->setup;
	setup_unref(&made->setup);
	return NULL;
}

struct setup *setup_ref(struct setup *setup)
{
	atomic_fetch_add(&CONTAINER_OF(setup, struct setup_counted, setup)->refs, 1);
	return setup;
}

void setup_unref(struct setup *setup)
{
	if (!setup)
		return;
	struct setup_counted *made = CONTAINER_OF(setup, struct setup_counted, setup);
	if (atomic_fetch_sub(&made->refs, 1) > 1)
		return;
	userlist_unref(setup->users);
	netset_fini(&setup->fronts);
	hba_unref(setup->hba);
	for (size_t i = 0; i < setup->hba_count; i++)
		hba_unref(setup->hbas[i].hba);
	free(setup->hbas);
	ident_unref(setup->ident);
	tls_context_unref(setup->tls);
	confmem_fini(&made->mem);
	conf_unref(setup->conf);
	free(made);
}

bool setup_is_console(struct slice database)
{
	return slice_eq_str(database, SETUP_CONSOLE_NAME) ||
	       slice_eq_str(database, SETUP_CONSOLE_ALIAS);
}

struct slice setup_console_alias(struct slice database)
{
	if (!setup_is_console(database))
		return SLICE_NONE;
	return slice_eq_str(database, SETUP_CONSOLE_NAME) ? SLICE(SETUP_CONSOLE_ALIAS)
							  : SLICE(SETUP_CONSOLE_NAME);
}
