/*
 * stmt.h - what clients have prepared, each text once for all of them.
 *
 * A statement is what a Parse says behind the name: the text and the types of its parameters. It is
 * told apart by its meaning too: the settings that decide what names and literals in it stand for
 * (paramset.h). A client that was
 * told other types than a server infers now has another statement, which names them
 * (prepared_turn.c). Its number is how servers know it (prepared.h), whichever client and whichever
 * worker has brought it there.
 *
 * Immutable, counted by reference. The table is in shards with a lock each; it is looked into
 * where a client names a statement, not where one is run.
 *
 * Owner of the table: the proxy. Thread: any.
 */
#ifndef PROXY_STMT_H
#define PROXY_STMT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define STMT_PREFIX "pgweir_"
#define STMT_NOBODY "pgweir_0" /* numbers begin at one */
#define STMT_NAME_BYTES 32

struct buf;
struct stmt_table;

struct stmt {
	atomic_uint refs;
	struct stmt_table *table; /* not owned */
	uint64_t id;
	char name[STMT_NAME_BYTES]; /* as servers know it */
	size_t name_bytes;
	bool is_open;      /* see stmt_is_open */
	bool is_fetch;     /* see stmt_is_fetch */
	struct slice key;  /* owned: meaning, zero, body */
	struct slice body; /* of the key: of a Parse, behind the name */
};

struct stmt_table *stmt_table_new(void);
void stmt_table_free(struct stmt_table *table); /* every statement must be gone */

/* A new reference to the statement, made where there is none yet. */
struct stmt *stmt_get(struct stmt_table *table, struct slice meaning, struct slice body);
/* The same text and meaning, with such types (shape.h) in place of its own. */
struct stmt *stmt_get_typed(const struct stmt *stmt, struct slice types);
struct slice stmt_meaning(const struct stmt *stmt);
struct stmt *stmt_ref(struct stmt *stmt);
void stmt_unref(struct stmt *stmt); /* NULL is fine */

/* Is it a FETCH, or a MOVE? It gives what its cursor does by then, and is not to be described by
 * us: where there is no such cursor any more PostgreSQL 15 crashes of that, and all sessions with
 * it. */
bool stmt_is_fetch(struct slice body);

/* Does a Parse with that behind the name leave types of parameters to the server? A dollar in a
 * literal may look like one. */
bool stmt_is_open(struct slice body);

/* What is behind the name with the types of its parameters in place of those that it leaves open;
 * SLICE_NONE: as it is. */
void stmt_write_body(struct buf *out, struct slice body, struct slice types);

size_t stmt_count(struct stmt_table *table);

#endif
