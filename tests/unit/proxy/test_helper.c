/*
 * test_helper.c - queueing, running, cancelling, expiring, ending.
 */
#include "check_proxy.h"

#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JOBS 200

struct task {
	struct helper_job job;
	int fd; /* run polls it, if not -1 */
	enum helper_wait wait;
	bool signals_blocked;
	pthread_t ran_in;
	int ran, delivered;
	usec_t polled_until;
};

static int deliveries;

static void task_run(struct helper_job *job)
{
	struct task *t = CONTAINER_OF(job, struct task, job);
	sigset_t set;
	pthread_sigmask(SIG_SETMASK, NULL, &set);
	t->signals_blocked = sigismember(&set, SIGTERM) && sigismember(&set, SIGHUP);
	t->ran_in = pthread_self();
	t->ran++;
	if (t->fd >= 0)
		t->wait = helper_poll(job, t->fd, POLLIN, t->polled_until);
}

static void task_deliver(struct mail *mail, void *owner, usec_t now)
{
	struct task *t = CONTAINER_OF(mail, struct task, job.mail);
	ck_assert_ptr_nonnull(owner);
	ck_assert_int_gt(now, 0);
	t->delivered++;
	deliveries++;
}

static void task_init(struct task *t, int fd)
{
	*t = (struct task){ .fd = fd, .polled_until = USEC_NEVER };
	t->job.run = task_run;
	t->job.mail.deliver = task_deliver;
	t->job.deadline = USEC_NEVER;
}

/* Keeps a helper busy until the pipe is written to. */
static void occupy(struct office *o, struct task *t, int pipefd[2])
{
	ck_assert_int_eq(pipe(pipefd), 0);
	task_init(t, pipefd[0]);
	ck_assert(helper_submit(o->crew, &t->job, o->box));
	while (helper_queued(o->crew) > 0)
		loop_turn(o->loop, 0);
}

static void release(int pipefd[2])
{
	ck_assert_int_eq(write(pipefd[1], "x", 1), 1);
}

static void close_pipe(int pipefd[2])
{
	close(pipefd[0]);
	close(pipefd[1]);
}

START_TEST(test_every_job_runs_once_elsewhere_and_comes_back)
{
	struct office o;
	static struct task tasks[JOBS];
	office_open(&o, 3, JOBS);
	for (int i = 0; i < JOBS; i++) {
		task_init(&tasks[i], -1);
		ck_assert(helper_submit(o.crew, &tasks[i].job, o.box));
	}
	TURN_UNTIL(o.loop, deliveries == JOBS);
	for (int i = 0; i < JOBS; i++) {
		ck_assert_int_eq(tasks[i].ran, 1);
		ck_assert_int_eq(tasks[i].delivered, 1);
		ck_assert_int_eq(tasks[i].job.outcome, HELPER_RAN);
		ck_assert(tasks[i].signals_blocked);
		ck_assert(!pthread_equal(tasks[i].ran_in, pthread_self()));
	}
	office_close(&o);
}
END_TEST

START_TEST(test_the_queue_is_bounded)
{
	struct office o;
	struct task busy, a, b, c;
	int pipefd[2];
	office_open(&o, 1, 2);
	occupy(&o, &busy, pipefd);
	task_init(&a, -1);
	task_init(&b, -1);
	task_init(&c, -1);
	ck_assert(helper_submit(o.crew, &a.job, o.box));
	ck_assert(helper_submit(o.crew, &b.job, o.box));
	ck_assert(!helper_submit(o.crew, &c.job, o.box));
	ck_assert_uint_eq(helper_queued(o.crew), 2);
	release(pipefd);
	TURN_UNTIL(o.loop, deliveries == 3);
	ck_assert_int_eq(busy.wait, HELPER_READY);
	ck_assert_int_eq(c.ran, 0);
	office_close(&o);
	close_pipe(pipefd);
}
END_TEST

static int count_threads(void)
{
	int n = 0;
	DIR *dir = opendir("/proc/self/task");
	ck_assert_ptr_nonnull(dir);
	for (struct dirent *d; (d = readdir(dir));)
		n += d->d_name[0] != '.';
	closedir(dir);
	return n;
}

/* As many as there is work for at a time, and no more than were allowed. */
START_TEST(test_a_lazy_crew_starts_threads_at_need)
{
	struct office o;
	struct task busy[2], queued;
	int pipes[2][2];
	office_open(&o, 1, 10);
	int before = count_threads();
	struct helper_crew *eager = o.crew;
	o.crew = helper_new_lazy(2, 1);
	ck_assert_int_eq(count_threads(), before);
	for (int i = 0; i < 2; i++) {
		occupy(&o, &busy[i], pipes[i]);
		ck_assert_int_eq(count_threads(), before + i + 1);
	}
	task_init(&queued, -1);
	ck_assert(helper_submit(o.crew, &queued.job, o.box));
	ck_assert_int_eq(count_threads(), before + 2);
	struct task refused;
	task_init(&refused, -1);
	ck_assert(!helper_submit(o.crew, &refused.job, o.box));
	for (int i = 0; i < 2; i++)
		release(pipes[i]);
	TURN_UNTIL(o.loop, deliveries == 3);
	ck_assert_int_eq(queued.ran, 1);
	ck_assert(helper_free(o.crew, USEC_NEVER));
	o.crew = eager;
	office_close(&o);
	for (int i = 0; i < 2; i++)
		close_pipe(pipes[i]);
}
END_TEST

