/*
 * desk.c - one function for each of the commands of orders.def, or for several that are alike.
 *
 * Each ends in request_done. What the workers have a part in goes on in a callback, which may
 * find the session or the whole console gone.
 */
#include "admin/desk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/inner.h"
#include "admin/manual.h"
#include "admin/request.h"
#include "admin/session.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/setting.h"
#include "proxy/proxy.h"

#define DESK_POLL_US (50 * USEC_PER_MSEC)

static const struct admin_options *desk_options(const struct request *r)
{
	return &r->admin->options;
}

static struct setup *desk_setup(const struct request *r)
{
	return desk_options(r)->setup(desk_options(r)->owner);
}

static const char *desk_database(const struct request *r)
{
	return r->order.has_name ? r->order.name : NULL; /* NULL: all */
}

static void desk_fail_state(struct request *r, const char *text, usec_t now)
{
	answer_fail(&r->answer, ERROR_ADMIN_STATE, text);
	request_done(r, now);
}

/* ---- looking -------------------------------------------------------------------------------- */

/* The sessions of the console as clients; the caller's (free). */
static struct report_conn *desk_consoles(const struct admin *admin, size_t *count)
{
	struct report_conn *rows = mem_zalloc((admin->session_count + 1) * sizeof(*rows));
	size_t n = 0;
	LIST_EACH (node, tmp, &admin->sessions)
		session_describe(LIST_ENTRY(node, struct session, link), &rows[n++]);
	*count = n;
	return rows;
}

static void desk_show(struct request *r, const struct report *reports, size_t count, usec_t now)
{
	struct show in = { .setup = desk_setup(r),
			   .live = &r->admin->live,
			   .averages = r->admin->averages,
			   .reports = reports,
			   .report_count = count,
			   .console_stats = &r->admin->stats };
	struct report_conn *consoles = desk_consoles(r->admin, &in.console_count);
	in.consoles = consoles;
	show_fill(&in, order_rule(r->order.id)->sheet, &r->answer);
	free(consoles);
	request_done(r, now);
}

static void desk_on_show_report(void *arg, const struct report *reports, size_t count, usec_t now)
{
	struct request *r = arg;
	if (r->session)
		desk_show(r, reports, count, now);
	else
		request_done(r, now);
}

static void desk_do_show(struct request *r, usec_t now)
{
	unsigned needs = r->answer.sheet->needs;
	if (needs)
		proxy_report(desk_options(r)->proxy, needs, desk_on_show_report, r);
	else
		desk_show(r, NULL, 0, now);
}

static void desk_do_help(struct request *r, usec_t now)
{
	struct buf text = { .data = NULL };
	manual_help(&text);
	answer_notice(&r->answer, "Console usage", buf_cstr(&text));
	buf_fini(&text);
	request_done(r, now);
}

static void desk_do_fds(struct request *r, usec_t now)
{
	answer_fail(&r->answer, ERROR_ADMIN_UNSUPPORTED, "SHOW FDS: it would show secrets");
	request_done(r, now);
}

static void desk_do_nothing(struct request *r, usec_t now)
{
	request_done(r, now);
}

/* ---- whose name is a database --------------------------------------------------------------- */

static void desk_found(struct request *r, const struct report *reports, size_t count, usec_t now)
{
	if (show_has_database(desk_setup(r)->conf, reports, count, r->order.name)) {
		r->next(r, now);
		return;
	}
	answer_fail(&r->answer, ERROR_ADMIN_NO_DATABASE, r->order.name);
	request_done(r, now);
}

static void desk_on_pools(void *arg, const struct report *reports, size_t count, usec_t now)
{
	struct request *r = arg;
	if (r->admin)
		desk_found(r, reports, count, now);
	else
		request_done(r, now);
}

/* On with `next` where there is such a database, or none is named. What "*" offers is there once
 * it was used: the workers know. */
static void desk_find(struct request *r, void (*next)(struct request *r, usec_t now), usec_t now)
{
	const struct conf *conf = desk_setup(r)->conf;
	struct slice name = slice_of(r->order.name);
	r->next = next;
	if (!r->order.has_name)
		next(r, now);
	else if (setup_is_console(name))
		desk_fail_state(r, "the console itself goes on always", now);
	else if (show_has_database(conf, NULL, 0, r->order.name) || !conf_find_database(conf, name))
		desk_found(r, NULL, 0, now);
	else
		proxy_report(desk_options(r)->proxy, REPORT_POOLS, desk_on_pools, r);
}

/* ---- pausing -------------------------------------------------------------------------------- */

