/*
 * order.c - a statement is held against the rows of orders.def, one after the other.
 *
 * A row matches where its words are the first of the statement and the rest is an argument
 * of the kind that the row takes. No two rows match the same statement.
 */
#include "admin/order.h"

#include "sql/lexer.h"

static const struct order_rule order_rules[] = {
#define ORDER(id, pattern, argument, right, run, sheet, tag, text)                                 \
	[ORDER_##id] = { pattern,                                                                  \
			 ORDER_ARGUMENT_##argument,                                                \
			 ORDER_RIGHT_##right,                                                      \
			 SHEET_ID_##sheet,                                                         \
			 tag,                                                                      \
			 text },
#include "admin/orders.def"
#undef ORDER
};

const struct order_rule *order_rule(enum order_id id)
{
	return &order_rules[id];
}

bool order_is_driver_setting(struct slice name)
{
	static const char *const names[] = {
		"application_name",
		"bytea_output",
		"client_encoding",
		"client_min_messages",
		"datestyle",
		"default_transaction_read_only",
		"extra_float_digits",
		"idle_in_transaction_session_timeout",
		"intervalstyle",
		"lock_timeout",
		"names",
		"search_path",
		"session",
		"standard_conforming_strings",
		"statement_timeout",
		"timezone",
	};
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (slice_ieq_str(name, names[i]))
			return true;
	return false;
}

/* ---- names and values ----------------------------------------------------------------------- */

/* Copies what stands between quotes, with each pair of them for one. */
static bool order_unquote(struct slice text, char *out, size_t out_bytes)
{
	char quote = text.ptr[0];
	size_t n = 0;
	if (text.len < 2 || text.ptr[text.len - 1] != quote)
		return false;
	for (size_t i = 1; i + 1 < text.len; i++) {
		if (n + 1 >= out_bytes || !text.ptr[i])
			return false;
		out[n++] = text.ptr[i];
		if (text.ptr[i] == quote && text.ptr[++i] != quote)
			return false;
	}
	out[n] = '\0';
	return true;
}

static bool order_copy(struct slice text, char *out, size_t out_bytes)
{
	if (text.len >= out_bytes || memchr(text.ptr, '\0', text.len))
		return false;
	memcpy(out, text.ptr, text.len);
	out[text.len] = '\0';
	return true;
}

static bool order_is_quote(char c)
{
	return c == '\'' || c == '"';
}

static bool order_name(const struct lexer_token *t, char out[ORDER_NAME_BYTES])
{
	if (t->open)
		return false;
	if (t->kind == LEXER_WORD || t->kind == LEXER_NUMBER)
		return order_copy(t->text, out, ORDER_NAME_BYTES);
	if ((t->kind == LEXER_QUOTED || t->kind == LEXER_STRING) && order_is_quote(t->text.ptr[0]))
		return order_unquote(t->text, out, ORDER_NAME_BYTES) && *out;
	return false;
}

static bool order_number(const struct lexer_token *t, uint64_t *out)
{
	uint64_t n = 0;
	if (t->kind != LEXER_NUMBER)
		return false;
	for (size_t i = 0; i < t->text.len; i++) {
		unsigned digit = (unsigned)(unsigned char)t->text.ptr[i] - '0';
		if (digit > 9 || __builtin_mul_overflow(n, 10u, &n) ||
		    __builtin_add_overflow(n, digit, &n))
			return false;
	}
	*out = n;
	return true;
}

/* All of the text is the value, bare or in one pair of quotes. */
static bool order_value(struct slice text, char out[ORDER_VALUE_BYTES])
{
	struct lexer lex;
	struct lexer_token t;
	lexer_init(&lex, text, (struct lexer_mode){ .backslashes = false });
	t = lexer_next(&lex, NULL); /* what is before it is space and comments */
	if (t.kind == LEXER_END)
		return false;
	text = slice_trim(slice_skip(text, (size_t)(t.text.ptr - text.ptr)));
	if (order_is_quote(text.ptr[0]))
		return order_unquote(text, out, ORDER_VALUE_BYTES);
	return order_copy(text, out, ORDER_VALUE_BYTES);
}

static bool order_setting(struct lexer *lex, struct order *out)
{
	struct lexer_token key = lexer_next(lex, NULL);
	if (!order_name(&key, out->name))
		return false;
	out->has_name = true;
	struct slice behind_key = lex->rest;
	struct lexer_token t = lexer_next(lex, NULL);
	if (lexer_is_word(&t, "TO"))
		return order_value(lex->rest, out->value);
	if (t.kind == LEXER_OPERATOR && t.text.ptr[0] == '=') /* and maybe a sign */
		return order_value(
			slice_skip(behind_key, (size_t)(t.text.ptr + 1 - behind_key.ptr)),
			out->value);
	/* SET NAMES 'utf8', SET SESSION CHARACTERISTICS AS ... */
	return (slice_ieq_str(key.text, "names") || slice_ieq_str(key.text, "session")) &&
	       order_value(behind_key, out->value);
}

/* ---- the table ------------------------------------------------------------------------------ */

static bool order_is_end(struct lexer *lex)
{
	return lexer_next(lex, NULL).kind == LEXER_END;
}

static bool order_argument(struct lexer *lex, enum order_argument kind, struct order *out)
{
	struct lexer at_name = *lex;
	struct lexer_token t;
	switch (kind) {
	case ORDER_ARGUMENT_NONE:
		return order_is_end(lex);
	case ORDER_ARGUMENT_OPTIONAL:
		if (order_is_end(&at_name))
			return true;
		/* fall through */
	case ORDER_ARGUMENT_DATABASE:
		t = lexer_next(lex, NULL);
		out->has_name = true;
		return order_name(&t, out->name) && order_is_end(lex);
	case ORDER_ARGUMENT_NUMBER:
		t = lexer_next(lex, NULL);
		return order_number(&t, &out->number) && order_is_end(lex);
	case ORDER_ARGUMENT_SETTING:
		return order_setting(lex, out);
	case ORDER_ARGUMENT_ANY:
		return true;
	}
	return false;
}

static bool order_word(struct lexer *lex, struct slice word)
{
	struct lexer_token t = lexer_next(lex, NULL);
	return t.kind != LEXER_END && (slice_ieq(t.text, word) ||
				       (slice_eq_str(word, "SHOW") && lexer_is_word(&t, "SELECT")));
}

static bool order_match(const struct order_rule *rule, struct slice text, struct order *out)
{
	struct lexer lex;
	const char *at = rule->pattern;
	lexer_init(&lex, text, (struct lexer_mode){ .backslashes = false });
	while (*at) {
		size_t n = strcspn(at, " ");
		if (!order_word(&lex, slice_make(at, n)))
			return false;
		at += n + (at[n] == ' ');
	}
	return order_argument(&lex, rule->argument, out);
}

bool order_parse(struct slice text, struct order *out)
{
	for (enum order_id id = 0; id < ORDER_COUNT; id++) {
		*out = (struct order){ .id = id };
		if (order_match(&order_rules[id], text, out))
			return true;
	}
	return false;
}
