/*
 * setup.h - what a start or a reload has brought: the configuration, the users and the rules for
 * them, as one snapshot.
 *
 * Immutable, counted by reference. Each worker holds the one it works by and gets a new one
 * by mail; a login that is under way keeps its own to the end.
 *
 * Thread: any.
 */
#ifndef PROXY_SETUP_H
#define PROXY_SETUP_H

#include <stdbool.h>

#include <stdint.h>

#include "auth/hba.h"
#include "auth/ident.h"
#include "auth/ldapopts.h"
#include "auth/userlist.h"
#include "conf/conf.h"
#include "net/netset.h"
#include "net/tls_context.h"

/* Databases that are the console, whatever the configuration says. */
#define SETUP_CONSOLE_NAME "pgweir"
#define SETUP_CONSOLE_ALIAS "pgbouncer"

struct setup_hba {
	const char *path; /* in conf */
	struct hba *hba;  /* a reference */
};

struct setup {
	uint32_t number;   /* counted from the first one; what one has found out is no other's */
	struct conf *conf; /* a reference */
	struct userlist *users; /* a reference; empty where no auth_file is set */
	struct netset fronts;   /* proxy_protocol_from */
	struct hba *hba;        /* a reference; NULL: no auth_hba_file in [pgweir] */
	struct setup_hba *hbas; /* owned; the files that databases have instead */
	size_t hba_count;
	struct ident *ident;      /* a reference; NULL: no auth_ident_file */
	struct ldapopts ldap;     /* auth_ldap_options */
	struct tls_context *tls;  /* a reference; what clients meet; NULL: no TLS */
	uint32_t like_iterations; /* userlist_usual_iterations */
	bool like_scram; /* most of them have SCRAM secrets: so does somebody unknown, it seems */
};

/*
 * Takes over the reference to conf and reads the files that it names; NULL and faults where they
 * cannot be used, or ask for what this build lacks (conf is given back then). `previous` may be
 * NULL.
 */
struct setup *setup_new(struct conf *conf, const struct setup *previous,
			struct conf_faults *faults);
struct setup *setup_ref(struct setup *setup);
void setup_unref(struct setup *setup); /* NULL is fine */

/* The rules of the auth_hba_file of that name, as [pgweir] or a database has it; NULL: none. */
const struct hba *setup_find_hba(const struct setup *setup, const char *path);

bool setup_is_console(struct slice database);
/* The console's other name, for rules that were written for that one; empty: it is no console. */
struct slice setup_console_alias(struct slice database);

#endif
