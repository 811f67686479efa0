/*
 * observer.c - the observer's thread.
 *
 *   drain all rings -> something there: again
 *        |
 *     nothing: stopping? end : sleep until woken, or until what was left out is to be said
 */
#include "advisor/observer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/usec.h"

#define OBSERVER_TURN 64         /* records from one ring before the next gets its turn */
#define OBSERVER_LINE_KEEP 65536 /* a larger line's memory is given back */

struct observer {
	unsigned workers;
	struct tap_ring **rings; /* owned */
	int wake_fd;
	observer_write_fn write;
	void *write_arg;
	bool started;
	pthread_t thread;

	/* shared with everybody */
	atomic_bool stopping;
	atomic_int format;
	atomic_uint rate;
	atomic_uint_fast64_t lines, left_out, lost;

	/* the observer thread's */
	struct slowlog slowlog;
	struct buf line;
	uint64_t dropped_seen; /* of all rings */
};

static void write_log_raw(void *arg, struct slice line)
{
	(void)arg;
	log_raw(line);
}

struct observer *observer_new(const struct observer_config *config, struct err *err)
{
	BUG_ON(config->workers == 0);
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (fd < 0) {
		err_set(err, "cannot make an eventfd for the slow-query log: %s", strerror(errno));
		return NULL;
	}
	struct observer *o = mem_zalloc(sizeof(*o));
	o->workers = config->workers;
	o->wake_fd = fd;
	o->write = config->write ? config->write : write_log_raw;
	o->write_arg = config->write_arg;
	o->rings = mem_zalloc(config->workers * sizeof(struct tap_ring *));
	for (unsigned i = 0; i < o->workers; i++)
		o->rings[i] =
			ring_new(config->ring_bytes ? config->ring_bytes : OBSERVER_RING_BYTES);
	observer_configure(o, config->format, config->rate);
	return o;
}

void observer_free(struct observer *o)
{
	if (!o)
		return;
	BUG_ON(o->started);
	for (unsigned i = 0; i < o->workers; i++)
		ring_free(o->rings[i]);
	free(o->rings);
	buf_fini(&o->line);
	close(o->wake_fd);
	free(o);
}

void observer_configure(struct observer *o, enum slowlog_format format, uint32_t rate)
{
	BUG_ON(format >= SLOWLOG_FORMAT_COUNT);
	atomic_store(&o->format, (int)format);
	atomic_store(&o->rate, rate);
}

/* ---- the thread ---------------------------------------------------------------------- */

static enum slowlog_format format_now(struct observer *o)
{
	return (enum slowlog_format)atomic_load(&o->format);
}

static void write_line(struct observer *o)
{
	if (!buf_failed(&o->line)) {
		o->write(o->write_arg, buf_slice(&o->line));
		atomic_fetch_add(&o->lines, 1);
	}
	if (o->line.cap > OBSERVER_LINE_KEEP)
		buf_release(&o->line);
	else
		buf_clear(&o->line);
}

static void on_entry(void *arg, struct slice entry)
{
	struct observer *o = arg;
	struct tap_record record;
	bool whole = record_decode(entry, &record);
	BUG_ON(!whole); /* a worker of ours wrote it */
	o->slowlog.rate = atomic_load(&o->rate);
	if (!slowlog_admit(&o->slowlog, usec_now())) {
		atomic_fetch_add(&o->left_out, 1);
		return;
	}
	slowlog_format(&record, format_now(o), &o->line);
	write_line(o);
}

static size_t drain_all(struct observer *o)
{
	size_t count = 0;
	for (unsigned i = 0; i < o->workers; i++)
		count += ring_drain(o->rings[i], OBSERVER_TURN, on_entry, o);
	return count;
}

/* Counts what the rings dropped, and says what was left out when it is time to. */
static void report(struct observer *o, bool final)
{
	uint64_t dropped = 0;
	usec_t now = usec_now();
	for (unsigned i = 0; i < o->workers; i++)
		dropped += ring_dropped(o->rings[i]);
	slowlog_lost(&o->slowlog, dropped - o->dropped_seen, now);
	o->dropped_seen = dropped;
	atomic_store(&o->lost, dropped);
	if (slowlog_report(&o->slowlog, format_now(o), usec_wall(), now, final, &o->line))
		write_line(o);
}

static void sleep_until_woken(struct observer *o)
{
	usec_t due = slowlog_due(&o->slowlog);
	int timeout_ms = -1;
	if (due != USEC_NEVER) {
		usec_t left = due - usec_now();
		timeout_ms = left > 0 ? (int)(left / USEC_PER_MSEC) + 1 : 0;
	}
	struct pollfd pfd = { .fd = o->wake_fd, .events = POLLIN };
	if (poll(&pfd, 1, timeout_ms) > 0) {
		uint64_t wakes;
		ssize_t n = read(o->wake_fd, &wakes, sizeof(wakes));
		(void)n; /* EAGAIN: nothing to take back */
	}
}

static void *observer_run(void *arg)
{
	struct observer *o = arg;
	for (;;) {
		bool stopping = atomic_load(&o->stopping);
		size_t count = drain_all(o);
		report(o, stopping && count == 0);
		if (count > 0)
			continue;
		if (stopping)
			return NULL;
		sleep_until_woken(o);
	}
}

bool observer_start(struct observer *o, struct err *err)
{
	BUG_ON(o->started);
	int rc = thread_start(&o->thread, "observer", observer_run, o);
	if (rc != 0)
		return err_set(err, "cannot start the observer thread: %s", strerror(rc));
	o->started = true;
	return true;
}

void observer_stop(struct observer *o)
{
	if (!o->started)
		return;
	atomic_store(&o->stopping, true);
	observer_wake(o);
	pthread_join(o->thread, NULL);
	o->started = false;
}

/* ---- for the workers ------------------------------------------------------------------- */

struct tap_ring *observer_tap(struct observer *o, unsigned worker)
{
	BUG_ON(worker >= o->workers);
	return o->rings[worker];
}

void observer_wake(struct observer *o)
{
	uint64_t one = 1;
	ssize_t n = write(o->wake_fd, &one, sizeof(one));
	(void)n; /* EAGAIN: it is woken 2^64 times over already */
}

bool observer_tell(struct observer *o, unsigned worker, const struct tap_record *record)
{
	enum ring_pushed pushed = record_push(observer_tap(o, worker), record);
	if (pushed == RING_PUSHED_FIRST)
		observer_wake(o);
	return pushed != RING_DROPPED;
}

struct observer_counts observer_counts(const struct observer *o)
{
	return (struct observer_counts){
		.lines = atomic_load(&o->lines),
		.left_out = atomic_load(&o->left_out),
		.lost = atomic_load(&o->lost),
	};
}
