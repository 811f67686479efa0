/*
 * prepared_executed.h - what a prepared EXECUTE has found by its name.
 *
 * What such a statement gives PostgreSQL settles when it is prepared, by what the name leads to
 * then; later it executes what the name leads to by that time. So for a copy on another server the
 * name leads once more to what it led to then (prepared_turn.c).
 *
 * Immutable, counted by reference; of one client. Thread: worker.
 */
#ifndef PROXY_PREPARED_EXECUTED_H
#define PROXY_PREPARED_EXECUTED_H

#include "base/slice.h"

struct stmt;

struct prepared_executed {
	unsigned refs;
	struct stmt *stmt; /* a reference; NULL: none that a Parse had made */
	char *name;        /* owned */
};

struct prepared_executed *prepared_executed_new(struct slice name, struct stmt *stmt);
struct prepared_executed *prepared_executed_ref(struct prepared_executed *e); /* NULL is fine */
void prepared_executed_unref(struct prepared_executed *e);                    /* NULL is fine */

#endif
