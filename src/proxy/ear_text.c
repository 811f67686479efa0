/*
 * ear_text.c - messages of a client that hears from a hub, before a server has them.
 */
#include "proxy/ear_text.h"

#include <string.h>
#include <strings.h>

#include "proxy/client.h"
#include "proxy/harmless.h"
#include "proxy/intake.h"
#include "proxy/localpool.h"
#include "proxy/paramset.h"
#include "proxy/prepared_names.h"
#include "proxy/stmt.h"
#include "proxy/suspect.h"
#include "sql/effect.h"
#include "wire/frame.h"
#include "wire/reader.h"

#define EAR_TEXT_DOUBTS (EFFECT(CODE) | EFFECT(CALLS) | EFFECT(UNREAD))

/* Settings among them since client_encoding is one: it decides which hub is the right one. */
#define EAR_TEXT_EFFECTS                                                                           \
	(EAR_TEXT_DOUBTS | EFFECT(LISTEN) | EFFECT(UNLISTEN) | EFFECT(UNLISTEN_ALL) |              \
	 EFFECT(LISTENING) | EFFECT(NOTIFY) | EFFECT(DISCARD_ALL) | EFFECT(BEGIN) |                \
	 EFFECT(PREPARE_TRANSACTION) | EFFECT(SETTING) | EFFECT(SETTING_UNREAD) |                  \
	 EFFECT(RESET_ALL) | EFFECT(ROLE) | EFFECT(EXECUTE) | EFFECT(CREATE) | EFFECT(TEMP))

struct ear_text {
	const struct client *c;
	bool concerns, sends;
	bool is_open;     /* a batch, its Sync is still to come */
	bool has_unnamed; /* ... with a Parse of the unnamed statement, which was looked at */
};

/* Anything that writes may have a trigger or a rule that notifies: told by its first word. */
static bool ear_text_only_reads(struct slice statement)
{
	static const char *const words[] = { "select", "show", "values", "table" };
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		size_t n = strlen(words[i]);
		if (statement.len > n && strncasecmp(statement.ptr, words[i], n) == 0 &&
		    strchr(" \t\r\n(*'", statement.ptr[n]))
			return true;
	}
	return false;
}

static void ear_text_read(struct ear_text *t, struct slice sql)
{
	const struct localpool *lp = t->c->pool;
	struct lexer_mode mode = paramset_reading(t->c->params);
	struct effect_iter iter;
	struct effect e;
	sql = slice_head(sql, sql.len ? strnlen(sql.ptr, sql.len) : 0);
	effect_init(&iter, sql, mode);
	while (effect_next(&iter, &e)) {
		uint64_t effects = e.set & EAR_TEXT_EFFECTS;
		if (lp->settings.auto_probe == CONF_AUTO_PROBE_NEVER)
			effects &= ~EAR_TEXT_DOUBTS;
		if (effects & EFFECT(CALLS) &&
		    harmless_is((struct harmless *)&lp->harmless, e.text, mode))
			effects &= ~EFFECT(CALLS);
		if (suspect_may_hide(t->c) && hidden_is_in(&lp->hidden, e.text, mode))
			t->concerns = true;
		t->concerns |= effects != 0 || !ear_text_only_reads(e.text);
		t->sends |= (effects & EFFECT(NOTIFY)) != 0;
	}
}

/* A statement that was prepared earlier is run. */
static void ear_text_bind(struct ear_text *t, const struct frame *f)
{
	const struct prepared_names *names = t->c->prepared;
	struct reader r;
	reader_init(&r, f->body);
	(void)reader_cstr(&r); /* the portal */
	struct slice name = reader_cstr(&r);
	if (reader_failed(&r)) {
		t->concerns = true;
		return;
	}
	if (name.len == 0) {
		if (!t->has_unnamed && names)
			ear_text_read(t, buf_slice(&names->unnamed.now.text));
		return;
	}
	const struct prepared_name *there = names ? map_get(&names->map, name) : NULL;
	if (there)
		ear_text_read(t, there->stmt->body);
}

static void ear_text_parse(struct ear_text *t, const struct frame *f)
{
	struct reader r;
	reader_init(&r, f->body);
	struct slice name = reader_cstr(&r);
	struct slice sql = reader_cstr(&r);
	if (reader_failed(&r))
		t->concerns = true;
	else
		ear_text_read(t, sql);
	t->has_unnamed |= name.len == 0;
}

/* False: it is still to come, as is whether it concerns. */
static bool ear_text_message(struct ear_text *t, const struct frame *f)
{
	bool is_whole = frame_is_whole(f);
	switch (f->type) {
	case 'Q':
		if (!is_whole && f->body.len < INTAKE_GATHER_BYTES)
			return false;
		if (is_whole)
			ear_text_read(t, f->body);
		else
			t->concerns = true;
		break;
	case 'F':
		t->concerns = true;
		break;
	case 'P':
		ear_text_parse(t, f);
		t->is_open = true;
		break;
	case 'B':
		ear_text_bind(t, f);
		t->is_open = true;
		break;
	case 'D':
	case 'E':
	case 'C':
	case 'H':
		t->is_open = true;
		break;
	case 'S':
		t->is_open = t->has_unnamed = false;
		break;
	default:
		break;
	}
	return true;
}

size_t ear_text_batch(const struct client *c, struct slice in)
{
	size_t done = c->body_left < in.len ? c->body_left : in.len;
	struct frame f;
	while (done < in.len && frame_read(slice_skip(in, done), UINT32_MAX, &f) > 0) {
		done += f.head_bytes + f.body.len;
		if (f.type == 'S')
			return done;
	}
	return in.len;
}

size_t ear_text_passes(const struct client *c, struct slice in, bool *sends)
{
	struct ear_text t = { .c = c };
	size_t done = c->body_left < in.len ? c->body_left : in.len;
	size_t passes = done;
	struct frame f;
	while (done < in.len && frame_read(slice_skip(in, done), UINT32_MAX, &f) > 0 &&
	       ear_text_message(&t, &f)) {
		done += f.head_bytes + f.body.len;
		if (t.concerns)
			break;
		if (!t.is_open)
			passes = done;
		if (!frame_is_whole(&f))
			break;
	}
	*sends = t.sends;
	return t.concerns || t.is_open ? passes : in.len;
}
