/*
 * cases.c - reads the tables of cases.
 */
#include "cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARROW "==>"

static void die(const char *name, int line, const char *what)
{
	fprintf(stderr, "%s:%d: %s\n", name, line, what);
	exit(99);
}

/* One <...> at `in`: its length and the byte that it stands for; 0 where it is none. */
static size_t read_escape(const char *in, char *byte)
{
	static const struct {
		const char *text;
		char byte;
	} known[] = { { "<n>", '\n' }, { "<r>", '\r' }, { "<t>", '\t' }, { "<s>", ' ' } };
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strncmp(in, known[i].text, strlen(known[i].text)) == 0) {
			*byte = known[i].byte;
			return strlen(known[i].text);
		}
	}
	unsigned hex;
	int used = 0;
	if (sscanf(in, "<x%2x>%n", &hex, &used) != 1 || used == 0)
		return 0;
	*byte = (char)hex;
	return (size_t)used;
}

static size_t unescape(struct slice in, char *out)
{
	size_t n = 0;
	for (size_t i = 0; i < in.len; n++) {
		size_t used = read_escape(in.ptr + i, &out[n]);
		if (used == 0)
			out[n] = in.ptr[i];
		i += used ? used : 1;
	}
	out[n] = '\0';
	return n;
}

static bool read_case(char *text, struct one_case *c)
{
	char *arrow = strstr(text, ARROW);
	struct slice left = slice_make(text, arrow ? (size_t)(arrow - text) : 0);
	if (!arrow)
		return false;
	left = slice_trim(left);
	char *close = text[0] == '[' ? strchr(text, ']') : NULL;
	if (close && close < arrow) {
		snprintf(c->options, sizeof(c->options), "%.*s", (int)(close - text - 1), text + 1);
		left = slice_trim(slice_make(close + 1, (size_t)(arrow - close - 1)));
	}
	c->input_len = unescape(left, c->input);
	unescape(slice_trim(slice_of(arrow + strlen(ARROW))), c->expected);
	return true;
}

void cases_each(const char *name, void (*fn)(const struct one_case *c))
{
	char path[512], text[CASES_TEXT_BYTES];
	const char *srcdir = getenv("srcdir");
	snprintf(path, sizeof(path), "%s/tests/unit/sql/%s", srcdir ? srcdir : ".", name);
	FILE *file = fopen(path, "r");
	if (!file)
		die(path, 0, "cannot read it");
	int count = 0;
	for (int line = 1; fgets(text, sizeof(text), file); line++) {
		struct one_case c = { .line = line };
		text[strcspn(text, "\n")] = '\0';
		if (text[0] == '#' || text[0] == '\0')
			continue;
		if (strlen(text) == sizeof(text) - 1 || !read_case(text, &c))
			die(path, line, "too long, or no " ARROW);
		fn(&c);
		count++;
	}
	fclose(file);
	if (count == 0)
		die(path, 0, "no cases");
}

struct slice case_input(const struct one_case *c)
{
	return slice_make(c->input, c->input_len);
}

bool case_has(const struct one_case *c, const char *option)
{
	return strstr(c->options, option) != NULL;
}

size_t case_number(const struct one_case *c, const char *option)
{
	const char *at = strstr(c->options, option);
	return at ? (size_t)atol(at + strlen(option) + 1) : 0;
}

struct lexer_mode case_mode(const struct one_case *c)
{
	return (struct lexer_mode){
		.backslashes = case_has(c, "backslashes"),
		.encoding = case_has(c, "sjis")     ? LEXER_ENCODING_SJIS
			    : case_has(c, "paired") ? LEXER_ENCODING_PAIRED
						    : LEXER_ENCODING_PLAIN,
	};
}
