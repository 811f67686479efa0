/*
 * proxy.c - starting and ending the workers, and main's side of what they are told.
 */
#include "proxy/proxy.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "net/loop.h"
#include "proxy/authquery.h"
#include "proxy/command.h"
#include "proxy/door.h"
#include "proxy/doorkeeper.h"
#include "proxy/helper.h"
#include "proxy/hub_table.h"
#include "proxy/paramset.h"
#include "proxy/registry.h"
#include "proxy/route.h"
#include "proxy/stmt.h"
#include "proxy/worker.h"

#define PROXY_HELPER_QUEUE 100000
#define PROXY_CLERKS 2
#define PROXY_PLACES 4           /* servers that may be waited for by all who may wait for one */
#define PROXY_CANCELS_A_SERVER 4 /* at a time */
#define PROXY_STOP_US (4 * USEC_PER_SEC)
#define PROXY_STOP_POLL_US 2000

struct proxy {
	struct worker_shared shared;
	struct worker *workers[PROXY_MAX_WORKERS]; /* owned */
	struct setup *setup;                       /* a reference; the newest */
};

static const char *const proxy_commands[] = {
#define PROXY_COMMAND_NAME_(command) #command,
	PROXY_COMMANDS(PROXY_COMMAND_NAME_)
#undef PROXY_COMMAND_NAME_
};

const char *proxy_command_name(enum proxy_command command)
{
	return proxy_commands[command];
}

/* ---- start and stop ------------------------------------------------------------------------ */

static unsigned proxy_want_workers(const struct conf *conf)
{
	long n = conf->global.workers;
	if (n <= 0)
		n = sysconf(_SC_NPROCESSORS_ONLN);
	return (unsigned)(n < 1 ? 1 : n > PROXY_MAX_WORKERS ? PROXY_MAX_WORKERS : n);
}

static void proxy_free(struct proxy *proxy)
{
	struct worker_shared *shared = &proxy->shared;
	/* what the workers have sent one another and main at the very end; questions first, so that
	 * their answers are there */
	if (shared->main)
		mailbox_deliver(shared->main, usec_now());
	for (unsigned i = 0; i < shared->worker_count; i++)
		if (proxy->workers[i])
			mailbox_deliver(proxy->workers[i]->box, usec_now());
	for (unsigned i = 0; i < shared->worker_count; i++)
		worker_free(proxy->workers[i]);
	authquery_free(shared->authquery);
	if (shared->main)
		mailbox_free(shared->main);
	registry_free(shared->registry);
	paramset_table_free(shared->params);
	doorkeeper_free(shared->doorkeeper);
	moves_fini(&shared->moves);
	stmt_table_free(shared->stmts);
	hub_table_free(shared->hubs);
	setup_unref(proxy->setup);
	free(proxy);
}

static bool proxy_start_workers(struct proxy *proxy, const struct proxy_options *options,
				struct err *err)
{
	struct worker_shared *shared = &proxy->shared;
	for (unsigned i = 0; i < shared->worker_count; i++) {
		proxy->workers[i] =
			worker_new(shared, i, options->setup, options->tap(options->owner, i), err);
		if (!proxy->workers[i])
			return false;
	}
	if (!door_open(proxy->workers[0], options->listener, err))
		return false;
	for (unsigned i = 0; i < shared->worker_count; i++)
		if (!worker_start(proxy->workers[i], err))
			return false;
	return true;
}

/* For what waits for servers: so many at a time for each. */
static struct helper_crew *proxy_new_crew(int a_server)
{
	struct helper_crew *crew = helper_new_lazy(PROXY_PLACES * a_server, PROXY_HELPER_QUEUE);
	helper_bound_places(crew, a_server);
	return crew;
}

