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

struct paramset;
struct paramset_table;

struct paramset_table *paramset_table_new(void);
void paramset_table_free(struct paramset_table *table); /* every set must be gone */

/* A new reference to the set without members. */
struct paramset *paramset_empty(struct paramset_table *table);

struct paramset *paramset_ref(struct paramset *set);
void paramset_unref(struct paramset *set); /* NULL is fine */

/* New references to what `set` would be with that change. */
struct paramset *paramset_with(struct paramset *set, struct slice name, struct slice value);
struct paramset *paramset_without(struct paramset *set, struct slice name);

/* Replaces the reference in *slot, giving the old one up. */
void paramset_replace(struct paramset **slot, struct paramset *taken);

size_t paramset_count(const struct paramset *set);
const char *paramset_name(const struct paramset *set, size_t i);
const char *paramset_value(const struct paramset *set, size_t i);
const char *paramset_get(const struct paramset *set, struct slice name); /* NULL: no such */

/* May it be written into a SET command? Letters, digits, '_', '$', dots between parts. */
bool paramset_name_is_valid(struct slice name);

/*
 * Appends the SQL that makes a session that has `have` one that has `want`: one string of
 * RESET and SET commands, "" when nothing differs. Values are quoted so that they mean the
 * same whatever standard_conforming_strings is.
 */
void paramset_build_change(const struct paramset *have, const struct paramset *want,
			   struct buf *sql);

#endif
