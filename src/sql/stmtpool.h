/*
 * stmtpool.h - statements that clients have prepared, each kept once.
 *
 * Two are the same if their text, their parameter types and what their meaning depends on (the
 * caller says: search_path, role, ...) are the same to the byte. A statement lives as long as
 * somebody holds it: a client by a name, a server that has it. Its memory is one block.
 *
 * Owned by whoever made the pool. Thread: the owner's.
 */
#ifndef SQL_STMTPOOL_H
#define SQL_STMTPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/bug.h"
#include "base/slice.h"

#define STMTPOOL_NAME_BYTES 32

struct stmtpool;

/* All but `effects` is read only. */
struct stmt {
	uint64_t id;      /* never used twice in a pool */
	uint64_t effects; /* the caller's to keep; 0 at first */
	struct slice text, types, depends;
	/* the pool's */
	uint64_t hash;
	struct stmt *next;
	size_t refs;
};

/* At most so many bytes of statements. */
struct stmtpool *stmtpool_new(size_t max_bytes);
void stmtpool_free(struct stmtpool *pool); /* nobody may hold a statement any more */

/* The statement, held once more; NULL: it is new and does not fit. `types` are the bytes of the
 * message Parse behind the text: a count and OIDs, in network order. */
struct stmt *stmtpool_take(struct stmtpool *pool, struct slice text, struct slice types,
			   struct slice depends) MUST_CHECK;
struct stmt *stmtpool_ref(struct stmt *stmt); /* held once more */
void stmtpool_give(struct stmtpool *pool, struct stmt *stmt);

/* The name that it has on every server: gives its length. */
size_t stmtpool_name(const struct stmt *stmt, char out[STMTPOOL_NAME_BYTES]);

size_t stmtpool_count(const struct stmtpool *pool);
size_t stmtpool_bytes(const struct stmtpool *pool);

#endif
