/*
 * log.c - lines from any thread, written by one.
 *
 * Without the thread the caller writes, under the sink's lock. With it the caller puts a record
 * behind the others in `waiting`, under a lock that is held for a copy and no longer; the thread
 * exchanges that buffer for an empty one and writes at leisure. Only the thread and, when
 * there is none, the callers touch the sink; what main wants done to it is left as a wish
 * (`next`, `wants_reopen`) that is granted before the next line.
 *
 * Lock order: `sink_lock` before `lock`.
 */
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/logsink.h"
#include "base/thread.h"
#include "base/usec.h"

#define LOG_WAITING_MAX_BYTES ((size_t)4 << 20)
#define LOG_LINE_MAX_BYTES ((size_t)1 << 20) /* a longer line is cut */
#define LOG_TEXT_BYTES 2048                  /* a text up to this needs no memory */
#define LOG_FLUSH_SECONDS 2

/* What stands before each text in the buffer. */
struct log_record {
	usec_t wall;
	size_t len;
	enum log_level level;
	bool is_raw;
};

#define LOG_NAME_(level, name, priority) name,
#define LOG_PRIORITY_(level, name, priority) priority,
static const char *const log_names[] = { LOG_LEVELS(LOG_NAME_) };
static const int log_priorities[] = { LOG_LEVELS(LOG_PRIORITY_) };

static struct {
	_Atomic int level;
	_Atomic uint64_t left_out;
	_Atomic uint64_t write_errors;

	pthread_mutex_t sink_lock;
	struct logsink *sink; /* owned; NULL until the first line */

	pthread_mutex_t lock; /* over all that follows */
	pthread_cond_t wake;  /* for the thread: there are lines, or a wish, or the end */
	pthread_cond_t done;  /* for log_flush: `written` went up */
	struct buf waiting;
	uint64_t put; /* lines, since the start */
	uint64_t written;
	struct logsink *next; /* owned; to take the sink's place */
	bool wants_reopen;
	bool is_running; /* the thread is there to write */
	bool is_ending;
	pthread_t thread;
	uint64_t told_left_out; /* what the log already says of these two */
	uint64_t told_write_errors;
} log_ = {
	.level = LOG_LEVEL_INFO,
	.sink_lock = PTHREAD_MUTEX_INITIALIZER,
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.wake = PTHREAD_COND_INITIALIZER,
	.done = PTHREAD_COND_INITIALIZER,
};

/* ---- writing: with sink_lock held ------------------------------------------------- */

static void log_put(enum log_level level, const char *text)
{
	logsink_put(log_.sink, usec_wall(), log_names[level], log_priorities[level],
		    slice_of(text));
}

static void log_grant_wishes(void)
{
	pthread_mutex_lock(&log_.lock);
	struct logsink *next = log_.next;
	bool wants_reopen = log_.wants_reopen;
	log_.next = NULL;
	log_.wants_reopen = false;
	pthread_mutex_unlock(&log_.lock);

	struct err err;
	if (next) {
		if (log_.sink)
			logsink_free(log_.sink);
		log_.sink = next;
	}
	if (!log_.sink) {
		log_.sink = logsink_new(&(struct log_config){ .to_stderr = true }, &err);
		BUG_ON(!log_.sink);
	}
	if (wants_reopen && !logsink_reopen(log_.sink, &err))
		log_put(LOG_LEVEL_ERROR, err.text);
}

/* Says once what was lost since it was last said, when lines get through again. */
static void log_tell_losses(unsigned failed)
{
	char text[128];
	uint64_t left_out = atomic_load(&log_.left_out);
	uint64_t errors = atomic_fetch_add(&log_.write_errors, failed) + failed;

	if (failed > 0)
		return;
	if (left_out > log_.told_left_out) {
		snprintf(text, sizeof(text), "%llu log lines were left out",
			 (unsigned long long)(left_out - log_.told_left_out));
		log_put(LOG_LEVEL_WARNING, text);
		log_.told_left_out = left_out;
	}
	if (errors > log_.told_write_errors) {
		snprintf(text, sizeof(text), "%llu writes to the log failed",
			 (unsigned long long)(errors - log_.told_write_errors));
		log_put(LOG_LEVEL_WARNING, text);
		log_.told_write_errors = errors;
	}
	atomic_fetch_add(&log_.write_errors, logsink_write(log_.sink));
}

