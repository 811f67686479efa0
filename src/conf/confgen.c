/*
 * confgen.c - a program of the build: the sample configuration and the manual's settings, from the
 * table.
 *
 *	confgen sample CONFDIR RUNDIR    writes pgweir.ini
 *	confgen man <pgweir.ini.5.in     copies it, with the settings in place of the line
 *@SETTINGS@
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "conf/setting.h"

#define CONFGEN_COLUMNS 92

enum confgen_dir {
	CONFGEN_NO_DIR,
	CONFGEN_CONFDIR,
	CONFGEN_RUNDIR,
};

/* Rows that the sample sets; all others stand there as comments with their defaults. */
static const struct confgen_set {
	const char *name;
	enum confgen_dir dir; /* stands in front of the value */
	const char *value;
} confgen_set[] = {
	{ "listen_addr", CONFGEN_NO_DIR, "127.0.0.1" },
	{ "listen_port", CONFGEN_NO_DIR, "6432" },
	{ "unix_socket_dir", CONFGEN_RUNDIR, "" },
	{ "auth_type", CONFGEN_NO_DIR, "scram-sha-256" },
	{ "auth_file", CONFGEN_CONFDIR, "/userlist.txt" },
};

static const char confgen_head[] =
	"; pgweir.ini - what pgweir does, and for which databases. See pgweir.ini(5).\n"
	";\n"
	"; A line is a comment when ; or # is the first thing on it. What stands here as a "
	"comment\n"
	"; is the default. After a change: pgweir --test FILE, then SIGHUP, or RELOAD on the "
	"console.\n"
	"\n"
	"[databases]\n"
	"; What clients ask for = where it is, in the manner of a libpq connection string.\n"
	";\n"
	"; shop = host=10.0.0.5 port=5432\n"
	"; shop_reports = host=10.0.0.6 dbname=shop user=reporter password='it''s secret' "
	"pool_size=3\n"
	"; \"My DB\" = host=/run/postgresql dbname=mydb pool_mode=session\n"
	";\n"
	"; And for every other name:\n"
	"* = host=/run/postgresql\n"
	"\n"
	"[users]\n"
	"; What holds for a user, over the database's and the general settings:\n"
	";\n"
	"; batch = pool_timeout=10min query_timeout=0 log_min_duration_statement=30s\n"
	"\n"
	"[pgweir]\n";

static bool confgen_is_live(const struct setting *s)
{
	return s->name && (s->kind == SETTING_RELOAD || s->kind == SETTING_RESTART);
}

/* The heading at i has a live row beneath it. */
static bool confgen_has_live(size_t i)
{
	for (i++; i < setting_count && setting_table[i].name; i++)
		if (confgen_is_live(&setting_table[i]))
			return true;
	return false;
}

/* ---- the sample ------------------------------------------------------------------------- */

static void confgen_wrapped(const char *prefix, const char *text)
{
	size_t column = 0;
	struct slice word;
	while (setting_next_word(&text, &word)) {
		if (column > 0 && column + 1 + word.len > CONFGEN_COLUMNS) {
			putchar('\n');
			column = 0;
		}
		column += (size_t)printf("%s%.*s", column == 0 ? prefix : " ", SLICE_ARGS(word));
	}
	putchar('\n');
}

static void confgen_sample_row(const struct setting *s, char *const *argv)
{
	const struct confgen_set *set = NULL;
	for (size_t i = 0; i < COUNT_OF(confgen_set); i++)
		if (strcmp(confgen_set[i].name, s->name) == 0)
			set = &confgen_set[i];

	confgen_wrapped("; ", s->text);
	if (set)
		printf("%s = %s%s\n\n", s->name,
		       set->dir == CONFGEN_NO_DIR ? "" : argv[1 + set->dir], set->value);
	else
		printf(";%s = %s\n\n", s->name, s->def);
}

