/*
 * options.c - reading the command line, and what --help says.
 */
#include "options.h"

#include <getopt.h>
#include <stdio.h>

#include "config.h"

static const char options_help[] =
	"Usage: pgweir [OPTION]... CONFIG.ini\n"
	"\n"
	"A connection pooler for PostgreSQL.\n"
	"\n"
	"  -d, --daemon         run in the background (needs logfile or syslog in the file)\n"
	"  -q, --quiet          nothing on standard error once it runs\n"
	"  -R, --reboot         accepted for PgBouncer's sake: does nothing; start another process\n"
	"                       and end this one with SIGTERM, or use the service manager\n"
	"  -t, --test           check the configuration, say every fault in it, and exit\n"
	"  -u, --user=NAME      become this system user (needed when started as root)\n"
	"  -v, --verbose        log more; twice: much more\n"
	"  -V, --version        say which version this is and what is built in, and exit\n"
	"  -h, --help           say this, and exit\n"
	"\n"
	"Signals: HUP reload; INT end when no server is in use; TERM end when the last client has\n"
	"left; a second INT or TERM, or QUIT, end now; USR1 pause; USR2 resume.\n"
	"Manual: man pgweir, man pgweir.ini\n";

static const struct option options_long[] = {
	{ "daemon", no_argument, NULL, 'd' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "reboot", no_argument, NULL, 'R' },
	{ "test", no_argument, NULL, 't' },
	{ "user", required_argument, NULL, 'u' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* What it is, and which of those parts it has that a build may leave out. */
static void options_say_version(void)
{
	static const char *const parts[] = {
#ifdef HAVE_SYSTEMD
		"systemd",
#endif
#ifdef HAVE_LIBIDN
		"libidn",
#endif
#ifdef HAVE_PAM
		"pam",
#endif
#ifdef HAVE_LDAP
		"ldap",
#endif
		NULL,
	};
	printf("pgweir %s\nbuilt with:", PACKAGE_VERSION);
	for (size_t i = 0; parts[i]; i++)
		printf(" %s", parts[i]);
	printf("%s\n", parts[0] ? "" : " nothing that may be left out");
}

enum options_verdict options_read(int argc, char **argv, struct options *out)
{
	int c;
	*out = (struct options){ 0 };
	while ((c = getopt_long(argc, argv, "dqRtu:vVh", options_long, NULL)) != -1) {
		switch (c) {
		case 'd':
			out->daemon = true;
			break;
		case 'q':
			out->quiet = true;
			break;
		case 'R':
			out->restart = true;
			break;
		case 't':
			out->test = true;
			break;
		case 'u':
			out->user = optarg;
			break;
		case 'v':
			out->verbose++;
			break;
		case 'V':
			options_say_version();
			return OPTIONS_DONE;
		case 'h':
			fputs(options_help, stdout);
			return OPTIONS_DONE;
		default:
			fputs("Try 'pgweir --help'.\n", stderr);
			return OPTIONS_BAD;
		}
	}
	if (argc - optind != 1) {
		fprintf(stderr, "pgweir: %s\nTry 'pgweir --help'.\n",
			argc == optind ? "which configuration file?"
				       : "one configuration file, not more");
		return OPTIONS_BAD;
	}
	out->config = argv[optind];
	return OPTIONS_RUN;
}
