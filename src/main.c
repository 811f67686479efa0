/*
 * main.c - the order in which things start and stop, and what signals and the console ask of
 * the process as a whole.
 *
 *   options -> configuration -> user -> background -> log -> pid file -> sockets
 *           -> observer -> workers -> console -> ready ... -> the same backwards
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "admin/console.h"
#include "advisor/observer.h"
#include "base/log.h"
#include "base/mem.h"
#include "config.h"
#include "daemon.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/mailbox.h"
#include "notify.h"
#include "options.h"
#include "proxy/connector.h"
#include "proxy/proxy.h"
#include "proxy/setup.h"
#include "sigmail.h"

/* How often a gentle end looks whether the last client has left. */
#define MAIN_POLL_US (100 * USEC_PER_MSEC)
#define MAIN_STATUS_US (10 * USEC_PER_SEC)

/* Everything that runs. Owned by main(). */
struct program {
	struct options options;
	struct setup *setup; /* a reference: what the program works by */
	struct loop *loop;
	struct mailbox *box;
	struct sigmail *signals;
	struct listener *listener;
	struct observer *observer;
	struct proxy *proxy;
	struct admin *admin;
	struct timer status, leaving;
	size_t status_clients;
	bool ending; /* a gentle end is under way */
	usec_t started_wall;
};

/* ---- configuration ------------------------------------------------------------------------ */

static void main_print_faults(const struct conf_faults *faults, bool to_log)
{
	for (size_t i = 0; i < faults->count; i++) {
		const struct conf_fault *f = &faults->items[i];
		char where[512];
		if (f->line > 0)
			snprintf(where, sizeof(where), "%s:%d", f->file, f->line);
		else
			snprintf(where, sizeof(where), "%s", f->file);
		if (to_log)
			LOG_ERROR("%s: %s", where, f->text);
		else
			fprintf(stderr, "%s: %s\n", where, f->text);
	}
}

/* The file and the users, or NULL and every fault. */
static struct setup *main_load(const char *path, const struct setup *previous,
			       struct conf_faults *faults)
{
	struct conf *conf = conf_load(path, faults);
	return conf ? setup_new(conf, previous, faults) : NULL;
}

static bool main_open_log(const struct program *p, const struct setup *setup, bool is_daemon,
			  struct err *err)
{
	const struct conf_global *g = &setup->conf->global;
	int level = LOG_LEVEL_INFO +
		    (g->verbose > p->options.verbose ? g->verbose : p->options.verbose);
	struct log_config config = {
		.level = level > LOG_LEVEL_NOISE ? LOG_LEVEL_NOISE : (enum log_level)level,
		.to_stderr = !is_daemon && !p->options.quiet,
		.file = g->logfile,
		.syslog_ident = g->syslog ? g->syslog_ident : NULL,
		.syslog_facility = g->syslog_facility,
	};
	return log_open(&config, err);
}

static void main_log_notes(const struct setup *setup)
{
	const struct conf_faults *notes = &setup->conf->notes;
	for (size_t i = 0; i < notes->count; i++)
		LOG_INFO("%s:%d: %s", notes->items[i].file, notes->items[i].line,
			 notes->items[i].text);
}

static enum slowlog_format main_slowlog_format(const struct conf *conf)
{
	switch (conf->global.log_format) {
	case CONF_LOG_FORMAT_LOGFMT:
		return SLOWLOG_LOGFMT;
	case CONF_LOG_FORMAT_JSON:
		return SLOWLOG_JSON;
	case CONF_LOG_FORMAT_TEXT:
		break;
	}
	return SLOWLOG_TEXT;
}

/* A snapshot that is good takes the place of the one before. */
static void main_adopt(struct program *p, struct setup *setup)
{
	struct buf names = { 0 };
	struct err err;
	if (conf_diff_restart(p->setup->conf, setup->conf, &names))
		LOG_WARNING("these settings take effect at the next start only: %s",
			    buf_cstr(&names));
	buf_fini(&names);
	if (!main_open_log(p, setup, p->options.daemon, &err))
		LOG_ERROR("%s; logging as before", err.text);
	observer_configure(p->observer, main_slowlog_format(setup->conf),
			   (uint32_t)setup->conf->global.log_slow_rate);
	main_log_notes(setup);
	setup_unref(p->setup);
	p->setup = setup;
	proxy_reload(p->proxy, setup);
}

