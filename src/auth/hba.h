/*
 * hba.h - who may come in from where, and how they prove it: auth_hba_file.
 *
 * The file is pg_hba.conf's own, read as PostgreSQL 16 reads it: the first line that fits a
 * connection in type, address, database and user decides; where none fits, the client is refused.
 * What cannot hold here (roles, host names, gss, ...) is a fault with its line, and a file with a
 * fault is refused whole.
 *
 * Immutable, counted by reference. Its strings live as long as the caller's reference, are
 * never NULL ("" is: not set), and are wiped with the last one (ldapbindpasswd).
 *
 * Thread: any; hba_load reads files.
 */
#ifndef AUTH_HBA_H
#define AUTH_HBA_H

#include <stdbool.h>
#include <stddef.h>

#include "auth/authlines.h"
#include "auth/ldapopts.h"
#include "base/buf.h"
#include "base/bug.h"
#include "base/slice.h"
#include "net/addr.h"

/* clang-format off */
#define HBA_TYPES(X) \
	X(LOCAL,        "local") \
	X(HOST,         "host") \
	X(HOSTSSL,      "hostssl") \
	X(HOSTNOSSL,    "hostnossl") \
	X(HOSTGSSENC,   "hostgssenc")   /* fits nobody: GSS encryption is not offered */ \
	X(HOSTNOGSSENC, "hostnogssenc") /* as host */

#define HBA_METHODS(X) \
	X(TRUST,    "trust") \
	X(REJECT,   "reject") \
	X(PASSWORD, "password") /* "plain" too */ \
	X(MD5,      "md5") \
	X(SCRAM,    "scram-sha-256") \
	X(CERT,     "cert") \
	X(PEER,     "peer")     /* "ident" of a local line too */ \
	X(PAM,      "pam") \
	X(LDAP,     "ldap") \
	X(PASS,     "pass")     /* ours: the server is asked */
/* clang-format on */

enum hba_type {
#define X(id, name) HBA_TYPE_##id,
	HBA_TYPES(X)
#undef X
};

enum hba_method {
#define X(id, name) HBA_METHOD_##id,
	HBA_METHODS(X)
#undef X
};

/* What is asked of a client's certificate; cert alone says HBA_CLIENTCERT_FULL. */
enum hba_clientcert {
	HBA_CLIENTCERT_NONE,
	HBA_CLIENTCERT_CA,   /* a certificate that the CA has signed */
	HBA_CLIENTCERT_FULL, /* and whose name is the user's, by the map */
};

struct hba_rule {
	enum hba_type type;
	enum hba_method method;
	enum hba_clientcert clientcert;
	bool clientname_is_dn;   /* the certificate's whole name counts, not its CN */
	const char *map;         /* of the ident file; of peer and cert */
	const char *pam_service; /* "": the default */
	bool pam_use_hostname;
	struct ldapopts ldap; /* of ldap alone */
	const char *file;
	unsigned line;
	const struct hba_scope *scope; /* whom it fits: hba.c's business */
};

/* Who asks. */
struct hba_query {
	struct addr addr; /* ADDR_UNIX: local */
	bool is_tls;
	bool is_replication; /* physical: fits "replication" and nothing else */
	struct slice database;
	struct slice alias; /* another name of the same database; empty: it has none */
	struct slice user;
};

struct hba;

/* NULL where there was any fault; all of them are reported. */
struct hba *hba_load(const char *path, authlines_report_fn report, void *arg) MUST_CHECK;
/* The same from memory: `name` stands for the file, and no other may be named in it. */
struct hba *hba_parse(struct slice text, const char *name, authlines_report_fn report,
		      void *arg) MUST_CHECK;
struct hba *hba_ref(struct hba *h); /* NULL stays NULL */
void hba_unref(struct hba *h);

/* Borrowed from h; NULL: nothing fits, refuse. A rule with `reject` is returned as any other. */
const struct hba_rule *hba_match(const struct hba *h, const struct hba_query *q);

/*
 * What the client is told (SQLSTATE 28000) where hba_match said NULL, or `reject`:
 *	no pg_hba.conf entry for host "10.0.0.1", user "u", database "d", no encryption
 */
void hba_refusal(const struct hba_rule *rule, const struct hba_query *q, struct buf *out);

size_t hba_count(const struct hba *h);
const struct hba_rule *hba_rule_at(const struct hba *h, size_t i); /* in the order of the file */

/* The rule as one line, in the file's own syntax: for a look at what was read, without secrets. */
void hba_describe(const struct hba_rule *rule, struct buf *out);

const char *hba_type_name(enum hba_type type);
const char *hba_method_name(enum hba_method method);

#endif
