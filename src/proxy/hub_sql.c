/*
 * hub_sql.c - see hub_sql.h.
 */
#include "proxy/hub_sql.h"

#include "base/buf.h"
#include "proxy/hub.h"

void hub_sql_add(struct buf *sql, const char *word, struct slice name)
{
	buf_addf(sql, "%s \"", word);
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] == '"')
			buf_u8(sql, '"');
		buf_u8(sql, (uint8_t)name.ptr[i]);
	}
	buf_add_str(sql, "\";");
}

void hub_sql_add_all(const struct hub *hub, struct buf *sql)
{
	struct slice name;
	void *channel;
	for (size_t at = 0; map_next(&hub->channels, &at, &name, &channel);)
		hub_sql_add(sql, "LISTEN", name);
	hub_sql_add(sql, "LISTEN", slice_of(hub->marker));
}