/* Reads the file anew. False: nothing has changed, and err has the faults. */
static bool main_reload(void *owner, struct err *err)
{
	struct program *p = owner;
	struct conf_faults faults = { 0 };
	notify_reloading(usec_now());
	struct setup *setup = main_load(p->options.config, p->setup, &faults);
	if (setup) {
		main_adopt(p, setup);
		LOG_INFO("configuration reloaded");
	} else {
		size_t at = 0;
		LOG_ERROR("the configuration has faults: going on as before");
		main_print_faults(&faults, true);
		for (size_t i = 0; i < faults.count && at < sizeof(err->text) - 1; i++) {
			int n = snprintf(err->text + at, sizeof(err->text) - at, "%s%s:%d: %s",
					 i ? "\n" : "", faults.items[i].file, faults.items[i].line,
					 faults.items[i].text);
			at += n > 0 ? (size_t)n : 0;
		}
	}
	conf_faults_fini(&faults);
	notify_ready();
	return setup != NULL;
}

/* The console's SET. */
static bool main_set(void *owner, struct slice key, struct slice value, struct err *err)
{
	struct program *p = owner;
	struct conf_faults faults = { 0 };
	struct conf *conf = conf_set(p->setup->conf, key, value, err);
	if (!conf)
		return false;
	struct setup *setup = setup_new(conf, p->setup, &faults);
	if (setup)
		main_adopt(p, setup);
	else
		err_set(err, "%s",
			faults.count ? faults.items[0].text : "auth_file cannot be read");
	conf_faults_fini(&faults);
	return setup != NULL;
}

static struct setup *main_setup(void *owner)
{
	return ((struct program *)owner)->setup;
}

/* ---- the end ------------------------------------------------------------------------------- */

static void main_end_now(struct program *p, const char *why)
{
	LOG_INFO("shutting down: %s", why);
	loop_stop(p->loop);
}

static void main_on_leaving(struct timer *t, usec_t now)
{
	struct program *p = CONTAINER_OF(t, struct program, leaving);
	if (proxy_client_count(p->proxy) == 0)
		main_end_now(p, "the last client has left");
	else
		loop_set_timer(p->loop, &p->leaving, now + MAIN_POLL_US);
}

static void main_on_paused(void *arg, size_t touched, usec_t now)
{
	(void)touched;
	(void)now;
	main_end_now(arg, "no server is in use any more");
}

static void main_shutdown(void *owner, enum admin_shutdown mode)
{
	struct program *p = owner;
	if (p->ending || mode == ADMIN_SHUTDOWN_NOW) {
		main_end_now(p, p->ending ? "asked a second time" : "at once");
		return;
	}
	p->ending = true;
	notify_stopping();
	proxy_refuse_new(p->proxy);
	if (mode == ADMIN_SHUTDOWN_WAIT_FOR_CLIENTS) {
		LOG_INFO("shutting down when the last client has left (%zu now)",
			 proxy_client_count(p->proxy));
		main_on_leaving(&p->leaving, loop_now(p->loop));
		return;
	}
	LOG_INFO("shutting down when no server is in use any more");
	proxy_command(p->proxy, PROXY_COMMAND_PAUSE, NULL, 0, main_on_paused, p);
}

/* ---- signals ----------------------------------------------------------------------------------
 */

static void main_on_signal(void *owner, int sig, usec_t now)
{
	struct program *p = owner;
	struct err err;
	(void)now;
	LOG_INFO("got SIG%s", sigabbrev_np(sig));
	switch (sig) {
	case SIGHUP:
		log_reopen();
		if (!main_reload(p, &err))
			LOG_ERROR("reload failed");
		break;
	case SIGINT:
		main_shutdown(p, ADMIN_SHUTDOWN_WAIT_FOR_SERVERS);
		break;
	case SIGTERM:
		main_shutdown(p, ADMIN_SHUTDOWN_WAIT_FOR_CLIENTS);
		break;
	case SIGQUIT:
		main_shutdown(p, ADMIN_SHUTDOWN_NOW);
		break;
	case SIGUSR1:
		proxy_command(p->proxy, PROXY_COMMAND_PAUSE, NULL, 0, NULL, NULL);
		break;
	case SIGUSR2:
		proxy_command(p->proxy, PROXY_COMMAND_RESUME, NULL, 0, NULL, NULL);
		break;
	default:
		break;
	}
}

