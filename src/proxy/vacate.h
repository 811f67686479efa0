/*
 * vacate.h - a database that nobody may be connected to while a client's command runs: it is
 * dropped, renamed, moved, or copied (sql/vacant.h).
 *
 * To PostgreSQL a server that idles in a pool is somebody who uses the database. It looks for five
 * seconds whether all leave before it refuses. So where such a command is not done at once, the
 * idle servers of every pool that leads there, in every worker, are closed, and those in use when
 * they come back. A pool leads there if its host and port are written as those of the client's pool
 * are (proxy/site.h).
 *
 * Who may not do it has been refused by then, unless he has sent it behind something that takes a
 * while; and it is done once a second at most for a database, so that nobody can keep others from
 * their servers by such commands.
 *
 * Owner of what is pending: the worker of the client. Thread: worker.
 */
#ifndef PROXY_VACATE_H
#define PROXY_VACATE_H

#include "base/slice.h"

struct client;
struct worker;

/* The client's server is about to get such a command. */
void vacate_mind(const struct client *c, struct slice dbname);

/* Before the worker's loop goes. */
void vacate_stop_all(struct worker *w);

#endif
