/*
 * helper.c - a queue, a few threads, and a pipe for each to interrupt its poll.
 *
 *	submitted --> queued --> running --> done: its mail is sent
 *	                 \--> cancelled: the caller's again
 *
 * All is guarded by the crew's one mutex, which is never held while a job runs or a mail is
 * sent. A signal never reaches a helper.
 */
#include "proxy/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/thread.h"

struct helper {
	struct helper_crew *crew;
	pthread_t thread;
	int wake[2];            /* a pipe: a byte in it interrupts helper_poll */
	struct helper_job *job; /* what it runs; NULL: nothing */
};

struct helper_crew {
	pthread_mutex_t lock;
	pthread_cond_t work;  /* something was queued, or the crew ends */
	pthread_cond_t ended; /* a thread has ended */
	struct list queue;
	size_t queued, max_queued;
	bool ending;
	int alive, count, max_count;
	int resting;      /* threads that wait for work */
	int most_a_place; /* 0: no bound */
	struct helper helpers[];
};

/* ---- a helper's life ---------------------------------------------------------------- */

/* Under the lock: how many more of its place may run. */
static int helper_room(const struct helper_crew *crew, const struct helper_job *job)
{
	int room = crew->most_a_place;
	if (!job->place || room == 0)
		return INT_MAX;
	for (int i = 0; i < crew->count; i++)
		room -= crew->helpers[i].job && crew->helpers[i].job->place == job->place;
	return room;
}

/* Under the lock: who is served next; NULL: nobody yet. Whoever ends a job looks again. Jobs that
 * are only to be given back wait for no room. */
static struct helper_job *helper_pick(struct helper_crew *crew)
{
	LIST_EACH (node, tmp, &crew->queue) {
		struct helper_job *job = LIST_ENTRY(node, struct helper_job, link);
		if (crew->ending || helper_room(crew, job) > 0 || usec_now() >= job->deadline)
			return job;
	}
	return NULL;
}

/* Waits for work. NULL: the crew ends and nothing is left. */
static struct helper_job *helper_next(struct helper *h)
{
	struct helper_crew *crew = h->crew;
	struct helper_job *job;
	while (!(job = helper_pick(crew)) && !crew->ending) {
		crew->resting++;
		pthread_cond_wait(&crew->work, &crew->lock);
		crew->resting--;
	}
	if (!job)
		return NULL;
	list_remove(&job->link);
	crew->queued--;
	if (crew->ending)
		job->outcome = HELPER_CANCELLED;
	else if (usec_now() >= job->deadline)
		job->outcome = HELPER_EXPIRED;
	else
		job->outcome = HELPER_RAN;
	if (job->outcome == HELPER_RAN) {
		job->by = h;
		h->job = job;
	}
	return job;
}

static void helper_drain_wake(struct helper *h)
{
	char bytes[64];
	while (read(h->wake[0], bytes, sizeof(bytes)) > 0)
		continue;
}

static void *helper_main(void *arg)
{
	struct helper *h = arg;
	struct helper_crew *crew = h->crew;
	struct helper_job *job;
	pthread_mutex_lock(&crew->lock);
	while ((job = helper_next(h))) {
		pthread_mutex_unlock(&crew->lock);
		if (job->outcome == HELPER_RAN)
			job->run(job);
		pthread_mutex_lock(&crew->lock);
		job->by = NULL;
		h->job = NULL;
		if (helper_is_cancelled(job))
			helper_drain_wake(h);
		pthread_mutex_unlock(&crew->lock);
		mailbox_send(job->reply, &job->mail);
		pthread_mutex_lock(&crew->lock);
	}
	crew->alive--;
	pthread_cond_signal(&crew->ended);
	pthread_mutex_unlock(&crew->lock);
	return NULL;
}

/* ---- the crew -------------------------------------------------------------------------- */

static bool helper_start(struct helper *h, struct helper_crew *crew, int number)
{
	char name[THREAD_NAME_BYTES];
	h->crew = crew;
	if (pipe2(h->wake, O_NONBLOCK | O_CLOEXEC) != 0)
		return false;
	snprintf(name, sizeof(name), "helper %d", number);
	int failed = thread_start(&h->thread, name, helper_main, h);
	if (failed) {
		close(h->wake[0]);
		close(h->wake[1]);
		errno = failed;
		return false;
	}
	return true;
}

/* Under the lock: one thread more. */
static bool helper_add(struct helper_crew *crew)
{
	if (!helper_start(&crew->helpers[crew->count], crew, crew->count))
		return false;
	crew->count++;
	crew->alive++;
	return true;
}

struct helper_crew *helper_new_lazy(int threads, size_t max_queued)
{
	BUG_ON(threads < 1);
	struct helper_crew *crew =
		mem_zalloc(sizeof(*crew) + (size_t)threads * sizeof(crew->helpers[0]));
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&crew->lock, NULL);
	pthread_cond_init(&crew->work, NULL);
	pthread_cond_init(&crew->ended, &attr);
	pthread_condattr_destroy(&attr);
	list_init(&crew->queue);
	crew->max_queued = max_queued;
	crew->max_count = threads;
	return crew;
}

void helper_bound_places(struct helper_crew *crew, int most)
{
	crew->most_a_place = most;
}