/* ---- what the proxy tells
 * -------------------------------------------------------------------------- */

static void main_on_console(void *owner, struct proxy_console *console, usec_t now)
{
	admin_adopt(((struct program *)owner)->admin, console, now);
}

static void main_on_record(void *owner)
{
	observer_wake(((struct program *)owner)->observer);
}

static struct tap_ring *main_tap(void *owner, unsigned worker)
{
	return observer_tap(((struct program *)owner)->observer, worker);
}

static void main_on_status(struct timer *t, usec_t now)
{
	struct program *p = CONTAINER_OF(t, struct program, status);
	size_t clients = proxy_client_count(p->proxy);
	if (clients != p->status_clients && !p->ending)
		notify_status("serving %zu clients on %zu workers", clients,
			      proxy_worker_count(p->proxy));
	p->status_clients = clients;
	loop_set_timer(p->loop, t, now + MAIN_STATUS_US);
}

/* ---- start
 * ----------------------------------------------------------------------------------------- */

static bool main_open_sockets(struct program *p, struct err *err)
{
	const struct conf_global *g = &p->setup->conf->global;
	struct buf addresses = { 0 };
	int first, count = notify_sockets(&first);

	p->listener = listener_new();
	listener_set_keepalive(p->listener, g->tcp_keepalive);
	for (int i = 0; i < count; i++)
		if (!listener_adopt(p->listener, first + i, err))
			return false;
	if (count > 0)
		return true;

	for (size_t i = 0; i < g->listen_addr.count; i++)
		buf_addf(&addresses, "%s%s", i ? "," : "", g->listen_addr.items[i]);
	struct listener_options options = { .addresses = buf_cstr(&addresses),
					    .port = g->listen_port,
					    .unix_dir = g->unix_socket_dir,
					    .unix_mode = g->unix_socket_mode,
					    .unix_group = g->unix_socket_group,
					    .backlog = g->listen_backlog,
					    .defer_accept_s = g->tcp_defer_accept };
	bool ok = listener_open(p->listener, &options, err);
	buf_fini(&addresses);
	if (ok && listener_count(p->listener) == 0)
		return err_set(err, "nowhere to listen: listen_addr and unix_socket_dir are empty");
	return ok;
}

static bool main_start_observer(struct program *p, struct err *err)
{
	struct observer_config config = { .workers = PROXY_MAX_WORKERS,
					  .format = main_slowlog_format(p->setup->conf),
					  .rate = (uint32_t)p->setup->conf->global.log_slow_rate };
	p->observer = observer_new(&config, err);
	return p->observer && observer_start(p->observer, err);
}

static bool main_start_proxy(struct program *p, struct err *err)
{
	struct proxy_options options = { .loop = p->loop,
					 .listener = p->listener,
					 .setup = p->setup,
					 .on_console = main_on_console,
					 .on_record = main_on_record,
					 .tap = main_tap,
					 .owner = p };
	p->proxy = proxy_start(&options, err);
	return p->proxy != NULL;
}

static bool main_start_admin(struct program *p, struct err *err)
{
	struct admin_options options = { .loop = p->loop,
					 .proxy = p->proxy,
					 .owner = p,
					 .setup = main_setup,
					 .reload = main_reload,
					 .set = main_set,
					 .shutdown = main_shutdown,
					 .started_wall = p->started_wall };
	p->admin = admin_new(&options, err);
	return p->admin != NULL;
}

