/*
 * define.c - who changes what is defined, and since when.
 */
#include "proxy/define.h"

#include <string.h>

#include "proxy/client.h"
#include "proxy/localpool.h"
#include "proxy/paramset.h"
#include "proxy/registry.h"
#include "proxy/server.h"
#include "proxy/worker.h"
#include "sql/effect.h"
#include "wire/frame.h"
#include "wire/reader.h"

void define_begin(struct server *s)
{
	if (s->defines)
		return;
	s->defines = registry_hold_site(s->pool->worker->shared->registry, s->pool->hidden.site);
	site_begin(s->defines);
}

static void define_release(struct server *s)
{
	registry_release_site(s->pool->worker->shared->registry, s->defines);
	s->defines = NULL;
}

void define_end(struct server *s)
{
	if (!s->defines)
		return;
	site_end(s->defines);
	define_release(s);
}

void define_lose(struct server *s, usec_t now)
{
	if (!s->defines)
		return;
	site_lose(s->defines, s->pid, now);
	define_release(s);
}

bool define_is_in(struct slice code)
{
	static const char *const words[] = { "create", "alter", "execute" };
	for (size_t at = 0; at < code.len; at++)
		for (size_t i = 0; i < COUNT_OF(words); i++) {
			struct slice here = slice_skip(code, at);
			if (slice_ieq_str(slice_head(here, strlen(words[i])), words[i]))
				return true;
		}
	return false;
}

/* ---- pools that are not in auto mode --------------------------------------------------------- */

static bool define_may(const struct client *c, struct slice sql)
{
	struct lexer_mode mode = paramset_reading(c->params);
	struct effect_iter iter;
	struct effect e;
	effect_init(&iter, sql, mode);
	while (effect_next(&iter, &e)) {
		bool defines = e.set & (EFFECT(CREATE) | EFFECT(ALTER)) && !(e.set & EFFECT(TEMP));
		if (defines || (e.set & EFFECT(CODE) && define_is_in(e.text)))
			return true;
	}
	return false;
}

/* Of those that have a name it is not remembered which. */
static void define_on_parse(struct client *c, struct slice name, struct slice sql)
{
	bool may = define_may(c, sql);
	if (name.len == 0)
		c->unnamed_defines = may;
	else
		c->named_defines |= may;
}

void define_watch(struct client *c, const struct frame *f)
{
	struct reader r;
	reader_init(&r, f->body);
	struct slice first =
		slice_head(f->body, f->body.len ? strnlen(f->body.ptr, f->body.len) : 0);
	bool defines = false;
	if (f->type == 'Q') {
		defines = define_may(c, first);
	} else if (f->type == 'P') {
		struct slice rest =
			slice_skip(f->body, first.len < f->body.len ? first.len + 1 : first.len);
		define_on_parse(c, first,
				slice_head(rest, rest.len ? strnlen(rest.ptr, rest.len) : 0));
	} else if (f->type == 'B' && (c->named_defines || c->unnamed_defines)) {
		(void)reader_cstr(&r); /* the portal */
		defines = reader_cstr(&r).len ? c->named_defines : c->unnamed_defines;
	}
	if (defines)
		define_begin(c->server);
}
