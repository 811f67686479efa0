/*
 * route.c - the pool as all workers see it: its key, its greeting, and what logs in.
 */
#include "proxy/route.h"

#include <stdlib.h>
#include <string.h>

#include "auth/secret.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/vault.h"
#include "proxy/numbers.h"
#include "proxy/registry.h"
#include "wire/reader.h"

void route_build_key(struct buf *key, struct slice database, struct slice user,
		     struct slice startup)
{
	buf_add_slice(key, database);
	buf_u8(key, 0);
	buf_add_slice(key, user);
	buf_u8(key, 0);
	buf_add_slice(key, startup);
	buf_u8(key, 0);
}

struct route *route_new(struct slice key, struct registry *registry, unsigned workers,
			const struct pool_limits *limits)
{
	struct reader fields;
	reader_init(&fields, key);
	struct slice database = reader_cstr(&fields);
	struct slice user = reader_cstr(&fields);
	struct slice startup = reader_rest(&fields);
	BUG_ON(reader_failed(&fields) || startup.len == 0);

	/* the shared part is aligned to cache lines */
	struct route *route = aligned_alloc(POOL_CAP_LINE_BYTES, sizeof(*route));
	BUG_ON(!route);
	memset(route, 0, sizeof(*route));
	atomic_init(&route->refs, 1);
	atomic_init(&route->trials, NUMBERS_TRIAL);
	route->key = slice_make(slice_dup(key), key.len);
	route->database = slice_dup(database);
	route->user = slice_dup(user);
	route->startup = slice_dup(startup);
	route->is_replication = strcmp(route->startup, "replication") == 0;
	route->registry = registry;
	route->database_entry = registry_database(registry, database);
	route->user_entry = registry_user(registry, user);
	pool_shared_init(&route->shared, workers, limits, &route->database_entry->servers,
			 &route->user_entry->servers);
	pthread_mutex_init(&route->lock, NULL);
	return route;
}

struct route *route_ref(struct route *route)
{
	atomic_fetch_add(&route->refs, 1);
	return route;
}

static void route_wipe_password(struct route *route)
{
	vault_free(route->password);
	route->password = NULL;
}

void route_unref(struct route *route)
{
	if (!route || atomic_fetch_sub(&route->refs, 1) > 1)
		return;
	pool_shared_fini(&route->shared);
	registry_release(route->registry, route->database_entry);
	registry_release(route->registry, route->user_entry);
	route_welcome_unref(route->welcome);
	route_wipe_password(route);
	secret_unref(route->secret);
	vault_free(route->keys);
	pthread_mutex_destroy(&route->lock);
	free((char *)route->key.ptr);
	free(route->database);
	free(route->user);
	free(route->startup);
	free(route);
}

/* ---- the greeting ---------------------------------------------------------------- */

struct route_welcome *route_welcome_get(struct route *route)
{
	pthread_mutex_lock(&route->lock);
	struct route_welcome *welcome = route->welcome;
	if (welcome)
		atomic_fetch_add(&welcome->refs, 1);
	pthread_mutex_unlock(&route->lock);
	return welcome;
}

void route_welcome_unref(struct route_welcome *welcome)
{
	if (!welcome || atomic_fetch_sub(&welcome->refs, 1) > 1)
		return;
	for (size_t i = 0; i < welcome->count; i++) {
		free(welcome->params[i].name);
		free(welcome->params[i].value);
	}
	free(welcome->params);
	free(welcome);
}

/* Most logins find what the one before them found: then nothing is made anew. */
static bool route_welcome_is(const struct route_welcome *welcome, const struct connector_link *link,
			     uint32_t era)
{
	if (!welcome)
		return false;
	if ((int32_t)(welcome->era - era) > 0)
		return true; /* it is of a server that came later */
	if (welcome->era != era || welcome->count != link->param_count)
		return false;
	for (size_t i = 0; i < welcome->count; i++)
		if (strcmp(welcome->params[i].name, link->params[i].name) != 0 ||
		    strcmp(welcome->params[i].value, link->params[i].value) != 0)
			return false;
	return true;
}

void route_welcome_set(struct route *route, const struct connector_link *link, uint32_t era)
{
	struct route_welcome *old = NULL;

	pthread_mutex_lock(&route->lock);
	if (!route_welcome_is(route->welcome, link, era)) {
		struct route_welcome *welcome = mem_zalloc(sizeof(*welcome));
		atomic_init(&welcome->refs, 1);
		welcome->era = era;
		welcome->count = link->param_count;
		welcome->server_version = link->server_version;
		welcome->params = mem_zalloc(welcome->count * sizeof(*welcome->params));
		for (size_t i = 0; i < welcome->count; i++) {
			welcome->params[i].name = mem_strdup(link->params[i].name);
			welcome->params[i].value = mem_strdup(link->params[i].value);
		}
		old = route->welcome;
		route->welcome = welcome;
	}
	pthread_mutex_unlock(&route->lock);
	route_welcome_unref(old);
}

uint64_t route_set_target(struct route *route, struct slice target)
{
	uint64_t hash = map_hash(target) | 1;
	pthread_mutex_lock(&route->lock);
	route->target = hash;
	pthread_mutex_unlock(&route->lock);
	return hash;
}

uint64_t route_target(struct route *route)
{
	pthread_mutex_lock(&route->lock);
	uint64_t target = route->target;
	pthread_mutex_unlock(&route->lock);
	return target;
}

/* ---- the last login's fault ----------------------------------------------------------- */

void route_fault_set(struct route *route, const struct connector_fault *fault)
{
	pthread_mutex_lock(&route->lock);
	route->fault = *fault;
	pthread_mutex_unlock(&route->lock);
}

struct connector_fault route_fault_get(struct route *route)
{
	pthread_mutex_lock(&route->lock);
	struct connector_fault fault = route->fault;
	pthread_mutex_unlock(&route->lock);
	return fault;
}

/* ---- what logs in ---------------------------------------------------------------------- */

void route_keys_set(struct route *route, const struct scram_keys *keys)
{
	pthread_mutex_lock(&route->lock);
	if (!route->keys)
		route->keys = vault_alloc(sizeof(*route->keys));
	*route->keys = *keys;
	pthread_mutex_unlock(&route->lock);
}

void route_password_take(struct route *route, char *password)
{
	pthread_mutex_lock(&route->lock);
	route_wipe_password(route);
	route->password = password;
	pthread_mutex_unlock(&route->lock);
}

void route_secret_set(struct route *route, struct secret *secret)
{
	pthread_mutex_lock(&route->lock);
	struct secret *old = route->secret;
	route->secret = secret_ref(secret);
	pthread_mutex_unlock(&route->lock);
	secret_unref(old);
}

/* A secret is immutable: its text needs no copy to be read. */
static const char *route_plain_password(const struct route *route)
{
	if (route->password)
		return route->password;
	return route->secret && secret_kind(route->secret) == SECRET_PLAIN
		       ? secret_text(route->secret).ptr
		       : NULL;
}

void route_give_secret(struct route *route, struct connector *connector)
{
	pthread_mutex_lock(&route->lock);
	const char *password = route_plain_password(route);
	if (password)
		connector_set(connector, "password", password);
	if (!password && route->secret && secret_kind(route->secret) == SECRET_MD5)
		connector_set_md5(connector, secret_md5_hex(route->secret).ptr);
	if (!password && route->keys)
		connector_set_keys(connector, route->keys->client_key, route->keys->server_key);
	pthread_mutex_unlock(&route->lock);
}
