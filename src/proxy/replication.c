/*
 * replication.c - one server out of all databases' lines, if it is one.
 */
#include "proxy/replication.h"

#include <string.h>

#include "wire/reader.h"

bool replication_is_physical(const struct startparams *p)
{
	struct reader r;
	reader_init(&r, buf_slice(&p->startup));
	struct slice name = reader_cstr(&r), value = reader_cstr(&r);
	return !reader_failed(&r) && slice_eq_str(name, "replication") &&
	       !slice_eq_str(value, "database");
}

/* What decides which server a line leads to. */
static const struct conf_param replication_place[] = {
	{ "host", "" },
	{ "hostaddr", "" },
	{ "port", "5432" },
	{ "target_session_attrs", "any" },
};

static const char *replication_param(const struct conf_database *db, const struct conf_param *of)
{
	for (size_t i = 0; i < db->param_count; i++)
		if (strcmp(db->params[i].key, of->key) == 0 && *db->params[i].value)
			return db->params[i].value;
	return of->value;
}

static bool replication_is_same_server(const struct conf_database *a, const struct conf_database *b)
{
	for (size_t i = 0; i < COUNT_OF(replication_place); i++)
		if (strcmp(replication_param(a, &replication_place[i]),
			   replication_param(b, &replication_place[i])) != 0)
			return false;
	return true;
}

const struct conf_database *replication_choose(const struct conf *conf)
{
	const struct conf_database *chosen = NULL;
	for (size_t i = 0; i < conf->database_count; i++) {
		const struct conf_database *db = &conf->databases[i];
		if (!replication_is_same_server(db, &conf->databases[0]))
			return NULL;
		if (!chosen || (*chosen->user && !*db->user))
			chosen = db;
	}
	return chosen;
}
