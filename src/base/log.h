/*
 * log.h - what the program has to say, a line at a time.
 *
 * `2026-11-22 18:21:03.123 UTC [PID] LEVEL text` goes to standard error, to a file and to
 * syslog, as asked for. On the journal (systemd's JOURNAL_STREAM) a line is `<N>text`.
 * Control characters in the text are written as \n, \r, \t or \xNN, so that nobody writes
 * lines of their own into our log. No password and no literal of a query belongs in a text.
 *
 * Until log_thread_start the caller writes; from then on any thread only puts its line into
 * a bounded buffer and the log's own thread writes, so that a full disk or a slow terminal
 * stops nobody. When the buffer is full a line is left out and counted, and a line says later how
 * many.
 *
 * One log per process. Thread: any, except where it says main.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bug.h"
#include "base/err.h"
#include "base/slice.h"

/* level, name in the line, priority of syslog and the journal */
#define LOG_LEVELS(X)                                                                              \
	X(FATAL, "FATAL", 2)     /* the process ends because of it */                              \
	X(ERROR, "ERROR", 3)     /* something was asked for and could not be done */               \
	X(WARNING, "WARNING", 4) /* somebody should look at it */                                  \
	X(INFO, "LOG", 6)        /* the course of things; the default */                           \
	X(DEBUG, "DEBUG", 7)     /* -v */                                                          \
	X(NOISE, "NOISE", 7)     /* -vv */

#define LOG_LEVEL_ENUM_(level, name, priority) LOG_LEVEL_##level,
enum log_level { LOG_LEVELS(LOG_LEVEL_ENUM_) LOG_LEVEL_COUNT };
#undef LOG_LEVEL_ENUM_

/* Where lines go. The strings are copied. */
struct log_config {
	enum log_level level; /* this and what is graver */
	bool to_stderr;
	const char *file;            /* appended to; NULL or "": none */
	const char *syslog_ident;    /* NULL or "": no syslog */
	const char *syslog_facility; /* "daemon", "local0", ...; NULL: daemon */
};

/* main: (re)configures; false leaves all as it was. At first: to standard error, LOG_LEVEL_INFO. */
bool log_open(const struct log_config *config, struct err *err) MUST_CHECK;
void log_reopen(void); /* main: the file was rotated */
void log_set_level(enum log_level level);
bool log_is_facility(struct slice name);

bool log_thread_start(struct err *err) MUST_CHECK; /* main */
void log_thread_stop(void); /* main: writes what is left; later lines are written directly */
void log_flush(void);       /* waits until what was logged so far is written, at most 2 s */

bool log_is_on(enum log_level level);
void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* A line made by somebody else (the slow-query log), without its line end: written as it is, except
 * that control characters are escaped. It counts as level INFO for syslog and is never
 * filtered out. */
void log_raw(struct slice line);

uint64_t log_left_out(void);     /* lines, since the start */
uint64_t log_write_errors(void); /* writes that failed, since the start */

#define LOG_AT_(level, ...)                                                                        \
	do {                                                                                       \
		if (log_is_on(level))                                                              \
			log_line(level, __VA_ARGS__);                                              \
	} while (0)
#define LOG_FATAL(...) LOG_AT_(LOG_LEVEL_FATAL, __VA_ARGS__)
#define LOG_ERROR(...) LOG_AT_(LOG_LEVEL_ERROR, __VA_ARGS__)
#define LOG_WARNING(...) LOG_AT_(LOG_LEVEL_WARNING, __VA_ARGS__)
#define LOG_INFO(...) LOG_AT_(LOG_LEVEL_INFO, __VA_ARGS__)
#define LOG_DEBUG(...) LOG_AT_(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define LOG_NOISE(...) LOG_AT_(LOG_LEVEL_NOISE, __VA_ARGS__)

#endif
