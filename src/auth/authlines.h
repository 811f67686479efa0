/*
 * authlines.h - the grammar that pg_hba.conf and pg_ident.conf share: lines of fields of words.
 *
 * Fields are separated by blanks, the words of a field by commas. A word may be quoted, as a
 * whole or in part, with "" for a quote; then it is no keyword. # begins a comment, a backslash
 * at the end of a line continues it. A word @FILE stands for the words of that file; `include`,
 * `include_if_exists` and `include_dir` (its *.conf, by name) for the lines of others. Paths that
 * are not absolute begin in the directory of the file that names them.
 *
 * All that was read is in the caller's confmem.
 *
 * Thread: any; reads files.
 */
#ifndef AUTH_AUTHLINES_H
#define AUTH_AUTHLINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/bug.h"
#include "base/slice.h"
#include "conf/confmem.h"

#define AUTHLINES_MAX_DEPTH 10
#define AUTHLINES_MAX_FILE_BYTES ((size_t)16 << 20)
#define AUTHLINES_MAX_LINES 100000 /* of all files */

/* is_fault: the file is refused for it; otherwise a warning. line 0: about the file itself. */
typedef void (*authlines_report_fn)(void *arg, bool is_fault, const char *file, unsigned line,
				    const char *text);

struct authlines_word {
	const char *text;
	bool is_quoted; /* it began with a quote */
};

struct authlines_field {
	struct authlines_word *words; /* one at least */
	size_t count;
};

struct authlines_line {
	const char *file;
	unsigned line;                  /* its first, where it was continued */
	bool is_readable_by_all;        /* the file */
	struct authlines_field *fields; /* one at least */
	size_t count;
};

struct authlines {
	struct confmem *mem; /* the caller's */
	authlines_report_fn report;
	void *arg;
	bool has_faults;
	struct authlines_line *lines;
	size_t count;
};

void authlines_init(struct authlines *all, struct confmem *mem, authlines_report_fn report,
		    void *arg);

/* Fill all->lines. What is wrong was reported; then has_faults is set. */
void authlines_load(struct authlines *all, const char *path);
void authlines_parse(struct authlines *all, struct slice text, const char *name); /* no files */

void authlines_fault(struct authlines *all, const char *file, unsigned line, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
void authlines_warn(struct authlines *all, const char *file, unsigned line, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/* Unquoted, and this word. */
bool authlines_is_keyword(const struct authlines_word *word, const char *keyword);

/* Adds the word as it may be written in such a file: in quotes where it needs them. */
void authlines_write_word(const struct authlines_word *word, struct buf *out);

#endif