/* To all workers; done when they have all carried it out. */
static void desk_send(struct request *r, enum proxy_command command, proxy_done_fn done)
{
	proxy_command(desk_options(r)->proxy, command, desk_database(r), r->order.number, done, r);
}

static void desk_on_done(void *arg, size_t touched, usec_t now)
{
	(void)touched;
	request_done(arg, now);
}

/* RESUME ends the wait of a PAUSE as well. */
static void desk_on_paused(void *arg, size_t touched, usec_t now)
{
	struct request *r = arg;
	(void)touched;
	if (r->admin && !proxy_is_paused(desk_options(r)->proxy, desk_database(r)))
		answer_fail(&r->answer, ERROR_ADMIN_STATE,
			    "RESUME came before the last server had come back");
	request_done(r, now);
}

static void desk_pause(struct request *r, usec_t now)
{
	if (!r->order.has_name && proxy_is_paused(desk_options(r)->proxy, NULL))
		desk_fail_state(r, "already suspended/paused", now);
	else
		desk_send(r, PROXY_COMMAND_PAUSE, desk_on_paused);
}

static void desk_do_pause(struct request *r, usec_t now)
{
	desk_find(r, desk_pause, now);
}

static void desk_resume(struct request *r, usec_t now)
{
	struct proxy *proxy = desk_options(r)->proxy;
	if (r->order.has_name && proxy_is_paused(proxy, NULL))
		desk_fail_state(r, "the pooler is paused as a whole: RESUME without a name", now);
	else if (r->order.has_name && !proxy_is_paused(proxy, r->order.name))
		desk_fail_state(r, "the database is not paused", now);
	else
		desk_send(r, PROXY_COMMAND_RESUME, desk_on_done);
}

static void desk_do_resume(struct request *r, usec_t now)
{
	desk_find(r, desk_resume, now);
}

static void desk_kill(struct request *r, usec_t now)
{
	(void)now;
	desk_send(r, PROXY_COMMAND_KILL, desk_on_paused);
}

static void desk_do_kill(struct request *r, usec_t now)
{
	desk_find(r, desk_kill, now);
}

static void desk_on_killed(void *arg, size_t touched, usec_t now)
{
	struct request *r = arg;
	char id[24];
	snprintf(id, sizeof(id), "%" PRIu64, r->order.number);
	if (touched == 0)
		answer_fail(&r->answer, ERROR_ADMIN_NO_OBJECT, "client", id);
	request_done(r, now);
}

static void desk_do_kill_client(struct request *r, usec_t now)
{
	(void)now;
	desk_send(r, PROXY_COMMAND_KILL_CLIENT, desk_on_killed);
}

static void desk_do_suspend(struct request *r, usec_t now)
{
	answer_fail(&r->answer, ERROR_ADMIN_UNSUPPORTED, "SUSPEND: use PAUSE");
	request_done(r, now);
}

static void desk_disable(struct request *r, usec_t now)
{
	proxy_disable(desk_options(r)->proxy, r->order.name, r->order.id == ORDER_DISABLE);
	request_done(r, now);
}

static void desk_do_disable(struct request *r, usec_t now)
{
	desk_find(r, desk_disable, now);
}

static void desk_do_enable(struct request *r, usec_t now)
{
	desk_find(r, desk_disable, now);
}

/* ---- reconnecting --------------------------------------------------------------------------- */

static void desk_note_reconnect(struct admin *admin, const char *database)
{
	struct slice key = slice_of(database ? database : "");
	usec_t *at = map_get(&admin->reconnects, key);
	if (!at) {
		at = mem_zalloc(sizeof(*at));
		map_put(&admin->reconnects, key, at);
	}
	*at = usec_wall();
}

static void desk_reconnect(struct request *r, usec_t now)
{
	(void)now;
	desk_note_reconnect(r->admin, desk_database(r));
	desk_send(r, PROXY_COMMAND_RECONNECT, desk_on_done);
}

static void desk_do_reconnect(struct request *r, usec_t now)
{
	desk_find(r, desk_reconnect, now);
}

static bool desk_is_older(const struct admin *admin, const struct report_conn *server)
{
	const usec_t *all = map_get(&admin->reconnects, SLICE(""));
	const usec_t *one = map_get(&admin->reconnects, slice_of(server->database));
	return server->close_needed || (all && server->connected_wall <= *all) ||
	       (one && server->connected_wall <= *one);
}

static bool desk_is_closed(const struct request *r, const struct report *reports, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < reports[i].conn_count; k++) {
			const struct report_conn *c = &reports[i].conns[k];
			bool is_meant =
				!r->order.has_name || strcmp(c->database, r->order.name) == 0;
			if (c->is_server && is_meant && desk_is_older(r->admin, c))
				return false;
		}
	return true;
}

