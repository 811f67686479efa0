/*
 * options.h - the command line.
 *
 * Thread: main.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>

struct options {
	const char *config; /* the file; not owned */
	const char *user;   /* -u; NULL: as the file says */
	bool daemon;
	bool test;
	bool quiet;
	bool restart; /* -R */
	int verbose;
};

enum options_verdict {
	OPTIONS_RUN,
	OPTIONS_DONE, /* all is said (--help, --version): exit 0 */
	OPTIONS_BAD,  /* what is wrong was said: exit 1 */
};

enum options_verdict options_read(int argc, char **argv, struct options *out);

#endif
