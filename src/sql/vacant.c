/*
 * vacant.c - which database has to be left by all.
 */
#include "sql/vacant.h"

#include <stdio.h>
#include <string.h>

static bool vacant_of_drop(struct lexer *lex, char name[LITERAL_NAME_BYTES])
{
	struct lexer_token t = lexer_next(lex, NULL);
	struct lexer behind = *lex;
	struct lexer_token next = lexer_next(&behind, NULL);
	if (lexer_is_word(&t, "if") && lexer_is_word(&next, "exists")) {
		*lex = behind;
		t = lexer_next(lex, NULL);
	}
	return literal_name(&t, name);
}

static bool vacant_of_alter(struct lexer *lex, char name[LITERAL_NAME_BYTES])
{
	struct lexer_token t = lexer_next(lex, NULL);
	if (!literal_name(&t, name))
		return false;
	struct lexer_token what = lexer_next(lex, NULL), more = lexer_next(lex, NULL);
	return lexer_is_word(&what, "rename") ||
	       (lexer_is_word(&what, "set") && lexer_is_word(&more, "tablespace"));
}

/* A template's name may be a string as well. */
static bool vacant_template(const struct lexer_token *t, struct lexer_mode mode,
			    char name[LITERAL_NAME_BYTES])
{
	struct buf text = { 0 };
	if (lexer_is_word(t, "default"))
		return true;
	if (literal_name(t, name))
		return true;
	bool is_read = literal_string(t, mode, &text) && buf_len(&text) < LITERAL_NAME_BYTES;
	if (is_read)
		snprintf(name, LITERAL_NAME_BYTES, "%s", buf_cstr(&text));
	buf_fini(&text);
	return is_read;
}

static bool vacant_of_create(struct lexer *lex, char name[LITERAL_NAME_BYTES])
{
	struct lexer_token t = lexer_next(lex, NULL);
	if (!literal_name(&t, name))
		return false;
	snprintf(name, LITERAL_NAME_BYTES, "template1");
	for (struct lexer ahead = *lex;; *lex = ahead) {
		t = lexer_next(&ahead, NULL);
		if (t.kind == LEXER_END || lexer_is_punct(&t, ';'))
			return true;
		if (!lexer_is_word(&t, "template"))
			continue;
		t = lexer_next(&ahead, NULL);
		if (t.kind == LEXER_OPERATOR) /* an equals sign */
			t = lexer_next(&ahead, NULL);
		return vacant_template(&t, lex->mode, name);
	}
}

/* Is no other statement behind it? */
static bool vacant_is_last(struct lexer *lex)
{
	bool is_over = false;
	for (;;) {
		struct lexer_token t = lexer_next(lex, NULL);
		if (t.kind == LEXER_END)
			return true;
		if (is_over && !lexer_is_punct(&t, ';'))
			return false;
		is_over |= lexer_is_punct(&t, ';');
	}
}

bool vacant_database(struct slice sql, struct lexer_mode mode, char name[LITERAL_NAME_BYTES])
{
	struct lexer lex;
	lexer_init(&lex, sql, mode);
	struct lexer_token verb = lexer_next(&lex, NULL), what = lexer_next(&lex, NULL);
	if (!lexer_is_word(&what, "database"))
		return false;
	bool is = lexer_is_word(&verb, "drop") ? vacant_of_drop(&lex, name)
		  : lexer_is_word(&verb, "alter")
			  ? vacant_of_alter(&lex, name)
			  : lexer_is_word(&verb, "create") && vacant_of_create(&lex, name);
	return is && vacant_is_last(&lex);
}
