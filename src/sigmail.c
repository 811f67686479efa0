/*
 * sigmail.c - the thread that waits for signals.
 */
#include "sigmail.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"
#include "net/mailbox.h"

struct sigmail {
	struct mailbox *box; /* not owned */
	void (*fn)(void *owner, int sig, usec_t now);
	void *owner;
	pthread_t thread;
};

struct sigmail_one {
	struct mail mail;
	struct sigmail *from;
	int sig;
};

static void sigmail_set(sigset_t *set)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGUSR1, SIGUSR2 };
	sigemptyset(set);
	for (size_t i = 0; i < COUNT_OF(signals); i++)
		sigaddset(set, signals[i]);
}

void sigmail_block(void)
{
	sigset_t set;
	sigmail_set(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void sigmail_deliver(struct mail *mail, void *owner, usec_t now)
{
	(void)owner;
	struct sigmail_one *one = CONTAINER_OF(mail, struct sigmail_one, mail);
	one->from->fn(one->from->owner, one->sig, now);
	free(one);
}

static void *sigmail_main(void *arg)
{
	struct sigmail *s = arg;
	sigset_t set;
	sigmail_set(&set);
	for (;;) {
		int sig;
		if (sigwait(&set, &sig) != 0)
			continue;
		int old;
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
		struct sigmail_one *one = mem_zalloc(sizeof(*one));
		one->mail.deliver = sigmail_deliver;
		one->from = s;
		one->sig = sig;
		mailbox_send(s->box, &one->mail);
		pthread_setcancelstate(old, NULL);
	}
	return NULL;
}

struct sigmail *sigmail_start(struct mailbox *box, void (*fn)(void *, int, usec_t), void *owner,
			      struct err *err)
{
	struct sigmail *s = mem_zalloc(sizeof(*s));
	s->box = box;
	s->fn = fn;
	s->owner = owner;
	int rc = thread_start(&s->thread, "signals", sigmail_main, s);
	if (rc == 0)
		return s;
	err_set(err, "cannot start the signal thread: %s", strerror(rc));
	free(s);
	return NULL;
}

void sigmail_stop(struct sigmail *s)
{
	if (!s)
		return;
	pthread_cancel(s->thread);
	pthread_join(s->thread, NULL);
	mailbox_deliver(s->box, usec_now());
	free(s);
}