static bool proxy_prepare(struct proxy *proxy, const struct proxy_options *options, struct err *err)
{
	struct worker_shared *shared = &proxy->shared;
	const struct conf *conf = options->setup->conf;

	*shared = (struct worker_shared){ .proxy = proxy,
					  .workers = proxy->workers,
					  .worker_count = proxy_want_workers(conf),
					  .on_console = options->on_console,
					  .on_record = options->on_record,
					  .owner = options->owner };
	shared->registry = registry_new(shared->worker_count);
	shared->params = paramset_table_new();
	shared->doorkeeper = doorkeeper_new();
	moves_init(&shared->moves);
	shared->stmts = stmt_table_new();
	shared->hubs = hub_table_new();
	if (!auth_mock_init(&shared->mock))
		return err_set(err, "the system has no randomness to give");
	shared->main = mailbox_new(options->loop, proxy, err);
	if (!shared->main)
		return false;
	shared->crew = proxy_new_crew(conf->global.connectors);
	shared->cancelers = proxy_new_crew(PROXY_CANCELS_A_SERVER);
	shared->clerks = helper_new(PROXY_CLERKS, PROXY_HELPER_QUEUE, err);
	if (!shared->clerks)
		return false;
	for (int kind = 0; kind < JUDGE_KIND_COUNT; kind++)
		shared->judges[kind] = helper_new_lazy(conf->global.auth_helpers,
						       (size_t)conf->global.auth_max_waiting);
	shared->authquery = authquery_new(options->loop, shared, err);
	return shared->authquery != NULL;
}

struct proxy *proxy_start(const struct proxy_options *options, struct err *err)
{
	struct proxy *proxy = mem_zalloc(sizeof(*proxy));
	proxy->setup = setup_ref(options->setup);
	if (proxy_prepare(proxy, options, err) && proxy_start_workers(proxy, options, err)) {
		worker_mail_setup(proxy->workers[0], options->setup); /* it warms pools up */
		return proxy;
	}
	proxy_stop(proxy);
	return NULL;
}

static bool proxy_have_workers_ended(const struct proxy *proxy)
{
	for (unsigned i = 0; i < proxy->shared.worker_count; i++)
		if (proxy->workers[i] && !worker_has_ended(proxy->workers[i]))
			return false;
	return true;
}

/* False: one is stuck. */
static bool proxy_end_helpers(const struct worker_shared *shared, usec_t until)
{
	bool ended = !shared->crew || helper_end(shared->crew, until);
	ended = (!shared->cancelers || helper_end(shared->cancelers, until)) && ended;
	ended = (!shared->clerks || helper_end(shared->clerks, until)) && ended;
	for (int kind = 0; kind < JUDGE_KIND_COUNT; kind++)
		ended = (!shared->judges[kind] || helper_end(shared->judges[kind], until)) && ended;
	return ended;
}

static void proxy_free_helpers(const struct worker_shared *shared)
{
	bool freed = helper_free(shared->crew, USEC_NEVER);
	freed = helper_free(shared->cancelers, USEC_NEVER) && freed;
	freed = helper_free(shared->clerks, USEC_NEVER) && freed;
	for (int kind = 0; kind < JUDGE_KIND_COUNT; kind++)
		freed = helper_free(shared->judges[kind], USEC_NEVER) && freed;
	if (!freed)
		LOG_ERROR("the helpers have not ended");
}

void proxy_stop(struct proxy *proxy)
{
	struct worker_shared *shared = &proxy->shared;
	atomic_store(&shared->closing, true);
	moves_bar(&shared->moves); /* no client is to come to a worker that has ended */
	for (unsigned i = 0; i < shared->worker_count; i++)
		if (proxy->workers[i] && proxy->workers[i]->started)
			worker_mail_stop(proxy->workers[i]);
	/* the cancels of what is given up now are let through; then nothing is waited for */
	usec_t until = usec_now() + PROXY_STOP_US;
	bool is_stuck = !authquery_stop(shared->authquery, until);
	while (!proxy_have_workers_ended(proxy) && usec_now() < until) {
		if (shared->main) /* logins wait for answers from here */
			mailbox_deliver(shared->main, usec_now());
		usleep(PROXY_STOP_POLL_US);
	}
	if (!proxy_end_helpers(shared, usec_now() + PROXY_STOP_US) || is_stuck) {
		LOG_WARNING("a helper thread does not end: leaving without it");
		log_flush();
		_exit(0);
	}
	for (unsigned i = 0; i < shared->worker_count; i++)
		if (proxy->workers[i])
			worker_join(proxy->workers[i]);
	proxy_free_helpers(shared);
	proxy_free(proxy);
}

/* ---- the console -------------------------------------------------------------------------------
 */

