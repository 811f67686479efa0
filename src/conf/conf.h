/*
 * conf.h - the configuration: an immutable snapshot, read and checked as a whole.
 *
 * conf_load reads a file and all that it includes and either returns a snapshot or says
 * every fault it found. A snapshot never changes: a reload builds another one. It is
 * reference-counted, and every pointer that is got from it lives as long as the caller's
 * reference. Strings are never NULL: what is not set is "".
 *
 * Durations are in microseconds. Where the manual says that 0 or -1 stands for "never" or
 * "off", the field holds USEC_NEVER, so that usec_after(now, field) is the deadline.
 *
 * Thread: any (the count is atomic).
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/bug.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/usec.h"

/* ---- words -------------------------------------------------------------------- */

#define CONF_POOL_MODE_WORDS(X)                                                                    \
	X(POOL_MODE_AUTO, "auto")                                                                  \
	X(POOL_MODE_SESSION, "session")                                                            \
	X(POOL_MODE_TRANSACTION, "transaction")                                                    \
	X(POOL_MODE_STATEMENT, "statement")

#define CONF_AUTH_TYPE_WORDS(X)                                                                    \
	X(AUTH_TYPE_TRUST, "trust")                                                                \
	X(AUTH_TYPE_ANY, "any")                                                                    \
	X(AUTH_TYPE_PLAIN, "plain")                                                                \
	X(AUTH_TYPE_MD5, "md5")                                                                    \
	X(AUTH_TYPE_SCRAM, "scram-sha-256")                                                        \
	X(AUTH_TYPE_CERT, "cert")                                                                  \
	X(AUTH_TYPE_HBA, "hba")                                                                    \
	X(AUTH_TYPE_LDAP, "ldap")                                                                  \
	X(AUTH_TYPE_PAM, "pam")                                                                    \
	X(AUTH_TYPE_PEER, "peer")                                                                  \
	X(AUTH_TYPE_PASS, "pass")

#define CONF_LOG_FORMAT_WORDS(X)                                                                   \
	X(LOG_FORMAT_TEXT, "text")                                                                 \
	X(LOG_FORMAT_LOGFMT, "logfmt")                                                             \
	X(LOG_FORMAT_JSON, "json")

#define CONF_SERVER_TLS_SSLMODE_WORDS(X)                                                           \
	X(SSLMODE_DISABLE, "disable")                                                              \
	X(SSLMODE_ALLOW, "allow")                                                                  \
	X(SSLMODE_PREFER, "prefer")                                                                \
	X(SSLMODE_REQUIRE, "require")                                                              \
	X(SSLMODE_VERIFY_CA, "verify-ca")                                                          \
	X(SSLMODE_VERIFY_FULL, "verify-full")

#define CONF_CLIENT_TLS_SSLMODE_WORDS(X)                                                           \
	X(CLIENT_TLS_DISABLE, "disable")                                                           \
	X(CLIENT_TLS_ALLOW, "allow")                                                               \
	X(CLIENT_TLS_PREFER, "prefer")                                                             \
	X(CLIENT_TLS_REQUIRE, "require")                                                           \
	X(CLIENT_TLS_VERIFY_CA, "verify-ca")                                                       \
	X(CLIENT_TLS_VERIFY_FULL, "verify-full")

#define CONF_AUTO_PROBE_WORDS(X)                                                                   \
	X(AUTO_PROBE_SUSPICIOUS, "suspicious")                                                     \
	X(AUTO_PROBE_ALWAYS, "always")                                                             \
	X(AUTO_PROBE_NEVER, "never")

#define CONF_LISTEN_WORDS(X)                                                                       \
	X(LISTEN_SHARED, "shared")                                                                 \
	X(LISTEN_KEEP, "keep")

#define CONF_ON_SESSION_STATE_WORDS(X)                                                             \
	X(ON_SESSION_STATE_IGNORE, "ignore")                                                       \
	X(ON_SESSION_STATE_WARN, "warn")                                                           \
	X(ON_SESSION_STATE_ERROR, "error")

