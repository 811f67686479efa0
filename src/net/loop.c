/*
 * loop.c - turns of libevent, with the wheel's nearest deadline as its only timer.
 *
 * The alarm is armed before a turn, and only if the nearest deadline came nearer: one that
 * moved away costs a wake-up that finds nothing to do, which is cheaper than telling
 * the kernel of every move. It is a timerfd of our own: with a timer in its heap libevent tells the
 * kernel of it before each and every wait, or waits as long as a coarse clock says.
 */
#include "net/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/log.h"
#include "base/mem.h"

#define LOOP_NAME_BYTES 32

struct loop {
	struct event_base *base;
	struct event *alarm; /* for the wheel: alarm_fd can be read */
	struct event *limit; /* for loop_turn with an end */
	int alarm_fd;        /* owned; a timerfd */
	usec_t alarm_at;     /* USEC_NEVER: not armed */
	bool alarm_is_late;  /* perhaps: a deadline came nearer, or it has gone off */
	usec_t now;
	usec_t brisk[LOOP_BRISK_EVENTS]; /* when something small was served: the last times */
	unsigned brisk_next;             /* the oldest of these */
	usec_t began; /* when this turn's first callback was entered; 0: none was */
	bool stopping;
	int io_bytes;
	struct list deferred;
	struct list again;
	struct loop_stats stats;
	struct wheel wheel;
	char name[LOOP_NAME_BYTES];
};

static void loop_on_alarm(evutil_socket_t fd, short what UNUSED, void *arg)
{
	struct loop *loop = arg;
	usec_t now = loop_enter(loop);
	uint64_t expirations;
	if (read(fd, &expirations, sizeof(expirations)) < 0)
		return; /* put off since it went off */
	loop->alarm_at = USEC_NEVER;
	loop->alarm_is_late = true;
	wheel_expire(&loop->wheel, now);
}

static void loop_on_limit(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
	loop_enter(arg);
}

static struct event_base *loop_new_base(void)
{
	struct event_config *config = event_config_new();
	if (!config)
		return NULL;
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV);
	/* else it reads the clock in each turn, for timers that it has not */
	event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
	event_config_require_features(config, EV_FEATURE_ET | EV_FEATURE_EARLY_CLOSE);
	struct event_base *base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

struct loop *loop_new(const char *name, struct err *err)
{
	struct loop *loop = mem_zalloc(sizeof(*loop));
	snprintf(loop->name, sizeof(loop->name), "%s", name);
	list_init(&loop->deferred);
	list_init(&loop->again);
	loop->alarm_at = USEC_NEVER;
	loop->now = usec_now();
	for (unsigned i = 0; i < LOOP_BRISK_EVENTS; i++)
		loop->brisk[i] = loop->now - LOOP_BRISK_US;
	wheel_init(&loop->wheel, loop->now);
	loop->base = loop_new_base();
	loop->alarm_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (loop->base && loop->alarm_fd >= 0) {
		loop->alarm = event_new(loop->base, loop->alarm_fd, EV_READ | EV_PERSIST,
					loop_on_alarm, loop);
		loop->limit = evtimer_new(loop->base, loop_on_limit, loop);
	}
	if (!loop->alarm || !loop->limit || event_add(loop->alarm, NULL) != 0) {
		err_set(err, "cannot make an event loop for %s", name);
		loop_free(loop);
		return NULL;
	}
	return loop;
}

static void loop_run_deferred(struct loop *loop)
{
	struct deferred *d;
	while ((d = LIST_FIRST(&loop->deferred, struct deferred, link))) {
		list_remove(&d->link);
		d->fn(d, loop->now);
	}
}

/* Those that were asked for so far; what they ask for is for the next turn. */
static void loop_run_again(struct loop *loop)
{
	if (list_is_empty(&loop->again))
		return;
	struct list asked;
	list_init(&asked);
	list_insert_(&asked, loop->again.prev, loop->again.next);
	list_init(&loop->again);
	usec_t now = loop_enter(loop);
	struct deferred *d;
	while ((d = LIST_FIRST(&asked, struct deferred, link))) {
		list_remove(&d->link);
		d->fn(d, now);
	}
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	loop_run_deferred(loop);
	if (loop->alarm)
		event_free(loop->alarm);
	if (loop->limit)
		event_free(loop->limit);
	if (loop->base)
		event_base_free(loop->base);
	if (loop->alarm_fd >= 0)
		close(loop->alarm_fd);
	free(loop);
}

