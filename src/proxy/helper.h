/*
 * helper.h - threads for what blocks: logins, cancels, name lookup, key arithmetic.
 *
 * A job is embedded in what it works on. It is handed over (helper_submit), run by one helper,
 * and comes back as a mail to the mailbox that it named; in between it belongs to the
 * helpers. The queue is first come first served and bounded. Jobs may say which place they wait for
 * (a server's address): of one place only so many run at a time, and who waits for another place is
 * served before those that are too many.
 *
 * Owned by main, which starts and ends it.
 */
#ifndef PROXY_HELPER_H
#define PROXY_HELPER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bug.h"
#include "base/err.h"
#include "base/list.h"
#include "base/usec.h"
#include "net/mailbox.h"

struct helper_crew;
struct helper_job;

/*      outcome    what happened to the job */
#define HELPER_OUTCOMES(X)                                                                         \
	X(RAN)       /* run returned; what came of it is the job's own matter */                   \
	X(EXPIRED)   /* its deadline passed in the queue: it was not run */                        \
	X(CANCELLED) /* it was not run: the crew ends */

#define HELPER_OUTCOME_ENUM_(outcome) HELPER_##outcome,
enum helper_outcome { HELPER_OUTCOMES(HELPER_OUTCOME_ENUM_) HELPER_OUTCOME_COUNT };
#undef HELPER_OUTCOME_ENUM_

struct helper_job {
	/* set by the requester before helper_submit; all else zero */
	struct mail mail;                    /* .deliver: where it comes back */
	void (*run)(struct helper_job *job); /* in the helper's thread */
	usec_t deadline;                     /* USEC_NEVER: none */
	uint64_t place;                      /* a hash of what it waits for; 0: nothing */

	/* for the requester after delivery */
	enum helper_outcome outcome;

	/* the helpers' */
	struct list link;
	struct mailbox *reply;
	struct helper *by; /* who runs it; NULL: nobody (yet) */
	atomic_bool cancelled;
};

/* Thread: main. */
struct helper_crew *helper_new(int threads, size_t max_queued, struct err *err) MUST_CHECK;

/* The same, with threads that are started when there is work for them. */
struct helper_crew *helper_new_lazy(int threads, size_t max_queued) MUST_CHECK;

/* Before the first job: of those of one place no more run at a time. */
void helper_bound_places(struct helper_crew *crew, int most);

/* Tells all to end: queued jobs come back as CANCELLED, running ones are interrupted, new ones are
 * refused. True when all threads ended by the deadline (CLOCK_MONOTONIC). Others may still submit.
 */
bool helper_end(struct helper_crew *crew, usec_t deadline) MUST_CHECK;

/* The same, and the crew is freed: nobody submits any more. False when a thread is
 * stuck in a call that cannot be interrupted (name lookup): the process should then just end. */
bool helper_free(struct helper_crew *crew, usec_t deadline) MUST_CHECK;

/* Thread: any. False: the queue is full, the crew ends, or there is no thread to be had; the job is
 * still the caller's. */
bool helper_submit(struct helper_crew *crew, struct helper_job *job,
		   struct mailbox *reply) MUST_CHECK;

/* Thread: any that knows that the job's mail has not been delivered yet. True: it was still
 * queued and is the caller's again, no mail comes. False: it runs or has run; it is interrupted
 * in helper_poll and its mail comes. */
bool helper_cancel(struct helper_crew *crew, struct helper_job *job) MUST_CHECK;

size_t helper_queued(struct helper_crew *crew);

/* Thread: a helper, inside run. */
enum helper_wait { HELPER_READY, HELPER_TIMEOUT, HELPER_INTERRUPTED };

/* Waits for POLLIN and/or POLLOUT on the fd (or an error on it: then it is READY too) until the
 * deadline or a cancel. The job's own deadline counts as well. */
enum helper_wait helper_poll(struct helper_job *job, int fd, short events,
			     usec_t deadline) MUST_CHECK;
bool helper_is_cancelled(const struct helper_job *job);

#endif
