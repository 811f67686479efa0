/*
 * route.h - where a client's queries go: one database as clients name it, one user at the
 * server, and what can only be said at start-up. It is the pool as all workers see it.
 *
 * The key is "database\0user\0option\0value\0...\0". Servers of one route are alike: any client of
 * it may use any of them, once the parameters fit (proxy/paramset.h).
 *
 * The exact limits live in `shared` (atomics, pool/pool_shared.h). What a lock guards is read and
 * written at logins only.
 *
 * Counted by reference: each worker's part of it holds one, each mail that names its limits, and
 * the registry, which gives its own up with the last of the others (registry_release_route).
 * Thread: any.
 */
#ifndef PROXY_ROUTE_H
#define PROXY_ROUTE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "auth/scram.h"
#include "base/buf.h"
#include "base/slice.h"
#include "pool/pool_shared.h"
#include "proxy/connector.h"

struct registry_entry;
struct site;
struct secret;

/* What a server reported at login, for clients to be greeted with. Immutable, counted. */
struct route_welcome {
	atomic_uint refs;
	size_t count;
	int server_version;
	uint32_t era;                   /* of the server that has reported it */
	struct connector_param *params; /* owned */
};

struct route {
	atomic_uint refs;
	struct slice key;          /* owned */
	char *database;            /* owned; as clients name it */
	char *user;                /* owned; at the server */
	char *startup;             /* owned; "option\0value\0...\0"; empty for nearly all */
	bool is_replication;       /* its servers serve one client and are closed after it */
	struct registry *registry; /* not owned */
	struct registry_entry *database_entry, *user_entry; /* a reference each */
	struct pool_shared shared;
	atomic_bool reads_sequences; /* currval or lastval was seen */
	atomic_int trials; /* left until it is taken for a fact that they are not (numbers.h) */
	/* What sessions begin with (proxy/era.h): one more with each command that changes it;
	 * servers of before `era_floor` are nobody's any more; when it was done last through
	 * pgweir. */
	atomic_uint era, era_floor;
	_Atomic usec_t altered_at;
	_Atomic(const struct site *) site; /* where it leads; not owned, to be compared */
	atomic_int kept; /* servers of it that clients keep (proxy/keep.h), or all (lend.h) */

	pthread_mutex_t lock; /* guards the rest */
	uint64_t
		target; /* a hash of where its servers are, and how they are reached; 0: not said */
	struct route_welcome *welcome; /* NULL until a server has logged in */
	struct connector_fault fault;  /* of the last login, if it failed; kind NONE else */
	struct scram_keys *keys; /* of the last client that logged in with SCRAM; NULL: none */
	char *password;          /* of the last that logged in in plain; both are of the vault */
	struct secret *secret;   /* what auth_query said last; a reference, or NULL */
};

struct registry;

/* The key's text, appended. */
void route_build_key(struct buf *key, struct slice database, struct slice user,
		     struct slice startup);

/* `key` as route_build_key has made it. */
struct route *route_new(struct slice key, struct registry *registry, unsigned workers,
			const struct pool_limits *limits);
struct route *route_ref(struct route *route);
void route_unref(struct route *route); /* the registry's own, or of one that it has not taken */

struct route_welcome *route_welcome_get(struct route *route); /* a reference, or NULL */
void route_welcome_set(struct route *route, const struct connector_link *link, uint32_t era);
void route_welcome_unref(struct route_welcome *welcome);

void route_fault_set(struct route *route, const struct connector_fault *fault);
struct connector_fault route_fault_get(struct route *route);

/* Where its servers are, as text; what was said last is a hash of it, never 0. */
uint64_t route_set_target(struct route *route, struct slice target);
uint64_t route_target(struct route *route);

/* What a client's login has left, for logging in to the server in its name. */
void route_keys_set(struct route *route, const struct scram_keys *keys);
void route_password_take(struct route *route, char *password); /* takes it over, of the vault */
void route_secret_set(struct route *route, struct secret *secret);

/* Gives the connector what is known of the secret: a password first, else an md5 secret and keys.
 */
void route_give_secret(struct route *route, struct connector *connector);

#endif
