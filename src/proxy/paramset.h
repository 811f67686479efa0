/*
 * paramset.h - sets of run-time parameters (application_name, TimeZone, search_path ...),
 * interned.
 *
 * A set says in what a session differs from what the server gave it at login. Clients
 * carry the set that they want and servers the set that they have; since equal sets are
 * one object, "does this server suit this client" is a comparison of two pointers, and
 * ten thousand clients of one application share a few hundred bytes.
 *
 * Names are compared without regard to case, as PostgreSQL does. A set never changes
 * once made.
 *
 * A value is bytes, and what letters they are depends on an encoding as soon as one is beyond
 * ASCII: PostgreSQL takes those of a start-up packet in the database's, and reports values in the
 * client_encoding of that moment. So each value has its encoding with it: "" is the database's.
 *
 * Owner: every holder owns a reference. Thread: any; the table has a lock of its own,
 * taken where a set is made, found or dies, and never on the way of a query whose client
 * and server agree.
 */
#ifndef PROXY_PARAMSET_H
#define PROXY_PARAMSET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"
#include "sql/lexer.h"

struct paramset;
struct paramset_table;

struct paramset_member {
	const char *name, *value; /* the set's */
	const char *encoding;     /* of the value, as PostgreSQL names it; "" the database's */
};

struct paramset_table *paramset_table_new(void);
void paramset_table_free(struct paramset_table *table); /* every set must be gone */

/* A new reference to the set without members. */
struct paramset *paramset_empty(struct paramset_table *table);

struct paramset *paramset_ref(struct paramset *set);
void paramset_unref(struct paramset *set); /* NULL is fine */

/* New references to what `set` would be with that change. A value without more said is in the
 * database's encoding; one that is ASCII alone is the same in each. */
struct paramset *paramset_with(struct paramset *set, struct slice name, struct slice value);
struct paramset *paramset_with_encoded(struct paramset *set, struct slice name, struct slice value,
				       struct slice encoding);
struct paramset *paramset_without(struct paramset *set, struct slice name);

/* A new reference to the set of those of `set` for which `keep` says true. */
typedef bool (*paramset_keep_fn)(struct slice name, const void *arg);
struct paramset *paramset_filtered(struct paramset *set, paramset_keep_fn keep, const void *arg);

/* A new reference to the set of "name\0value\0...", of the same table as `empty`. Of a name that is
 * there several times the last value counts. */
struct paramset *paramset_of_pairs(struct paramset *empty, struct slice pairs);

/* Replaces the reference in *slot, giving the old one up. */
void paramset_replace(struct paramset **slot, struct paramset *taken);

size_t paramset_count(const struct paramset *set);
size_t paramset_bytes(const struct paramset *set); /* of all names and values */
const struct paramset_member *paramset_member(const struct paramset *set, size_t i);
const char *paramset_get(const struct paramset *set, struct slice name); /* NULL: no such */

/* How a session that has these parameters reads the strings of SQL. */
struct lexer_mode paramset_reading(const struct paramset *set);

/* What it says of the settings by which a session reads the text of a statement once, when it
 * prepares it: "name\0value\0...", in the order of their names. As long as the set is there. */
struct slice paramset_meaning(const struct paramset *set);
bool paramset_is_meaning(struct slice name);
const char *paramset_meaning_name(size_t i); /* the i-th of them as the server spells it; or NULL */
/* The value in what paramset_meaning() gives, or NULL. */
const char *paramset_meaning_get(struct slice meaning, const char *name);

/* A walk over what differs, in the order of the names; it starts as all zeros. `had` is NULL
 * where only `want` has the name, `wanted` where only `have` does. */
struct paramset_difference {
	const struct paramset_member *had, *wanted;
	size_t i, j; /* how far it has come */
};
bool paramset_next_difference(const struct paramset *have, const struct paramset *want,
			      struct paramset_difference *d);

bool paramset_is_ascii(struct slice value);

/* May it be written into a SET command? Letters, digits, '_', '$', dots between parts. */
bool paramset_name_is_valid(struct slice name);

/* Is it a setting of a transaction, or one that cannot be read? Nothing to be set again. */
bool paramset_name_is_passing(struct slice name);

#endif