struct helper_crew *helper_new(int threads, size_t max_queued, struct err *err)
{
	struct helper_crew *crew = helper_new_lazy(threads, max_queued);
	bool all = true;
	pthread_mutex_lock(&crew->lock);
	while (all && crew->count < threads)
		all = helper_add(crew);
	pthread_mutex_unlock(&crew->lock);
	if (all)
		return crew;
	err_set(err, "cannot start helper threads: %s", strerror(errno));
	if (!helper_free(crew, USEC_NEVER))
		BUG_ON("threads that have nothing to do did not end");
	return NULL;
}

/* Under the lock. */
static void helper_interrupt(struct helper_job *job)
{
	atomic_store(&job->cancelled, true);
	ssize_t n UNUSED = write(job->by->wake[1], "", 1); /* a full pipe interrupts as well */
}

static void helper_wait_ended(struct helper_crew *crew, usec_t deadline)
{
	struct timespec ts = { .tv_sec = deadline / USEC_PER_SEC,
			       .tv_nsec = deadline % USEC_PER_SEC * 1000 };
	int failed = 0;
	while (crew->alive > 0 && !failed) {
		if (deadline == USEC_NEVER)
			failed = pthread_cond_wait(&crew->ended, &crew->lock);
		else
			failed = pthread_cond_timedwait(&crew->ended, &crew->lock, &ts);
	}
}

bool helper_end(struct helper_crew *crew, usec_t deadline)
{
	pthread_mutex_lock(&crew->lock);
	crew->ending = true;
	for (int i = 0; i < crew->count; i++) {
		if (crew->helpers[i].job)
			helper_interrupt(crew->helpers[i].job);
	}
	pthread_cond_broadcast(&crew->work);
	helper_wait_ended(crew, deadline);
	bool all = crew->alive == 0;
	pthread_mutex_unlock(&crew->lock);
	return all;
}

bool helper_free(struct helper_crew *crew, usec_t deadline)
{
	if (!crew)
		return true;
	if (!helper_end(crew, deadline))
		return false;
	for (int i = 0; i < crew->count; i++) {
		pthread_join(crew->helpers[i].thread, NULL);
		close(crew->helpers[i].wake[0]);
		close(crew->helpers[i].wake[1]);
	}
	pthread_cond_destroy(&crew->work);
	pthread_cond_destroy(&crew->ended);
	pthread_mutex_destroy(&crew->lock);
	free(crew);
	return true;
}

/* Under the lock: is a thread to be started for it? Not for one that would have to wait for others
 * of its place anyway. */
static bool helper_wants_thread(const struct helper_crew *crew, const struct helper_job *job)
{
	int room = helper_room(crew, job);
	if (crew->queued < (size_t)crew->resting || crew->count == crew->max_count)
		return false;
	if (room == INT_MAX)
		return true;
	LIST_EACH (node, tmp, &crew->queue) {
		if (room <= 0)
			break;
		room -= LIST_ENTRY(node, struct helper_job, link)->place == job->place;
	}
	return room > 0;
}

bool helper_submit(struct helper_crew *crew, struct helper_job *job, struct mailbox *reply)
{
	pthread_mutex_lock(&crew->lock);
	bool taken = !crew->ending && crew->queued < crew->max_queued;
	if (taken && helper_wants_thread(crew, job))
		taken = helper_add(crew) || crew->count > 0;
	if (taken) {
		job->reply = reply;
		job->by = NULL;
		atomic_store(&job->cancelled, false);
		list_push_back(&crew->queue, &job->link);
		crew->queued++;
		pthread_cond_signal(&crew->work);
	}
	pthread_mutex_unlock(&crew->lock);
	return taken;
}

bool helper_cancel(struct helper_crew *crew, struct helper_job *job)
{
	pthread_mutex_lock(&crew->lock);
	bool queued = list_is_on(&job->link);
	if (queued) {
		list_remove(&job->link);
		crew->queued--;
	} else if (job->by) {
		helper_interrupt(job);
	}
	pthread_mutex_unlock(&crew->lock);
	return queued;
}

size_t helper_queued(struct helper_crew *crew)
{
	pthread_mutex_lock(&crew->lock);
	size_t n = crew->queued;
	pthread_mutex_unlock(&crew->lock);
	return n;
}

/* ---- inside a job ------------------------------------------------------------------------- */

bool helper_is_cancelled(const struct helper_job *job)
{
	return atomic_load(&job->cancelled);
}

/* For poll: rounded up, so that it never returns early. */
static int helper_ms_until(usec_t deadline)
{
	if (deadline == USEC_NEVER)
		return -1;
	usec_t left = deadline - usec_now();
	if (left <= 0)
		return 0;
	usec_t ms = (left + USEC_PER_MSEC - 1) / USEC_PER_MSEC;
	return ms > 3600000 ? 3600000 : (int)ms;
}

enum helper_wait helper_poll(struct helper_job *job, int fd, short events, usec_t deadline)
{
	deadline = usec_min(deadline, job->deadline);
	for (;;) {
		struct pollfd fds[2] = { { .fd = fd, .events = events },
					 { .fd = job->by->wake[0], .events = POLLIN } };
		int n = poll(fds, COUNT_OF(fds), helper_ms_until(deadline));
		if (helper_is_cancelled(job))
			return HELPER_INTERRUPTED;
		if (n > 0 && fds[0].revents)
			return HELPER_READY;
		if (usec_now() >= deadline)
			return HELPER_TIMEOUT;
	}
}
