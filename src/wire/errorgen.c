/*
 * errorgen.c - a program of the build: the manual page of the errors, from their table.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/errors.h"

static const char errorgen_head[] =
	".TH PGWEIR\\-ERRORS 7 \"\" \"pgweir\" \"pgweir\"\n"
	".SH NAME\n"
	"pgweir\\-errors \\- what pgweir itself tells clients\n"
	".SH DESCRIPTION\n"
	"Nearly all errors that a client sees are its server's, and reach it as they are. These are\n"
	"the pooler's own. After an ERROR the connection can be used; FATAL ends it. Where a pool is\n"
	"concerned, the error's DETAIL has its limits and how many servers are active and idle, and\n"
	"how many clients wait.\n"
	".PP\n"
	"N stands for a number and ... for a text.\n"
	".SH ERRORS\n";

static const char errorgen_tail[] = ".SH SEE ALSO\n"
				    ".BR pgweir (1),\n"
				    ".BR pgweir.ini (5)\n";

/* A text in roff: no control lines, and - and \ as themselves. */
static void errorgen_text(const char *text)
{
	if (*text == '.')
		fputs("\\&", stdout);
	for (; *text; text++)
		switch (*text) {
		case '\\':
			fputs("\\e", stdout);
			break;
		case '-':
			fputs("\\-", stdout);
			break;
		case '\'':
			fputs("\\(aq", stdout);
			break;
		case '"':
			fputs("\\(dq", stdout);
			break;
		default:
			putchar(*text);
		}
}

/* A message's format: %s reads as ..., every number as N. */
static void errorgen_format(const char *format)
{
	while (*format) {
		size_t n = strcspn(format, "%");
		char plain[2] = { 0 };
		for (size_t i = 0; i < n; i++) {
			plain[0] = format[i];
			errorgen_text(plain);
		}
		format += n;
		if (!*format)
			return;
		format += 1 + strspn(format + 1, "0123456789.+-# lz");
		fputs(*format == 's' ? "..." : *format == '%' ? "%" : "N", stdout);
		format += *format != '\0';
	}
}

static void errorgen_row(enum error_id id)
{
	const char *hint = errors_hint(id);
	printf(".TP\n\\fB%s %s\\fR: \\fI", errors_severity(id), errors_sqlstate(id));
	errorgen_format(errors_format(id));
	fputs("\\fR\n", stdout);
	errorgen_text(errors_manual(id));
	if (hint) {
		fputs("\n.br\nHint: ", stdout);
		errorgen_text(hint);
	}
	putchar('\n');
}

int main(void)
{
	fputs(errorgen_head, stdout);
	for (int id = 0; id < ERROR_COUNT_; id++)
		errorgen_row((enum error_id)id);
	fputs(errorgen_tail, stdout);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