/* A place that does not answer: those who wait for another are served before more of its jobs. */
START_TEST(test_a_place_has_only_so_many_helpers)
{
	struct office o;
	struct task dead[4], alive;
	int pipefd[2];
	office_open(&o, 1, 10);
	int before = count_threads();
	struct helper_crew *eager = o.crew;
	o.crew = helper_new_lazy(4, 10);
	helper_bound_places(o.crew, 2);
	ck_assert_int_eq(pipe(pipefd), 0);
	for (int i = 0; i < 4; i++) {
		task_init(&dead[i], pipefd[0]);
		dead[i].job.place = 7;
		ck_assert(helper_submit(o.crew, &dead[i].job, o.box));
	}
	while (helper_queued(o.crew) > 2)
		loop_turn(o.loop, 0);
	ck_assert_int_eq(count_threads(), before + 2); /* no others are of any use to it */
	task_init(&alive, -1);
	alive.job.place = 8;
	ck_assert(helper_submit(o.crew, &alive.job, o.box));
	TURN_UNTIL(o.loop, alive.delivered == 1);
	ck_assert_uint_eq(helper_queued(o.crew), 2);
	release(pipefd);
	TURN_UNTIL(o.loop, deliveries == 5);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(dead[i].ran, 1);
	ck_assert(helper_free(o.crew, USEC_NEVER));
	o.crew = eager;
	office_close(&o);
	close_pipe(pipefd);
}
END_TEST

/* Those that wait for room at their place are given back unrun. */
START_TEST(test_a_full_place_keeps_nobody_at_the_end)
{
	struct office o;
	struct task busy, queued;
	int pipefd[2];
	office_open(&o, 2, 10);
	helper_bound_places(o.crew, 1);
	ck_assert_int_eq(pipe(pipefd), 0);
	task_init(&busy, pipefd[0]);
	task_init(&queued, -1);
	busy.job.place = queued.job.place = 7;
	ck_assert(helper_submit(o.crew, &busy.job, o.box));
	while (helper_queued(o.crew) > 0)
		loop_turn(o.loop, 0);
	ck_assert(helper_submit(o.crew, &queued.job, o.box));
	office_close(&o);
	ck_assert_int_eq(busy.wait, HELPER_INTERRUPTED);
	ck_assert_int_eq(queued.ran, 0);
	ck_assert_int_eq(queued.job.outcome, HELPER_CANCELLED);
	close_pipe(pipefd);
}
END_TEST

/* It never had anything to do. */
START_TEST(test_a_lazy_crew_ends_at_once)
{
	struct helper_crew *crew = helper_new_lazy(4, 10);
	ck_assert(helper_end(crew, USEC_NEVER));
	ck_assert(helper_free(crew, USEC_NEVER));
}
END_TEST

START_TEST(test_a_queued_job_that_is_cancelled_is_the_callers_again)
{
	struct office o;
	struct task busy, a, b;
	int pipefd[2];
	office_open(&o, 1, 10);
	occupy(&o, &busy, pipefd);
	task_init(&a, -1);
	task_init(&b, -1);
	ck_assert(helper_submit(o.crew, &a.job, o.box));
	ck_assert(helper_submit(o.crew, &b.job, o.box));
	ck_assert(helper_cancel(o.crew, &a.job));
	release(pipefd);
	TURN_UNTIL(o.loop, deliveries == 2);
	ck_assert_int_eq(a.ran + a.delivered, 0);
	ck_assert_int_eq(b.ran, 1);
	ck_assert(helper_submit(o.crew, &a.job, o.box)); /* and may be sent once more */
	TURN_UNTIL(o.loop, deliveries == 3);
	ck_assert_int_eq(a.ran, 1);
	office_close(&o);
	close_pipe(pipefd);
}
END_TEST

START_TEST(test_a_running_job_that_is_cancelled_is_interrupted)
{
	struct office o;
	struct task busy, next;
	int pipefd[2], other[2];
	office_open(&o, 1, 10);
	occupy(&o, &busy, pipefd);
	ck_assert(!helper_cancel(o.crew, &busy.job));
	TURN_UNTIL(o.loop, busy.delivered == 1);
	ck_assert_int_eq(busy.wait, HELPER_INTERRUPTED);
	ck_assert(helper_is_cancelled(&busy.job));
	occupy(&o, &next, other); /* the interruption was not meant for this one */
	release(other);
	TURN_UNTIL(o.loop, next.delivered == 1);
	ck_assert_int_eq(next.wait, HELPER_READY);
	office_close(&o);
	close_pipe(pipefd);
	close_pipe(other);
}
END_TEST

