/*
 * thread.c - starting threads.
 */
#include "base/thread.h"

#include <signal.h>
#include <stdio.h>

#include "base/bug.h"

/* Raised in a thread by what it does itself: signal(7). */
static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS };

static void thread_blocked(sigset_t *set)
{
	sigfillset(set);
	for (size_t i = 0; i < COUNT_OF(faults); i++)
		sigdelset(set, faults[i]);
}

int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *arg)
{
	sigset_t blocked, before;
	thread_blocked(&blocked);
	/* It inherits the mask, so that no signal finds it unguarded. */
	pthread_sigmask(SIG_SETMASK, &blocked, &before);
	int failed = pthread_create(thread, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed)
		return failed;
	char cut[THREAD_NAME_BYTES];
	snprintf(cut, sizeof(cut), "%s", name);
	pthread_setname_np(*thread, cut);
	return 0;
}
