/*
 * effect_set.c - SET, RESET and set_config: which settings, and to what.
 *
 * What is read is what the statement says, word for word; a value of a form that is not known here
 * is left to be asked for (ASK), a setting whose name cannot be read is SETTING_UNREAD.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sql/calls.h"
#include "sql/effect_parts.h"

/* ---- names ------------------------------------------------------------------- */

/* A name in small letters, piece by piece; one that does not fit is none. */
struct name {
	char text[EFFECT_SETTING_BYTES];
	size_t len;
	bool bad;
};

static void name_add(struct name *name, struct slice piece)
{
	if (name->bad || piece.len == 0 || piece.len >= sizeof(name->text) - name->len) {
		name->bad = true;
		return;
	}
	for (size_t i = 0; i < piece.len; i++) {
		char c = piece.ptr[i];
		name->text[name->len++] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	name->text[name->len] = '\0';
}

static void name_add_token(struct name *name, const struct lexer_token *t, struct lexer_mode mode)
{
	char part[LITERAL_NAME_BYTES];
	size_t n = literal_name(t, part);
	name_add(name, slice_make(part, n));
	name->bad |= literal_is_obscure(t->text, mode);
}

static bool name_is(const struct name *name, const char *text)
{
	return !name->bad && strcmp(name->text, text) == 0;
}

static struct name name_of(const char *text)
{
	struct name name = { .len = 0 };
	name_add(&name, slice_of(text));
	return name;
}

/* The name that goes on in *lex, whose first part is `t`: custom ones have dots. *t is then what is
 * behind it. */
static struct name read_name(struct lexer *lex, struct lexer_token *t)
{
	struct name name = { .len = 0 };
	name_add_token(&name, t, lex->mode);
	*t = lexer_next(lex, NULL);
	while (lexer_is_punct(t, '.')) {
		name_add(&name, SLICE("."));
		*t = lexer_next(lex, NULL);
		name_add_token(&name, t, lex->mode);
		*t = lexer_next(lex, NULL);
	}
	return name;
}

/* ---- what comes out ------------------------------------------------------------ */

static void add_unread(struct effect *out, bool local)
{
	out->set |= local ? EFFECT(SETTING_LOCAL) : EFFECT(SETTING_UNREAD);
}

static bool ends_with_transaction(const struct name *name)
{
	return name_is(name, "transaction_isolation") || name_is(name, "transaction_read_only") ||
	       name_is(name, "transaction_deferrable");
}

static void add(struct effect *out, const struct name *name, bool local,
		const struct effect_setting *how)
{
	if (name->bad || out->setting_count == EFFECT_SETTINGS_MAX) {
		add_unread(out, local);
		return;
	}
	if (name_is(name, "seed")) { /* a call of setseed(), and no value that stays */
		out->set |= how->form != EFFECT_FORM_DEFAULT ? EFFECT(SEED) : 0;
		return;
	}
	if (ends_with_transaction(name)) {
		out->set |= EFFECT(SETTING_LOCAL);
		return;
	}
	struct effect_setting *s = &out->settings[out->setting_count++];
	*s = *how;
	s->local = local;
	snprintf(s->name, sizeof(s->name), "%.*s",
		 SLICE_ARGS(effect_newest_name(slice_of(name->text))));
	out->set |= local ? EFFECT(SETTING_LOCAL) : EFFECT(SETTING);
	if (!local && (name_is(name, "role") || name_is(name, "session_authorization")))
		out->set |= EFFECT(ROLE);
}

void effect_set_add(struct effect *out, struct slice name, bool local,
		    const struct effect_setting *how)
{
	struct name n = { .len = 0 };
	name_add(&n, name);
	add(out, &n, local, how);
}

void effect_set_doubt(struct effect *out)
{
	for (size_t i = 0; i < out->setting_count; i++)
		out->settings[i].form = EFFECT_FORM_ASK;
}

/* ---- values of SET --------------------------------------------------------------- */

static bool is_sign(const struct lexer_token *t)
{
	return t->kind == LEXER_OPERATOR && t->text.len == 1 &&
	       (t->text.ptr[0] == '-' || t->text.ptr[0] == '+');
}

static bool is_decimal(struct slice number)
{
	for (size_t i = 0; i < number.len; i++)
		if (!memchr("0123456789.eE+-", number.ptr[i], 15))
			return false;
	return true;
}

/* One identifier or constant that is read in the same way here as there. */
static bool is_item(const struct lexer_token *t, struct lexer_mode mode)
{
	char name[LITERAL_NAME_BYTES];
	if (t->kind == LEXER_NUMBER)
		return is_decimal(t->text);
	if (lexer_is_word(t, "null"))
		return false;
	if (literal_is_obscure(t->text, mode))
		return false;
	return literal_string(t, mode, NULL) || literal_name(t, name) > 0 ||
	       slice_eq_str(t->text, "\"\"");
}

/* From `t` to the end of the statement. */
static struct effect_setting read_items(struct lexer *lex, struct lexer_token t)
{
	struct effect_setting s = { .form = EFFECT_FORM_ITEMS, .mode = lex->mode };
	if (lexer_is_word(&t, "default")) {
		t = lexer_next(lex, NULL);
		s.form = t.kind == LEXER_END ? EFFECT_FORM_DEFAULT : EFFECT_FORM_ASK;
		return s;
	}
	const char *start = t.text.ptr;
	for (;;) {
		bool sign = is_sign(&t);
		if (sign)
			t = lexer_next(lex, NULL);
		if (!is_item(&t, lex->mode) || (sign && t.kind != LEXER_NUMBER))
			break;
		s.value = slice_make(start, (size_t)(t.text.ptr + t.text.len - start));
		t = lexer_next(lex, NULL);
		if (t.kind == LEXER_END)
			return s;
		if (!lexer_is_punct(&t, ','))
			break;
		t = lexer_next(lex, NULL);
	}
	s.form = EFFECT_FORM_ASK;
	return s;
}

/* Settings whose value is a list of identifiers, which are quoted one by one. */
static bool is_name_list(const char *name)
{
	static const char *const lists[] = { "search_path", "temp_tablespaces",
					     "session_preload_libraries",
					     "local_preload_libraries" };
	for (size_t i = 0; i < COUNT_OF(lists); i++)
		if (strcmp(name, lists[i]) == 0)
			return true;
	return false;
}

static void write_identifier(struct slice name, struct buf *out)
{
	if (!calls_needs_quotes(name)) {
		buf_add_slice(out, name);
		return;
	}
	buf_add_str(out, "\"");
	for (size_t i = 0; i < name.len; i++)
		buf_add(out, name.ptr[i] == '"' ? "\"\"" : &name.ptr[i],
			name.ptr[i] == '"' ? 2 : 1);
	buf_add_str(out, "\"");
}

/* An integer loses its zeros in front, one that does not fit four bytes keeps them. */
static void write_number(struct slice number, bool negative, struct buf *out)
{
	uint64_t n = 0;
	size_t i = 0;
	for (; i < number.len && number.ptr[i] >= '0' && number.ptr[i] <= '9'; i++)
		n = n > INT32_MAX ? n : n * 10 + (uint64_t)(number.ptr[i] - '0');
	bool integer = i == number.len && n <= INT32_MAX;
	if (negative && !(integer && n == 0))
		buf_add_str(out, "-");
	if (integer)
		buf_addf(out, "%u", (unsigned)n);
	else
		buf_add_slice(out, number);
}

static void write_text(const struct lexer_token *t, struct lexer_mode mode, bool quoted,
		       struct buf *out)
{
	char name[LITERAL_NAME_BYTES];
	size_t before = buf_len(out);
	if (t->kind == LEXER_WORD || t->kind == LEXER_QUOTED)
		buf_add(out, name, literal_name(t, name));
	else if (!literal_string(t, mode, out))
		return;
	if (!quoted || buf_failed(out))
		return;
	struct slice all = buf_slice(out);
	char *text = slice_dup(slice_skip(all, before));
	struct slice copy = slice_make(text, all.len - before);
	buf_truncate(out, before);
	write_identifier(copy, out);
	free(text);
}

static void write_items(const struct effect_setting *s, struct buf *out)
{
	bool quoted = is_name_list(s->name);
	bool negative = false;
	struct lexer lex;
	lexer_init(&lex, s->value, s->mode);
	for (;;) {
		struct lexer_token t = lexer_next(&lex, NULL);
		if (t.kind == LEXER_END)
			return;
		if (lexer_is_punct(&t, ','))
			buf_add_str(out, ", ");
		else if (t.kind == LEXER_NUMBER)
			write_number(t.text, negative, out);
		else if (!is_sign(&t))
			write_text(&t, s->mode, quoted, out);
		negative = t.kind == LEXER_OPERATOR && t.text.ptr[0] == '-';
	}
}

void effect_set_write(const struct effect_setting *setting, struct buf *out)
{
	if (setting->form == EFFECT_FORM_ITEMS)
		write_items(setting, out);
	if (setting->form != EFFECT_FORM_TEXT)
		return;
	struct lexer lex;
	lexer_init(&lex, setting->value, setting->mode);
	struct lexer_token t = lexer_next(&lex, NULL);
	BUG_ON(!literal_string(&t, setting->mode, out));
}

/* ---- SET --------------------------------------------------------------------------- */

static bool is_assignment(const struct lexer_token *t)
{
	bool equals = t->kind == LEXER_OPERATOR && slice_eq_str(t->text, "=");
	return equals || lexer_is_word(t, "to") || lexer_is_punct(t, '.');
}

static struct lexer_token peek(struct lexer lex)
{
	return lexer_next(&lex, NULL);
}

/* The word, and not a setting of that name. */
static bool is_keyword(const struct lexer_token *t, struct lexer lex, const char *word)
{
	if (!lexer_is_word(t, word))
		return false;
	struct lexer_token next = peek(lex);
	return !is_assignment(&next);
}

static void set_fixed(struct effect *out, const char *name, bool local, const char *value)
{
	struct name n = name_of(name);
	struct effect_setting s = { .form = EFFECT_FORM_TEXT, .value = slice_of(value) };
	add(out, &n, local, &s);
}

static const char *isolation_level(struct lexer *lex)
{
	struct lexer_token t = lexer_next(lex, NULL);
	if (lexer_is_word(&t, "serializable"))
		return "'serializable'";
	bool repeatable = lexer_is_word(&t, "repeatable");
	bool read = lexer_is_word(&t, "read");
	t = lexer_next(lex, NULL);
	if (repeatable && lexer_is_word(&t, "read"))
		return "'repeatable read'";
	if (read && lexer_is_word(&t, "committed"))
		return "'read committed'";
	return read && lexer_is_word(&t, "uncommitted") ? "'read uncommitted'" : NULL;
}

/* One of the modes of SET SESSION CHARACTERISTICS; false: none that is known. */
static bool read_mode(struct lexer *lex, const struct lexer_token *t, bool local,
		      struct effect *out)
{
	struct lexer_token next = lexer_next(lex, NULL);
	if (lexer_is_word(t, "isolation") && lexer_is_word(&next, "level")) {
		const char *level = isolation_level(lex);
		if (level)
			set_fixed(out, "default_transaction_isolation", local, level);
		return level != NULL;
	}
	bool only = lexer_is_word(&next, "only");
	if (lexer_is_word(t, "read") && (only || lexer_is_word(&next, "write"))) {
		set_fixed(out, "default_transaction_read_only", local, only ? "'on'" : "'off'");
		return true;
	}
	if (lexer_is_word(t, "not") && lexer_is_word(&next, "deferrable")) {
		set_fixed(out, "default_transaction_deferrable", local, "'off'");
		return true;
	}
	return false;
}

/* SET SESSION CHARACTERISTICS: from AS on. */
static void read_characteristics(struct lexer *lex, bool local, struct effect *out)
{
	struct lexer_token as = lexer_next(lex, NULL);
	struct lexer_token transaction = lexer_next(lex, NULL);
	bool ok = lexer_is_word(&as, "as") && lexer_is_word(&transaction, "transaction");
	while (ok) {
		struct lexer_token t = lexer_next(lex, NULL);
		if (t.kind == LEXER_END)
			return;
		if (lexer_is_punct(&t, ','))
			continue;
		if (lexer_is_word(&t, "deferrable"))
			set_fixed(out, "default_transaction_deferrable", local, "'on'");
		else
			ok = read_mode(lex, &t, local, out);
	}
	add_unread(out, local);
}

/* A setting with a syntax of its own: its name, and its value from `t` on. */
static void set_special(struct effect *out, const char *name, bool local, struct lexer *lex,
			struct lexer_token t)
{
	struct name n = name_of(name);
	struct effect_setting s = read_items(lex, t);
	add(out, &n, local, &s);
}

/* The same, where PostgreSQL does not take DEFAULT for a value. */
static void set_valued(struct effect *out, const char *name, bool local, struct lexer *lex)
{
	struct lexer_token t = lexer_next(lex, NULL);
	if (lexer_is_word(&t, "default"))
		add_unread(out, local);
	else
		set_special(out, name, local, lex, t);
}

static void set_default(struct effect *out, const char *name, bool local)
{
	struct name n = name_of(name);
	add(out, &n, local, &(struct effect_setting){ .form = EFFECT_FORM_DEFAULT });
}

static void set_time_zone(struct lexer *lex, bool local, struct effect *out)
{
	struct lexer_token t = lexer_next(lex, NULL);
	struct name n = name_of("timezone");
	if (lexer_is_word(&t, "local") && peek(*lex).kind == LEXER_END)
		set_default(out, "timezone", local);
	else if (lexer_is_word(&t, "interval"))
		add(out, &n, local, &(struct effect_setting){ .form = EFFECT_FORM_ASK });
	else
		set_special(out, "timezone", local, lex, t);
}

static void set_names(struct lexer *lex, bool local, struct effect *out)
{
	struct lexer_token t = lexer_next(lex, NULL);
	if (t.kind == LEXER_END)
		set_default(out, "client_encoding", local);
	else
		set_special(out, "client_encoding", local, lex, t);
}

/* name TO value, name = value, name FROM CURRENT */
static void set_named(struct lexer *lex, struct lexer_token t, bool local, struct effect *out)
{
	struct name name = read_name(lex, &t);
	struct effect_setting s = { .form = EFFECT_FORM_ASK };
	if (is_assignment(&t))
		s = read_items(lex, lexer_next(lex, NULL));
	else if (!lexer_is_word(&t, "from"))
		name.bad = true;
	add(out, &name, local, &s);
}

static bool skip_word(struct lexer *lex, const char *word)
{
	struct lexer_token t = lexer_next(lex, NULL);
	return lexer_is_word(&t, word);
}

/* SET SESSION CHARACTERISTICS, SET SESSION AUTHORIZATION: behind SESSION. */
static void set_session(struct lexer *lex, bool local, struct effect *out)
{
	struct lexer_token t = lexer_next(lex, NULL);
	if (lexer_is_word(&t, "characteristics"))
		read_characteristics(lex, local, out);
	else if (lexer_is_word(&t, "authorization"))
		set_special(out, "session_authorization", local, lex, lexer_next(lex, NULL));
	else
		add_unread(out, local);
}

/* The forms that begin with a word of their own; false: it is none. */
static bool set_by_word(struct lexer *lex, const struct lexer_token *t, bool local,
			struct effect *out)
{
	if (is_keyword(t, *lex, "transaction")) {
		out->set |= EFFECT(SETTING_LOCAL);
	} else if (is_keyword(t, *lex, "time")) {
		if (skip_word(lex, "zone"))
			set_time_zone(lex, local, out);
		else
			add_unread(out, local);
	} else if (is_keyword(t, *lex, "names")) {
		set_names(lex, local, out);
	} else if (is_keyword(t, *lex, "schema")) {
		set_valued(out, "search_path", local, lex);
	} else if (is_keyword(t, *lex, "role")) {
		set_valued(out, "role", local, lex);
	} else if (is_keyword(t, *lex, "xml")) {
		if (skip_word(lex, "option"))
			set_valued(out, "xmloption", local, lex);
		else
			add_unread(out, local);
	} else if (is_keyword(t, *lex, "session")) {
		set_session(lex, local, out);
	} else {
		return false;
	}
	return true;
}

void effect_set_read_set(struct lexer lex, struct effect *out)
{
	struct lexer_token t = lexer_next(&lex, NULL);
	struct lexer_token next = peek(lex);
	bool local = is_keyword(&t, lex, "local");
	bool session = is_keyword(&t, lex, "session") && !lexer_is_word(&next, "characteristics") &&
		       !lexer_is_word(&next, "authorization");
	if (is_keyword(&t, lex, "constraints"))
		return;
	if (local || session)
		t = lexer_next(&lex, NULL);
	if (!set_by_word(&lex, &t, local, out))
		set_named(&lex, t, local, out);
}

void effect_set_read_reset(struct lexer lex, struct effect *out)
{
	struct lexer_token t = lexer_next(&lex, NULL);
	struct lexer_token next = peek(lex);
	if (next.kind == LEXER_END && lexer_is_word(&t, "all"))
		out->set |= EFFECT(RESET_ALL);
	else if (lexer_is_word(&t, "time") && lexer_is_word(&next, "zone"))
		set_default(out, "timezone", false);
	else if (lexer_is_word(&t, "session") && lexer_is_word(&next, "authorization"))
		set_default(out, "session_authorization", false);
	else if (lexer_is_word(&t, "transaction") && lexer_is_word(&next, "isolation"))
		out->set |= EFFECT(SETTING_LOCAL);
	else {
		struct name name = read_name(&lex, &t);
		name.bad |= t.kind != LEXER_END;
		add(out, &name, false, &(struct effect_setting){ .form = EFFECT_FORM_DEFAULT });
	}
}