static void confgen_sample(char *const *argv)
{
	fputs(confgen_head, stdout);
	for (size_t i = 0; i < setting_count; i++) {
		const struct setting *s = &setting_table[i];
		if (!s->name && confgen_has_live(i))
			printf("; ---- %s ----\n\n", s->text);
		else if (confgen_is_live(s) && (s->scope & SETTING_G))
			confgen_sample_row(s, argv);
	}
}

/* ---- the manual ------------------------------------------------------------------------------ */

/* Text for roff: no dash, backslash or leading dot of it is roff's. */
static void confgen_roff(const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '\\')
			fputs("\\e", stdout);
		else if (*p == '-')
			fputs("\\-", stdout);
		else if ((*p == '.' || *p == '\'') && (p == text || p[-1] == '\n'))
			printf("\\&%c", *p);
		else
			putchar(*p);
	}
}

static const char *confgen_type(const struct setting *s)
{
	switch (s->type) {
	case SETTING_BOOL:
		return "on or off";
	case SETTING_INT:
		return "a number";
	case SETTING_MODE:
		return "an octal mode";
	case SETTING_DURATION:
		return s->extras.unit == CONF_UNIT_MS ? "a duration, in milliseconds if bare"
						      : "a duration";
	case SETTING_BYTES:
		return "a size";
	case SETTING_STRING:
		return "text";
	case SETTING_LIST:
		return "a list";
	case SETTING_ENUM:
		return "a word";
	}
	return "";
}

static void confgen_man_value(const char *value)
{
	if (*value) {
		fputs("\\fB", stdout);
		confgen_roff(value);
		fputs("\\fR", stdout);
	} else {
		fputs("empty", stdout);
	}
}

static void confgen_man_facts(const struct setting *s)
{
	printf(".br\nIt is %s; default ", confgen_type(s));
	confgen_man_value(s->def);
	if (strcmp(s->def, s->pgbouncer_def) != 0) {
		fputs(", under [pgbouncer] ", stdout);
		confgen_man_value(s->pgbouncer_def);
	}
	fputs(".\n", stdout);
	if (s->scope == SETTING_D)
		fputs("For a database only.\n", stdout);
	else if (s->scope & SETTING_D)
		printf("Also for a database%s.\n", s->scope & SETTING_U ? " or a user" : "");
	else if (s->scope & SETTING_U)
		fputs("Also for a user.\n", stdout);
	if (s->kind == SETTING_RESTART)
		fputs("A change takes effect at the next start.\n", stdout);
	struct slice alias;
	for (const char *at = s->extras.alias; setting_next_word(&at, &alias);)
		printf("PgBouncer's name \\fB%.*s\\fR means the same.\n", SLICE_ARGS(alias));
	if (s->extras.inverse)
		printf("PgBouncer's \\fB%s\\fR means the opposite.\n", s->extras.inverse);
}

static void confgen_man_row(const struct setting *s)
{
	printf(".TP\n.B %s\n", s->name);
	confgen_roff(s->text);
	putchar('\n');
	if (confgen_is_live(s))
		confgen_man_facts(s);
	else if (s->extras.safe)
		printf(".br\nAccepted: %s.\n", s->extras.safe);
}

static void confgen_man_settings(void)
{
	for (size_t i = 0; i < setting_count; i++) {
		const struct setting *s = &setting_table[i];
		if (s->name) {
			confgen_man_row(s);
		} else {
			fputs(".SS ", stdout);
			confgen_roff(s->text);
			putchar('\n');
		}
	}
}

static void confgen_man(void)
{
	char *line = NULL;
	size_t cap = 0;
	while (getline(&line, &cap, stdin) > 0) {
		if (strcmp(line, "@SETTINGS@\n") == 0)
			confgen_man_settings();
		else
			fputs(line, stdout);
	}
	free(line);
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "sample") == 0) {
		confgen_sample(argv);
	} else if (argc == 2 && strcmp(argv[1], "man") == 0) {
		confgen_man();
	} else {
		fprintf(stderr, "usage: confgen sample CONFDIR RUNDIR | confgen man <TEMPLATE\n");
		return 2;
	}
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
