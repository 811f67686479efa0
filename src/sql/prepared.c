/*
 * prepared.c - names to statements.
 */
#include "sql/prepared.h"

void prepared_init(struct prepared *p, struct stmtpool *pool, size_t max_count)
{
	*p = (struct prepared){ .pool = pool, .max_count = max_count };
	map_init(&p->named);
}

void prepared_fini(struct prepared *p)
{
	prepared_drop_named(p);
	prepared_drop_unnamed(p);
	map_fini(&p->named);
}

enum prepared_put prepared_put(struct prepared *p, struct slice name, struct stmt *stmt)
{
	if (name.len == 0) {
		prepared_drop_unnamed(p);
		p->unnamed = stmt;
		return PREPARED_PUT;
	}
	if (map_get(&p->named, name))
		return PREPARED_EXISTS;
	if (p->max_count > 0 && map_count(&p->named) >= p->max_count)
		return PREPARED_FULL;
	map_put(&p->named, name, stmt);
	return PREPARED_PUT;
}

struct stmt *prepared_get(const struct prepared *p, struct slice name)
{
	return name.len == 0 ? p->unnamed : map_get(&p->named, name);
}

bool prepared_drop(struct prepared *p, struct slice name)
{
	if (name.len == 0) {
		bool had = p->unnamed != NULL;
		prepared_drop_unnamed(p);
		return had;
	}
	struct stmt *stmt = map_remove(&p->named, name);
	if (stmt)
		stmtpool_give(p->pool, stmt);
	return stmt != NULL;
}

void prepared_drop_named(struct prepared *p)
{
	struct slice name;
	void *stmt;
	for (size_t at = 0; map_next(&p->named, &at, &name, &stmt);)
		stmtpool_give(p->pool, stmt);
	map_fini(&p->named);
	map_init(&p->named);
}

void prepared_drop_unnamed(struct prepared *p)
{
	if (p->unnamed)
		stmtpool_give(p->pool, p->unnamed);
	p->unnamed = NULL;
}

size_t prepared_count(const struct prepared *p)
{
	return map_count(&p->named);
}
