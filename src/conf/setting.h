/*
 * setting.h - the table of settings.def, as data.
 *
 * Thread: any; the table is constant.
 */
#ifndef CONF_SETTING_H
#define CONF_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "conf/conf.h"

enum setting_type {
	SETTING_BOOL,
	SETTING_INT,
	SETTING_MODE,
	SETTING_DURATION,
	SETTING_BYTES,
	SETTING_STRING,
	SETTING_LIST,
	SETTING_ENUM,
};

/* A set of places where a setting may stand. */
enum setting_scope {
	SETTING_G = 1,
	SETTING_D = 2,
	SETTING_U = 4,
	SETTING_GD = SETTING_G | SETTING_D,
	SETTING_GU = SETTING_G | SETTING_U,
	SETTING_GDU = SETTING_G | SETTING_D | SETTING_U,
};

enum setting_kind {
	SETTING_RELOAD,
	SETTING_RESTART,
	SETTING_IGNORED,
	SETTING_REFUSED,
};

enum setting_unit {
	CONF_UNIT_S, /* a bare number of a DURATION is seconds */
	CONF_UNIT_MS,
};

enum setting_check {
	CONF_CHECK_NONE,
	CONF_CHECK_FACILITY,       /* a syslog facility */
	CONF_CHECK_PROTOCOLS,      /* versions of TLS */
	CONF_CHECK_PROTOCOL_RANGE, /* the same without a gap */
	CONF_CHECK_SHARE,          /* a number, or a percentage */
};

/* What a row says beyond its columns. */
struct setting_extras {
	int64_t min;
	int64_t max;         /* 0: as large as the type allows */
	const char *never;   /* the number that stands for USEC_NEVER, or NULL */
	const char *alias;   /* other names for it, separated by blanks, or NULL */
	const char *inverse; /* the name of its opposite, or NULL */
	bool is_secret;      /* there may be a password in it: SHOW CONFIG does not show it */
	const char *safe;    /* REFUSED, but for these, separated by blanks; or NULL */
	enum setting_unit unit;
	enum setting_check check;
};

struct setting {
	const char *name; /* NULL: a heading, which is in `text` */
	enum setting_type type;
	enum setting_scope scope;
	enum setting_kind kind;
	const char *def;           /* under [pgweir] */
	const char *pgbouncer_def; /* under [pgbouncer] */
	const char *text;
	const char *const *words; /* of an ENUM */
	int word_count;
	int global_at; /* where its field is in struct conf_global; -1: it has none */
	int pool_at;   /* the same in struct conf_pool */
	struct setting_extras extras;
};

extern const struct setting setting_table[];
extern const size_t setting_count;

/* The setting that may stand in this place under this name; NULL: none. */
const struct setting *setting_find(struct slice name, enum setting_scope place, bool *is_inverse);

/* The name that is most like this one among those that may stand there, or NULL. */
const char *setting_nearest(struct slice name, enum setting_scope place);

/* The words of a string that is separated by blanks: false at the end. */
bool setting_next_word(const char **at, struct slice *word);

/* How different two names are, in characters changed, added, dropped or swapped; `max` or
 * more counts as `max`. */
size_t setting_distance(struct slice a, struct slice b, size_t max);

#endif
