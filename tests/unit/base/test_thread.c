/*
 * test_thread.c - what a thread is started with.
 */
#include "check_base.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "base/thread.h"

struct finding {
	sigset_t blocked;
	pthread_barrier_t named;
	char name[THREAD_NAME_BYTES];
};

static void *look_around(void *arg)
{
	struct finding *f = arg;
	pthread_sigmask(SIG_SETMASK, NULL, &f->blocked);
	pthread_barrier_wait(&f->named);
	pthread_getname_np(pthread_self(), f->name, sizeof(f->name));
	return NULL;
}

static void find(struct finding *f, const char *name)
{
	pthread_t thread;
	pthread_barrier_init(&f->named, NULL, 2);
	ck_assert_int_eq(thread_start(&thread, name, look_around, f), 0);
	pthread_barrier_wait(&f->named);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&f->named);
}

START_TEST(test_signals_of_the_process_are_not_its_own)
{
	static const int sent[] = { SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGUSR1, SIGWINCH, SIGALRM };
	sigset_t before, after;
	struct finding f;
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	find(&f, "t");
	for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++)
		ck_assert_int_eq(sigismember(&f.blocked, sent[i]), 1);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	ck_assert_int_eq(sigismember(&before, SIGHUP), sigismember(&after, SIGHUP));
}
END_TEST

START_TEST(test_its_own_faults_are_heard)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	struct finding f;
	find(&f, "t");
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		ck_assert_int_eq(sigismember(&f.blocked, faults[i]), 0);
}
END_TEST

START_TEST(test_names)
{
	struct finding f;
	find(&f, "worker 3");
	ck_assert_str_eq(f.name, "worker 3");
	find(&f, "a name that is too long");
	ck_assert_str_eq(f.name, "a name that is ");
}
END_TEST

Suite *suite_thread(void)
{
	Suite *s = suite_create("thread");
	TCase *t = tcase_create("thread");
	tcase_add_test(t, test_signals_of_the_process_are_not_its_own);
	tcase_add_test(t, test_its_own_faults_are_heard);
	tcase_add_test(t, test_names);
	suite_add_tcase(s, t);
	return s;
}
