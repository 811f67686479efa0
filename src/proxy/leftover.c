/*
 * leftover.c - what would be left in a session that is nobody's.
 */
#include "proxy/leftover.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "proxy/localpool.h"
#include "proxy/paramset.h"
#include "proxy/setup.h"
#include "proxy/worker.h"
#include "sql/effect.h"
#include "wire/frame.h"

static const struct {
	uint64_t effect;
	const char *what;
} leftover_kinds[] = {
	{ EFFECT(LISTEN), "LISTEN" },
	{ EFFECT(PREPARE), "PREPARE" },
	{ EFFECT(HOLD), "a cursor WITH HOLD" },
	{ EFFECT(TEMP), "a temporary object" },
	{ EFFECT(LOCK), "an advisory lock of the session" },
	{ EFFECT(LOAD), "LOAD" },
	{ EFFECT(LINK), "dblink_connect" },
	{ EFFECT(BIND), "a backup or a replication slot or origin of the session" },
	{ EFFECT(SEQUENCE_READ), "currval or lastval" },
	{ EFFECT(SEED), "setseed" },
};

/* A setting of the session that does not follow the client. */
static bool leftover_is_setting(const struct client *c, const struct effect *e)
{
	for (size_t i = 0; i < e->setting_count; i++)
		if (!e->settings[i].local && e->settings[i].form != EFFECT_FORM_DEFAULT &&
		    !worker_tracks(c->worker, slice_of(e->settings[i].name)))
			return true;
	return false;
}

/* NULL: nothing. */
static const char *leftover_of(const struct client *c, struct slice sql)
{
	struct lexer_mode mode = paramset_reading(c->params);
	struct effect_iter iter;
	struct effect e;
	if (!effect_of(sql, mode))
		return NULL;
	effect_init(&iter, sql, mode);
	while (effect_next(&iter, &e)) {
		for (size_t i = 0; i < COUNT_OF(leftover_kinds); i++)
			if (e.set & leftover_kinds[i].effect)
				return leftover_kinds[i].what;
		if (leftover_is_setting(c, &e))
			return "SET of a parameter that the server does not report";
	}
	return NULL;
}

static void leftover_warn(struct client *c, const char *what)
{
	char who[256];
	if (c->has_left)
		return;
	c->has_left = true;
	LOG_WARNING("client %s: session state in pool_mode %s: %s (on_session_state)",
		    client_text(c, who, sizeof(who)),
		    conf_pool_mode_name(c->pool->settings.pool_mode), what);
}

bool leftover_refuses(struct client *c, const struct frame *f, struct buf *body)
{
	bool refuses = c->pool->settings.on_session_state == CONF_ON_SESSION_STATE_ERROR;
	struct slice name = SLICE_NONE, sql = f->body;
	if ((f->type != 'Q' && f->type != 'P') || !frame_is_whole(f) || (c->has_left && !refuses))
		return false;
	if (f->type == 'P') {
		name = slice_head(sql, strnlen(sql.ptr, sql.len));
		sql = slice_skip(sql, name.len < sql.len ? name.len + 1 : sql.len);
	}
	const char *what = leftover_of(c, slice_head(sql, sql.len ? strnlen(sql.ptr, sql.len) : 0));
	if (!what)
		return false;
	leftover_warn(c, what);
	if (!refuses)
		return false;

	char text[256];
	snprintf(text, sizeof(text), errors_format(ERROR_SESSION_STATE),
		 conf_pool_mode_name(c->pool->settings.pool_mode), what);
	c->pool->stats.refusals++;
	if (f->type == 'P') {
		buf_add_slice(body, name);
		buf_u8(body, 0);
	}
	buf_addf(
		body,
		"DO LANGUAGE plpgsql $$BEGIN RAISE SQLSTATE '%s' USING MESSAGE = '%s', HINT = '%s'; "
		"END$$",
		errors_sqlstate(ERROR_SESSION_STATE), text, errors_hint(ERROR_SESSION_STATE));
	buf_u8(body, 0);
	if (f->type == 'P')
		buf_u16(body, 0); /* parameters */
	return true;
}
