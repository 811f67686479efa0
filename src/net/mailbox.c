/*
 * mailbox.c - a stack that any thread pushes onto with one compare-and-swap, and that its
 * reader takes whole and turns round.
 *
 * Who pushes onto an empty stack wakes the reader. The eventfd is watched by edge, so that it
 * never has to be read: each write is an edge of its own.
 */
#include "net/mailbox.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/mem.h"
#include "net/loop.h"

struct mailbox {
	_Atomic(struct mail *) newest;
	int wake; /* eventfd */
	struct event *event;
	struct loop *loop; /* not owned */
	void *owner;       /* not owned */
};

static struct mail *mailbox_take(struct mailbox *box)
{
	struct mail *mail = atomic_exchange_explicit(&box->newest, NULL, memory_order_acquire);
	struct mail *oldest = NULL;
	while (mail) {
		struct mail *next = mail->next;
		mail->next = oldest;
		oldest = mail;
		mail = next;
	}
	return oldest;
}

void mailbox_deliver(struct mailbox *box, usec_t now)
{
	struct mail *mail = mailbox_take(box);
	while (mail) {
		struct mail *next = mail->next;
		mail->deliver(mail, box->owner, now);
		mail = next;
	}
}

static void mailbox_on_wake(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	struct mailbox *box = arg;
	mailbox_deliver(box, loop_enter(box->loop));
}

struct mailbox *mailbox_new(struct loop *loop, void *owner, struct err *err)
{
	struct mailbox *box = mem_zalloc(sizeof(*box));
	box->loop = loop;
	box->owner = owner;
	atomic_init(&box->newest, NULL);
	box->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (box->wake >= 0)
		box->event = event_new(loop_base(loop), box->wake, EV_READ | EV_ET | EV_PERSIST,
				       mailbox_on_wake, box);
	if (!box->event || event_add(box->event, NULL) != 0) {
		err_set(err, "cannot make a mailbox for %s: %s", loop_name(loop), strerror(errno));
		mailbox_free(box);
		return NULL;
	}
	return box;
}

void mailbox_free(struct mailbox *box)
{
	if (!box)
		return;
	while (atomic_load_explicit(&box->newest, memory_order_relaxed))
		mailbox_deliver(box, loop_now(box->loop));
	if (box->event)
		event_free(box->event);
	if (box->wake >= 0)
		close(box->wake);
	free(box);
}

void mailbox_send(struct mailbox *box, struct mail *mail)
{
	struct mail *head = atomic_load_explicit(&box->newest, memory_order_relaxed);
	do {
		mail->next = head;
	} while (!atomic_compare_exchange_weak_explicit(
		&box->newest, &head, mail, memory_order_release, memory_order_relaxed));
	if (head)
		return;
	/* Only a counter at its maximum could refuse, and that has an edge pending already. */
	uint64_t one = 1;
	ssize_t n;
	do {
		n = write(box->wake, &one, sizeof(one));
	} while (n < 0 && errno == EINTR);
}