/* Descriptors for max_client_conn clients and their servers, as far as the system gives them. */
static void main_raise_limits(const struct conf *conf)
{
	struct rlimit limit;
	rlim_t wanted = (rlim_t)conf->global.max_client_conn * 2 + 256;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	if (limit.rlim_cur < wanted) {
		limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (limit.rlim_cur < (rlim_t)conf->global.max_client_conn + 256)
		LOG_WARNING("max_client_conn is %d, but the system lets us open %llu files only",
			    conf->global.max_client_conn, (unsigned long long)limit.rlim_cur);
}

static bool main_start(struct program *p, struct err *err)
{
	p->loop = loop_new("main", err);
	if (!p->loop)
		return false;
	p->box = mailbox_new(p->loop, p, err);
	if (!p->box || !main_open_sockets(p, err) || !log_thread_start(err))
		return false;
	main_raise_limits(p->setup->conf);
	if (!main_start_observer(p, err) || !main_start_proxy(p, err) || !main_start_admin(p, err))
		return false;
	p->signals = sigmail_start(p->box, main_on_signal, p, err);
	if (!p->signals)
		return false;
	wheel_init_timer(&p->status, main_on_status);
	wheel_init_timer(&p->leaving, main_on_leaving);
	loop_set_timer(p->loop, &p->status, usec_now() + MAIN_STATUS_US);
	return true;
}

static void main_stop(struct program *p)
{
	notify_stopping();
	sigmail_stop(p->signals);
	if (p->admin)
		admin_free(p->admin);
	p->admin = NULL; /* a login to it may still be in the mail */
	if (p->proxy)
		proxy_stop(p->proxy);
	if (p->observer)
		observer_stop(p->observer);
	observer_free(p->observer);
	if (p->listener)
		listener_free(p->listener);
	if (p->box)
		mailbox_free(p->box);
	if (p->loop)
		loop_free(p->loop);
	daemon_remove_pidfile(p->setup->conf->global.pidfile);
}

static void main_say_ready(const struct program *p)
{
	LOG_INFO("pgweir %s is ready: %zu workers, port %d, process %d", PACKAGE_VERSION,
		 proxy_worker_count(p->proxy), p->setup->conf->global.listen_port, (int)getpid());
	notify_status("ready: %zu workers", proxy_worker_count(p->proxy));
	notify_ready();
	daemon_ready();
}

/* After the user has changed, which would undo it. Sanitizers look into the process themselves. */
static void main_keep_secrets(const struct conf *conf)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	(void)conf;
#else
	if (!conf->global.core_dumps && prctl(PR_SET_DUMPABLE, 0) != 0)
		LOG_WARNING("cannot forbid dumps of the process: %s", strerror(errno));
#endif
}

static int main_run(struct program *p)
{
	struct err err;
	const struct conf_global *g = &p->setup->conf->global;

	if (!daemon_become(p->options.user ? p->options.user : g->user, &err) ||
	    (p->options.daemon && !daemon_detach(&err)) ||
	    !main_open_log(p, p->setup, p->options.daemon, &err) ||
	    !daemon_write_pidfile(g->pidfile, &err)) {
		fprintf(stderr, "pgweir: %s\n", err.text);
		return 1;
	}
	main_keep_secrets(p->setup->conf);
	main_log_notes(p->setup);
	if (p->options.restart)
		LOG_WARNING(
			"-R does nothing: no sockets are taken over from a running process yet");
	bool ok = main_start(p, &err);
	if (ok) {
		main_say_ready(p);
		loop_run(p->loop);
	} else {
		LOG_FATAL("%s", err.text);
	}
	main_stop(p);
	log_thread_stop();
	return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct program p = { .started_wall = usec_wall() };
	struct conf_faults faults = { 0 };

	switch (options_read(argc, argv, &p.options)) {
	case OPTIONS_DONE:
		return 0;
	case OPTIONS_BAD:
		return 1;
	case OPTIONS_RUN:
		break;
	}
	connector_clear_environment();
	p.setup = main_load(p.options.config, NULL, &faults);
	main_print_faults(&faults, false);
	conf_faults_fini(&faults);
	if (!p.setup)
		return 1;
	if (p.options.test) {
		printf("%s: no faults\n", p.options.config);
		setup_unref(p.setup);
		return 0;
	}
	if (p.options.daemon && !*p.setup->conf->global.logfile && !p.setup->conf->global.syslog) {
		fprintf(stderr, "pgweir: --daemon needs logfile or syslog in %s\n",
			p.options.config);
		setup_unref(p.setup);
		return 1;
	}
	sigmail_block();
	int status = main_run(&p);
	setup_unref(p.setup);
	return status;
}
