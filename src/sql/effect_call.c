/*
 * effect_call.c - calls of set_config, as far as their arguments are constants.
 */
#include "sql/calls.h"
#include "sql/effect_parts.h"

enum truth { TRUTH_FALSE, TRUTH_TRUE, TRUTH_UNKNOWN };

/* An argument: what it is if it is one token, perhaps with a cast. */
struct argument {
	struct lexer_token token;
	bool simple;
	bool last; /* a parenthesis closes behind it */
};

struct config_call {
	bool simple;       /* no argument is more than a constant or a parameter */
	struct slice name; /* empty: cannot be read */
	struct effect_setting how;
	enum truth local;
};

static bool is_cast(const struct lexer_token *t)
{
	return t->kind == LEXER_PUNCT && slice_eq_str(t->text, "::");
}

/* Casts of a constant that leave its text alone. */
static bool is_plain_type(const struct lexer_token *t)
{
	return lexer_is_word(t, "text") || lexer_is_word(t, "varchar") ||
	       lexer_is_word(t, "bool") || lexer_is_word(t, "boolean");
}

/* Up to the comma or parenthesis that ends it; false: the text or statement ends first. */
static bool read_argument(struct lexer *lex, struct argument *out)
{
	size_t depth = 0;
	size_t count = 0;
	bool cast = false;
	*out = (struct argument){ .simple = false }; /* there may be nothing at all */
	for (;; count++) {
		struct lexer_token t = lexer_next(lex, NULL);
		if (t.kind == LEXER_END || lexer_is_punct(&t, ';'))
			return false;
		out->last = lexer_is_punct(&t, ')');
		if (depth == 0 && (out->last || lexer_is_punct(&t, ',')))
			break;
		if (count == 0)
			out->token = t;
		depth += lexer_is_punct(&t, '(') || lexer_is_punct(&t, '[');
		depth -= (lexer_is_punct(&t, ')') || lexer_is_punct(&t, ']')) && depth > 0;
		cast = (count == 1 && is_cast(&t)) || (count == 2 && cast && is_plain_type(&t));
	}
	out->simple = count == 1 || (count == 3 && cast);
	return true;
}

/* The text of a constant that is written without escapes; empty if it is not. */
static struct slice bare_text(const struct argument *a, struct lexer_mode mode)
{
	struct slice s = a->token.text;
	bool quoted = a->token.kind == LEXER_STRING && !a->token.open && s.ptr[0] == '\'';
	if (!a->simple || !quoted || literal_is_obscure(s, mode) || memchr(s.ptr, '\\', s.len) ||
	    memchr(s.ptr + 1, '\'', s.len - 2))
		return SLICE_NONE;
	return slice_make(s.ptr + 1, s.len - 2);
}

static enum truth truth_of(const struct argument *a, struct lexer_mode mode)
{
	static const char *const yes[] = { "true", "t", "yes", "y", "on", "1" };
	static const char *const no[] = { "false", "f", "no", "n", "off", "0" };
	bool word = a->token.kind == LEXER_WORD;
	struct slice text = word && a->simple ? a->token.text : bare_text(a, mode);
	/* without a cast only TRUE, FALSE and NULL are words that are values */
	for (size_t i = 0; i < (word ? 1 : COUNT_OF(yes)); i++) {
		if (slice_ieq_str(text, yes[i]))
			return TRUTH_TRUE;
		if (slice_ieq_str(text, no[i]))
			return TRUTH_FALSE;
	}
	return word && slice_ieq_str(text, "null") ? TRUTH_FALSE : TRUTH_UNKNOWN;
}

static void read_value(const struct argument *a, struct lexer_mode mode, struct effect_setting *out)
{
	*out = (struct effect_setting){ .form = EFFECT_FORM_ASK, .mode = mode };
	if (!a->simple)
		return;
	if (lexer_is_word(&a->token, "null"))
		out->form = EFFECT_FORM_DEFAULT;
	if (!literal_string(&a->token, mode, NULL))
		return;
	out->form = EFFECT_FORM_TEXT;
	out->value = a->token.text;
}

/* Three arguments from behind the parenthesis to behind the one that closes. */
static bool read_call(struct lexer *lex, struct config_call *out)
{
	struct argument name, value, local;
	if (!read_argument(lex, &name) || name.last || !read_argument(lex, &value) || value.last ||
	    !read_argument(lex, &local) || !local.last)
		return false;
	out->simple = name.simple && value.simple && local.simple;
	out->name = bare_text(&name, lex->mode);
	out->local = truth_of(&local, lex->mode);
	read_value(&value, lex->mode, &out->how);
	return true;
}

void effect_call_read(struct lexer lex, struct effect *out)
{
	struct config_call call;
	if (!read_call(&lex, &call))
		out->set |= EFFECT(SETTING_UNREAD);
	else
		effect_set_add(out, call.name, call.local == TRUTH_TRUE,
			       &(struct effect_setting){ .form = EFFECT_FORM_ASK });
}

/* [pg_catalog .] set_config (; `t` is the first token. */
static bool begins_call(struct lexer *lex, struct lexer_token t)
{
	if (lexer_is_word(&t, "pg_catalog")) {
		t = lexer_next(lex, NULL);
		if (!lexer_is_punct(&t, '.'))
			return false;
		t = lexer_next(lex, NULL);
	}
	struct lexer_token open = lexer_next(lex, NULL);
	return lexer_is_word(&t, "set_config") && lexer_is_punct(&open, '(');
}

/* [[AS] alias]: passed over; gives the token behind it. *lex stays before the token. */
static struct lexer_token pass_alias(struct lexer *lex)
{
	struct lexer before = *lex;
	struct lexer_token t = lexer_next(lex, NULL);
	bool as = lexer_is_word(&t, "as");
	if (as)
		t = lexer_next(lex, NULL);
	char name[LITERAL_NAME_BYTES];
	size_t n = literal_name(&t, name);
	bool alias = n > 0 && (as || t.kind == LEXER_QUOTED ||
			       calls_find(slice_make(name, n)) == CALLS_NONE);
	if (!alias && !as)
		*lex = before;
	before = *lex;
	t = lexer_next(lex, NULL);
	*lex = before;
	return t;
}

bool effect_call_read_all(struct lexer *lex, struct effect *out)
{
	struct lexer at = *lex;
	struct effect read = *out;
	for (;;) {
		struct config_call call;
		if (!begins_call(&at, lexer_next(&at, NULL)) || !read_call(&at, &call))
			return false;
		/* there may be calls in it, which somebody has to look for */
		if (!call.simple)
			return false;
		bool local = call.local == TRUTH_TRUE;
		if (call.local == TRUTH_UNKNOWN)
			call.how.form = EFFECT_FORM_ASK;
		effect_set_add(&read, call.name, local, &call.how);
		struct lexer_token t = pass_alias(&at);
		if (t.kind == LEXER_END || lexer_is_punct(&t, ';'))
			break;
		if (!lexer_is_punct(&t, ','))
			return false;
		lexer_next(&at, NULL);
	}
	*lex = at;
	*out = read;
	return true;
}