#define CONF_SEQUENCE_STATE_WORDS(X)                                                               \
	X(SEQUENCE_STATE_KEEP, "keep")                                                             \
	X(SEQUENCE_STATE_ALWAYS, "always")                                                         \
	X(SEQUENCE_STATE_ERROR, "error")                                                           \
	X(SEQUENCE_STATE_IGNORE, "ignore")

#define CONF_SEED_STATE_WORDS(X)                                                                   \
	X(SEED_STATE_KEEP, "keep")                                                                 \
	X(SEED_STATE_IGNORE, "ignore")

#define CONF_DEFER_BEGIN_WORDS(X)                                                                  \
	X(DEFER_BEGIN_AUTO, "auto")                                                                \
	X(DEFER_BEGIN_ON, "on")                                                                    \
	X(DEFER_BEGIN_OFF, "off")

/* CONF_POOL_MODE_AUTO, CONF_AUTH_TYPE_TRUST, ... */
#define CONF_WORD_(value, word) CONF_##value,
enum conf_pool_mode { CONF_POOL_MODE_WORDS(CONF_WORD_) };
enum conf_auth_type { CONF_AUTH_TYPE_WORDS(CONF_WORD_) };
enum conf_log_format { CONF_LOG_FORMAT_WORDS(CONF_WORD_) };
enum conf_client_tls_sslmode { CONF_CLIENT_TLS_SSLMODE_WORDS(CONF_WORD_) };
enum conf_server_tls_sslmode { CONF_SERVER_TLS_SSLMODE_WORDS(CONF_WORD_) };
enum conf_auto_probe { CONF_AUTO_PROBE_WORDS(CONF_WORD_) };
enum conf_listen { CONF_LISTEN_WORDS(CONF_WORD_) };
enum conf_on_session_state { CONF_ON_SESSION_STATE_WORDS(CONF_WORD_) };
enum conf_defer_begin { CONF_DEFER_BEGIN_WORDS(CONF_WORD_) };
enum conf_sequence_state { CONF_SEQUENCE_STATE_WORDS(CONF_WORD_) };
enum conf_seed_state { CONF_SEED_STATE_WORDS(CONF_WORD_) };
#undef CONF_WORD_

const char *conf_pool_mode_name(enum conf_pool_mode mode);
const char *conf_auth_type_name(enum conf_auth_type type);
const char *conf_sslmode_name(enum conf_server_tls_sslmode mode);

/* ---- fields --------------------------------------------------------------------- */

struct conf_list {
	const char *const *items;
	size_t count;
};

bool conf_list_has(const struct conf_list *list, struct slice item);
bool conf_list_has_nocase(const struct conf_list *list, struct slice item);

#define CONF_FIELD_BOOL(name) bool name;
#define CONF_FIELD_INT(name) int name;
#define CONF_FIELD_MODE(name) int name;
#define CONF_FIELD_DURATION(name) usec_t name##_us;
#define CONF_FIELD_BYTES(name) int64_t name;
#define CONF_FIELD_STRING(name) const char *name;
#define CONF_FIELD_LIST(name) struct conf_list name;
#define CONF_FIELD_ENUM(name) enum conf_##name name;

/* A row has a field when it has an effect (its kind) and applies (its scope). */
#define CONF_KEPT_RELOAD(field) field
#define CONF_KEPT_RESTART(field) field
#define CONF_KEPT_IGNORED(field)
#define CONF_KEPT_REFUSED(field)
#define CONF_GLOBAL_G(field) field
#define CONF_GLOBAL_GD(field) field
#define CONF_GLOBAL_GU(field) field
#define CONF_GLOBAL_GDU(field) field
#define CONF_GLOBAL_D(field)
#define CONF_POOL_G(field)
#define CONF_POOL_GD(field) field
#define CONF_POOL_GU(field) field
#define CONF_POOL_GDU(field) field
#define CONF_POOL_D(field) field

