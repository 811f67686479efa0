/*
 * fuzz_sql_effect.c - the effects of any bytes.
 *
 * The first byte chooses how strings read. Each statement lies within the text and behind the one
 * before, there are as many as split.h finds, every value can be written; a command that wants a
 * database to be left (vacant.h) is one that defines something, and alone; and neither space,
 * comments nor the case of letters between the quotes make a difference.
 */
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/bug.h"
#include "sql/effect.h"
#include "sql/split.h"
#include "sql/vacant.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void note(const struct effect *e, struct buf *out)
{
	char name[LITERAL_NAME_BYTES];
	buf_addf(out, "%llx %llx ", (unsigned long long)e->set, (unsigned long long)e->inner);
	size_t n = effect_name(e, name);
	buf_add(out, name, n);
	for (size_t i = 0; i < e->setting_count; i++) {
		const struct effect_setting *s = &e->settings[i];
		buf_addf(out, " %s %d %d ", s->name, (int)s->form, s->local);
		effect_value(s, out);
	}
}

static size_t note_all(struct slice sql, struct lexer_mode mode, struct buf *out)
{
	struct effect_iter iter;
	struct effect e;
	size_t count = 0;
	const char *last = sql.ptr;
	uint64_t set = 0;
	effect_init(&iter, sql, mode);
	for (; effect_next(&iter, &e); count++) {
		BUG_ON(e.text.ptr < last || e.text.len == 0);
		last = e.text.ptr + e.text.len;
		BUG_ON(last > sql.ptr + sql.len || e.setting_count > EFFECT_SETTINGS_MAX);
		set |= e.set;
		note(&e, out);
	}
	BUG_ON(effect_of(sql, mode) != set);
	return count;
}

static void note_vacancy(struct slice sql, struct lexer_mode mode, size_t count, struct buf *out)
{
	char name[LITERAL_NAME_BYTES];
	if (!vacant_database(sql, mode, name))
		return;
	uint64_t set = effect_of(sql, mode);
	BUG_ON(count != 1 || !(set & (EFFECT(CREATE) | EFFECT(ALTER) | EFFECT(DROP))));
	BUG_ON(!memchr(name, 0, sizeof(name)));
	buf_addf(out, " left: %s", name);
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Letters of words in capitals where a byte is a letter, and something between any two tokens that
 * are not pieces of one string. */
static void rewrite(struct slice sql, struct lexer_mode mode, struct buf *out)
{
	struct lexer lex;
	lexer_init(&lex, sql, mode);
	for (;;) {
		struct lexer_token t = lexer_any(&lex);
		if (t.kind == LEXER_END)
			return;
		bool fold = t.kind == LEXER_WORD && mode.encoding == LEXER_ENCODING_PLAIN;
		for (size_t i = 0; i < t.text.len; i++) {
			char c = fold ? upper(t.text.ptr[i]) : t.text.ptr[i];
			buf_add(out, &c, 1);
		}
		bool string = t.kind == LEXER_STRING || t.kind == LEXER_BITS;
		if (!t.open && !string)
			buf_add_str(out, "\t/* (; ' */\n");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	struct lexer_mode mode = { .backslashes = data[0] & 1,
				   .encoding = (enum lexer_encoding)((data[0] >> 1) % 3) };
	struct slice sql = slice_make(data + 1, size - 1);
	struct buf before = { 0 }, after = { 0 }, other = { 0 };
	size_t count = note_all(sql, mode, &before);
	BUG_ON(count != split_count(sql, mode));
	note_vacancy(sql, mode, count, &before);
	rewrite(sql, mode, &other);
	BUG_ON(note_all(buf_slice(&other), mode, &after) != count);
	note_vacancy(buf_slice(&other), mode, count, &after);
	BUG_ON(!slice_eq(buf_slice(&before), buf_slice(&after)));
	(void)effect_path_is_temp(sql);
	buf_fini(&before);
	buf_fini(&after);
	buf_fini(&other);
	return 0;
}
