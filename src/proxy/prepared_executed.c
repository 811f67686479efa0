/*
 * prepared_executed.c - a name, and what it led to.
 */
#include "proxy/prepared_executed.h"

#include <stdlib.h>

#include "base/mem.h"
#include "proxy/stmt.h"

struct prepared_executed *prepared_executed_new(struct slice name, struct stmt *stmt)
{
	struct prepared_executed *e = mem_zalloc(sizeof(*e));
	e->refs = 1;
	e->name = slice_dup(name);
	e->stmt = stmt ? stmt_ref(stmt) : NULL;
	return e;
}

struct prepared_executed *prepared_executed_ref(struct prepared_executed *e)
{
	if (e)
		e->refs++;
	return e;
}

void prepared_executed_unref(struct prepared_executed *e)
{
	if (!e || --e->refs > 0)
		return;
	stmt_unref(e->stmt);
	free(e->name);
	free(e);
}
