/*
 * stmt.h - what clients have prepared, each text once for all of them.
 *
 * A statement is what a Parse says behind the name: the text and the types of its parameters. It is
 * told apart by its search_path too, which decides what the names in it mean. Its number is how
 * servers know it (prepared.h), whichever client and whichever worker has brought it there.
 *
 * Immutable, counted by reference. The table is in shards with a lock each; it is looked into
 * where a client names a statement, not where one is run.
 *
 * Owner of the table: the proxy. Thread: any.
 */
#ifndef PROXY_STMT_H
#define PROXY_STMT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define STMT_PREFIX "pgweir_"
#define STMT_NOBODY "pgweir_0" /* numbers begin at one */
#define STMT_NAME_BYTES 32

struct stmt_table;

struct stmt {
	atomic_uint refs;
	struct stmt_table *table; /* not owned */
	uint64_t id;
	char name[STMT_NAME_BYTES]; /* as servers know it */
	size_t name_bytes;
	struct slice key;  /* owned: search_path, zero, body */
	struct slice body; /* of the key: of a Parse, behind the name */
};

struct stmt_table *stmt_table_new(void);
void stmt_table_free(struct stmt_table *table); /* every statement must be gone */

/* A new reference to the statement, made where there is none yet. */
struct stmt *stmt_get(struct stmt_table *table, struct slice search_path, struct slice body);
struct stmt *stmt_ref(struct stmt *stmt);
void stmt_unref(struct stmt *stmt); /* NULL is fine */

size_t stmt_count(struct stmt_table *table);

#endif
