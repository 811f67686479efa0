/*
 * sigmail.h - signals, brought to main's loop as mail.
 *
 * A thread of its own waits for them (sigwait), so that nothing ever runs in a signal handler.
 *
 * Thread: main.
 */
#ifndef SIGMAIL_H
#define SIGMAIL_H

#include <stdbool.h>

#include "base/err.h"
#include "base/usec.h"

struct mailbox;
struct sigmail;

/* Blocks the signals in this thread and those that it will start: first of all. */
void sigmail_block(void);

/* `fn` is called for each, as the mailbox delivers it: HUP INT TERM QUIT USR1 USR2. */
struct sigmail *sigmail_start(struct mailbox *box, void (*fn)(void *owner, int sig, usec_t now),
			      void *owner, struct err *err) MUST_CHECK;
void sigmail_stop(struct sigmail *s);

#endif
