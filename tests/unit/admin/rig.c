/*
 * rig.c - a console, its owner, and operators.
 */
#include "rig.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "check_admin.h"
#include "net/loop.h"
#include "proxyfake.h"
#include "wire/build.h"

struct rig rig;

/* ---- the owner ------------------------------------------------------------------------------ */

static struct setup *rig_on_setup(void *owner)
{
	return &((struct rig *)owner)->setup;
}

static bool rig_on_reload(void *owner, struct err *err)
{
	struct rig *r = owner;
	r->reloads++;
	return !r->reload_fails || err_set(err, "a.ini:3: one\na.ini:4: two");
}

static bool rig_on_set(void *owner, struct slice key, struct slice value, struct err *err)
{
	struct rig *r = owner;
	snprintf(r->set_key, sizeof(r->set_key), "%.*s", SLICE_ARGS(key));
	snprintf(r->set_value, sizeof(r->set_value), "%.*s", SLICE_ARGS(value));
	return strcmp(r->set_value, "often") != 0 || err_set(err, "not a number");
}

static void rig_on_shutdown(void *owner, enum admin_shutdown mode)
{
	struct rig *r = owner;
	r->shutdowns++;
	r->how = mode;
}

static void rig_new(const char *conf)
{
	struct err err;
	setup_make(&rig.setup, conf, "");
	struct admin_options options = { .loop = rig.loop,
					 .owner = &rig,
					 .setup = rig_on_setup,
					 .reload = rig_on_reload,
					 .set = rig_on_set,
					 .shutdown = rig_on_shutdown };
	rig.admin = admin_new(&options, &err);
	ck_assert_ptr_nonnull(rig.admin);
}

void rig_make(void)
{
	struct err err;
	const struct log_config quiet = { .level = LOG_LEVEL_INFO };
	ck_assert(log_open(&quiet, &err));
	rig = (struct rig){ .loop = loop_new("test", &err) };
	ck_assert_ptr_nonnull(rig.loop);
	proxyfake_reset();
	rig_new("[databases]\nshop =\nother =\n* = host=db9\n"
		"[pgweir]\nauth_type = trust\nstats_period = 3600\n");
}

void rig_start(const char *conf)
{
	admin_free(rig.admin);
	setup_drop(&rig.setup);
	rig_new(conf);
}

void rig_drop(void)
{
	if (rig.admin)
		admin_free(rig.admin);
	loop_free(rig.loop);
	setup_drop(&rig.setup);
}

/* ---- an operator ---------------------------------------------------------------------------- */

void rig_turn(void)
{
	for (int i = 0; i < 5; i++)
		loop_turn(rig.loop, 0);
}

void rig_listen(struct op *o)
{
	char bytes[65536];
	ssize_t n;
	rig_turn();
	while ((n = recv(o->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
		buf_add(&o->said, bytes, (size_t)n);
		rig_turn();
	}
	o->is_closed = n == 0;
}

void rig_come(struct op *o, bool is_admin, const char *pending)
{
	int fds[2];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	struct proxy_console *console = mem_zalloc(sizeof(*console));
	console->fd = fds[1];
	console->user = mem_strdup("anna");
	console->is_admin = is_admin;
	if (pending)
		build_query(&console->pending, slice_of(pending));
	*o = (struct op){ .fd = fds[0] };
	admin_adopt(rig.admin, console, loop_now(rig.loop));
	rig_listen(o);
}

void rig_say(struct op *o, const char *sql)
{
	struct buf b = { .data = NULL };
	buf_clear(&o->said);
	build_query(&b, slice_of(sql));
	ck_assert_int_eq(send(o->fd, b.data + b.start, buf_len(&b), MSG_NOSIGNAL),
			 (ssize_t)buf_len(&b));
	buf_fini(&b);
	rig_listen(o);
}

const char *rig_ask(struct op *o, const char *sql)
{
	rig_say(o, sql);
	return said_kinds(&o->said);
}

void rig_go(struct op *o)
{
	if (o->fd >= 0)
		close(o->fd);
	o->fd = -1;
	buf_fini(&o->said);
	rig_turn();
}
