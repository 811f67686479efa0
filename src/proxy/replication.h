/*
 * replication.h - where a client goes that asks for physical replication.
 *
 * That is of a server and not of a database: PostgreSQL takes any database's name then, and libpq's
 * programs say "replication" where they are given none. Logical replication is of the database
 * that it names.
 *
 * Owns nothing. Thread: any.
 */
#ifndef PROXY_REPLICATION_H
#define PROXY_REPLICATION_H

#include <stdbool.h>

#include "conf/conf.h"
#include "proxy/startparams.h"

#define REPLICATION_HINT                                                                           \
	"Add a line to [databases] that says which server is to be replicated: "                   \
	"replication = host=..."

bool replication_is_physical(const struct startparams *p);

/* Whose line leads to the server: the first that logs in as the client's own user, else the first.
 * NULL where there is no line, or where they do not all lead to one server. */
const struct conf_database *replication_choose(const struct conf *conf);

#endif
