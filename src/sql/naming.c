/*
 * naming.c - every token of a text, looked up.
 */
#include "sql/naming.h"

#include "sql/literal.h"

bool naming_is_foreign(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)name.ptr[i] >= 0x80)
			return true;
	return false;
}

static bool naming_is_one(const struct lexer_token *t, struct lexer_mode mode,
			  const struct map *names, bool any_letters)
{
	char name[LITERAL_NAME_BYTES];
	if (t->kind == LEXER_OPERATOR)
		return map_get(names, t->text) != NULL;
	if (t->kind != LEXER_WORD && t->kind != LEXER_QUOTED)
		return false;
	if (literal_is_obscure(t->text, mode) || (any_letters && naming_is_foreign(t->text)))
		return true;
	size_t n = literal_name(t, name);
	return n ? map_get(names, slice_make(name, n)) != NULL : t->kind == LEXER_QUOTED;
}

bool naming_has(struct slice sql, struct lexer_mode mode, const struct map *names, bool any_letters)
{
	struct lexer lex;
	lexer_init(&lex, sql, mode);
	for (;;) {
		struct lexer_token t = lexer_next(&lex, NULL);
		if (t.kind == LEXER_END)
			return false;
		if (naming_is_one(&t, mode, names, any_letters))
			return true;
	}
}