/* A length as libevent wants it; what has passed is 0. */
static struct timeval loop_interval(usec_t from, usec_t to)
{
	usec_t us = to > from ? to - from : 0;
	return (struct timeval){ .tv_sec = us / USEC_PER_SEC, .tv_usec = us % USEC_PER_SEC };
}

static void loop_arm_alarm(struct loop *loop)
{
	if (!loop->alarm_is_late)
		return;
	usec_t next = wheel_next(&loop->wheel);
	if (next < loop->alarm_at) {
		/* zero would disarm it */
		usec_t at = next > 0 ? next : 1;
		struct itimerspec when = { .it_value = { .tv_sec = at / USEC_PER_SEC,
							 .tv_nsec = at % USEC_PER_SEC * 1000 } };
		if (timerfd_settime(loop->alarm_fd, TFD_TIMER_ABSTIME, &when, NULL) != 0)
			return;
		loop->alarm_at = next;
	}
	loop->alarm_is_late = false;
}

static void loop_end_turn(struct loop *loop)
{
	loop->stats.turns++;
	if (loop->began == 0)
		return;
	usec_t took = usec_now() - loop->began;
	loop->began = 0;
	loop->stats.busy_us += took;
	if (took > loop->stats.longest_turn_us)
		loop->stats.longest_turn_us = took;
	if (took > LOOP_STALL_US) {
		loop->stats.stalls++;
		LOG_WARNING("%s: the event loop stood still for %lld ms", loop->name,
			    (long long)(took / USEC_PER_MSEC));
	}
}

void loop_turn(struct loop *loop, usec_t until)
{
	/* ONCE with NONBLOCK too: that alone goes on for as long as anything is ready */
	int flags = EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY;
	loop_run_deferred(loop);
	loop_arm_alarm(loop);
	if (!list_is_empty(&loop->again))
		flags |= EVLOOP_NONBLOCK;
	else if (until != USEC_NEVER) {
		usec_t now = usec_now();
		struct timeval tv = loop_interval(now, until);
		if (until <= now || evtimer_add(loop->limit, &tv) != 0)
			flags |= EVLOOP_NONBLOCK;
	}
	event_base_loop(loop->base, flags);
	if (until != USEC_NEVER)
		evtimer_del(loop->limit);
	loop_run_again(loop);
	loop_run_deferred(loop);
	loop_end_turn(loop);
}

void loop_run(struct loop *loop)
{
	while (!loop->stopping)
		loop_turn(loop, USEC_NEVER);
	loop->stopping = false;
}

void loop_stop(struct loop *loop)
{
	loop->stopping = true;
}

void loop_init_deferred(struct deferred *d, void (*fn)(struct deferred *d, usec_t now))
{
	list_init(&d->link);
	d->fn = fn;
}

void loop_defer(struct loop *loop, struct deferred *d)
{
	if (!list_is_on(&d->link))
		list_push_back(&loop->deferred, &d->link);
}

void loop_again(struct loop *loop, struct deferred *d)
{
	if (!list_is_on(&d->link))
		list_push_back(&loop->again, &d->link);
}

void loop_cancel_deferred(struct deferred *d)
{
	list_remove(&d->link);
}

void loop_set_timer(struct loop *loop, struct timer *t, usec_t deadline)
{
	wheel_set(&loop->wheel, t, deadline);
	if (deadline < loop->alarm_at)
		loop->alarm_is_late = true;
}

void loop_clear_timer(struct timer *t)
{
	wheel_clear(t);
}

usec_t loop_now(const struct loop *loop)
{
	return loop->now;
}

const char *loop_name(const struct loop *loop)
{
	return loop->name;
}

const struct loop_stats *loop_stats(const struct loop *loop)
{
	return &loop->stats;
}

void loop_set_io_bytes(struct loop *loop, int bytes)
{
	loop->io_bytes = bytes;
}

int loop_io_bytes(const struct loop *loop)
{
	return loop->io_bytes;
}

struct event_base *loop_base(struct loop *loop)
{
	return loop->base;
}

usec_t loop_enter(struct loop *loop)
{
	loop->now = usec_now();
	if (loop->began == 0)
		loop->began = loop->now;
	return loop->now;
}

void loop_set_brisk(struct loop *loop)
{
	loop->brisk[loop->brisk_next] = loop->now;
	loop->brisk_next = (loop->brisk_next + 1) % LOOP_BRISK_EVENTS;
}

bool loop_is_brisk(const struct loop *loop)
{
	return loop->now - loop->brisk[loop->brisk_next] < LOOP_BRISK_US;
}