/* Writes the records of a buffer and empties it; says how many there were. */
static uint64_t log_write_records(struct buf *records)
{
	uint64_t count = 0;
	struct slice rest = buf_slice(records);

	log_grant_wishes();
	for (; rest.len > 0; count++) {
		struct log_record r;
		memcpy(&r, rest.ptr, sizeof(r));
		rest = slice_skip(rest, sizeof(r));
		logsink_put(log_.sink, r.wall, r.is_raw ? NULL : log_names[r.level],
			    log_priorities[r.level], slice_head(rest, r.len));
		rest = slice_skip(rest, r.len);
	}
	buf_clear(records);
	log_tell_losses(logsink_write(log_.sink));
	return count;
}

/* ---- the thread ----------------------------------------------------------------------- */

static bool log_has_work(void)
{
	return buf_len(&log_.waiting) > 0 || log_.next || log_.wants_reopen;
}

static void *log_run(void *arg UNUSED)
{
	struct buf mine;
	buf_init(&mine, 0);

	pthread_mutex_lock(&log_.lock);
	for (;;) {
		while (!log_has_work() && !log_.is_ending)
			pthread_cond_wait(&log_.wake, &log_.lock);
		if (!log_has_work())
			break;
		struct buf full = log_.waiting;
		log_.waiting = mine;
		mine = full;
		pthread_mutex_unlock(&log_.lock);

		pthread_mutex_lock(&log_.sink_lock);
		uint64_t count = log_write_records(&mine);
		pthread_mutex_unlock(&log_.sink_lock);

		pthread_mutex_lock(&log_.lock);
		log_.written += count;
		pthread_cond_broadcast(&log_.done);
	}
	log_.is_running = false; /* from here on callers write */
	pthread_mutex_unlock(&log_.lock);
	buf_fini(&mine);
	return NULL;
}

bool log_thread_start(struct err *err)
{
	pthread_mutex_lock(&log_.lock);
	log_.is_ending = false;
	int rc = thread_start(&log_.thread, "log", log_run, NULL);
	log_.is_running = rc == 0;
	pthread_mutex_unlock(&log_.lock);
	return rc == 0 || err_set(err, "cannot start the log's thread: %s", strerror(rc));
}

void log_thread_stop(void)
{
	pthread_mutex_lock(&log_.lock);
	bool was_running = log_.is_running;
	log_.is_ending = true;
	pthread_cond_signal(&log_.wake);
	pthread_mutex_unlock(&log_.lock);

	/* A terminal that was stopped must not keep the process from ending. */
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += LOG_FLUSH_SECONDS;
	if (was_running && pthread_timedjoin_np(log_.thread, NULL, &until) != 0)
		pthread_detach(log_.thread);
	else
		buf_release(&log_.waiting);
}

void log_flush(void)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += LOG_FLUSH_SECONDS;

	pthread_mutex_lock(&log_.lock);
	uint64_t target = log_.put;
	while (log_.is_running && log_.written < target)
		if (pthread_cond_timedwait(&log_.done, &log_.lock, &until) != 0)
			break;
	pthread_mutex_unlock(&log_.lock);
}

/* ---- from anywhere ---------------------------------------------------------------------- */

