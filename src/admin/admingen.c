/*
 * admingen.c - a program of the build: the manual's chapter on the console, from the tables.
 *
 *	admingen <page.in    copies it, with the chapter in place of the line @CONSOLE@
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/manual.h"

int main(void)
{
	char line[4096];
	struct buf chapter = { .data = NULL };
	manual_roff(&chapter);
	while (fgets(line, sizeof(line), stdin))
		fputs(strcmp(line, "@CONSOLE@\n") == 0 ? buf_cstr(&chapter) : line, stdout);
	buf_fini(&chapter);
	return ferror(stdin) || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