static void proxy_console_arrive(struct mail *mail, void *owner, usec_t now)
{
	struct proxy *proxy = owner;
	struct proxy_console *console = CONTAINER_OF(mail, struct proxy_console, mail);
	proxy->shared.on_console(proxy->shared.owner, console, now);
}

void proxy_hand_console(struct worker_shared *shared, struct proxy_console *console)
{
	console->mail.deliver = proxy_console_arrive;
	mailbox_send(shared->main, &console->mail);
}

/* ---- telling the workers ------------------------------------------------------------------------
 */

void proxy_reload(struct proxy *proxy, struct setup *setup)
{
	setup_ref(setup);
	setup_unref(proxy->setup);
	proxy->setup = setup;
	registry_configure(proxy->shared.registry, setup->conf);
	authquery_forget(proxy->shared.authquery);
	for (unsigned i = 0; i < proxy->shared.worker_count; i++)
		worker_mail_setup(proxy->workers[i], setup);
}

static void proxy_set_paused(struct proxy *proxy, const char *database, bool paused)
{
	struct registry *registry = proxy->shared.registry;
	if (database)
		registry_pause_database(registry, slice_of(database), paused);
	else
		registry_set_paused(registry, paused);
}

struct proxy_scope {
	const char *database;
};

static void proxy_reconnect_route(struct route *route, void *arg)
{
	const struct proxy_scope *scope = arg;
	if (!scope->database || slice_eq_str(slice_of(route->database), scope->database))
		pool_shared_reconnect(&route->shared);
}

void proxy_command(struct proxy *proxy, enum proxy_command command, const char *database,
		   uint64_t id, proxy_done_fn done, void *arg)
{
	struct proxy_scope scope = { .database = database };
	switch (command) {
	case PROXY_COMMAND_PAUSE:
	case PROXY_COMMAND_KILL:
		proxy_set_paused(proxy, database, true);
		break;
	case PROXY_COMMAND_RESUME:
		proxy_set_paused(proxy, database, false);
		if (!database)
			registry_resume_databases(proxy->shared.registry);
		break;
	case PROXY_COMMAND_RECONNECT:
		registry_each_route(proxy->shared.registry, proxy_reconnect_route, &scope);
		break;
	case PROXY_COMMAND_KILL_CLIENT:
	case PROXY_COMMAND_COUNT:
		break;
	}
	command_send(&proxy->shared, command, database, id, done, arg);
}

void proxy_disable(struct proxy *proxy, const char *database, bool disabled)
{
	registry_disable_database(proxy->shared.registry, slice_of(database), disabled);
}

void proxy_report(struct proxy *proxy, unsigned what, proxy_report_fn done, void *arg)
{
	command_ask(&proxy->shared, what, done, arg);
}

/* ---- asking
 * --------------------------------------------------------------------------------------- */

size_t proxy_worker_count(const struct proxy *proxy)
{
	return proxy->shared.worker_count;
}

size_t proxy_client_count(const struct proxy *proxy)
{
	return (size_t)atomic_load(&proxy->shared.clients);
}

void proxy_refuse_new(struct proxy *proxy)
{
	atomic_store(&proxy->shared.closing, true);
	door_close(proxy->workers[0]);
}

static struct registry_look proxy_look_database(struct proxy *proxy, const char *database)
{
	return registry_look_database(proxy->shared.registry, slice_of(database));
}

static struct registry_look proxy_look_user(struct proxy *proxy, const char *user)
{
	return registry_look_user(proxy->shared.registry, slice_of(user));
}

bool proxy_is_paused(struct proxy *proxy, const char *database)
{
	return registry_is_paused(proxy->shared.registry) ||
	       (database && proxy_look_database(proxy, database).paused);
}

bool proxy_is_disabled(struct proxy *proxy, const char *database)
{
	return proxy_look_database(proxy, database).disabled;
}

int proxy_database_servers(struct proxy *proxy, const char *database)
{
	return proxy_look_database(proxy, database).servers;
}

int proxy_database_clients(struct proxy *proxy, const char *database)
{
	return proxy_look_database(proxy, database).clients;
}

int proxy_user_servers(struct proxy *proxy, const char *user)
{
	return proxy_look_user(proxy, user).servers;
}

int proxy_user_clients(struct proxy *proxy, const char *user)
{
	return proxy_look_user(proxy, user).clients;
}
