/*
 * prepared.h - the statements that one client has prepared over the protocol, by its names for
 * them.
 *
 * Embedded; all zeros is a valid empty one that holds no memory, but for the pool. Holds its
 * statements. The unnamed statement has the name "".
 *
 * Thread: the owner's.
 */
#ifndef SQL_PREPARED_H
#define SQL_PREPARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bug.h"
#include "base/map.h"
#include "base/slice.h"
#include "sql/stmtpool.h"

struct prepared {
	struct stmtpool *pool; /* not owned */
	struct map named;      /* to struct stmt, one hold each */
	struct stmt *unnamed;  /* one hold, or NULL */
	size_t max_count;      /* of named ones; 0: no bound */
};

enum prepared_put {
	PREPARED_PUT,    /* it is there now */
	PREPARED_EXISTS, /* the server would say 42P05; nothing has changed */
	PREPARED_FULL,   /* it has as many as it may; nothing has changed */
};

void prepared_init(struct prepared *p, struct stmtpool *pool, size_t max_count);
void prepared_fini(struct prepared *p);

/* Parse. Takes the caller's hold if it is PUT, and only then. A new unnamed one replaces the last.
 */
enum prepared_put prepared_put(struct prepared *p, struct slice name, struct stmt *stmt) MUST_CHECK;

struct stmt *prepared_get(const struct prepared *p, struct slice name); /* borrowed, or NULL */

/* Close, DEALLOCATE name, a Parse that the server refused: says whether there was one. */
bool prepared_drop(struct prepared *p, struct slice name);

/* DEALLOCATE ALL, DISCARD ALL: all that have names. */
void prepared_drop_named(struct prepared *p);

/* A simple Query, or a Parse of the unnamed statement that failed: as the server, without it. */
void prepared_drop_unnamed(struct prepared *p);

size_t prepared_count(const struct prepared *p); /* of those with names */

#endif
