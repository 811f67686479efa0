/*
 * thread.h - threads of ours: with a name that `top -H` and debuggers show, and without the
 * process's signals.
 *
 * Whatever the operator or the system sends (SIGTERM, SIGHUP, SIGWINCH, ...) goes to main's thread,
 * so that no other has its calls interrupted. What a thread does to itself (SIGSEGV and its like)
 * stays open to it: where that is blocked, the kernel ends the process without a word, and no
 * handler, such as a sanitizer's, can say why.
 *
 * Owner of the thread: the caller, who joins it. Any thread may call.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

enum { THREAD_NAME_BYTES = 16 }; /* with the NUL: pthread_setname_np(3) */

/* Runs run(arg) in a new thread; `name` is cut where it is too long. 0, or an errno value. */
int thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *arg);

#endif