START_TEST(test_a_poll_ends_at_the_nearer_deadline)
{
	struct office o;
	struct task t;
	int pipefd[2];
	office_open(&o, 1, 10);
	ck_assert_int_eq(pipe(pipefd), 0);
	task_init(&t, pipefd[0]);
	usec_t soon = usec_after(usec_now(), 30 * USEC_PER_MSEC);
	usec_t late = usec_after(usec_now(), 3600 * USEC_PER_SEC);
	t.polled_until = _i == 0 ? soon : late;
	t.job.deadline = _i == 0 ? late : soon;
	ck_assert(helper_submit(o.crew, &t.job, o.box));
	TURN_UNTIL(o.loop, t.delivered == 1);
	ck_assert_int_eq(t.ran, 1);
	ck_assert_int_eq(t.wait, HELPER_TIMEOUT);
	ck_assert_int_ge(usec_now(), soon);
	office_close(&o);
	close_pipe(pipefd);
}
END_TEST

START_TEST(test_a_job_whose_time_is_over_is_not_run)
{
	struct office o;
	struct task t;
	office_open(&o, 1, 10);
	task_init(&t, -1);
	t.job.deadline = usec_now();
	ck_assert(helper_submit(o.crew, &t.job, o.box));
	TURN_UNTIL(o.loop, t.delivered == 1);
	ck_assert_int_eq(t.ran, 0);
	ck_assert_int_eq(t.job.outcome, HELPER_EXPIRED);
	office_close(&o);
}
END_TEST

START_TEST(test_at_the_end_all_comes_back)
{
	struct office o;
	struct task busy, queued;
	int pipefd[2];
	office_open(&o, 1, 10);
	occupy(&o, &busy, pipefd);
	task_init(&queued, -1);
	ck_assert(helper_submit(o.crew, &queued.job, o.box));
	office_close(&o);
	ck_assert_int_eq(busy.delivered, 1);
	ck_assert_int_eq(busy.wait, HELPER_INTERRUPTED);
	ck_assert_int_eq(queued.delivered, 1);
	ck_assert_int_eq(queued.ran, 0);
	ck_assert_int_eq(queued.job.outcome, HELPER_CANCELLED);
	close_pipe(pipefd);
}
END_TEST

static int stuck_pipe[2];

static void stuck_run(struct helper_job *job)
{
	char byte;
	(void)job;
	ck_assert_int_eq(read(stuck_pipe[0], &byte, 1),
			 1); /* as a name lookup: not to be interrupted */
}

START_TEST(test_a_helper_that_is_stuck_is_not_waited_for)
{
	struct office o;
	struct task t;
	office_open(&o, 1, 10);
	ck_assert_int_eq(pipe(stuck_pipe), 0);
	task_init(&t, -1);
	t.job.run = stuck_run;
	ck_assert(helper_submit(o.crew, &t.job, o.box));
	while (helper_queued(o.crew) > 0)
		loop_turn(o.loop, 0);
	ck_assert(!helper_free(o.crew, usec_after(usec_now(), 20 * USEC_PER_MSEC)));
	release(stuck_pipe);
	office_close(&o);
	ck_assert_int_eq(t.delivered, 1);
	close_pipe(stuck_pipe);
}
END_TEST

Suite *helper_suite(void)
{
	Suite *s = suite_create("helper");
	TCase *t = tcase_create("helper");
	tcase_set_timeout(t, 30);
	tcase_add_test(t, test_every_job_runs_once_elsewhere_and_comes_back);
	tcase_add_test(t, test_the_queue_is_bounded);
	tcase_add_test(t, test_a_lazy_crew_starts_threads_at_need);
	tcase_add_test(t, test_a_place_has_only_so_many_helpers);
	tcase_add_test(t, test_a_full_place_keeps_nobody_at_the_end);
	tcase_add_test(t, test_a_lazy_crew_ends_at_once);
	tcase_add_test(t, test_a_queued_job_that_is_cancelled_is_the_callers_again);
	tcase_add_test(t, test_a_running_job_that_is_cancelled_is_interrupted);
	tcase_add_loop_test(t, test_a_poll_ends_at_the_nearer_deadline, 0, 2);
	tcase_add_test(t, test_a_job_whose_time_is_over_is_not_run);
	tcase_add_test(t, test_at_the_end_all_comes_back);
	tcase_add_test(t, test_a_helper_that_is_stuck_is_not_waited_for);
	suite_add_tcase(s, t);
	return s;
}
