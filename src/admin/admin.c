/*
 * admin.c - the console: its sessions, and the statistics' periods.
 */
#include <stdlib.h>
#include <unistd.h>

#include "admin/console.h"
#include "admin/desk.h"
#include "admin/inner.h"
#include "admin/request.h"
#include "admin/session.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/loop.h"
#include "net/tls.h"
#include "proxy/proxy.h"

/* A question to the workers at the end of a period; freed by its answer. */
struct admin_question {
	struct admin *admin; /* NULL: the console has ended */
};

static const struct conf_global *admin_conf(const struct admin *admin)
{
	return &admin->options.setup(admin->options.owner)->conf->global;
}

/* ---- periods -------------------------------------------------------------------------------- */

static void admin_end_period(struct admin *admin, const struct report *reports, size_t count,
			     usec_t now)
{
	struct show_stats *rows, total;
	size_t n = averages_sum(reports, count, &rows);
	averages_turn(admin->averages, rows, n, now);
	if (admin_conf(admin)->log_stats) {
		struct buf line = { .data = NULL };
		averages_total(admin->averages, rows, n, &total);
		averages_line(&total.average, &line);
		LOG_INFO("%s", buf_cstr(&line));
		buf_fini(&line);
	}
	free(rows);
	loop_set_timer(admin->options.loop, &admin->period,
		       now + admin_conf(admin)->stats_period_us);
}

static void admin_on_pools(void *arg, const struct report *reports, size_t count, usec_t now)
{
	struct admin_question *question = arg;
	if (question->admin) {
		question->admin->question = NULL;
		admin_end_period(question->admin, reports, count, now);
	}
	free(question);
}

static void admin_on_period(struct timer *t, usec_t now)
{
	struct admin *admin = CONTAINER_OF(t, struct admin, period);
	(void)now;
	admin->question = mem_zalloc(sizeof(*admin->question));
	admin->question->admin = admin;
	proxy_report(admin->options.proxy, REPORT_POOLS, admin_on_pools, admin->question);
}

/* ---- what only the proxy knows -------------------------------------------------------------- */

static bool admin_is_paused(void *arg, const char *database)
{
	return proxy_is_paused(arg, database);
}

static bool admin_is_disabled(void *arg, const char *database)
{
	return proxy_is_disabled(arg, database);
}

static int admin_database_servers(void *arg, const char *database)
{
	return proxy_database_servers(arg, database);
}

static int admin_database_clients(void *arg, const char *database)
{
	return proxy_database_clients(arg, database);
}

static int admin_user_servers(void *arg, const char *user)
{
	return proxy_user_servers(arg, user);
}

static int admin_user_clients(void *arg, const char *user)
{
	return proxy_user_clients(arg, user);
}

/* ---- the console ---------------------------------------------------------------------------- */

struct admin *admin_new(const struct admin_options *options, struct err *err)
{
	struct admin *admin = mem_zalloc(sizeof(*admin));
	usec_t now = loop_now(options->loop);
	(void)err;
	admin->options = *options;
	admin->live = (struct show_live){ .is_paused = admin_is_paused,
					  .is_disabled = admin_is_disabled,
					  .database_servers = admin_database_servers,
					  .database_clients = admin_database_clients,
					  .user_servers = admin_user_servers,
					  .user_clients = admin_user_clients,
					  .arg = options->proxy };
	list_init(&admin->sessions);
	list_init(&admin->closed);
	list_init(&admin->requests);
	map_init(&admin->reconnects);
	admin->averages = averages_new(now);
	wheel_init_timer(&admin->period, admin_on_period);
	loop_set_timer(options->loop, &admin->period, now + admin_conf(admin)->stats_period_us);
	return admin;
}

static void admin_free_sessions(struct list *sessions)
{
	struct session *s;
	while ((s = LIST_FIRST(sessions, struct session, link)))
		session_free(s);
}

void admin_free(struct admin *admin)
{
	struct slice database;
	void *at_wall;
	admin_free_sessions(&admin->sessions);
	admin_free_sessions(&admin->closed);
	LIST_EACH (node, tmp, &admin->requests)
		desk_give_up(LIST_ENTRY(node, struct request, link), loop_now(admin->options.loop));
	if (admin->question)
		admin->question->admin = NULL;
	for (size_t at = 0; map_next(&admin->reconnects, &at, &database, &at_wall);)
		free(at_wall);
	map_fini(&admin->reconnects);
	loop_clear_timer(&admin->period);
	averages_free(admin->averages);
	free(admin);
}

void admin_adopt(struct admin *admin, struct proxy_console *console, usec_t now)
{
	if (!admin) {
		tls_free(console->ssl);
		close(console->fd);
		free(console->user);
		buf_fini(&console->pending);
		free(console);
		return;
	}
	admin->stats.client_logins++;
	session_start(admin, console, now);
}

size_t admin_count(const struct admin *admin)
{
	return admin->session_count;
}
