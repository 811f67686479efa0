/*
 * effects_print.c - the effects of each line of standard input (sql/effect), a line each as
 * effect_text.h has them; for tests/e2e/test_effects_oracle.py.
 *
 * In what is read \n, \t and \\ stand for what they do in C.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "effect_text.h"

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

int main(void)
{
	static char line[1 << 16];
	while (fgets(line, sizeof(line), stdin)) {
		struct buf out = { 0 };
		line[strcspn(line, "\n")] = '\0';
		unescape(line);
		effect_text(slice_of(line), (struct lexer_mode){ 0 }, &out);
		for (const char *p = buf_cstr(&out); *p; p++)
			printf(*p == '\n' ? "\\n" : "%c", *p);
		printf("\n");
		fflush(stdout);
		buf_fini(&out);
	}
	return 0;
}
