/*
 * mailbox.h - how one thread tells another.
 *
 * Any thread sends; the thread whose loop it is takes. Sending gives the mail away: the
 * sender touches neither it nor what it carries afterwards. Mails of one sender arrive in
 * the order of sending. A send is one atomic exchange, and wakes the receiver only if
 * nothing was waiting.
 *
 * The mailbox is owned by the object that owns the loop, and outlives all who send to it.
 */
#ifndef NET_MAILBOX_H
#define NET_MAILBOX_H

#include <stdbool.h>

#include "base/bug.h"
#include "base/err.h"
#include "base/usec.h"

struct loop;
struct mailbox;

/* Embedded in what is sent. `owner` is the mailbox's. deliver owns the mail and may free
 * or send it on at once. */
struct mail {
	struct mail *next;
	void (*deliver)(struct mail *mail, void *owner, usec_t now);
};

/* Thread: the loop's. */
struct mailbox *mailbox_new(struct loop *loop, void *owner, struct err *err) MUST_CHECK;
void mailbox_free(struct mailbox *box); /* nobody sends any more; delivers what is in it */
void mailbox_deliver(struct mailbox *box, usec_t now); /* what is in it, now (shutdown, tests) */

/* Thread: any. */
void mailbox_send(struct mailbox *box, struct mail *mail);

#endif
