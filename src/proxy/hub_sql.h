/*
 * hub_sql.h - commands that make a server listen, or no longer.
 *
 * Thread: any; hub_sql_add_all: the hub's owner.
 */
#ifndef PROXY_HUB_SQL_H
#define PROXY_HUB_SQL_H

#include "base/slice.h"

struct buf;
struct hub;

/* Adds `word "name";` */
void hub_sql_add(struct buf *sql, const char *word, struct slice name);

/* Adds what makes a server listen to all that the hub listens to, its markers too. */
void hub_sql_add_all(const struct hub *hub, struct buf *sql);

#endif
