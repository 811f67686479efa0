/*
 * settings_model.c - sql/varstack as a program, to be held against a server.
 *
 * Arguments are names of settings. Each line of standard input is one of
 *
 *	run TAB how many statements succeeded TAB did one fail (0, 1) TAB status TAB text
 *	note TAB name TAB value
 *	effects TAB text
 *
 * The last is answered by a line of effect_text.h, the others by what each of the settings is now,
 * with tabs between ("!" as at start-up, "?" not known, =value), and "lost" if it is. In texts \n,
 * \t and \\ stand for what they do in C.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "effect_text.h"
#include "sql/varstack.h"

#define FIELDS 5

static void unescape(char *s)
{
	char *to = s;
	for (; *s; s++) {
		if (*s == '\\' && s[1]) {
			s++;
			*to++ = *s == 'n' ? '\n' : *s == 't' ? '\t' : *s;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

static void run(struct varstack *vars, char **field)
{
	struct effect_iter iter;
	struct effect effect;
	long ok = atol(field[1]);
	unescape(field[4]);
	effect_init(&iter, slice_of(field[4]), (struct lexer_mode){ 0 });
	for (long i = 0; i < ok && effect_next(&iter, &effect); i++)
		varstack_apply(vars, &effect);
	if (field[2][0] == '1')
		varstack_fail(vars);
	varstack_ready(vars, field[3][0]);
}

static void note(struct varstack *vars, const char *name, char *value)
{
	unescape(value);
	varstack_note(vars, slice_of(name), slice_of(value));
}

static void effects(char *text)
{
	struct buf out = { 0 };
	unescape(text);
	effect_text(slice_of(text), (struct lexer_mode){ 0 }, &out);
	for (const char *p = buf_cstr(&out); *p; p++)
		printf(*p == '\n' ? "\\n" : "%c", *p);
	printf("\n");
	fflush(stdout);
	buf_fini(&out);
}

static void answer(const struct varstack *vars, char **names)
{
	for (; *names; names++) {
		struct slice value;
		switch (varstack_get(vars, *names, true, &value)) {
		case VARSTACK_DEFAULT:
			printf("!");
			break;
		case VARSTACK_ASK:
			printf("?");
			break;
		case VARSTACK_TEXT:
			printf("=%.*s", SLICE_ARGS(value));
			break;
		}
		printf("|\t");
	}
	printf("%s\n", varstack_is_lost(vars) ? "lost" : "");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static char line[1 << 16];
	struct varstack *vars = varstack_new();
	while (argc > 0 && fgets(line, sizeof(line), stdin)) {
		char *field[FIELDS] = { NULL };
		size_t n = 0;
		line[strcspn(line, "\n")] = '\0';
		for (char *p = line; p && n < FIELDS; n++)
			field[n] = strsep(&p, "\t");
		if (n == 5 && strcmp(field[0], "run") == 0)
			run(vars, field);
		else if (n == 3 && strcmp(field[0], "note") == 0)
			note(vars, field[1], field[2]);
		else if (n == 2 && strcmp(field[0], "effects") == 0)
			effects(field[1]);
		else
			return 99;
		if (n > 2)
			answer(vars, argv + 1);
	}
	varstack_free(vars);
	return 0;
}
