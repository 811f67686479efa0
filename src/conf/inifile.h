/*
 * inifile.h - from files to entries: section, key, value, and where they stand.
 *
 * What a line may be:
 *
 *	; a comment, or # one        only at the start of a line, blanks before it allowed
 *	[section]
 *	key = value                  the value is the rest of the line, whatever is in it
 *	"My ""DB""" = value          a quoted key, with "" for a quote
 *	%include other.ini           relative to the directory of the file it stands in
 *
 * Lines may have any length, end in LF or CRLF and be indented, which means nothing. A
 * byte-order mark at the start of a file is skipped. Whatever else a line is, is a fault.
 *
 * Thread: any; nothing is kept.
 */
#ifndef CONF_INIFILE_H
#define CONF_INIFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "conf/conf.h"
#include "conf/confmem.h"

#define INIFILE_MAX_FILE_BYTES ((size_t)64 << 20)
#define INIFILE_MAX_DEPTH 16

struct inifile_entry {
	const char *section;
	const char *key;
	const char *value;
	const char *file;
	int line;
};

struct inifile_entries {
	struct inifile_entry *items; /* in the caller's confmem, as are all the strings */
	size_t count;
};

/* What could be read is in `out` even when there were faults. */
void inifile_read_file(const char *path, struct confmem *mem, struct inifile_entries *out,
		       struct conf_faults *faults);
void inifile_read_memory(struct slice text, const char *name, struct confmem *mem,
			 struct inifile_entries *out, struct conf_faults *faults);

#endif
