/*
 * proxyfake.c - a proxy without workers.
 */
#include "proxyfake.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

struct proxyfake proxyfake;

void proxyfake_reset(void)
{
	proxyfake = (struct proxyfake){ .paused = false };
}

void proxyfake_done(size_t touched, usec_t now)
{
	proxy_done_fn done = proxyfake.done;
	ck_assert_ptr_nonnull(done);
	proxyfake.done = NULL;
	done(proxyfake.done_arg, touched, now);
}

void proxyfake_reports(const struct report *reports, size_t n, usec_t now)
{
	proxy_report_fn report = proxyfake.report;
	ck_assert_ptr_nonnull(report);
	proxyfake.report = NULL;
	report(proxyfake.report_arg, reports, n, now);
}

void proxy_command(struct proxy *proxy, enum proxy_command command, const char *database,
		   uint64_t id, proxy_done_fn done, void *arg)
{
	(void)proxy;
	ck_assert_ptr_null(proxyfake.done);
	proxyfake.command = command;
	snprintf(proxyfake.database, sizeof(proxyfake.database), "%s", database ? database : "*");
	proxyfake.id = id;
	proxyfake.done = done;
	proxyfake.done_arg = arg;
	proxyfake.commands++;
	if (command == PROXY_COMMAND_PAUSE || command == PROXY_COMMAND_KILL)
		proxyfake.paused = true;
	if (command == PROXY_COMMAND_RESUME)
		proxyfake.paused = false;
}

void proxy_report(struct proxy *proxy, unsigned what, proxy_report_fn done, void *arg)
{
	(void)proxy;
	ck_assert_ptr_null(proxyfake.report);
	proxyfake.what = what;
	proxyfake.report = done;
	proxyfake.report_arg = arg;
}

void proxy_disable(struct proxy *proxy, const char *database, bool disabled)
{
	(void)proxy;
	snprintf(proxyfake.disabled, sizeof(proxyfake.disabled), "%s", disabled ? database : "");
}

bool proxy_is_paused(struct proxy *proxy, const char *database)
{
	(void)proxy;
	return proxyfake.paused && (!database || strcmp(database, "other") != 0);
}

bool proxy_is_disabled(struct proxy *proxy, const char *database)
{
	(void)proxy;
	return strcmp(proxyfake.disabled, database) == 0;
}

int proxy_database_servers(struct proxy *proxy, const char *database)
{
	(void)proxy;
	(void)database;
	return 1;
}

int proxy_database_clients(struct proxy *proxy, const char *database)
{
	(void)proxy;
	(void)database;
	return 2;
}

int proxy_user_servers(struct proxy *proxy, const char *user)
{
	(void)proxy;
	(void)user;
	return 3;
}

int proxy_user_clients(struct proxy *proxy, const char *user)
{
	(void)proxy;
	(void)user;
	return 4;
}
