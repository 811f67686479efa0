/*
 * show_rows.h - the structs that the lines of sheets are made from, where none of
 * proxy/report.h or conf/conf.h does.
 *
 * Own nothing: pointers are borrowed for as long as the line is being written.
 * Thread: main.
 */
#ifndef ADMIN_SHOW_ROWS_H
#define ADMIN_SHOW_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "proxy/report.h"
#include "proxy/stats.h"

struct show_database {
	const char *name;
	const char *host;
	int port;
	const char *database;
	const char *force_user;
	struct conf_pool pool;
	const char *pool_mode;
	const char *load_balance_hosts;
	int servers, clients;
	bool paused, disabled;
};

struct show_pool {
	struct report_pool row;
	const char *nothing; /* NULL */
	int used;
	int overflow;
};

struct show_stats {
	char database[REPORT_NAME_BYTES];
	struct stats total;
	struct stats average;
};

struct show_user {
	const char *name;
	struct conf_pool pool;
	const char *pool_mode;
	int servers, clients;
};

struct show_worker {
	int worker;
	int clients;
	int logging_in;
	int servers;
	int pools;
	int busy;
	uint64_t moved_in, moved_out;
};

struct show_memory {
	const char *name;
	uint64_t size, used, free, total;
};

#endif
