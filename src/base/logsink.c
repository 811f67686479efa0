/*
 * logsink.c - writing log lines to standard error, a file and syslog.
 *
 * The only file that includes <syslog.h>: its LOG_INFO and ours are not the same.
 */
#include "base/logsink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

/* log.h's macros would collide with those of <syslog.h>; only its struct is wanted here. */
#undef LOG_INFO
#undef LOG_WARNING
#undef LOG_DEBUG
#include "base/log.h"

#include "base/buf.h"
#include "base/mem.h"

#define LOGSINK_FLUSH_BYTES ((size_t)64 << 10)

/* A descriptor and what is to be written to it. */
struct logsink_out {
	int fd;       /* -1: none */
	bool is_torn; /* the last write ended in the middle of a line */
	struct buf lines;
};

struct logsink {
	struct logsink_out terminal; /* standard error; never closed */
	struct logsink_out file;
	char *path;
	bool to_syslog;
	bool is_journal; /* standard error is the journal's */
	unsigned failed;
	time_t dated; /* the second that `date` shows */
	char date[32];
};

static const struct {
	const char *name;
	int value;
} logsink_facilities[] = {
	{ "auth", LOG_AUTH },     { "authpriv", LOG_AUTHPRIV }, { "cron", LOG_CRON },
	{ "daemon", LOG_DAEMON }, { "ftp", LOG_FTP },           { "kern", LOG_KERN },
	{ "lpr", LOG_LPR },       { "mail", LOG_MAIL },         { "news", LOG_NEWS },
	{ "syslog", LOG_SYSLOG }, { "user", LOG_USER },         { "uucp", LOG_UUCP },
	{ "local0", LOG_LOCAL0 }, { "local1", LOG_LOCAL1 },     { "local2", LOG_LOCAL2 },
	{ "local3", LOG_LOCAL3 }, { "local4", LOG_LOCAL4 },     { "local5", LOG_LOCAL5 },
	{ "local6", LOG_LOCAL6 }, { "local7", LOG_LOCAL7 },
};

static int logsink_facility(struct slice name)
{
	for (size_t i = 0; i < COUNT_OF(logsink_facilities); i++)
		if (slice_ieq_str(name, logsink_facilities[i].name))
			return logsink_facilities[i].value;
	return -1;
}

bool logsink_is_facility(struct slice name)
{
	return logsink_facility(name) >= 0;
}

/* systemd says which descriptor it reads in JOURNAL_STREAM, as device:inode. */
static bool logsink_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;
	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

static int logsink_open(const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
	if (fd < 0)
		err_set(err, "cannot open log file %s: %s", path, strerror(errno));
	return fd;
}

/* syslog keeps the pointer to the name, and the sink before this one may still be writing:
 * so names take turns in two places. Called by main alone. */
static void logsink_openlog(const char *ident, int facility)
{
	static char names[2][64];
	static unsigned turn;
	char *name = names[turn++ % COUNT_OF(names)];

	snprintf(name, sizeof(names[0]), "%s", ident);
	openlog(name, LOG_PID | LOG_NDELAY, facility);
}

struct logsink *logsink_new(const struct log_config *config, struct err *err)
{
	int facility = LOG_DAEMON;
	if (config->syslog_facility && *config->syslog_facility)
		facility = logsink_facility(slice_of(config->syslog_facility));
	if (facility < 0) {
		err_set(err, "unknown syslog facility \"%s\"", config->syslog_facility);
		return NULL;
	}
	int fd = -1;
	if (config->file && *config->file && (fd = logsink_open(config->file, err)) < 0)
		return NULL;

	struct logsink *sink = mem_zalloc(sizeof(*sink));
	sink->terminal.fd = config->to_stderr ? STDERR_FILENO : -1;
	sink->file.fd = fd;
	sink->path = fd >= 0 ? mem_strdup(config->file) : NULL;
	sink->is_journal = config->to_stderr && logsink_is_journal();
	sink->to_syslog = config->syslog_ident && *config->syslog_ident;
	if (sink->to_syslog)
		logsink_openlog(config->syslog_ident, facility);
	return sink;
}

void logsink_free(struct logsink *sink)
{
	if (sink->file.fd >= 0)
		close(sink->file.fd);
	buf_fini(&sink->terminal.lines);
	buf_fini(&sink->file.lines);
	free(sink->path);
	free(sink);
}

bool logsink_reopen(struct logsink *sink, struct err *err)
{
	if (!sink->path)
		return true;
	int fd = logsink_open(sink->path, err);
	if (fd < 0)
		return false;
	close(sink->file.fd);
	sink->file.fd = fd;
	sink->file.is_torn = false;
	return true;
}

static const char *logsink_date(struct logsink *sink, usec_t wall)
{
	time_t second = (time_t)(wall / USEC_PER_SEC);
	if (second != sink->dated || !sink->date[0]) {
		struct tm tm;
		gmtime_r(&second, &tm);
		strftime(sink->date, sizeof(sink->date), "%Y-%m-%d %H:%M:%S", &tm);
		sink->dated = second;
	}
	return sink->date;
}

/* Writes it all, or says why not in errno. Sets how much was written. */
static bool logsink_write_all(int fd, struct slice data, size_t *done)
{
	while (*done < data.len) {
		ssize_t n = write(fd, data.ptr + *done, data.len - *done);
		if (n > 0) {
			*done += (size_t)n;
		} else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			struct pollfd pfd = { .fd = fd, .events = POLLOUT };
			poll(&pfd, 1, 1000);
		} else if (n == 0 || errno != EINTR) {
			return false;
		}
	}
	return true;
}

static void logsink_out_write(struct logsink *sink, struct logsink_out *out)
{
	size_t done = 0;
	struct slice lines = buf_slice(&out->lines);
	if (lines.len == 0)
		return;
	if (logsink_write_all(out->fd, lines, &done)) {
		out->is_torn = false;
	} else {
		sink->failed++;
		if (done > 0)
			out->is_torn = lines.ptr[done - 1] != '\n';
	}
	buf_clear(&out->lines);
}

static void logsink_out_put(struct logsink *sink, struct logsink_out *out, usec_t wall,
			    const char *name, struct slice text)
{
	if (out->fd < 0)
		return;
	if (out->is_torn && buf_len(&out->lines) == 0)
		buf_u8(&out->lines, '\n');
	if (name)
		buf_addf(&out->lines, "%s.%03d UTC [%d] %s ", logsink_date(sink, wall),
			 (int)(wall / 1000 % 1000), (int)getpid(), name);
	buf_add_slice(&out->lines, text);
	buf_u8(&out->lines, '\n');
	if (buf_len(&out->lines) >= LOGSINK_FLUSH_BYTES)
		logsink_out_write(sink, out);
}

void logsink_put(struct logsink *sink, usec_t wall, const char *name, int priority,
		 struct slice text)
{
	if (sink->is_journal) {
		buf_addf(&sink->terminal.lines, "<%d>", priority);
		logsink_out_put(sink, &sink->terminal, wall, NULL, text);
	} else {
		logsink_out_put(sink, &sink->terminal, wall, name, text);
	}
	logsink_out_put(sink, &sink->file, wall, name, text);
	if (sink->to_syslog)
		syslog(priority, "%.*s", SLICE_ARGS(text));
}

unsigned logsink_write(struct logsink *sink)
{
	if (sink->terminal.fd >= 0)
		logsink_out_write(sink, &sink->terminal);
	if (sink->file.fd >= 0)
		logsink_out_write(sink, &sink->file);
	unsigned failed = sink->failed;
	sink->failed = 0;
	return failed;
}