static void log_enqueue(const struct log_record *r, struct slice text)
{
	bool was_empty = buf_len(&log_.waiting) == 0;
	size_t bytes = sizeof(*r) + text.len;
	if (buf_len(&log_.waiting) + bytes > LOG_WAITING_MAX_BYTES ||
	    !buf_reserve(&log_.waiting, bytes)) {
		log_.waiting.failed = false; /* the next line may fit */
		atomic_fetch_add(&log_.left_out, 1);
		return;
	}
	buf_add(&log_.waiting, r, sizeof(*r));
	buf_add_slice(&log_.waiting, text);
	log_.put++;
	if (was_empty)
		pthread_cond_signal(&log_.wake);
}

static void log_send(enum log_level level, bool is_raw, struct slice text)
{
	struct log_record r = { usec_wall(), text.len, level, is_raw };

	pthread_mutex_lock(&log_.lock);
	bool is_running = log_.is_running;
	if (is_running)
		log_enqueue(&r, text);
	pthread_mutex_unlock(&log_.lock);
	if (is_running)
		return;

	struct buf one = { .data = NULL };
	buf_add(&one, &r, sizeof(r));
	buf_add_slice(&one, text);
	pthread_mutex_lock(&log_.sink_lock);
	log_write_records(&one);
	pthread_mutex_unlock(&log_.sink_lock);
	buf_fini(&one);
}

static bool log_is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

static void log_add_escaped(struct buf *to, struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (!log_is_control(c))
			buf_u8(to, (uint8_t)c);
		else if (c == '\n')
			buf_add_str(to, "\\n");
		else if (c == '\r')
			buf_add_str(to, "\\r");
		else if (c == '\t')
			buf_add_str(to, "\\t");
		else
			buf_addf(to, "\\x%02x", (unsigned)(unsigned char)c);
	}
}

static void log_send_escaped(enum log_level level, bool is_raw, struct slice text)
{
	text = slice_head(text, LOG_LINE_MAX_BYTES);
	size_t i = 0;
	while (i < text.len && !log_is_control(text.ptr[i]))
		i++;
	if (i == text.len) {
		log_send(level, is_raw, text);
		return;
	}
	struct buf escaped = { .data = NULL };
	log_add_escaped(&escaped, text);
	log_send(level, is_raw, buf_slice(&escaped));
	buf_fini(&escaped);
}

bool log_is_on(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&log_.level, memory_order_relaxed);
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char small[LOG_TEXT_BYTES], *text = small;
	int saved_errno = errno;
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(small) && (text = malloc((size_t)n + 1)) != NULL) {
		va_start(ap, fmt);
		vsnprintf(text, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	if (!text)
		text = small;

	/* Messages of libraries end their last line; ours goes on. */
	struct slice line = slice_of(n < 0 ? fmt : text);
	while (line.len > 0 && line.ptr[line.len - 1] == '\n')
		line.len--;
	log_send_escaped(level, false, line);
	if (text != small)
		free(text);
	errno = saved_errno;
}

void log_raw(struct slice line)
{
	log_send_escaped(LOG_LEVEL_INFO, true, line);
}

/* ---- from main ------------------------------------------------------------------------------ */

bool log_open(const struct log_config *config, struct err *err)
{
	struct logsink *next = logsink_new(config, err);
	if (!next)
		return false;
	log_set_level(config->level);

	pthread_mutex_lock(&log_.lock);
	struct logsink *unused = log_.next;
	log_.next = next;
	pthread_cond_signal(&log_.wake);
	pthread_mutex_unlock(&log_.lock);
	if (unused)
		logsink_free(unused);
	return true;
}

void log_reopen(void)
{
	pthread_mutex_lock(&log_.lock);
	log_.wants_reopen = true;
	pthread_cond_signal(&log_.wake);
	pthread_mutex_unlock(&log_.lock);
}

void log_set_level(enum log_level level)
{
	atomic_store(&log_.level, (int)level);
}

bool log_is_facility(struct slice name)
{
	return logsink_is_facility(name);
}

uint64_t log_left_out(void)
{
	return atomic_load(&log_.left_out);
}

uint64_t log_write_errors(void)
{
	return atomic_load(&log_.write_errors);
}
