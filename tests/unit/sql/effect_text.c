/*
 * effect_text.c - effects in words.
 */
#include "effect_text.h"

static void add_set(uint64_t set, struct buf *out)
{
	size_t n = 0;
	for (unsigned i = 0; i < EFFECT_KIND_COUNT; i++)
		if (set & UINT64_C(1) << i)
			buf_addf(out, "%s%s", n++ ? " " : "",
				 effect_kind_name((enum effect_kind)i));
	if (n == 0)
		buf_add_str(out, "none");
}

static void add_setting(const struct effect_setting *s, struct buf *out)
{
	buf_addf(out, " %s%s=", s->local ? "~" : "", s->name);
	if (s->form == EFFECT_FORM_DEFAULT)
		buf_add_str(out, "!");
	else if (s->form == EFFECT_FORM_ASK)
		buf_add_str(out, "?");
	else
		effect_value(s, out);
}

static void add_effect(const struct effect *e, struct buf *out)
{
	char name[LITERAL_NAME_BYTES];
	add_set(e->set, out);
	if (effect_name(e, name) > 0)
		buf_addf(out, " @%s", name);
	for (size_t i = 0; i < e->setting_count; i++)
		add_setting(&e->settings[i], out);
	if (e->set & EFFECT(PREPARE)) {
		buf_add_str(out, " {");
		add_set(e->inner, out);
		buf_add_str(out, "}");
	}
}

void effect_text(struct slice sql, struct lexer_mode mode, struct buf *out)
{
	struct effect_iter iter;
	struct effect effect;
	effect_init(&iter, sql, mode);
	for (bool more = effect_next(&iter, &effect); more;) {
		add_effect(&effect, out);
		more = effect_next(&iter, &effect);
		if (more)
			buf_add_str(out, " ¦ ");
	}
}
