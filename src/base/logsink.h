/*
 * logsink.h - where log lines go: standard error, a file, syslog, as asked for together.
 *
 * Lines are put one by one and written together by logsink_write. What cannot be written is
 * given up and counted: a full disk ends nothing. Owned by log.c.
 *
 * Thread: whoever holds log.c's lock on the sink; it may block.
 */
#ifndef BASE_LOGSINK_H
#define BASE_LOGSINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bug.h"
#include "base/err.h"
#include "base/slice.h"
#include "base/usec.h"

struct log_config;
struct logsink;

/* NULL: the file cannot be opened or the facility is unknown. */
struct logsink *logsink_new(const struct log_config *config, struct err *err) MUST_CHECK;
void logsink_free(struct logsink *sink);

/* Opens the file by its name again; on failure it goes on with the one it has. */
bool logsink_reopen(struct logsink *sink, struct err *err) MUST_CHECK;

/* A line: with date, process and level before the text, or (`name` is NULL) as it is. */
void logsink_put(struct logsink *sink, usec_t wall, const char *name, int priority,
		 struct slice text);

/* Writes what was put; says how many writes failed. */
unsigned logsink_write(struct logsink *sink);

bool logsink_is_facility(struct slice name);

#endif
