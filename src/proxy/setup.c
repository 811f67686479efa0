/*
 * setup.c - configuration and users as one snapshot.
 */
#include "proxy/setup.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "conf/faults.h"
#include "conf/protocols.h"

struct setup_counted {
	struct setup setup;
	atomic_uint refs;
};

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

/* False: there are faults. */
static bool setup_make_tls(const struct conf *conf, const struct setup *previous,
			   struct conf_faults *faults, struct tls_context **tls)
{
	const struct conf_global *g = &conf->global;
	struct tls_context_options options = {
		.key_file = g->client_tls_key_file,
		.cert_file = g->client_tls_cert_file,
		.ca_file = g->client_tls_ca_file,
		.crl_file = g->client_tls_crl_file,
		.ciphers = g->client_tls_ciphers,
		.suites = g->client_tls13_ciphers,
		.versions = protocols_parse(slice_of(g->client_tls_protocols)),
		.curves = g->client_tls_ecdhcurve,
		.dheparams = g->client_tls_dheparams,
		.demands_cert = g->client_tls_sslmode >= CONF_CLIENT_TLS_VERIFY_CA,
	};
	struct err err;
	if (g->client_tls_sslmode == CONF_CLIENT_TLS_DISABLE)
		return true;
	*tls = tls_context_new(&options, previous ? previous->tls : NULL, &err);
	if (!*tls)
		faults_add(faults, conf->path, 0, "%s", err.text);
	return *tls != NULL;
}

/* False: there are faults. */
static bool setup_make_fronts(const struct conf *conf, struct conf_faults *faults,
			      struct netset *fronts)
{
	const struct conf_list *list = &conf->global.proxy_protocol_from;
	size_t before = faults->count;
	for (size_t i = 0; i < list->count; i++)
		if (!netset_add(fronts, slice_of(list->items[i])))
			faults_add(faults, conf->path, 0,
				   "proxy_protocol_from: \"%s\" is not an address, ADDRESS/BITS or "
				   "unix",
				   list->items[i]);
	return faults->count == before;
}

struct setup *setup_new(struct conf *conf, const struct setup *previous, struct conf_faults *faults)
{
	struct setup_reading reading = { .path = conf->global.auth_file, .faults = faults };
	struct userlist *users =
		*conf->global.auth_file
			? userlist_load(conf->global.auth_file, previous ? previous->users : NULL,
					setup_report, &reading)
			: userlist_new();
	struct tls_context *tls = NULL;
	struct netset fronts = { .nets = NULL };
	bool ok = setup_make_tls(conf, previous, faults, &tls);
	ok &= setup_make_fronts(conf, faults, &fronts);
	if (!users || !ok) {
		userlist_unref(users);
		netset_fini(&fronts);
		tls_context_unref(tls);
		conf_unref(conf);
		return NULL;
	}
	struct setup_counted *made = mem_zalloc(sizeof(*made));
	atomic_init(&made->refs, 1);
	made->setup.conf = conf;
	made->setup.users = users;
	made->setup.tls = tls;
	made->setup.fronts = fronts;
	made->setup.like_scram = userlist_is_mostly_scram(users);
	return &made->setup;
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
	conf_unref(setup->conf);
	netset_fini(&setup->fronts);
	userlist_unref(setup->users);
	tls_context_unref(setup->tls);
	free(made);
}

bool setup_is_console(struct slice database)
{
	return slice_eq_str(database, SETUP_CONSOLE_NAME) ||
	       slice_eq_str(database, SETUP_CONSOLE_ALIAS);
}