/* What stands in [pgweir]: a field per row of settings.def with G in its scope. */
struct conf_global {
#define GROUP(text)
#define SETTING(name, type, scope, kind, def, pgb, extras, text)                                   \
	CONF_GLOBAL_##scope(CONF_KEPT_##kind(CONF_FIELD_##type(name)))
#include "conf/settings.def"
#undef SETTING
};

/* What holds for one database and one user: a field per row with D or U in its scope. */
struct conf_pool {
#define SETTING(name, type, scope, kind, def, pgb, extras, text)                                   \
	CONF_POOL_##scope(CONF_KEPT_##kind(CONF_FIELD_##type(name)))
#include "conf/settings.def"
#undef SETTING
#undef GROUP
};

/* ---- the snapshot ------------------------------------------------------------------ */

/* A keyword of libpq's and its value. */
struct conf_param {
	const char *key;
	const char *value;
};

struct conf_own; /* what a database or user sets for itself */

struct conf_database {
	const char *name;     /* "*" for the fallback */
	const char *dbname;   /* at the server; "": as the client named it */
	const char *user;     /* the user to log in as; "": as the client is */
	const char *password; /* its password, or "" */
	const char *host;     /* as written: may be a list, a directory, or "" */
	const char *port;     /* as written, or "" */
	/* For libpq, all but dbname, user and password: host, port, sslmode and whatever else was
	 * written, and server_tls_* where the database says nothing of its own. */
	const struct conf_param *params;
	size_t param_count;
	const struct conf_own *own;
};

struct conf_user {
	const char *name;
	const struct conf_own *own;
};

/* A line of SHOW CONFIG. */
struct conf_show_row {
	const char *key;
	const char *value;
	const char *def;
	bool changeable; /* without a restart */
};

/* A fault, or a note: where, and what. `line` is 0 where it is of a file as a whole. */
struct conf_fault {
	char *file;
	int line;
	char *text;
};

struct conf_faults {
	struct conf_fault *items;
	size_t count;
};

void conf_faults_init(struct conf_faults *faults); /* all zeros is as good */
void conf_faults_fini(struct conf_faults *faults);

struct conf_inner;

struct conf {
	struct conf_global global;
	const struct conf_database *databases; /* in the order of the file */
	size_t database_count;
	const struct conf_user *users;
	size_t user_count;
	const struct conf_show_row *show;
	size_t show_count;
	struct conf_faults notes; /* what the operator should know and is no fault */
	const char *path;
	bool is_pgbouncer; /* the section was [pgbouncer]: its defaults */
	struct conf_inner *inner;
};

/* NULL: every fault is in `faults`. The caller owns the reference and the faults. */
struct conf *conf_load(const char *path, struct conf_faults *faults) MUST_CHECK;

/* The same from memory; `name` stands for the file, and %include is a fault. */
struct conf *conf_parse(struct slice text, const char *name, struct conf_faults *faults) MUST_CHECK;

/* A snapshot like this one in which a setting of [pgweir] has another value (the console's
 * SET); NULL: why not is in `err`. */
struct conf *conf_set(const struct conf *conf, struct slice key, struct slice value,
		      struct err *err) MUST_CHECK;

struct conf *conf_ref(struct conf *conf);
void conf_unref(struct conf *conf); /* NULL is fine */

/* The database of that name, else "*", else NULL. */
const struct conf_database *conf_find_database(const struct conf *conf, struct slice name);
const struct conf_user *conf_find_user(const struct conf *conf, struct slice name); /* or NULL */

/* What holds: the user's word before the database's before [pgweir]'s. Either may be NULL. */
void conf_resolve(const struct conf *conf, const struct conf_database *database,
		  const struct conf_user *user, struct conf_pool *out);

/* Adds to `names` those settings that differ and need a restart, with commas; says how many. */
size_t conf_diff_restart(const struct conf *running, const struct conf *wanted, struct buf *names);

#endif
