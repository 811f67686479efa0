/*
 * bug.c - the end of the process when an invariant is broken.
 */
#include "base/bug.h"

#include <stdio.h>
#include <stdlib.h>

void bug(const char *file, int line, const char *func, const char *what)
{
	fprintf(stderr, "BUG: %s:%d: %s: %s\n", file, line, func, what);
	abort();
}
