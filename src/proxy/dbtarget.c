/*
 * dbtarget.c - from an entry of [databases] to libpq's keywords.
 */
#include "proxy/dbtarget.h"

#include <string.h>

void dbtarget_tell(struct connector *c, const struct conf_database *db, const char *name,
		   struct buf *options)
{
	connector_set(c, "dbname", *db->dbname ? db->dbname : name);
	for (size_t i = 0; i < db->param_count; i++) {
		if (strcmp(db->params[i].key, "options") == 0)
			buf_addf(options, "%s", db->params[i].value);
		else
			connector_set(c, db->params[i].key, db->params[i].value);
	}
}
