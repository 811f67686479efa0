/*
 * admingen.c - a program of the build: what the manual says from the tables of the console and of
 * what keeps servers.
 *
 *	admingen <page.in    copies it, with such a part in place of a line @CONSOLE@ or @KEEPS@
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/manual.h"

static const struct {
	const char *line;
	void (*write)(struct buf *out);
} admingen_parts[] = { { "@CONSOLE@\n", manual_roff }, { "@KEEPS@\n", manual_roff_keeps } };

static void admingen_line(const char *line)
{
	for (size_t i = 0; i < COUNT_OF(admingen_parts); i++) {
		if (strcmp(line, admingen_parts[i].line) != 0)
			continue;
		struct buf part = { .data = NULL };
		admingen_parts[i].write(&part);
		fputs(buf_cstr(&part), stdout);
		buf_fini(&part);
		return;
	}
	fputs(line, stdout);
}

int main(void)
{
	char line[4096];
	while (fgets(line, sizeof(line), stdin))
		admingen_line(line);
	return ferror(stdin) || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
