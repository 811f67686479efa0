/*
 * defaults.c - whose sessions begin with other settings from now on.
 */
#include "sql/defaults.h"

#include <ctype.h>
#include <string.h>

/* A role that is not named by its own name. */
static bool defaults_is_any(const struct lexer_token *t)
{
	return lexer_is_word(t, "all") || lexer_is_word(t, "current_user") ||
	       lexer_is_word(t, "session_user") || lexer_is_word(t, "current_role");
}

/* SET or RESET is there, and not of a tablespace, which is no setting. */
static bool defaults_are_set(struct lexer lex, struct lexer_token t)
{
	struct lexer_token next = lexer_next(&lex, NULL);
	return lexer_is_word(&t, "reset") ||
	       (lexer_is_word(&t, "set") && !lexer_is_word(&next, "tablespace"));
}

bool defaults_altered(struct slice statement, struct lexer_mode mode, char role[LITERAL_NAME_BYTES])
{
	struct lexer lex;
	lexer_init(&lex, statement, mode);
	struct lexer_token verb = lexer_next(&lex, NULL), what = lexer_next(&lex, NULL);
	bool is_role = lexer_is_word(&what, "role") || lexer_is_word(&what, "user");
	role[0] = '\0';
	if (!lexer_is_word(&verb, "alter") || !(is_role || lexer_is_word(&what, "database")))
		return false;
	struct lexer_token name = lexer_next(&lex, NULL), t = lexer_next(&lex, NULL);
	if (is_role && lexer_is_word(&t, "in")) {
		lexer_next(&lex, NULL); /* DATABASE */
		lexer_next(&lex, NULL);
		t = lexer_next(&lex, NULL);
	}
	if (!defaults_are_set(lex, t))
		return false;
	if (is_role && !defaults_is_any(&name) && !literal_name(&name, role))
		role[0] = '\0';
	return true;
}

static bool defaults_starts(struct slice s, const char *word)
{
	return slice_ieq_str(slice_head(s, strlen(word)), word);
}

bool defaults_are_in(struct slice code)
{
	for (; code.len > 0; code = slice_skip(code, 1)) {
		if (!defaults_starts(code, "alter"))
			continue;
		struct slice next = slice_skip(code, strlen("alter"));
		while (next.len > 0 && isspace((unsigned char)next.ptr[0]))
			next = slice_skip(next, 1);
		if (defaults_starts(next, "role") || defaults_starts(next, "user") ||
		    defaults_starts(next, "database"))
			return true;
	}
	return false;
}
