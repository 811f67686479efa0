/*
 * test_observer.c - workers tell, the observer writes.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "advisor/observer.h"
#include "base/buf.h"
#include "suites.h"

#define WORKERS 3
#define RECORDS 2000

/* Where the lines go; it can be held up, as a full disk would. */
struct sink {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct buf lines;
	size_t count;
	bool held, waiting;
};

static void sink_init(struct sink *s)
{
	*s = (struct sink){ .held = false };
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
}

static void sink_fini(struct sink *s)
{
	buf_fini(&s->lines);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
}

static void sink_write(void *arg, struct slice line)
{
	struct sink *s = arg;
	pthread_mutex_lock(&s->lock);
	while (s->held) {
		s->waiting = true;
		pthread_cond_broadcast(&s->changed);
		pthread_cond_wait(&s->changed, &s->lock);
	}
	buf_add_slice(&s->lines, line);
	buf_add_str(&s->lines, "\n");
	s->count++;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

static void sink_wait(struct sink *s, size_t count)
{
	pthread_mutex_lock(&s->lock);
	while (s->count < count)
		pthread_cond_wait(&s->changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

static void sink_hold(struct sink *s, bool held)
{
	pthread_mutex_lock(&s->lock);
	s->held = held;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

static void sink_wait_held(struct sink *s)
{
	pthread_mutex_lock(&s->lock);
	while (!s->waiting)
		pthread_cond_wait(&s->changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

static struct observer *observer_with(struct sink *s, unsigned workers, uint32_t rate)
{
	struct err err;
	struct observer_config config = { .workers = workers,
					  .write = sink_write,
					  .write_arg = s,
					  .format = SLOWLOG_LOGFMT,
					  .rate = rate };
	struct observer *o = observer_new(&config, &err);
	ck_assert_ptr_nonnull(o);
	return o;
}

static void start(struct observer *o)
{
	struct err err;
	ck_assert(observer_start(o, &err));
}

static bool tell(struct observer *o, unsigned worker, unsigned number)
{
	char name[32];
	snprintf(name, sizeof(name), "w%u-%u", worker, number);
	struct tap_record record = { .database = slice_of(name) };
	return observer_tell(o, worker, &record);
}

START_TEST(test_what_is_told_is_written)
{
	struct sink sink;
	sink_init(&sink);
	struct observer *o = observer_with(&sink, 2, 0);
	start(o);
	ck_assert(tell(o, 0, 1));
	sink_wait(&sink, 1); /* it sleeps now, or will: the next one must wake it */
	ck_assert(tell(o, 1, 2));
	sink_wait(&sink, 2);
	observer_stop(o);
	observer_free(o);
	const char *lines = buf_cstr(&sink.lines);
	ck_assert_ptr_nonnull(strstr(lines, " db=w0-1 "));
	ck_assert_ptr_nonnull(strstr(lines, " db=w1-2 "));
	sink_fini(&sink);
}
END_TEST

START_TEST(test_stop_writes_what_is_left)
{
	struct sink sink;
	sink_init(&sink);
	struct observer *o = observer_with(&sink, 1, 0);
	for (unsigned i = 0; i < 100; i++)
		ck_assert(tell(o, 0, i));
	start(o);
	observer_stop(o);
	ck_assert_uint_eq(sink.count, 100);
	ck_assert_uint_eq(observer_counts(o).lines, 100);
	observer_stop(o); /* stopped already: nothing happens */
	observer_free(o);
	sink_fini(&sink);
}
END_TEST

START_TEST(test_never_started)
{
	struct sink sink;
	sink_init(&sink);
	struct observer *o = observer_with(&sink, 1, 0);
	ck_assert(tell(o, 0, 1));
	observer_stop(o);
	observer_free(o);
	observer_free(NULL);
	ck_assert_uint_eq(sink.count, 0);
	sink_fini(&sink);
}
END_TEST

struct worker {
	struct observer *o;
	unsigned number;
	uint64_t told, dropped;
};

static void *worker_run(void *arg)
{
	struct worker *w = arg;
	for (unsigned i = 0; i < RECORDS; i++) {
		bool told = tell(w->o, w->number, i);
		w->told += told;
		w->dropped += !told;
	}
	return NULL;
}

static struct worker run_workers(struct observer *o)
{
	struct worker workers[WORKERS], sum = { .o = o };
	pthread_t threads[WORKERS];
	for (unsigned i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){ .o = o, .number = i };
		ck_assert_int_eq(pthread_create(&threads[i], NULL, worker_run, &workers[i]), 0);
	}
	for (unsigned i = 0; i < WORKERS; i++) {
		pthread_join(threads[i], NULL);
		sum.told += workers[i].told;
		sum.dropped += workers[i].dropped;
	}
	return sum;
}

START_TEST(test_many_workers)
{
	struct sink sink;
	sink_init(&sink);
	struct observer *o = observer_with(&sink, WORKERS, 0);
	start(o);
	struct worker sum = run_workers(o);
	observer_stop(o);
	struct observer_counts counts = observer_counts(o);
	ck_assert_uint_eq(counts.lost, sum.dropped);
	ck_assert_uint_eq(counts.lines, sum.told + (sum.dropped ? 1 : 0));
	ck_assert_uint_eq(counts.lines, sink.count);
	observer_free(o);
	sink_fini(&sink);
}
END_TEST

/* A log that stands still stops no worker: what finds no room is dropped, counted and said. */
START_TEST(test_stuck_log_stops_no_worker)
{
	struct sink sink;
	struct err err;
	sink_init(&sink);
	struct observer_config config = {
		.workers = WORKERS, .ring_bytes = 8192, .write = sink_write, .write_arg = &sink
	};
	struct observer *o = observer_new(&config, &err);
	ck_assert_ptr_nonnull(o);
	sink_hold(&sink, true);
	start(o);
	ck_assert(tell(o, 0, 0));
	sink_wait_held(&sink);
	struct worker sum = run_workers(o); /* comes back although nothing is written */
	ck_assert_uint_eq(sink.count, 0);
	ck_assert_uint_gt(sum.dropped, 0);
	sink_hold(&sink, false);
	observer_stop(o);
	char said[64];
	snprintf(said, sizeof(said), " s, %llu lost\n", (unsigned long long)sum.dropped);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&sink.lines), said));
	ck_assert_uint_eq(observer_counts(o).lost, sum.dropped);
	ck_assert_uint_eq(sink.count, sum.told + 2);
	observer_free(o);
	sink_fini(&sink);
}
END_TEST

START_TEST(test_rate_and_what_was_left_out)
{
	struct sink sink;
	sink_init(&sink);
	struct observer *o = observer_with(&sink, 1, 1);
	for (unsigned i = 0; i < 5; i++)
		ck_assert(tell(o, 0, i));
	start(o);
	sink_wait(&sink,
		  2); /* one line, and after a second, without being woken, what was left out */
	observer_stop(o);
	size_t written = 0;
	const char *lines = buf_cstr(&sink.lines);
	for (const char *at = lines; (at = strstr(at, "event=slow ")) != NULL; at++)
		written++;
	ck_assert_uint_eq(observer_counts(o).left_out + written, 5);
	ck_assert_ptr_nonnull(strstr(lines, "event=slow_left_out left_out="));
	observer_free(o);
	sink_fini(&sink);
}
END_TEST

START_TEST(test_format_can_be_changed)
{
	struct sink sink;
	sink_init(&sink);
	struct observer *o = observer_with(&sink, 1, 0);
	start(o);
	ck_assert(tell(o, 0, 1));
	sink_wait(&sink, 1);
	observer_configure(o, SLOWLOG_JSON, 0);
	ck_assert(tell(o, 0, 2));
	sink_wait(&sink, 2);
	observer_stop(o);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&sink.lines), " db=w0-1 "));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&sink.lines), "\"db\":\"w0-2\""));
	observer_free(o);
	sink_fini(&sink);
}
END_TEST

Suite *observer_suite(void)
{
	Suite *suite = suite_create("observer");
	TCase *tc = tcase_create("observer");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_what_is_told_is_written);
	tcase_add_test(tc, test_stop_writes_what_is_left);
	tcase_add_test(tc, test_never_started);
	tcase_add_test(tc, test_many_workers);
	tcase_add_test(tc, test_stuck_log_stops_no_worker);
	tcase_add_test(tc, test_rate_and_what_was_left_out);
	tcase_add_test(tc, test_format_can_be_changed);
	suite_add_tcase(suite, tc);
	return suite;
}