static void desk_on_servers(void *arg, const struct report *reports, size_t count, usec_t now)
{
	struct request *r = arg;
	if (!r->session || desk_is_closed(r, reports, count))
		request_done(r, now);
	else
		loop_set_timer(desk_options(r)->loop, &r->timer, now + DESK_POLL_US);
}

static void desk_on_poll(struct timer *t, usec_t now)
{
	struct request *r = CONTAINER_OF(t, struct request, timer);
	(void)now;
	proxy_report(desk_options(r)->proxy, REPORT_SERVERS, desk_on_servers, r);
}

static void desk_wait_close(struct request *r, usec_t now)
{
	wheel_init_timer(&r->timer, desk_on_poll);
	desk_on_poll(&r->timer, now);
}

static void desk_do_wait_close(struct request *r, usec_t now)
{
	desk_find(r, desk_wait_close, now);
}

void desk_give_up(struct request *r, usec_t now)
{
	bool waits = wheel_is_armed(&r->timer);
	request_forget_admin(r);
	if (!waits)
		return;
	loop_clear_timer(&r->timer);
	request_done(r, now);
}

/* ---- the program ---------------------------------------------------------------------------- */

static void desk_do_reload(struct request *r, usec_t now)
{
	struct err err = { .text = "" };
	if (!desk_options(r)->reload(desk_options(r)->owner, &err))
		answer_fail(&r->answer, ERROR_ADMIN_FAILED, err.text);
	request_done(r, now);
}

static void desk_set(struct request *r)
{
	struct err err = { .text = "" };
	bool is_inverse;
	struct slice key = slice_of(r->order.name), value = slice_of(r->order.value);
	const struct setting *s = setting_find(key, SETTING_G, &is_inverse);

	if (!s)
		answer_fail(&r->answer, ERROR_ADMIN_NO_OBJECT, "setting", r->order.name);
	else if (!desk_options(r)->set(desk_options(r)->owner, key, value, &err))
		answer_fail(&r->answer,
			    s->kind == SETTING_RELOAD ? ERROR_ADMIN_BAD_VALUE : ERROR_ADMIN_STATE,
			    s->kind == SETTING_RELOAD ? s->name : err.text, err.text);
}

static void desk_do_set(struct request *r, usec_t now)
{
	if (!order_is_driver_setting(slice_of(r->order.name))) {
		if (r->is_admin)
			desk_set(r);
		else
			answer_fail(&r->answer, ERROR_ADMIN_DENIED, "SET");
	}
	request_done(r, now);
}

/* The answer first: there may be nobody left to give it. */
static void desk_do_shutdown(struct request *r, usec_t now)
{
	struct admin_options options = *desk_options(r);
	enum order_id id = r->order.id;
	request_done(r, now);
	options.shutdown(options.owner,
			 id == ORDER_SHUTDOWN_SERVERS   ? ADMIN_SHUTDOWN_WAIT_FOR_SERVERS
			 : id == ORDER_SHUTDOWN_CLIENTS ? ADMIN_SHUTDOWN_WAIT_FOR_CLIENTS
							: ADMIN_SHUTDOWN_NOW);
}

/* ---- the table ------------------------------------------------------------------------------ */

typedef void (*desk_fn)(struct request *r, usec_t now);

static const desk_fn desk_table[ORDER_COUNT] = {
#define ORDER(id, pattern, argument, right, run, sheet, tag, text) [ORDER_##id] = desk_do_##run,
#include "admin/orders.def"
#undef ORDER
};

static void desk_log(const struct request *r)
{
	const struct order_rule *rule = order_rule(r->order.id);
	if (r->order.id == ORDER_SET)
		LOG_INFO("console %s: SET %s", r->who, r->order.name);
	else if (r->order.id == ORDER_KILL_CLIENT)
		LOG_INFO("console %s: KILL_CLIENT %" PRIu64, r->who, r->order.number);
	else
		LOG_INFO("console %s: %s%s%s", r->who, rule->pattern, r->order.has_name ? " " : "",
			 r->order.name);
}

void desk_run(struct request *r, usec_t now)
{
	bool is_rule = order_rule(r->order.id)->right == ORDER_RIGHT_RULE;
	bool is_set = r->order.id == ORDER_SET && r->is_admin &&
		      !order_is_driver_setting(slice_of(r->order.name));
	if (is_rule || is_set)
		desk_log(r);
	desk_table[r->order.id](r, now);
}
