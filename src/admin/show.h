/*
 * show.h - the lines of every SHOW, made from the configuration and what the workers report.
 *
 * Thread: main. Touches nothing but the answer.
 */
#ifndef ADMIN_SHOW_H
#define ADMIN_SHOW_H

#include <stdbool.h>
#include <stddef.h>

#include "admin/answer.h"
#include "admin/averages.h"
#include "conf/conf.h"
#include "proxy/report.h"
#include "proxy/setup.h"

/* What only the proxy knows; `arg` goes first. */
struct show_live {
	bool (*is_paused)(void *arg, const char *database); /* NULL: as a whole */
	bool (*is_disabled)(void *arg, const char *database);
	int (*database_servers)(void *arg, const char *database);
	int (*database_clients)(void *arg, const char *database);
	int (*user_servers)(void *arg, const char *user);
	int (*user_clients)(void *arg, const char *user);
	void *arg;
};

/* All that is borrowed for one SHOW. */
struct show {
	const struct setup *setup;
	const struct show_live *live;
	const struct averages *averages;
	const struct report *reports; /* what the sheet needs of them */
	size_t report_count;
	const struct report_conn *consoles; /* the sessions of the console, as clients */
	size_t console_count;
	const struct stats *console_stats;
};

/* The pool that the console is to itself. */
#define SHOW_CONSOLE_DATABASE "pgbouncer"

void show_fill(const struct show *in, enum sheet_id id, struct answer *out);

/* The pools of all workers, a row for each database, user and options, in that order; *rows is
 * the caller's (free). */
size_t show_pools(const struct report *reports, size_t count, struct report_pool **rows);

/* Is there such a database: one that is named, or one behind "*" that somebody has used? */
bool show_has_database(const struct conf *conf, const struct report *reports, size_t count,
		       const char *name);

#endif
